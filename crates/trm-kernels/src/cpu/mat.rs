//! Views of matrices in borrowed slices.

/// A view of a matrix: `data[i·row + j·col]`.
#[derive(Clone, Copy)]
pub struct Mat<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub cols: usize,
    /// From a row to the next one.
    pub row: usize,
    /// From a column to the next one.
    pub col: usize,
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

    /// Checks that every number of it lies inside the buffer.
    ///
    /// # Panics
    /// If the view reaches beyond its buffer.
    pub fn check(&self) {
        let last = self.rows.saturating_sub(1) * self.row + self.cols.saturating_sub(1) * self.col;
        assert!(
            self.rows == 0 || self.cols == 0 || last < self.data.len(),
            "matrix view outside its buffer"
        );
    }
}
