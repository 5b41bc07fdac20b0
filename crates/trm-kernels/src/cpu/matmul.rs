//! Matrix products over borrowed slices: by the `gemm` crate, or, for the few rows
//! that generation asks about, by [`few_rows`], which does not pack the weights
//! first.

use std::array;

use pulp::{Simd, WithSimd};

/// A view of a matrix: `data[i·row + j·col]`.
#[derive(Clone, Copy)]
pub struct Mat<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row: usize,
    col: usize,
}

impl<'a> Mat<'a> {
    /// Row-major, without gaps.
    pub fn rows(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self { data, rows, cols, row: cols, col: 1 }
    }

    /// Transposed view.
    pub fn t(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row: self.col, col: self.row, ..self }
    }

    fn check(&self) {
        let last = self.rows.saturating_sub(1) * self.row + self.cols.saturating_sub(1) * self.col;
        assert!(
            self.rows == 0 || self.cols == 0 || last < self.data.len(),
            "matrix view outside its buffer"
        );
    }
}

/// Products with fewer multiplications than this stay on one core.
#[cfg(feature = "threads")]
const PARALLEL: usize = 1 << 21;

/// `out (+)= a · b`, row-major, on all cores when it is worth it.
pub fn matmul(out: &mut [f32], add: bool, a: Mat, b: Mat) {
    #[cfg(feature = "threads")]
    let parallelism = if a.rows * a.cols * b.cols >= PARALLEL {
        gemm::Parallelism::Rayon(0)
    } else {
        gemm::Parallelism::None
    };
    #[cfg(not(feature = "threads"))]
    let parallelism = gemm::Parallelism::None;
    product(out, add, a, b, 1.0, parallelism);
}

/// `out (+)= scale · a · b` on the calling core.
pub fn matmul_local(out: &mut [f32], add: bool, a: Mat, b: Mat, scale: f32) {
    product(out, add, a, b, scale, gemm::Parallelism::None);
}

fn product(out: &mut [f32], add: bool, a: Mat, b: Mat, scale: f32, parallelism: gemm::Parallelism) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(k, b.rows, "inner dimensions differ");
    assert!(out.len() >= m * n, "output too small");
    a.check();
    b.check();
    // SAFETY: every index the strides can produce was checked to lie inside its
    // slice, and `out` is borrowed exclusively, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr(),
            a.col as isize,
            a.row as isize,
            b.data.as_ptr(),
            b.col as isize,
            b.row as isize,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Rows up to which packing the weights costs more than it saves.
pub const FEW: usize = 16;

/// `out = x · wᵀ` for [`FEW`] rows of `x` at most: `x [rows, input]`, `w [width,
/// input]`, `out [rows, width]`. Each weight is read once for every four rows.
pub fn few_rows(out: &mut [f32], x: &[f32], w: &[f32], input: usize) {
    pulp::Arch::new().dispatch(FewRows { out, x, w, input });
}

struct FewRows<'a> {
    out: &'a mut [f32],
    x: &'a [f32],
    w: &'a [f32],
    input: usize,
}

impl WithSimd for FewRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { out, x, w, input } = self;
        let width = w.len() / input;
        for (j, w) in w.chunks(2 * input).enumerate() {
            for (i, x) in x.chunks(4 * input).enumerate() {
                let out = &mut out[4 * i * width + 2 * j..];
                match (w.len() / input, x.len() / input) {
                    (2, 4) => tile::<S, 2, 4>(simd, out, x, w, width),
                    (2, 3) => tile::<S, 2, 3>(simd, out, x, w, width),
                    (2, 2) => tile::<S, 2, 2>(simd, out, x, w, width),
                    (2, _) => tile::<S, 2, 1>(simd, out, x, w, width),
                    (_, 4) => tile::<S, 1, 4>(simd, out, x, w, width),
                    (_, 3) => tile::<S, 1, 3>(simd, out, x, w, width),
                    (_, 2) => tile::<S, 1, 2>(simd, out, x, w, width),
                    (_, _) => tile::<S, 1, 1>(simd, out, x, w, width),
                }
            }
        }
    }
}

/// `W` columns of `R` rows of the result.
#[inline(always)]
fn tile<S: Simd, const W: usize, const R: usize>(
    simd: S,
    out: &mut [f32],
    x: &[f32],
    w: &[f32],
    width: usize,
) {
    let input = w.len() / W;
    let (whole, rest) = S::as_simd_f32s(&w[..input]);
    let (whole, vectored) = (whole.len(), input - rest.len());
    // Cut to one length, so that nothing has to be checked inside the loop.
    let xs: [&[S::f32s]; R] =
        array::from_fn(|r| &S::as_simd_f32s(&x[r * input..][..input]).0[..whole]);
    let ws: [&[S::f32s]; W] =
        array::from_fn(|c| &S::as_simd_f32s(&w[c * input..][..input]).0[..whole]);
    let mut sums = [[simd.splat_f32s(0.0); W]; R];
    for k in 0..whole {
        let w: [S::f32s; W] = array::from_fn(|c| ws[c][k]);
        for (sums, x) in sums.iter_mut().zip(xs) {
            for (sum, w) in sums.iter_mut().zip(w) {
                *sum = simd.mul_add_e_f32s(x[k], w, *sum);
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (c, sum) in sums.into_iter().enumerate() {
            let rest = (vectored..input).map(|k| x[r * input + k] * w[c * input + k]);
            out[r * width + c] = simd.reduce_sum_f32s(sum) + rest.sum::<f32>();
        }
    }
}
