//! Matrix products over borrowed slices, by the `gemm` crate.

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

/// `out = a · b`, row-major, on all cores when it is worth it.
pub fn matmul(out: &mut [f32], a: Mat, b: Mat) {
    #[cfg(feature = "threads")]
    let parallelism = if a.rows * a.cols * b.cols >= PARALLEL {
        gemm::Parallelism::Rayon(0)
    } else {
        gemm::Parallelism::None
    };
    #[cfg(not(feature = "threads"))]
    let parallelism = gemm::Parallelism::None;
    product(out, false, a, b, 1.0, parallelism);
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
