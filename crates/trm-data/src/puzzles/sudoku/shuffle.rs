//! The official augmentation of a Sudoku: what turns a valid board into another
//! one, and its solution with it.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::size::Size;

/// Digits renamed, bands and the rows in them reordered, stacks and columns
/// likewise, and transposed half of the time. Boxes of 2×3 stand in the way of
/// the last: a transposed 6×6 board would have boxes of 3×2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shuffle {
    /// What each digit becomes; a blank stays one. `[side + 1]`
    digits: Vec<u8>,
    /// Where each cell comes from. `[side · side]`
    cells: Vec<usize>,
}

impl Shuffle {
    /// A random one.
    pub fn draw(size: Size, generator: &mut ChaCha8Rng) -> Self {
        let side = size.side();
        let digits = permutation(side, generator).into_iter().map(|digit| digit as u8 + 1);
        let digits = std::iter::once(0).chain(digits).collect();
        let square = size.box_rows() == size.box_cols();
        let transpose = square && generator.random::<bool>();
        let rows = lines(side, size.box_rows(), generator);
        let cols = lines(side, size.box_cols(), generator);
        let cell = |row: usize, col: usize| {
            if transpose { col * side + row } else { row * side + col }
        };
        let cells = rows.iter().flat_map(|row| cols.iter().map(move |col| cell(*row, *col)));
        Self { digits, cells: cells.collect() }
    }

    /// What takes every board back to what it was.
    pub fn inverse(&self) -> Self {
        let mut back =
            Self { digits: vec![0; self.digits.len()], cells: vec![0; self.cells.len()] };
        for (old, new) in self.digits.iter().enumerate() {
            back.digits[usize::from(*new)] = old as u8;
        }
        for (new, old) in self.cells.iter().enumerate() {
            back.cells[*old] = new;
        }
        back
    }

    /// What each digit becomes, blank included, and where each cell comes from.
    pub(crate) fn parts(&self) -> (&[u8], &[usize]) {
        (&self.digits, &self.cells)
    }

    /// # Panics
    /// If the board is of another size.
    pub fn apply(&self, board: &[u8]) -> Vec<u8> {
        assert_eq!(board.len(), self.cells.len(), "a board of the shuffle's size");
        self.cells.iter().map(|cell| self.digits[usize::from(board[*cell])]).collect()
    }
}

/// `0..count` in some order.
pub(crate) fn permutation(count: usize, generator: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        // As u32, so that 32-bit platforms draw the same numbers.
        order.swap(last, generator.random_range(0..=last as u32) as usize);
    }
    order
}

/// Lines reordered within their bands of `band`, and the bands among themselves.
fn lines(side: usize, band: usize, generator: &mut ChaCha8Rng) -> Vec<usize> {
    let bands = permutation(side / band, generator);
    let within = |first: usize, generator: &mut ChaCha8Rng| {
        permutation(band, generator).into_iter().map(move |line| first * band + line)
    };
    bands.into_iter().flat_map(|first| within(first, generator).collect::<Vec<_>>()).collect()
}
