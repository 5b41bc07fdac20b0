//! Tasks from JSON: a file of one task (`train`, `test`), or a file of tasks by
//! name with their solutions beside them, as in the ARC Prize's data.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::grid::Grid;
use crate::puzzles::error::PuzzleError;

/// A grid and what becomes of it, where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The grid that is given.
    pub input: Grid,
    /// The grid to predict, where it is known.
    pub output: Option<Grid>,
}

/// A rule shown by examples, and grids to apply it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Name of the task.
    pub name: String,
    /// Demonstration pairs.
    pub train: Vec<Pair>,
    /// Test pairs.
    pub test: Vec<Pair>,
}

#[derive(Deserialize)]
struct RawTask {
    train: Vec<RawPair>,
    test: Vec<RawPair>,
}

#[derive(Deserialize)]
struct RawPair {
    input: Vec<Vec<u8>>,
    output: Option<Vec<Vec<u8>>>,
}

/// The tasks of a JSON text, in its order of names. `name` is that of the file,
/// and of the task if the file is one task.
///
/// # Errors
/// If the text is not JSON of ARC tasks.
pub fn parse(name: &str, text: &str) -> Result<Vec<Task>, PuzzleError> {
    let damaged = |reason: String| PuzzleError::Damaged { name: name.into(), reason };
    let value: Value = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    let Value::Object(object) = value else {
        return Err(damaged("it is not a JSON object of tasks".into()));
    };
    let tasks: Vec<(String, Value)> = if object.contains_key("train") {
        vec![(name.to_owned(), Value::Object(object))]
    } else {
        object.into_iter().collect()
    };
    if tasks.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    let task = |(task, value): (String, Value)| {
        let raw: RawTask = serde_json::from_value(value)
            .map_err(|error| damaged(format!("task {task}: {error}")))?;
        let pairs = |part: &str, pairs: Vec<RawPair>| {
            let pairs = pairs.into_iter().enumerate().map(|(number, pair)| {
                let place = format!("task {task}, {part} pair {}", number + 1);
                grids(pair).map_err(|reason| damaged(format!("{place}: {reason}")))
            });
            pairs.collect::<Result<Vec<_>, _>>()
        };
        let (train, test) = (pairs("train", raw.train)?, pairs("test", raw.test)?);
        if train.is_empty() || train.iter().any(|pair| pair.output.is_none()) {
            return Err(damaged(format!("task {task} lacks examples with both grids")));
        }
        Ok(Task { name: task, train, test })
    };
    tasks.into_iter().map(task).collect()
}

fn grids(pair: RawPair) -> Result<Pair, String> {
    let input = Grid::new(&pair.input).map_err(|reason| format!("input: {reason}"))?;
    let output = pair.output.map(|output| Grid::new(&output)).transpose();
    Ok(Pair { input, output: output.map_err(|reason| format!("output: {reason}"))? })
}

/// Fills in the outputs of test pairs from a JSON text of solutions by name.
/// Tasks that it does not name stay as they are.
///
/// # Errors
/// If the text is not JSON of solutions, or they do not fit the tasks.
pub fn add_solutions(tasks: &mut [Task], name: &str, text: &str) -> Result<(), PuzzleError> {
    let damaged = |reason: String| PuzzleError::Damaged { name: name.into(), reason };
    let mut solutions: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    for task in tasks {
        let Some(grids) = solutions.remove(&task.name) else { continue };
        let wrong = |reason: String| damaged(format!("task {}: {reason}", task.name));
        let grids: Vec<Vec<Vec<u8>>> =
            serde_json::from_value(grids).map_err(|error| wrong(error.to_string()))?;
        if grids.len() != task.test.len() {
            let (found, wanted) = (grids.len(), task.test.len());
            return Err(wrong(format!("{found} solutions for {wanted} test pairs")));
        }
        let grids: Result<Vec<Grid>, String> = grids.iter().map(|grid| Grid::new(grid)).collect();
        for (pair, grid) in task.test.iter_mut().zip(grids.map_err(wrong)?) {
            pair.output = Some(grid);
        }
    }
    Ok(())
}
