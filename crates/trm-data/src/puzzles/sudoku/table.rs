//! Files of Sudokus: drawn, or a board on every line, alone or as a field of a table
//! with solutions, sources and ratings. Which column holds the puzzles is decided once
//! for the whole file, by its header or else by the form of all its lines, so that
//! a puzzle that cannot be read is an error and never its solution.

use super::check::violations;
use super::columns::Columns;
use super::fields::{Row, rows, straight};
use super::grids;
use super::line::Line;
use super::lines::{Marks, board, is_board, parse_board};
use super::size::Size;
use crate::puzzles::counted;
use crate::puzzles::error::PuzzleError;

/// The puzzles of a text. Either they are drawn, a row of cells on every line, with or
/// without borders and headings, or there is one a line: a board alone, or a row of a
/// table whose fields are separated by commas, semicolons, tabs or spaces. Empty lines and
/// comments, which begin with `#` or `//`, are skipped, and so is a header. A header that names a column
/// `puzzle`, `quizzes`, `question`, `solution`, `answer` or alike decides which
/// column is which; without one the column whose boards have blanks holds the
/// puzzles, and another column of boards their answers. Sizes may mix, marks of
/// blanks only as [`parse_board`] allows. Broken rules are not looked for, except
/// in answers. A first line that only counts the puzzles, as collections have it, is passed
/// over.
///
/// # Errors
/// If there is no line with a puzzle, the first line counts others than there are, or the
/// puzzle of a line cannot be read, has no blank, or does not belong to its answer. The
/// message names the line and the place in it.
pub fn parse(name: &str, text: &str) -> Result<Vec<Line>, PuzzleError> {
    let text = &straight(text);
    let has_content = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("//")
    };
    counted::read(name, text, has_content, &[4, 6], boards)
}

fn boards(name: &str, text: &str) -> Result<Vec<Line>, PuzzleError> {
    let at = |line: usize, reason: String| PuzzleError::Line { name: name.into(), line, reason };
    if let Some(drawn) = grids::read(text) {
        return drawn.map_err(|(line, reason)| at(line, reason));
    }
    let mut rows = rows(text, Columns::is_name);
    let header = (rows.first().filter(|row| Columns::is_header(&row.fields)).is_some())
        .then(|| rows.remove(0));
    let Some(first) = rows.first() else {
        return Err(PuzzleError::Empty { name: name.into() });
    };
    let names = header.as_ref().map(|header| header.fields.as_slice());
    let columns = Columns::decide(names, &rows).map_err(|(line, reason)| {
        at(line.or(header.as_ref().map(|h| h.number)).unwrap_or(first.number), reason)
    })?;
    let mut marks = Marks::default();
    let read =
        |row: &Row<'_>| read(row, &columns, &mut marks).map_err(|reason| at(row.number, reason));
    rows.iter().map(read).collect()
}

/// The one puzzle of a text that was pasted or dropped: a board on one line or on
/// several, or a table with one line.
///
/// # Errors
/// As of [`parse`], and if there is more than one puzzle.
pub fn parse_one(name: &str, text: &str) -> Result<(Size, Vec<u8>), PuzzleError> {
    let unusable = |what: String| PuzzleError::Unusable { what };
    let bare: String = text.trim_start_matches('\u{feff}').split_whitespace().collect();
    let lines = straight(text);
    let headed =
        rows(&lines, Columns::is_name).first().is_some_and(|row| Columns::is_header(&row.fields));
    let is_one = Size::of_cells(bare.chars().count()).is_some();
    let several = text.trim().contains(|c: char| c.is_whitespace() || c == '|');
    let is_table = bare.contains([',', ';', '"']) || headed || (several && !is_one);
    if !is_table {
        let (size, board) = parse_board(&bare).map_err(unusable)?;
        return match board.contains(&0) {
            true => Ok((size, board)),
            false => {
                Err(unusable("this Sudoku has no blank cell, so nothing is to be solved".into()))
            }
        };
    }
    let mut lines = parse(name, text)?;
    match (lines.pop(), lines.len()) {
        (Some(line), 0) => Ok((line.size, line.board)),
        (_, more) => {
            Err(unusable(format!("{name} holds {} puzzles, where one is wanted", more + 1)))
        }
    }
}

fn read(row: &Row<'_>, columns: &Columns, marks: &mut Marks) -> Result<Line, String> {
    let (fields, number) = (&row.fields, row.number);
    let alone = fields.len() == 1;
    let place = if alone { 0 } else { columns.puzzle };
    let Some(puzzle) = fields.get(place) else {
        return Err(format!(
            "there are {} fields, and the puzzle is field {}",
            fields.len(),
            place + 1
        ));
    };
    // A line that holds one board needs no word about which it is.
    let named = |what: &str, place: usize| match alone {
        true => String::new(),
        false => format!("{what} (field {}): ", place + 1),
    };
    let (size, board) =
        board(puzzle, marks).map_err(|fault| format!("{}{fault}", named("puzzle", place)))?;
    if !board.contains(&0) {
        return Err(format!(
            "{}there is no blank cell: it is a solution, not a puzzle",
            named("puzzle", place)
        ));
    }
    let answer = columns.answer.filter(|_| !alone);
    let answer = answer.and_then(|place| Some((place, *fields.get(place)?)));
    let Some((place, answer)) = answer.filter(|(_, field)| is_board(field)) else {
        return Ok(Line { number, size, board, answer: None });
    };
    let (answer_size, answer) =
        parse_board(answer).map_err(|fault| format!("answer (field {}): {fault}", place + 1))?;
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
