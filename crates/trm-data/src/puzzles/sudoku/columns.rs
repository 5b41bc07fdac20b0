//! Which columns of a table of Sudokus hold puzzles and answers.

use super::fields::Row;
use super::lines::{is_board, parse_board, resembles_board};
use super::size::Size;

/// Columns of a file, counted from 0. A line of one field is a puzzle in any file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub puzzle: usize,
    pub answer: Option<usize>,
}

/// Names of columns of puzzles, in lower case.
const PUZZLES: [&str; 9] = [
    "puzzle",
    "puzzles",
    "quiz",
    "quizzes",
    "question",
    "questions",
    "unsolved",
    "problem",
    "problems",
];

/// Names that a column of puzzles has where no other is called by the names above.
const BOARDS: [&str; 8] =
    ["sudoku", "sudokus", "board", "boards", "grid", "grids", "input", "inputs"];

const ANSWERS: [&str; 10] = [
    "solution",
    "solutions",
    "answer",
    "answers",
    "solved",
    "label",
    "labels",
    "output",
    "outputs",
    "target",
];

/// Names of columns that are passed over.
const OTHERS: [&str; 8] =
    ["source", "rating", "difficulty", "level", "clues", "givens", "guesses", "category"];

/// What the fields of a column are, counted over all lines with several fields.
#[derive(Clone, Copy, Debug, Default)]
struct Form {
    /// Boards with blanks.
    open: usize,
    /// Boards without blanks.
    full: usize,
    /// As long as a board, or like one, but none.
    alike: usize,
    /// As long as a board.
    sized: usize,
}

/// Why columns cannot be told, and the line where that shows, if it is not the header.
type Undecided = (Option<usize>, String);

impl Columns {
    /// Whether a first line names columns: none of its fields is a board, and one
    /// has a known name, or there are several and no usual character of a board.
    pub fn is_header(fields: &[&str]) -> bool {
        let data = |field: &&str| resembles_board(field) || field.chars().count() == 81;
        if fields.iter().any(data) {
            return false;
        }
        let words = fields.len() > 1
            && fields.iter().any(|field| field.chars().any(char::is_alphabetic))
            && !fields.iter().any(|field| field.contains(['.', '0', '1']));
        words || fields.iter().any(|field| Self::is_name(field))
    }

    /// Whether `field` is a usual name of a column.
    pub fn is_name(field: &str) -> bool {
        let name = field.to_lowercase();
        [&PUZZLES[..], &BOARDS, &ANSWERS, &OTHERS]
            .iter()
            .any(|names| names.contains(&name.as_str()))
    }

    /// The columns of `rows`, below a header where there is one.
    ///
    /// # Errors
    /// If no column holds puzzles.
    pub fn decide(header: Option<&[&str]>, rows: &[Row<'_>]) -> Result<Self, Undecided> {
        let names: Vec<String> =
            header.unwrap_or_default().iter().map(|name| name.to_lowercase()).collect();
        let called = |known: &[&str]| -> Vec<usize> {
            (0..names.len()).filter(|column| known.contains(&names[*column].as_str())).collect()
        };
        let answers = called(&ANSWERS);
        let mut puzzles = called(&PUZZLES);
        if puzzles.is_empty() {
            puzzles = called(&BOARDS);
        }
        let several = || rows.iter().filter(|row| row.fields.len() > 1);
        let width = several().map(|row| row.fields.len()).max().unwrap_or(1).max(names.len());
        if puzzles.is_empty() && !answers.is_empty() && answers.len() == width {
            return Err((None, "the header names solutions, but no column of puzzles".into()));
        }
        let forms = forms(width, several());
        let candidates: Vec<usize> = match puzzles.is_empty() {
            true => (0..width).filter(|column| !answers.contains(column)).collect(),
            false => puzzles,
        };
        let puzzle = match candidates[..] {
            // Named, or the only one.
            [puzzle] => puzzle,
            _ => by_form(&forms, &candidates)
                .map_err(|reason| (several().next().map(|row| row.number), reason))?,
        };
        let answer = match answers[..] {
            [answer] if answer != puzzle => Some(answer),
            _ => answers_by_form(&forms, puzzle, several()),
        };
        Ok(Self { puzzle, answer })
    }
}

fn forms<'a>(width: usize, rows: impl Iterator<Item = &'a Row<'a>>) -> Vec<Form> {
    let mut forms = vec![Form::default(); width];
    for row in rows {
        for (form, field) in forms.iter_mut().zip(&row.fields) {
            let sized = Size::of_cells(field.chars().count()).is_some();
            form.sized += usize::from(sized);
            match parse_board(field) {
                Ok((_, board)) if board.contains(&0) => form.open += 1,
                Ok(_) => form.full += 1,
                Err(_) => form.alike += usize::from(is_board(field)),
            }
        }
    }
    forms
}

/// The column of puzzles among `candidates`.
fn by_form(forms: &[Form], candidates: &[usize]) -> Result<usize, String> {
    if let Some(column) = most(forms, candidates, |form| form.open) {
        return Ok(column);
    }
    let solved = most(forms, candidates, |form| form.full);
    let damaged = |column: &usize| candidates.contains(column) && forms[*column].alike > 0;
    if let Some(solved) = solved {
        // Puzzles usually stand before their solutions.
        let beside = solved.checked_sub(1).filter(damaged);
        let beside = beside.or(Some(solved + 1).filter(damaged));
        let others: Vec<usize> =
            candidates.iter().copied().filter(|column| *column != solved).collect();
        return beside.or_else(|| most(forms, &others, |form| form.alike)).ok_or_else(|| {
            format!(
                "field {} has no blank cell, so it is a solution, and no other field is a puzzle",
                solved + 1
            )
        });
    }
    most(forms, candidates, |form| form.alike)
        .ok_or_else(|| "no field has 81, 36 or 16 characters".into())
}

/// The column of answers to the puzzles of column `puzzle`: another one of boards.
fn answers_by_form<'a>(
    forms: &[Form],
    puzzle: usize,
    rows: impl Iterator<Item = &'a Row<'a>>,
) -> Option<usize> {
    let others: Vec<usize> = (0..forms.len()).filter(|column| *column != puzzle).collect();
    if let Some(column) = most(forms, &others, |form| form.full) {
        return Some(column);
    }
    let next = puzzle + 1;
    if forms.get(next).is_some_and(|form| form.sized > 0) {
        return Some(next);
    }
    // A column of boards that cannot be read may be the puzzles': better to refuse
    // it as an answer than to pass over it.
    let mut rivals = rows.filter_map(|row| {
        let cells = row.fields.get(puzzle)?.chars().count();
        others.iter().copied().find(|column| {
            row.fields.get(*column).is_some_and(|field| {
                let length = field.chars().count();
                let long = length == cells || (cells == 81 && length >= 60);
                long && resembles_board(field)
            })
        })
    });
    rivals.next()
}

/// The first of the columns that have most of something, if any has it.
fn most(forms: &[Form], columns: &[usize], count: impl Fn(&Form) -> usize) -> Option<usize> {
    let of = |column: &usize| forms.get(*column).map_or(0, &count);
    let most = columns.iter().map(of).max().filter(|most| *most > 0)?;
    columns.iter().copied().find(|column| of(column) == most)
}
