//! Sign descent, for rows that few batches meet.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};

/// Moves the rows of `table [rows, dim]` that `met [batch]` names by `rate`
/// against the sign of their gradient, and shrinks them by `rate · decay`; other
/// rows stay as they are. Gradients `[batch, dim]` of a row met twice are added
/// (official TRM, puzzle embedding).
pub fn sign_descent(
    table: Tensor<2>,
    met: Tensor<1, Int>,
    grad: Tensor<2>,
    rate: f64,
    decay: f64,
) -> Tensor<2> {
    let [rows, dim] = table.dims();
    let [batch] = met.dims();
    let device = table.device();
    let whole = Tensor::zeros([rows, dim], &device).select_assign(
        0,
        met.clone(),
        grad,
        IndexingUpdateOp::Add,
    );
    let times = Tensor::<1>::zeros([rows], &device).select_assign(
        0,
        met,
        Tensor::ones([batch], &device),
        IndexingUpdateOp::Add,
    );
    let others = times.lower_elem(0.5).reshape([rows, 1]).expand([rows, dim]);
    let moved = table.clone().mul_scalar(1.0 - rate * decay) - whole.sign().mul_scalar(rate);
    moved.mask_where(others, table)
}
