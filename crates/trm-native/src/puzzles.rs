//! Which puzzles a run learns from: made by the program, by the name of their
//! kind, or the user's own.

use std::path::Path;

use trm_data::puzzles::{Place, PuzzleData, PuzzleError, PuzzleSource, maze, sudoku};
use trm_spec::RunConfig;

/// A kind of puzzle, as `dataset` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Sudoku(sudoku::Size),
    /// Of so many cells to a side.
    Maze(usize),
    /// Not made here.
    Own(PuzzleSource),
}

impl Kind {
    /// The kind called `name`, where there is one: `sudoku-4x4`, `maze-10x10`.
    pub fn named(name: &str) -> Option<Self> {
        let (kind, size) = name.split_once('-')?;
        let (rows, cols) = size.split_once('x')?;
        let side: usize = rows.parse().ok().filter(|_| rows == cols)?;
        match kind {
            "sudoku" => sudoku::Size::of_cells(side.checked_mul(side)?).map(Self::Sudoku),
            "maze" => Some(Self::Maze(side)),
            _ => None,
        }
    }

    /// The user's own puzzles: a file of Sudokus, one a line, or a data folder of
    /// the official code.
    pub fn own(path: &Path) -> Self {
        Self::Own(if path.is_dir() {
            PuzzleSource::Official(path.into())
        } else {
            PuzzleSource::Lines(Place::File(path.into()))
        })
    }

    /// Puzzles of this kind as `config` asks for them: a function of it alone,
    /// and of what the user's files hold.
    pub fn load(&self, config: &RunConfig) -> Result<PuzzleData, PuzzleError> {
        let (data, seed) = (&config.data, config.train.seed);
        let source = match self {
            Self::Sudoku(size) => PuzzleSource::Sudoku {
                size: *size,
                min_guesses: data.min_guesses,
                max_guesses: data.max_guesses,
                seed,
            },
            Self::Maze(side) => {
                PuzzleSource::Maze { side: *side, style: maze::Style::Scattered, seed }
            }
            Self::Own(source) => source.clone(),
        };
        source.load(data.num_puzzles, data.num_val_puzzles, data.augment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_name() {
        assert_eq!(Kind::named("sudoku-9x9"), Some(Kind::Sudoku(sudoku::Size::Nine)));
        assert_eq!(Kind::named("maze-10x10"), Some(Kind::Maze(10)));
        for name in ["sudoku-5x5", "sudoku-9x8", "maze-1x", "shakespeare", "poem-1x1", ""] {
            assert_eq!(Kind::named(name), None, "{name}");
        }
    }
}
