//! The sizes of Sudokus, and boards as tokens.

use trm_spec::{PUZZLE_KINDS, SudokuKind};

/// How large a Sudoku is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Size {
    /// Boxes of 2×2.
    Four,
    /// Boxes of 2 rows and 3 columns.
    Six,
    /// Boxes of 3×3.
    Nine,
}

impl Size {
    /// All sizes, from the smallest on.
    pub const ALL: [Self; 3] = [Self::Four, Self::Six, Self::Nine];

    /// What the page knows of this size too.
    const fn kind(self) -> SudokuKind {
        PUZZLE_KINDS.sudoku[self as usize]
    }

    /// Rows, columns and digits.
    pub const fn side(self) -> usize {
        self.kind().side
    }

    /// Cells of a board.
    pub const fn cells(self) -> usize {
        self.side() * self.side()
    }

    /// Rows of a box; there are as many boxes beside each other.
    pub const fn box_rows(self) -> usize {
        self.kind().box_rows
    }

    /// Columns of a box; there are as many boxes above each other.
    pub const fn box_cols(self) -> usize {
        self.kind().box_cols
    }

    /// Tokens: the padding, the blank and the digits.
    pub const fn vocab(self) -> usize {
        self.kind().vocab
    }

    /// The size with so many cells.
    pub fn of_cells(cells: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.cells() == cells)
    }

    /// Which box a cell lies in, from 0, row by row.
    pub const fn box_of(self, cell: usize) -> usize {
        let (row, col) = (cell / self.side(), cell % self.side());
        row / self.box_rows() * self.box_rows() + col / self.box_cols()
    }
}

/// A board as the official code's tokens: a digit is itself plus one, so that a
/// blank is 1 and 0 is left to the padding.
pub fn encode(board: &[u8]) -> Vec<u32> {
    board.iter().map(|digit| u32::from(*digit) + 1).collect()
}

/// The board of such tokens; `None` if one of them is no digit of this size.
pub fn decode(size: Size, tokens: &[u32]) -> Option<Vec<u8>> {
    let digit = |token: &u32| token.checked_sub(1).filter(|digit| *digit as usize <= size.side());
    let board: Option<Vec<u8>> = tokens.iter().map(|token| digit(token).map(|d| d as u8)).collect();
    board.filter(|board| board.len() == size.cells())
}
