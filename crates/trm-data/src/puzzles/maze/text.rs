//! Mazes as people write them.

use super::entry::Entry;
use super::grid::{CHARACTERS, FLOOR, LARGEST, Maze, PATH};
use super::path::{Verdict, check};
use crate::puzzles::error::PuzzleError;

/// A maze as lines of its characters, `.` being floor as well. Rows that ended
/// in floor may have lost it: they are filled up. Lines of nothing, not even
/// floor, are dropped before and after.
///
/// # Errors
/// If the text is not one maze; the error says why.
pub fn parse(name: &str, text: &str) -> Result<Maze, PuzzleError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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

/// The mazes of a text, with empty lines between them, or a square one on every line: a
/// line that is as long as a square has cells. A path that is drawn in a maze is its answer.
pub(super) fn parse_all_plain(name: &str, text: &str) -> Result<Vec<Entry>, PuzzleError> {
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
        let at = |line: usize, error: PuzzleError| match error {
            PuzzleError::Line { name, line: inside, reason } => {
                PuzzleError::Line { name, line: above + line - 1 + inside, reason }
            }
            error => PuzzleError::Line {
                name: name.into(),
                line: above + line,
                reason: error.to_string(),
            },
        };
        let entry = |line: usize, drawn: Maze| {
            let (number, maze) = (above + line, drawn.without_path());
            let answer = drawn.tokens().contains(&PATH).then_some(drawn);
            // A wrong answer would be learned.
            if let Some(answer) = &answer
                && !matches!(check(&maze, answer.tokens()), Verdict::Optimal { .. })
            {
                let reason = "the path in it is no shortest path of the maze".into();
                return Err(PuzzleError::Line { name: name.into(), line: number, reason });
            }
            Ok(Entry { number, maze, answer })
        };
        if block.iter().all(|line| is_flat(line)) {
            for (line, text) in (1..).zip(block) {
                let maze = parse_line(text).map_err(|error| at(line, error))?;
                mazes.push(entry(line, maze)?);
            }
        } else {
            let maze = parse(name, &block.join("\n")).map_err(|error| at(1, error))?;
            mazes.push(entry(1, maze)?);
        }
    }
    if mazes.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    Ok(mazes)
}

/// Whether a line is a maze alone: as long as a square, with a start and a goal, unless
/// either is what is wrong with it.
fn is_flat(line: &str) -> bool {
    let cells = line.chars().count();
    let alone = line.contains('S') || line.contains('G') || cells > LARGEST;
    cells > 9 && cells.isqrt().pow(2) == cells && alone
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
