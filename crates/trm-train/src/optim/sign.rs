//! Sign descent, for rows that few batches meet.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};

/// Moves the rows of `table [rows, dim]` that `met [batch]` names by `rate`
/// against the sign of their gradient, and shrinks them by `rate · decay`; other
/// rows stay as they are. Gradients `[batch, dim]` of a row met twice are added
/// (official TRM, puzzle embedding).
///
/// Its work depends on the batch: a table of ARC has a million rows.
pub fn sign_descent(
    table: Tensor<2>,
    met: Tensor<1, Int>,
    grad: Tensor<2>,
    rate: f64,
    decay: f64,
) -> Tensor<2> {
    let ([batch], [_, dim]) = (met.dims(), table.dims());
    let pairs = [batch, batch];
    let (across, down) = (met.clone().reshape([1, batch]), met.clone().reshape([batch, 1]));
    let same = down.expand(pairs).equal(across.expand(pairs)).float();
    let sums = same.clone().matmul(grad);
    let moves = table.clone().select(0, met.clone()).mul_scalar(rate * decay)
        + sums.sign().mul_scalar(rate);
    // Of a row that is met several times, the first one moves it.
    let earlier = same.tril(-1).sum_dim(1);
    let moves = moves * earlier.equal_elem(0.0).float().expand([batch, dim]);
    table.select_assign(0, met, moves.neg(), IndexingUpdateOp::Add)
}
