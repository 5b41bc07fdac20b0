//! Which puzzles a run learns from: made by the program, by the name of their
//! kind, or the user's own.

use std::path::{Path, PathBuf};

use anyhow::Context;
use trm_data::puzzles::{PuzzleKind, Place, PuzzleDataset, PuzzleError, PuzzleSource, TaskFile};
use trm_spec::RunConfig;

use crate::report::usage;

/// The dataset of ARC's tasks, which the user gives.
pub const ARC: &str = "arc";

/// Where puzzles come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Made here.
    Made(Kind),
    /// JSON files of ARC tasks.
    Arc(Vec<TaskFile>),
    Own(PuzzleSource),
}

impl Source {
    /// The puzzles of `dataset`, where it names such: made here, or the user's at
    /// `path`. A folder of the official code is that anywhere; other files are
    /// Sudokus, one a line, or ARC's tasks.
    pub fn choose(dataset: &str, path: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let made = PuzzleKind::named(dataset);
        let source = match (made, path) {
            (None, _) if dataset != ARC => return Ok(None),
            (Some(kind), None) => Self::Made(kind),
            (None, None) => {
                return Err(usage!(
                    "ARC's tasks do not come with the program; give a JSON file, or a folder of them, with --data"
                ));
            }
            (_, Some(path)) if is_official(path) => Self::Own(PuzzleSource::Official(path.into())),
            (Some(_), Some(path)) if path.is_dir() => {
                Self::Own(PuzzleSource::Official(path.into()))
            }
            (Some(_), Some(path)) => Self::Own(PuzzleSource::Lines(Place::File(path.into()))),
            (None, Some(path)) => Self::Arc(task_files(path)?),
        };
        Ok(Some(source))
    }

    /// Puzzles as `config` asks for them: a function of it alone, and of what the
    /// user's files hold.
    pub fn load(&self, config: &RunConfig) -> Result<PuzzleDataset, PuzzleError> {
        let (data, seed) = (&config.data, config.train.seed);
        let source = match self {
            Self::Made(kind) => kind.source(data, seed),
            Self::Arc(files) => {
                PuzzleSource::Arc { files: files.clone(), guises: data.num_aug, seed }
            }
            Self::Own(source) => source.clone(),
        };
        source.load(data.num_puzzles, data.num_val_puzzles, data.augment)
    }
}

/// Whether there is a data folder of the official code.
pub fn is_official(path: &Path) -> bool {
    ["train", "test"].iter().any(|part| path.join(part).join("dataset.json").is_file())
}

/// The end of the names of files of tasks and of solutions in the ARC Prize's data.
const CHALLENGES: &str = "_challenges.json";
const SOLUTIONS: &str = "_solutions.json";

/// The JSON file at `path`, or those of the folder in the order of their names,
/// with the solutions that lie beside them.
pub fn task_files(path: &Path) -> anyhow::Result<Vec<TaskFile>> {
    let named = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut paths = vec![PathBuf::from(path)];
    if path.is_dir() {
        let entries = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect());
        paths = entries.with_context(|| format!("cannot read {}", path.display()))?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        paths.retain(|path| !named(path).ends_with(SOLUTIONS));
        paths.sort();
    }
    if paths.is_empty() {
        return Err(usage!("there are no JSON files of tasks in {}", path.display()));
    }
    let file = |path: PathBuf| {
        let solutions = named(&path)
            .strip_suffix(CHALLENGES)
            .map(|start| path.with_file_name(format!("{start}{SOLUTIONS}")))
            .filter(|path| path.is_file());
        TaskFile { tasks: Place::File(path), solutions: solutions.map(Place::File) }
    };
    Ok(paths.into_iter().map(file).collect())
}
