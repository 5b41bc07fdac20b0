//! Matrix products over borrowed slices: by the `gemm` crate, in a browser by [`wasm`],
//! or, for the few rows that generation asks about, by [`few_rows`], which does not pack
//! the weights first.

#[cfg(target_arch = "wasm32")]
mod wasm;

use std::array;

use pulp::{Simd, WithSimd};

pub use super::mat::Mat;

/// Products with fewer multiplications than this stay on one core.
#[cfg(feature = "threads")]
const PARALLEL: usize = 1 << 21;

#[cfg(feature = "threads")]
fn parallelism(a: &Mat, b: &Mat) -> gemm::Parallelism {
    match a.rows * a.cols * b.cols >= PARALLEL {
        true => gemm::Parallelism::Rayon(0),
        false => gemm::Parallelism::None,
    }
}

#[cfg(not(feature = "threads"))]
fn parallelism(_: &Mat, _: &Mat) -> gemm::Parallelism {
    gemm::Parallelism::None
}

/// `a · b`, row-major.
#[cfg(target_arch = "wasm32")]
pub fn product(a: Mat, b: Mat) -> Vec<f32> {
    let mut out = vec![0.0; a.rows * b.cols];
    matmul(&mut out, false, a, b);
    out
}

/// `a · b`, row-major, on all cores when it is worth it, in memory that is not zeroed first.
#[cfg(not(target_arch = "wasm32"))]
pub fn product(a: Mat, b: Mat) -> Vec<f32> {
    let len = a.rows * b.cols;
    let mut out = Vec::with_capacity(len);
    // SAFETY: there is room for `len` numbers, and all are written before the length is set.
    unsafe {
        gemm_into(out.as_mut_ptr(), false, a, b, 1.0, parallelism(&a, &b));
        out.set_len(len);
    }
    out
}

/// `out (+)= a · b`, row-major, on all cores when it is worth it.
pub fn matmul(out: &mut [f32], add: bool, a: Mat, b: Mat) {
    checked(out, add, a, b, 1.0, parallelism(&a, &b));
}

/// `out (+)= scale · a · b` on the calling core.
pub fn matmul_local(out: &mut [f32], add: bool, a: Mat, b: Mat, scale: f32) {
    checked(out, add, a, b, scale, gemm::Parallelism::None);
}

fn checked(out: &mut [f32], add: bool, a: Mat, b: Mat, scale: f32, parallelism: gemm::Parallelism) {
    assert!(out.len() >= a.rows * b.cols, "output too small");
    // `gemm` has a kernel of its own for a single row or column.
    #[cfg(target_arch = "wasm32")]
    if a.rows > 1 && b.cols > 1 {
        assert_eq!(a.cols, b.rows, "inner dimensions differ");
        a.check();
        b.check();
        return wasm::product(out, add, a, b, scale);
    }
    // SAFETY: `out` has room for the result and is borrowed exclusively.
    unsafe { gemm_into(out.as_mut_ptr(), add, a, b, scale, parallelism) }
}

/// `out (+)= scale · a · b` by the crate `gemm`. Without `add` nothing is read from `out`, and
/// every number of it is written.
///
/// # Safety
/// `out` points to `a.rows · b.cols` numbers that nobody else uses; with `add` they have values.
unsafe fn gemm_into(
    out: *mut f32,
    add: bool,
    a: Mat,
    b: Mat,
    scale: f32,
    parallelism: gemm::Parallelism,
) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(k, b.rows, "inner dimensions differ");
    a.check();
    b.check();
    // SAFETY: every index the strides can produce was checked to lie inside its slice; `out`
    // is as the caller says.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out,
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

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    /// What [`product`] rests on: without `add` every number is written and none is read,
    /// also by the kernels for single rows and columns.
    #[test]
    fn a_product_reads_nothing_of_its_result() {
        let sizes = [1, 2, 3, 7, 16, 33, 70];
        for (m, n, k) in sizes
            .iter()
            .flat_map(|m| sizes.map(|n| (*m, n, [0, 1, 2, 31, 300])))
            .flat_map(|(m, n, ks)| ks.map(|k| (m, n, k)))
        {
            let (a, b) = (vec![1.0; m * k], vec![0.5; k * n]);
            for transposed in [false, true] {
                let (a, b) = if transposed {
                    (Mat::rows(&a, k, m).t(), Mat::rows(&b, n, k).t())
                } else {
                    (Mat::rows(&a, m, k), Mat::rows(&b, k, n))
                };
                let mut out = vec![f32::NAN; m * n];
                // SAFETY: a buffer of its own of the size of the result.
                unsafe { gemm_into(out.as_mut_ptr(), false, a, b, 1.0, gemm::Parallelism::None) };
                assert_eq!(out, vec![0.5 * k as f32; m * n], "{m} × {k} × {n}");
                assert_eq!(product(a, b), out);
            }
        }
    }

    /// A run does not depend on the number of cores.
    #[cfg(feature = "threads")]
    #[test]
    fn a_product_has_the_same_bits_on_any_number_of_cores() {
        let numbers = |count: usize, step: usize| -> Vec<f32> {
            (0..count).map(|i| (i * step % 1009) as f32 / 500.0 - 1.0).collect()
        };
        let pool = |cores| rayon::ThreadPoolBuilder::new().num_threads(cores).build().unwrap();
        for (m, k, n) in [(768, 128, 1024), (1030, 700, 257), (130, 515, 1100), (140, 140, 140)] {
            let (a, b, before) = (numbers(m * k, 7), numbers(k * n, 11), numbers(m * n, 13));
            for transposed in [false, true] {
                let (a, b) = if transposed {
                    (Mat::rows(&a, k, m).t(), Mat::rows(&b, n, k).t())
                } else {
                    (Mat::rows(&a, m, k), Mat::rows(&b, k, n))
                };
                let on = |cores| {
                    pool(cores).install(|| {
                        let mut sum = before.clone();
                        matmul(&mut sum, true, a, b);
                        (product(a, b), sum)
                    })
                };
                let one = on(1);
                for cores in [2, 3, 7] {
                    assert!(on(cores) == one, "{m} × {k} × {n} on {cores} cores");
                }
            }
        }
    }
}
