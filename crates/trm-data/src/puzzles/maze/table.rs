//! Tables of mazes, as in the CSV of the official set: a square maze on one line, and its
//! answer beside it.

use super::entry::Entry;
use super::grid::CHARACTERS;
use super::path::{Verdict, check};
use super::text::{parse_all_plain, parse_line};
use crate::puzzles::counted;
use crate::puzzles::error::PuzzleError;

/// Names of the column of mazes, and of that of answers.
const MAZES: [&str; 5] = ["question", "maze", "puzzle", "input", "problem"];
const ANSWERS: [&str; 5] = ["answer", "solution", "output", "label", "solved"];

/// The mazes of a text: drawn, with empty lines between them, a square one on every line,
/// or a table of such lines with commas, semicolons or tabs between the fields. A first line
/// that only counts the mazes is passed over.
///
/// # Errors
/// If a line or block is not a maze, an answer is no shortest path of its maze, or the first
/// line counts others than there are; the error names the line.
pub fn parse_all(name: &str, text: &str) -> Result<Vec<Entry>, PuzzleError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A row of nothing but floor is a row.
    counted::read(name, text, |line| !line.is_empty(), &[], mazes)
}

fn mazes(name: &str, text: &str) -> Result<Vec<Entry>, PuzzleError> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let separator = [',', ';', '\t'].into_iter().find(|separator| first.contains(*separator));
    let headed = [MAZES, ANSWERS].concat().contains(&bare(first).trim().to_lowercase().as_str());
    match separator {
        Some(separator) => table(name, text, separator),
        None if headed => table(name, text, ','),
        None => parse_all_plain(name, text),
    }
}

fn table(name: &str, text: &str, separator: char) -> Result<Vec<Entry>, PuzzleError> {
    let at = |line: usize, reason: String| PuzzleError::Line { name: name.into(), line, reason };
    let mut rows = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| (number, line.split(separator).map(bare).collect::<Vec<_>>()))
        .peekable();
    let is_maze =
        |field: &str| field.len() > 3 && field.chars().all(|c| c == '.' || CHARACTERS.contains(&c));
    let header = rows.next_if(|(_, fields)| !fields.iter().any(|field| is_maze(field)));
    let called = |names: &[&str]| {
        let (_, fields) = header.as_ref()?;
        fields.iter().position(|field| names.contains(&field.trim().to_lowercase().as_str()))
    };
    let Some((line, first)) = rows.peek() else {
        return Err(PuzzleError::Empty { name: name.into() });
    };
    let solved = |field: &&str| is_maze(field) && field.contains('o');
    let open = |field: &&str| is_maze(field) && !field.contains('o');
    let place = called(&MAZES).or_else(|| first.iter().position(open));
    let place = place.ok_or_else(|| at(*line, "no field is a maze without a path".into()))?;
    let answer = called(&ANSWERS).or_else(|| first.iter().position(solved));
    let entry = |(number, fields): (usize, Vec<&str>)| {
        let field = |place: usize| {
            fields.get(place).copied().ok_or_else(|| {
                at(
                    number,
                    format!("there are {} fields, and field {} is wanted", fields.len(), place + 1),
                )
            })
        };
        let read = |place: usize| {
            let maze = parse_line(field(place)?);
            maze.map_err(|error| at(number, format!("field {}: {error}", place + 1)))
        };
        let maze = read(place)?;
        let answer = match answer.filter(|place| fields.get(*place).is_some_and(|f| !f.is_empty()))
        {
            None => None,
            Some(place) => Some(read(place)?),
        };
        if let Some(answer) = &answer
            && !matches!(check(&maze.without_path(), answer.tokens()), Verdict::Optimal { .. })
        {
            return Err(at(number, "the answer is no shortest path of the maze".into()));
        }
        Ok(Entry { number, maze: maze.without_path(), answer })
    };
    rows.map(entry).collect()
}

/// A field without quotes and line ends. Spaces are floor.
fn bare(field: &str) -> &str {
    let field = field.trim_end_matches(['\r', '\n']);
    let inside = field.trim();
    inside.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(field)
}
