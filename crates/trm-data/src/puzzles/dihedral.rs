//! The eight ways to turn and mirror a grid, numbered as in the official code.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// 0 leaves a grid as it is; 1 to 3 turn it counter-clockwise by 90° each; 4
/// mirrors left and right, 5 top and bottom; 6 transposes; 7 mirrors along the
/// other diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dihedral(u8);

impl Dihedral {
    /// How many there are.
    pub const COUNT: u8 = 8;

    /// `None` from 8 on.
    pub fn new(number: u8) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// A random one.
    pub fn draw(generator: &mut ChaCha8Rng) -> Self {
        Self(generator.random_range(0..Self::COUNT))
    }

    /// Its number, below [`COUNT`](Self::COUNT).
    pub fn number(self) -> u8 {
        self.0
    }

    /// What undoes it: of the turns the other quarter, else itself.
    pub fn inverse(self) -> Self {
        match self.0 {
            1 => Self(3),
            3 => Self(1),
            _ => self,
        }
    }

    /// Rows and columns of what a grid of `rows` and `cols` becomes.
    pub fn shape(self, rows: usize, cols: usize) -> (usize, usize) {
        if matches!(self.0, 1 | 3 | 6 | 7) { (cols, rows) } else { (rows, cols) }
    }

    /// A row-major grid of `rows` and `cols`, turned.
    ///
    /// # Panics
    /// If the grid has another number of cells.
    pub fn apply<T: Copy>(self, grid: &[T], rows: usize, cols: usize) -> Vec<T> {
        assert_eq!(grid.len(), rows * cols, "a grid of its shape");
        let (new_rows, new_cols) = self.shape(rows, cols);
        let mut turned = Vec::with_capacity(grid.len());
        for row in 0..new_rows {
            for col in 0..new_cols {
                let (from_row, from_col) = match self.0 {
                    1 => (col, cols - 1 - row),
                    2 => (rows - 1 - row, cols - 1 - col),
                    3 => (rows - 1 - col, row),
                    4 => (row, cols - 1 - col),
                    5 => (rows - 1 - row, col),
                    6 => (col, row),
                    7 => (rows - 1 - col, cols - 1 - row),
                    _ => (row, col),
                };
                turned.push(grid[from_row * cols + from_col]);
            }
        }
        turned
    }
}
