//! Data folders of the official code: `train` and `test`, each with a
//! `dataset.json` and arrays, and `identifiers.json` beside them.

#[cfg(feature = "files")]
use std::path::Path;

use serde::Deserialize;

use super::dataset::PuzzleSet;
use super::error::PuzzleError;
use super::npy;
use super::order::Groups;
use crate::split::IGNORED;

/// What `dataset.json` says, as far as it is used here.
#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    vocab_size: usize,
    seq_len: usize,
    num_puzzle_identifiers: usize,
    ignore_label_id: Option<u32>,
    sets: Vec<String>,
}

/// The largest vocabulary and row that are believed.
const LARGEST: usize = 1 << 20;

/// Gives the bytes of a file by its name, or `None` where there is no such file.
pub type Files<'a> = dyn FnMut(&str) -> Result<Option<Vec<u8>>, PuzzleError> + 'a;

/// The part of a data folder whose files `file` gives. A label that equals `ignore_label_id` becomes [`IGNORED`].
///
/// # Errors
/// If a file is missing, is not of this format, or the files do not fit each other.
pub fn read(name: &str, file: &mut Files<'_>) -> Result<PuzzleSet, PuzzleError> {
    let mut part = |part: &str| {
        let missing = || PuzzleError::Missing { name: name.into(), part: part.into() };
        file(part)?.ok_or_else(missing)
    };
    let damaged = |reason: String| PuzzleError::Damaged { name: name.into(), reason };
    let metadata: Metadata = trm_spec::read_json_bytes(&part("dataset.json")?)
        .map_err(|error| damaged(format!("dataset.json: {error}")))?;
    let Metadata { vocab_size: vocab, seq_len, num_puzzle_identifiers: num_identifiers, .. } =
        metadata;
    for (what, size) in
        [("vocab_size", vocab), ("seq_len", seq_len), ("num_puzzle_identifiers", num_identifiers)]
    {
        if size == 0 || (what != "num_puzzle_identifiers" && size > LARGEST) {
            return Err(damaged(format!("dataset.json: {what} is {size}")));
        }
    }
    let mut set = PuzzleSet { num_identifiers, ..PuzzleSet::empty(name.into(), seq_len, vocab) };
    let (mut puzzles, mut groups) = (vec![0], vec![0]);
    for subset in &metadata.sets {
        // The names come from a file, and lead to files.
        if subset.contains(['/', '\\', ':']) {
            return Err(damaged(format!("dataset.json: the set {subset:?} is no file name")));
        }
        let mut array = |field: &str, columns: Option<usize>| {
            let file = format!("{subset}__{field}.npy");
            let array = npy::parse(&part(&file)?);
            let array = array.map_err(|reason| damaged(format!("{file}: {reason}")))?;
            match (array.shape.as_slice(), columns) {
                ([_], None) => Ok(array.values),
                ([_, found], Some(wanted)) if *found == wanted => Ok(array.values),
                (shape, _) => Err(damaged(format!("{file}: has the shape {shape:?}"))),
            }
        };
        let inputs = array("inputs", Some(seq_len))?;
        let labels = array("labels", Some(seq_len))?;
        let identifiers = array("puzzle_identifiers", None)?;
        let puzzle_bounds = array("puzzle_indices", None)?;
        let group_bounds = array("group_indices", None)?;
        let rows = inputs.len() / seq_len;
        let wide = |bounds: Vec<u32>| bounds.into_iter().map(|bound| bound as usize).collect();
        let (puzzle_bounds, group_bounds): (Vec<_>, Vec<_>) =
            (wide(puzzle_bounds), wide(group_bounds));
        if labels.len() != inputs.len() {
            return Err(damaged(format!("{subset}: inputs and labels are not equally many")));
        }
        if identifiers.len() + 1 != puzzle_bounds.len()
            || Groups::new(puzzle_bounds.clone(), group_bounds.clone(), rows).is_none()
        {
            return Err(damaged(format!(
                "{subset}: puzzle_indices and group_indices do not divide its {rows} rows"
            )));
        }
        let ignored = metadata.ignore_label_id;
        let outside = |token: &&u32| **token as usize >= vocab;
        let labelled = |token: &&u32| outside(token) && Some(**token) != ignored;
        let stray = inputs.iter().find(outside).or_else(|| labels.iter().find(labelled));
        if let Some(token) = stray {
            return Err(damaged(format!(
                "{subset}: has the token {token}, and vocab_size is {vocab}"
            )));
        }
        if let Some(identifier) = identifiers.iter().find(|id| **id as usize >= num_identifiers) {
            return Err(damaged(format!(
                "{subset}: has the identifier {identifier}, and there are {num_identifiers}"
            )));
        }
        for (bounds, identifier) in puzzle_bounds.windows(2).zip(identifiers) {
            set.puzzle_identifiers.extend(std::iter::repeat_n(identifier, bounds[1] - bounds[0]));
        }
        let (rows_before, puzzles_before) = (set.inputs.len() / seq_len, puzzles.len() - 1);
        puzzles.extend(puzzle_bounds[1..].iter().map(|bound| rows_before + bound));
        groups.extend(group_bounds[1..].iter().map(|bound| puzzles_before + bound));
        set.inputs.extend(inputs);
        let kept = |label| if Some(label) == ignored { IGNORED } else { label };
        set.labels.extend(labels.into_iter().map(kept));
    }
    if set.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    set.groups = Groups::new(puzzles, groups, set.len());
    Ok(set)
}

/// The names of puzzles by identifier, from `identifiers.json`. The votes of ARC are
/// counted by them ([`TaskAugmentation::parse`](super::arc::TaskAugmentation::parse)).
///
/// # Errors
/// If the bytes are not a JSON list of names.
pub fn identifiers(name: &str, bytes: &[u8]) -> Result<Vec<String>, PuzzleError> {
    trm_spec::read_json_bytes(bytes).map_err(|error| PuzzleError::Damaged {
        name: name.into(),
        reason: format!("identifiers.json: {error}"),
    })
}

/// The part `train` or `test` of the folder at `path`.
///
/// # Errors
/// If a file cannot be read, or as [`read`].
#[cfg(feature = "files")]
pub fn open(path: &Path, part: &str) -> Result<PuzzleSet, PuzzleError> {
    let folder = path.join(part);
    if !folder.is_dir() {
        let (name, part) = (path.display().to_string(), format!("the folder {part}"));
        return Err(PuzzleError::Missing { name, part });
    }
    read(&folder.display().to_string(), &mut |file| bytes(&folder.join(file)))
}

/// The names of puzzles by identifier of the folder at `path`.
///
/// # Errors
/// If the file cannot be read, or as [`identifiers`].
#[cfg(feature = "files")]
pub fn open_identifiers(path: &Path) -> Result<Vec<String>, PuzzleError> {
    let name = path.display().to_string();
    let part = "identifiers.json";
    match bytes(&path.join(part))? {
        Some(bytes) => identifiers(&name, &bytes),
        None => Err(PuzzleError::Missing { name, part: part.into() }),
    }
}

#[cfg(feature = "files")]
fn bytes(path: &Path) -> Result<Option<Vec<u8>>, PuzzleError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PuzzleError::Unreadable {
            name: path.display().to_string(),
            reason: error.to_string(),
        }),
    }
}
