//! Mazes as people write them.

use super::grid::{CHARACTERS, FLOOR, LARGEST, Maze};
use crate::puzzles::error::PuzzleError;

/// A maze as lines of its characters, `.` being floor as well. Rows that ended
/// in floor may have lost it: they are filled up. Lines of nothing, not even
/// floor, are dropped before and after.
///
/// # Errors
/// If the text is not one maze; the error says why.
pub fn parse(name: &str, text: &str) -> Result<Maze, PuzzleError> {
    let mut lines: Vec<(usize, &str)> = text.lines().enumerate().collect();
    while lines.last().is_some_and(|(_, line)| line.is_empty()) {
        lines.pop();
    }
    let first = lines.iter().position(|(_, line)| !line.is_empty());
    lines.drain(..first.unwrap_or(lines.len()));
    if lines.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    let cols = lines.iter().map(|(_, line)| line.chars().count()).max().unwrap_or(0);
    if lines.len() > LARGEST || cols > LARGEST {
        let what = format!(
            "{name} has {} × {cols} cells, and {LARGEST} × {LARGEST} are the most",
            lines.len()
        );
        return Err(PuzzleError::Unusable { what });
    }
    let mut tokens = Vec::with_capacity(lines.len() * cols);
    for (row, (index, line)) in lines.iter().enumerate() {
        for character in line.chars() {
            tokens.push(token(character).ok_or_else(|| PuzzleError::Line {
                name: name.into(),
                line: index + 1,
                reason: format!("{character:?} is none of # (wall), space (floor), S, G, o (path)"),
            })?);
        }
        tokens.resize((row + 1) * cols, FLOOR);
    }
    Maze::new(lines.len(), cols, tokens)
}

/// The mazes of a text, with empty lines between them; a line alone that is as
/// long as a square has cells is a square maze.
///
/// # Errors
/// If a line or block is not a maze; the error names it.
pub fn parse_all(name: &str, text: &str) -> Result<Vec<Maze>, PuzzleError> {
    let mut mazes = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let mut before = 0;
    // A row of nothing but floor is a row; only a line without anything parts.
    for block in lines.split(|line| line.is_empty()) {
        let above = before;
        before += block.len() + 1;
        if block.is_empty() {
            continue;
        }
        let flat = |line: &str| line.len() > 9 && line.len().isqrt().pow(2) == line.len();
        let maze = match block {
            [line] if flat(line) => parse_line(line),
            _ => parse(name, &block.join("\n")),
        };
        mazes.push(maze.map_err(|error| match error {
            PuzzleError::Line { name, line, reason } => {
                PuzzleError::Line { name, line: above + line, reason }
            }
            error => {
                let reason = error.to_string();
                PuzzleError::Line { name: name.into(), line: above + 1, reason }
            }
        })?);
    }
    if mazes.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    Ok(mazes)
}

/// A square maze as one line of its characters, as in the official CSV.
///
/// # Errors
/// If the line is not a maze.
pub fn parse_line(line: &str) -> Result<Maze, PuzzleError> {
    let cells = line.chars().count();
    let side = cells.isqrt();
    let unusable = |what: String| PuzzleError::Unusable { what };
    if cells == 0 || side * side != cells {
        return Err(unusable(format!("{cells} characters are no square maze")));
    }
    let token = |character| {
        token(character).ok_or_else(|| unusable(format!("a maze has no character {character:?}")))
    };
    Maze::new(side, side, line.chars().map(token).collect::<Result<_, _>>()?)
}

fn token(character: char) -> Option<u32> {
    let character = if character == '.' { ' ' } else { character };
    CHARACTERS.iter().position(|known| *known == character).map(|place| place as u32 + 1)
}

/// Tokens as lines of characters; what is no token of a maze is shown as `?`.
///
/// # Panics
/// If `cols` is 0.
pub fn print(tokens: &[u32], cols: usize) -> String {
    let character = |token: &u32| {
        let place = (*token as usize).wrapping_sub(1);
        CHARACTERS.get(place).copied().unwrap_or('?')
    };
    let line = |row: &[u32]| row.iter().map(character).chain(['\n']).collect::<String>();
    tokens.chunks(cols).map(line).collect()
}
