//! Augmented copies of a puzzle: the same puzzle with other digits, rows and columns, or
//! turned and mirrored, at random in training or several of one puzzle, with the way back
//! for answers.

use rand_chacha::ChaCha8Rng;

use super::dihedral::Dihedral;
use super::error::PuzzleError;
use super::sudoku::{Shuffle, Size};
use crate::draw::{draw, stream};

/// How a puzzle is shown differently each time it comes, its answer alike.
/// (ARC's augmentations have identifiers of their own, so they are part of the
/// set: [`arc`](super::arc).)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Augmentation {
    /// Other digits, rows and columns in another order, transposed where boxes
    /// are square.
    Sudoku(Size),
    /// A square grid, turned and mirrored.
    Dihedral {
        /// Side of the board, in cells.
        side: usize,
    },
}

/// One way to change a puzzle that can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AugmentedCopy {
    /// Where each cell comes from, `[cells]`.
    cells: Vec<usize>,
    /// What each token becomes; tokens beyond stay as they are.
    tokens: Vec<u32>,
}

impl AugmentedCopy {
    /// The copy that changes nothing.
    fn unchanged(cells: usize) -> Self {
        Self { cells: (0..cells).collect(), tokens: Vec::new() }
    }

    fn shuffled(shuffle: &Shuffle) -> Self {
        let (digits, cells) = shuffle.parts();
        // A digit's token is itself plus one; 0 is the padding.
        let tokens = std::iter::once(0).chain(digits.iter().map(|digit| u32::from(*digit) + 1));
        Self { cells: cells.to_vec(), tokens: tokens.collect() }
    }

    fn turned(turn: Dihedral, side: usize) -> Self {
        let cells: Vec<usize> = (0..side * side).collect();
        Self { cells: turn.apply(&cells, side, side), tokens: Vec::new() }
    }

    fn changed(&self, token: u32) -> u32 {
        self.tokens.get(token as usize).copied().unwrap_or(token)
    }

    /// The puzzle, changed.
    ///
    /// # Panics
    /// If the puzzle has another number of cells.
    pub fn apply(&self, puzzle: &[u32]) -> Vec<u32> {
        assert_eq!(puzzle.len(), self.cells.len(), "a puzzle of the copy's size");
        self.cells.iter().map(|&cell| self.changed(puzzle[cell])).collect()
    }

    /// An answer to the changed puzzle as the answer to the original one.
    ///
    /// # Panics
    /// If the answer has another number of cells.
    pub fn undo(&self, answer: &[u32]) -> Vec<u32> {
        let renamed = answer.iter().map(|token| self.undo_token(*token));
        self.undo_cells(&renamed.collect::<Vec<_>>())
    }

    /// What a token of the changed puzzle is in the original one.
    pub fn undo_token(&self, token: u32) -> u32 {
        let old = self.tokens.iter().position(|new| *new == token);
        old.map_or(token, |old| old as u32)
    }

    /// One value for each cell of the changed puzzle, in the order of the original one.
    ///
    /// # Panics
    /// If there is another number of values.
    pub fn undo_cells<T: Clone + Default>(&self, values: &[T]) -> Vec<T> {
        assert_eq!(values.len(), self.cells.len(), "one value for each cell");
        let mut back = vec![T::default(); values.len()];
        for (value, cell) in values.iter().zip(&self.cells) {
            back[*cell] = value.clone();
        }
        back
    }
}

impl Augmentation {
    /// Changes one puzzle and its answer, drawing from `generator`.
    pub fn apply(&self, generator: &mut ChaCha8Rng, inputs: &mut [u32], labels: &mut [u32]) {
        let copy = match *self {
            Self::Sudoku(size) => AugmentedCopy::shuffled(&Shuffle::draw(size, generator)),
            Self::Dihedral { side } => AugmentedCopy::turned(Dihedral::draw(generator), side),
        };
        for cells in [inputs, labels] {
            cells.copy_from_slice(&copy.apply(cells));
        }
    }

