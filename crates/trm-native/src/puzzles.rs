//! Puzzles that the program makes, by the name of their kind.

use rayon::prelude::*;
use trm_data::Split;
use trm_data::puzzles::{Guise, PuzzleData, PuzzleError, PuzzleSet, sudoku};
use trm_spec::RunConfig;

/// A kind of puzzle, as `dataset` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sudoku(sudoku::Size),
}

/// The kinds by name.
const KINDS: [(&str, Kind); 3] = [
    ("sudoku-4x4", Kind::Sudoku(sudoku::Size::Four)),
    ("sudoku-6x6", Kind::Sudoku(sudoku::Size::Six)),
    ("sudoku-9x9", Kind::Sudoku(sudoku::Size::Nine)),
];

impl Kind {
    /// The kind called `name`, where there is one.
    pub fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// Puzzles of this kind as `config` asks for them: a function of it alone.
    pub fn make(self, config: &RunConfig) -> Result<PuzzleData, PuzzleError> {
        let Self::Sudoku(size) = self;
        let (data, seed) = (&config.data, config.train.seed);
        let guesses = data.min_guesses..=data.max_guesses;
        let part = |split: Split, wanted: usize| -> Result<PuzzleSet, PuzzleError> {
            let made: Vec<_> = (0..wanted as u64)
                .into_par_iter()
                .map(|number| sudoku::make(size, &guesses, split, seed, number))
                .collect();
            let found = made.iter().flatten().count();
            if found < wanted {
                return Err(PuzzleError::TooFew { name: data.dataset.clone(), found, wanted });
            }
            let mut set = PuzzleSet {
                name: data.dataset.clone(),
                inputs: Vec::new(),
                labels: Vec::new(),
                puzzle_identifiers: vec![0; wanted],
                seq_len: size.cells(),
                vocab: size.vocab(),
                num_identifiers: 1,
                groups: None,
            };
            for puzzle in made.iter().flatten() {
                set.inputs.extend(sudoku::encode(&puzzle.board));
                set.labels.extend(sudoku::encode(&puzzle.solution));
            }
            Ok(set)
        };
        Ok(PuzzleData {
            train: part(Split::Train, data.num_puzzles)?,
            val: part(Split::Val, data.num_val_puzzles)?,
            guise: data.augment.then_some(Guise::Sudoku(size)),
        })
    }
}
