//! Which rules a board breaks, and where.

use super::size::Size;
use super::solver::units;

/// A row, a column or a box, each numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A row, by index.
    Row(usize),
    /// A column, by index.
    Column(usize),
    /// A box, by index.
    Box(usize),
}

/// A digit that stands more than once where it may stand once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The row, column or box.
    pub rule: Rule,
    /// The digit that occurs more than once.
    pub digit: u8,
    /// Where it stands, ascending.
    pub cells: Vec<usize>,
}

/// All broken rules of a board, which may have blanks: rows, then columns, then
/// boxes.
///
/// # Panics
/// If the board is of another size.
pub fn violations(size: Size, board: &[u8]) -> Vec<Violation> {
    assert_eq!(board.len(), size.cells(), "a board of its size");
    let side = size.side();
    let mut broken = Vec::new();
    for (number, unit) in units(size).units.iter().enumerate() {
        let rule = match number / side {
            0 => Rule::Row(number),
            1 => Rule::Column(number - side),
            _ => Rule::Box(number - 2 * side),
        };
        for digit in 1..=side as u8 {
            let cells = unit[..side].iter().map(|cell| usize::from(*cell));
            let cells: Vec<usize> = cells.filter(|cell| board[*cell] == digit).collect();
            if cells.len() > 1 {
                broken.push(Violation { rule, digit, cells });
            }
        }
    }
    broken
}

/// Whether `answer` is a whole board that breaks no rule and keeps what `board`
/// gives.
pub fn solves(size: Size, board: &[u8], answer: &[u8]) -> bool {
    let given = |(given, digit): (&u8, &u8)| *given == 0 || given == digit;
    answer.len() == size.cells()
        && answer.iter().all(|digit| (1..=size.side() as u8).contains(digit))
        && board.iter().zip(answer).all(given)
        && violations(size, answer).is_empty()
}
