//! The affine map along the positions of a sequence: a matrix from the left, so that
//! nothing is transposed.

use burn::tensor::Shape;

use super::elementwise::{total, vectorized};
use super::matmul::{Mat, matmul, matmul_local};
use super::threads::split_rows;

/// Sizes of a map `[batch, input, dim] → [batch, out, dim]`.
pub struct Sizes {
    pub batch: usize,
    pub input: usize,
    pub out: usize,
    pub dim: usize,
}

impl Sizes {
    pub fn new(x: &Shape, w: &Shape) -> Self {
        assert_eq!(x[1], w[1], "affine: positions of the input and width of the weight differ");
        Self { batch: x[0], input: x[1], out: w[0], dim: x[2] }
    }

    /// From the shape of the output and the positions of the input.
    pub fn of_grad(grad: &Shape, input: usize) -> Self {
        Self { batch: grad[0], input, out: grad[1], dim: grad[2] }
    }

    pub fn forward(&self, y: &mut [f32], x: &[f32], w: &[f32], b: &[f32]) {
        let (dim, one) = (self.dim, self.input * self.dim);
        self.each(y, self.out, |item, y, product| {
            for (y, b) in y.chunks_exact_mut(dim).zip(b) {
                y.fill(*b);
            }
            let x = Mat::rows(&x[item * one..][..one], self.input, dim);
            product(y, Mat::rows(w, self.out, self.input), x);
        });
    }

    pub fn grad_x(&self, dx: &mut [f32], grad: &[f32], w: &[f32]) {
        let one = self.out * self.dim;
        self.each(dx, self.input, |item, dx, product| {
            let grad = Mat::rows(&grad[item * one..][..one], self.out, self.dim);
            product(dx, Mat::rows(w, self.out, self.input).t(), grad);
        });
    }

    pub fn grad_w(&self, dw: &mut [f32], grad: &[f32], x: &[f32]) {
        let (dim, out, input) = (self.dim, self.out, self.input);
        for (grad, x) in grad.chunks_exact(out * dim).zip(x.chunks_exact(input * dim)) {
            matmul(dw, true, Mat::rows(grad, out, dim), Mat::rows(x, input, dim).t());
        }
    }

    /// Calls `work(item, its rows of y, product)` for each of the batch, where `product`
    /// adds a matrix product: on one core each, or a single one on all cores.
    fn each(
        &self,
        y: &mut [f32],
        rows: usize,
        work: impl Fn(usize, &mut [f32], fn(&mut [f32], Mat, Mat)) + Sync,
    ) {
        if self.batch == 1 {
            work(0, y, |y, a, b| matmul(y, true, a, b));
        } else {
            let width = rows * self.dim;
            split_rows(y, width, 1, |first, y| {
                for (i, y) in y.chunks_exact_mut(width).enumerate() {
                    work(first + i, y, |y, a, b| matmul_local(y, true, a, b, 1.0));
                }
            });
        }
    }
}

/// Sums over the batch and `dim`.
pub fn grad_b(db: &mut [f32], grad: &[f32], dim: usize) {
    vectorized(
        #[inline(always)]
        || {
            for grad in grad.chunks_exact(db.len() * dim) {
                for (db, row) in db.iter_mut().zip(grad.chunks_exact(dim)) {
                    *db += total(row);
                }
            }
        },
    );
}
