//! Puzzles that lie in files and folders of others' layouts.

use std::path::{Path, PathBuf};

use super::error::PuzzleError;
use super::source::{TaskFile, TextSource};

/// Whether there is a data folder of the official code.
pub fn is_official(path: &Path) -> bool {
    ["train", "test"].iter().any(|part| path.join(part).join("dataset.json").is_file())
}

/// The end of the names of files of tasks and of solutions in the ARC Prize's data.
const CHALLENGES: &str = "_challenges.json";
const SOLUTIONS: &str = "_solutions.json";

/// The JSON file of ARC tasks at `path`, or those of the folder in the order of their
/// names, with the solutions that lie beside them.
///
/// # Errors
/// If the folder cannot be read, or has no such files.
pub fn task_files(path: &Path) -> Result<Vec<TaskFile>, PuzzleError> {
    let named = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut paths = vec![PathBuf::from(path)];
    if path.is_dir() {
        let entries = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect());
        paths = entries.map_err(|error| PuzzleError::Unreadable {
            name: path.display().to_string(),
            reason: error.to_string(),
        })?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        paths.retain(|path| !named(path).ends_with(SOLUTIONS));
        paths.sort();
    }
    if paths.is_empty() {
        return Err(PuzzleError::NoTaskFiles { name: path.display().to_string() });
    }
    let file = |path: PathBuf| {
        let solutions = named(&path)
            .strip_suffix(CHALLENGES)
            .map(|start| path.with_file_name(format!("{start}{SOLUTIONS}")))
            .filter(|path| path.is_file());
        TaskFile { tasks: TextSource::File(path), solutions: solutions.map(TextSource::File) }
    };
    Ok(paths.into_iter().map(file).collect())
}
