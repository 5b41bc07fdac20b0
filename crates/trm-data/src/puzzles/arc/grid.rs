//! A grid of colours.

use trm_spec::PUZZLE_KINDS;

use crate::puzzles::dihedral::Dihedral;

/// Most rows and columns.
pub const LARGEST: usize = PUZZLE_KINDS.arc.max_side;

/// Colours are `0..COLOURS`; 0 is the background.
pub const COLOURS: u8 = PUZZLE_KINDS.arc.colours;

/// Up to 30 rows and columns of colours. Only what [`crop`](super::crop) finds
/// in an answer without any colour has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    rows: usize,
    cols: usize,
    /// Row-major `[rows · cols]`.
    cells: Vec<u8>,
}

impl Grid {
    /// A grid of these rows, or why they are none.
    ///
    /// # Errors
    /// If it has no cell, rows of different lengths, a side of more than 30 cells or an unknown colour.
    pub fn new(rows: &[Vec<u8>]) -> Result<Self, String> {
        let (height, width) = (rows.len(), rows.first().map_or(0, Vec::len));
        if height == 0 || width == 0 {
            return Err("the grid is empty".into());
        }
        if height > LARGEST || width > LARGEST {
            return Err(format!("the grid is {height} × {width}, more than 30 × 30"));
        }
        if let Some(row) = rows.iter().position(|row| row.len() != width) {
            return Err(format!("row {} has another length than the first", row + 1));
        }
        let cells = rows.concat();
        match cells.iter().find(|colour| **colour >= COLOURS) {
            Some(colour) => Err(format!("{colour} is no colour from 0 to 9")),
            None => Ok(Self { rows: height, cols: width, cells }),
        }
    }

    pub(super) fn of(rows: usize, cols: usize, cells: Vec<u8>) -> Self {
        Self { rows, cols, cells }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Colours of the cells, row by row.
    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// The colours as rows.
    pub fn to_rows(&self) -> Vec<Vec<u8>> {
        (0..self.rows).map(|row| self.cells[row * self.cols..][..self.cols].to_vec()).collect()
    }

    /// The grid under a rotation or reflection.
    pub fn turned(&self, turn: Dihedral) -> Self {
        let (rows, cols) = turn.shape(self.rows, self.cols);
        Self { rows, cols, cells: turn.apply(&self.cells, self.rows, self.cols) }
    }

    pub(super) fn recoloured(&self, colours: &[u8; COLOURS as usize]) -> Self {
        let cells = self.cells.iter().map(|colour| colours[usize::from(*colour)]).collect();
        Self { cells, ..*self }
    }
}
