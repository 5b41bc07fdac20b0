//! The new puzzles of `eval --puzzles` and `eval --grade`.

use std::path::Path;

use trm_data::puzzles::PuzzleKind;
use trm_spec::{RunConfig, SUDOKU_GRADES};
use trm_train::checkpoint::Header;

use crate::args;
use crate::run_dir::own_data::OwnData;
use crate::terminal::count::counted;
use crate::terminal::report::{say, usage};

/// What puzzles are that are known to be held out.
pub const HELD_OUT: &str = "puzzles that the model was not trained on";

/// The configuration whose held-out puzzles are the new ones; `None` if none are asked for.
///
/// # Errors
/// If the model's puzzles cannot be generated, or have no grades.
pub fn asked_for(typed: &args::Eval, header: &Header) -> anyhow::Result<Option<RunConfig>> {
    if typed.grade.is_none() && typed.puzzles.is_none() {
        return Ok(None);
    }
    let mut config = header.config.clone();
    let kind = PuzzleKind::named(&config.data.dataset);
    // Nothing is trained, so one training puzzle is enough.
    config.data.num_puzzles = 1;
    if let Some(puzzles) = typed.puzzles {
        config.data.num_val_puzzles = puzzles;
    }
    match (typed.grade, kind) {
        (Some(grade), Some(PuzzleKind::Sudoku(_))) => {
            let guesses = grade.guesses();
            (config.data.min_guesses, config.data.max_guesses) = (*guesses.start(), *guesses.end());
        }
        (None, Some(PuzzleKind::Sudoku(_) | PuzzleKind::Maze(_))) => {}
        (Some(_), _) => {
            return Err(usage!(
                "--grade is for Sudoku models; this model was trained on other data"
            ));
        }
        (None, _) => {
            return Err(usage!(
                "--puzzles is for models of generated puzzles; this model was trained on other data"
            ));
        }
    }
    // The best checkpoint was chosen on the puzzles of the run's own seed. Of any seed, held-out
    // puzzles are none of the generated ones that training sees; see `called` for other runs.
    config.train.seed = config.train.seed.wrapping_add(1);
    Ok(Some(config))
}

/// Says that the puzzles of `config` are generated, which takes minutes where few are of a grade.
pub fn announce(typed: &args::Eval, config: &RunConfig) {
    let grade = typed.grade.and_then(|grade| SUDOKU_GRADES.get(grade as usize));
    let grade =
        grade.map_or(String::new(), |grade| format!(" of grade {}", grade.name.to_lowercase()));
    say!("generating {}{grade} …", counted(config.data.num_val_puzzles, "puzzles"));
}

/// What new puzzles are to the run of `checkpoint`, a file or a run's folder. Those of the user
/// may be any puzzles, the new ones too.
///
/// # Errors
/// If the file that names the data of the run cannot be read.
pub fn called(checkpoint: &Path) -> anyhow::Result<String> {
    let folder = if checkpoint.is_dir() { Some(checkpoint) } else { checkpoint.parent() };
    let own = folder.map(OwnData::read).transpose()?.flatten();
    Ok(own.map_or_else(
        || HELD_OUT.into(),
        |own| {
            let name = own.name();
            format!("new puzzles (the run was trained on {name}, which may contain some of them)")
        },
    ))
}