    /// How many different copies of a puzzle there are, the unchanged one included.
    pub fn distinct_copies(&self) -> u64 {
        match self {
            Self::Dihedral { .. } => u64::from(Dihedral::COUNT),
            Self::Sudoku(size) => {
                let factorial = |n: usize| (1..=n as u64).product::<u64>();
                // The bands, and the lines within each.
                let lines = |band: usize| {
                    let bands = size.side() / band;
                    factorial(bands) * factorial(band).pow(bands as u32)
                };
                let transposed = if size.box_rows() == size.box_cols() { 2 } else { 1 };
                factorial(size.side())
                    * lines(size.box_rows())
                    * lines(size.box_cols())
                    * transposed
            }
        }
    }

    /// `count` different copies, the unchanged one first: a function of the arguments.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn copies(&self, count: usize, seed: u64) -> Result<Vec<AugmentedCopy>, PuzzleError> {
        let most = self.distinct_copies();
        if count as u64 > most {
            let what = format!("a puzzle of this kind has {most} augmented copies, not {count}");
            return Err(PuzzleError::TooManyCopies { what, most });
        }
        Ok(match *self {
            Self::Dihedral { side } => (0..Dihedral::COUNT)
                .filter_map(Dihedral::new)
                .take(count)
                .map(|turn| AugmentedCopy::turned(turn, side))
                .collect(),
            Self::Sudoku(size) => sudoku_copies(size, count, seed),
        })
    }
}

fn sudoku_copies(size: Size, count: usize, seed: u64) -> Vec<AugmentedCopy> {
    let mut copies = Vec::with_capacity(count);
    copies.extend((count > 0).then(|| AugmentedCopy::unchanged(size.cells())));
    let mut generator = draw(seed, stream::COPIES, 0);
    // Two draws are seldom equal: there are 3,072 copies of the smallest board.
    while copies.len() < count {
        let copy = AugmentedCopy::shuffled(&Shuffle::draw(size, &mut generator));
        if !copies.contains(&copy) {
            copies.push(copy);
        }
    }
    copies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_undone_differ_and_begin_with_the_puzzle_itself() {
        let kinds = [
            Augmentation::Sudoku(Size::Four),
            Augmentation::Sudoku(Size::Six),
            Augmentation::Sudoku(Size::Nine),
            Augmentation::Dihedral { side: 5 },
        ];
        for kind in kinds {
            let (cells, vocab) = match kind {
                Augmentation::Sudoku(size) => (size.cells(), size.vocab() as u32),
                Augmentation::Dihedral { side } => (side * side, 6),
            };
            let puzzle: Vec<u32> = (0..cells as u32).map(|cell| cell % vocab).collect();
            let copies = kind.copies(8, 3).expect("eight copies");
            assert_eq!(copies[0].apply(&puzzle), puzzle);
            for (i, copy) in copies.iter().enumerate() {
                let changed = copy.apply(&puzzle);
                assert_eq!(copy.undo(&changed), puzzle);
                let numbers: Vec<usize> = (0..cells).collect();
                assert_eq!(copy.undo_cells(&copy.cells), numbers);
                assert!(copies[..i].iter().all(|other| other != copy), "copy {i} of {kind:?}");
            }
            assert_eq!(copies, kind.copies(8, 3).expect("the same"));
        }
    }

    #[test]
    fn no_more_copies_than_there_are() {
        let maze = Augmentation::Dihedral { side: 5 };
        assert_eq!(maze.distinct_copies(), 8);
        let error = maze.copies(9, 0).expect_err("too many");
        assert!(error.to_string().contains("8 augmented copies, not 9"), "{error}");
        assert_eq!(Augmentation::Sudoku(Size::Four).distinct_copies(), 3_072);
        assert_eq!(Augmentation::Sudoku(Size::Six).distinct_copies(), 720 * 48 * 72);
        assert_eq!(Augmentation::Sudoku(Size::Nine).distinct_copies(), 362_880 * 1_296 * 1_296 * 2);
    }
}
