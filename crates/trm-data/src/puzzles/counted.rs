//! Texts whose first line only counts the puzzles below it, as collections have it.

use super::error::PuzzleError;

/// The puzzles of a text, by `read`, which must be as many as its first line counts, if it
/// does. `has_content` tells lines from empty ones and comments; `rows_of_digits` are the
/// lengths of rows of a drawn puzzle that may be digits alone.
///
/// # Errors
/// If the first line counts others than there are, and whatever `read` finds.
pub(super) fn read<P>(
    name: &str,
    text: &str,
    has_content: fn(&str) -> bool,
    rows_of_digits: &[usize],
    read: impl Fn(&str, &str) -> Result<Vec<P>, PuzzleError>,
) -> Result<Vec<P>, PuzzleError> {
    let Some(Counted { line, count, rest }) = Counted::of(text, has_content, rows_of_digits) else {
        return read(name, text);
    };
    let found = read(name, &rest)?;
    if found.len() == count {
        return Ok(found);
    }
    let reason = format!("it counts {count} puzzles, and {} follow", found.len());
    Err(PuzzleError::Line { name: name.into(), line, reason })
}

/// A text whose first line only counts the puzzles below it.
struct Counted {
    line: usize,
    count: usize,
    /// The text with an empty line in its place, so that lines keep their numbers.
    rest: String,
}

impl Counted {
    fn of(text: &str, has_content: fn(&str) -> bool, rows_of_digits: &[usize]) -> Option<Self> {
        let mut lines = text.split('\n').zip(1..);
        let (first, line) = lines.find(|(line, _)| has_content(line.trim_end_matches('\r')))?;
        let digits = first.trim().trim_matches(['"', '\'', '\u{feff}']);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let count = digits.parse().ok().filter(|_| plain && digits.len() < 8)?;
        let others = lines.filter(|(line, _)| has_content(line.trim_end_matches('\r'))).count();
        // Such a row counts more than there could be.
        if others == 0 || (rows_of_digits.contains(&digits.len()) && count > others) {
            return None;
        }
        let start = text.split('\n').take(line - 1).map(|line| line.len() + 1).sum::<usize>();
        let rest = [&text[..start], &text[start + first.len()..]].concat();
        Some(Self { line, count, rest })
    }
}
