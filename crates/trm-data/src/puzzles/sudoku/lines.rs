//! Sudokus as lines of characters: 81, 36 or 16 of them, `.` or `0` for a blank,
//! alone or as a field of a CSV line, with or without the answer after it.

use super::{Size, violations};
use crate::puzzles::PuzzleError;

/// A line of a file: a puzzle, and its answer where the line has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub size: Size,
    pub board: Vec<u8>,
    pub answer: Option<Vec<u8>>,
}

/// The longest field that is shown in a message.
const SHOWN: usize = 24;

/// The puzzles of a text, one a line. Empty lines, lines that begin with `#` and
/// a CSV header are skipped; of a CSV line, the first field that is as long as a
/// board is the puzzle and the next one its answer (the official CSV has the
/// source before and a rating after them). Sizes may mix. Broken rules are not
/// looked for, except in answers.
pub fn parse(name: &str, text: &str) -> Result<Vec<Line>, PuzzleError> {
    let mut lines = Vec::new();
    let mut headed = false;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // A header is a first line of several fields without a digit or a blank.
        if !std::mem::replace(&mut headed, true) && is_header(line) {
            continue;
        }
        let number = index + 1;
        let parsed = parse_line(line, number).map_err(|reason| PuzzleError::Line {
            name: name.into(),
            line: number,
            reason,
        })?;
        lines.push(parsed);
    }
    if lines.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    Ok(lines)
}

fn is_header(line: &str) -> bool {
    line.contains(',') && line.chars().any(char::is_alphabetic) && !line.contains(['.', '0', '1'])
}

fn parse_line(line: &str, number: usize) -> Result<Line, String> {
    let fields: Vec<&str> =
        line.split(',').map(|field| field.trim().trim_matches('"').trim()).collect();
    let sized = |field: &&str| Size::of_cells(field.chars().count()).is_some();
    // A source may happen to be as long as a board.
    let board = fields.iter().position(|field| parse_board(field).is_ok());
    let first = board.or_else(|| fields.iter().position(sized));
    let Some(first) = first.or((fields.len() == 1).then_some(0)) else {
        return Err("no field has 81, 36 or 16 characters".into());
    };
    let (size, board) = parse_board(fields[first])?;
    let Some(answer) = fields.get(first + 1).filter(|field| sized(field)) else {
        return Ok(Line { number, size, board, answer: None });
    };
    let (answer_size, answer) =
        parse_board(answer).map_err(|reason| format!("answer: {reason}"))?;
    if answer_size != size {
        return Err("the answer is of another size than the puzzle".into());
    }
    let whole = answer.iter().all(|digit| *digit != 0);
    let kept = board.iter().zip(&answer).all(|(given, digit)| *given == 0 || given == digit);
    if !whole || !kept || !violations(size, &answer).is_empty() {
        return Err("the answer does not solve the puzzle".into());
    }
    Ok(Line { number, size, board, answer: Some(answer) })
}

/// One board; its length says its size.
pub fn parse_board(text: &str) -> Result<(Size, Vec<u8>), String> {
    let cells = text.chars().count();
    let size = Size::of_cells(cells).ok_or_else(|| {
        let shown: String = text.chars().take(SHOWN).collect();
        let dots = if cells > SHOWN { "…" } else { "" };
        format!("{shown:?}{dots} has {cells} characters, and a puzzle has 81 (or 36, or 16)")
    })?;
    let digit = |(place, character): (usize, char)| match character {
        '.' | '_' => Ok(0),
        _ => match character.to_digit(10) {
            Some(digit) if digit as usize <= size.side() => Ok(digit as u8),
            _ => Err(format!(
                "{character:?} at place {} is neither a blank (. or 0) nor a digit up to {}",
                place + 1,
                size.side()
            )),
        },
    };
    let board: Result<Vec<u8>, String> = text.chars().enumerate().map(digit).collect();
    Ok((size, board?))
}

/// A board as one line, blanks as dots.
pub fn print(board: &[u8]) -> String {
    board.iter().map(|digit| if *digit == 0 { '.' } else { char::from(b'0' + digit) }).collect()
}
