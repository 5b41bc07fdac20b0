//! Puzzles that lie in files and folders of others' layouts.

use std::path::{Path, PathBuf};

use super::error::PuzzleError;
use super::source::{TaskFile, TextSource};

/// Whether there is a data folder of the official code.
pub fn is_official(path: &Path) -> bool {
    ["train", "test"].iter().any(|part| path.join(part).join("dataset.json").is_file())
}

/// The end of the names of files of tasks and of solutions in the ARC Prize's data, with
/// `_` or `-` between words.
const CHALLENGES: &str = "_challenges.json";
const SOLUTIONS: &str = "_solutions.json";

/// Folders in which a repository of tasks has them.
const DATA: &str = "data";
const PARTS: [&str; 2] = ["training", "evaluation"];

/// The JSON file of ARC tasks at `path`, or those of the folder in the order of their
/// names, with the solutions that lie beside them. Of a repository its folder `data` is
/// read, and of that `training` and `evaluation`. Hidden files and submissions are left
/// out.
///
/// # Errors
/// If the folder cannot be read, or has no such files.
pub fn task_files(path: &Path) -> Result<Vec<TaskFile>, PuzzleError> {
    let paths = if path.is_dir() { in_folder(path)? } else { vec![PathBuf::from(path)] };
    if paths.is_empty() {
        return Err(PuzzleError::NoTaskFiles { name: path.display().to_string() });
    }
    let file = |path: PathBuf| {
        let solutions = solutions_of(&path);
        TaskFile { tasks: TextSource::File(path), solutions: solutions.map(TextSource::File) }
    };
    Ok(paths.into_iter().map(file).collect())
}

/// The files of tasks in a folder, or else in those below it that usually have them.
fn in_folder(path: &Path) -> Result<Vec<PathBuf>, PuzzleError> {
    let data = path.join(DATA);
    let has_parts = |path: &Path| PARTS.iter().any(|part| path.join(part).is_dir());
    let path = if !has_parts(path) && data.is_dir() { &data } else { path };
    if !has_parts(path) {
        return directly_in(path);
    }
    let parts = PARTS.iter().map(|part| path.join(part)).filter(|part| part.is_dir());
    let files: Vec<_> = parts.map(|part| directly_in(&part)).collect::<Result<_, _>>()?;
    Ok(files.concat())
}

fn directly_in(path: &Path) -> Result<Vec<PathBuf>, PuzzleError> {
    let entries: Result<Vec<PathBuf>, _> = std::fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect());
    let mut paths = entries.map_err(|error| PuzzleError::Unreadable {
        name: path.display().to_string(),
        reason: error.to_string(),
    })?;
    paths.retain(|path| {
        let name = plain(path);
        let other = name.ends_with(SOLUTIONS) || name.ends_with("submission.json");
        name.ends_with(".json") && !name.starts_with('.') && !other && path.is_file()
    });
    paths.sort();
    Ok(paths)
}

/// The solutions that lie beside a file of tasks.
fn solutions_of(path: &Path) -> Option<PathBuf> {
    let start = plain(path).strip_suffix(CHALLENGES)?.len();
    let name = path.file_name()?.to_str()?;
    let (start, end) = name.split_at_checked(start)?;
    // Spelt as its tasks are.
    let mark = end.chars().next()?;
    let spelt = [".json", ".JSON"].map(|ending| format!("{start}{mark}solutions{ending}"));
    spelt.into_iter().map(|name| path.with_file_name(name)).find(|path| path.is_file())
}

/// The name of a file in lower case, with `_` between words.
fn plain(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_lowercase().replace('-', "_")
}
