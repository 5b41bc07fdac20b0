//! Which puzzles a run learns from: made by the program, by the name of their
//! kind, or the user's own.

use std::path::Path;

use trm_data::puzzles::{Kind, Place, PuzzleData, PuzzleError, PuzzleSource};
use trm_spec::RunConfig;

/// Where puzzles come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Made here.
    Made(Kind),
    Own(PuzzleSource),
}

impl Source {
    /// What `dataset` names, where it names a kind of puzzle.
    pub fn named(dataset: &str) -> Option<Self> {
        Kind::named(dataset).map(Self::Made)
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

    /// Puzzles as `config` asks for them: a function of it alone, and of what the
    /// user's files hold.
    pub fn load(&self, config: &RunConfig) -> Result<PuzzleData, PuzzleError> {
        let data = &config.data;
        let source = match self {
            Self::Made(kind) => &kind.source(data, config.train.seed),
            Self::Own(source) => source,
        };
        source.load(data.num_puzzles, data.num_val_puzzles, data.augment)
    }
}
