//! One Sudoku board as characters: 81, 36 or 16 of them, row by row.

use std::fmt;

use super::size::Size;

/// Characters that mark a blank cell. A board may mix the first three; each of
/// the others is only used alone, so that a stray one is not taken for a blank.
pub(super) const BLANKS: [char; 9] = ['.', '0', '_', '*', '-', 'x', 'X', '?', ' '];

/// How many of [`BLANKS`] may be mixed.
const MIXABLE: usize = 3;

/// The longest text that is shown in a message.
const SHOWN: usize = 24;

/// Which mark of a blank a text uses, by its first board that has one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks(Option<char>);

impl Marks {
    /// Accepts the blank `mark`; `Err` holds the mark that it does not go with.
    fn accept(self, mark: char) -> Result<(), char> {
        let mixable = |mark| BLANKS[..MIXABLE].contains(&mark);
        match self.0 {
            Some(first) if first != mark && !(mixable(first) && mixable(mark)) => Err(first),
            _ => Ok(()),
        }
    }
}

/// Why a text is no board. Places count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Empty,
    /// Shorter or longer than every board.
    Length {
        shown: String,
        cells: usize,
        /// What may have happened to it.
        cause: &'static str,
    },
    Character {
        character: char,
        place: usize,
        side: usize,
    },
    /// A blank whose mark is not the one used before it.
    Mark {
        character: char,
        place: usize,
        first: char,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                write!(f, "it has 0 characters, and a puzzle has 81 (or 36, or 16)")
            }
            Self::Length { shown, cells, cause } => write!(
                f,
                "{shown} has {cells} characters, and a puzzle has 81 (or 36, or 16){cause}"
            ),
            Self::Character { character, place, side } => {
                let guess = match character {
                    'O' | 'o' => " (the letter, not the digit 0)",
                    'l' | 'I' => " (the letter, not the digit 1)",
                    _ => "",
                };
                write!(
                    f,
                    "{character:?}{guess} at place {place} is neither a blank (. or 0) nor a digit up to {side}"
                )
            }
            Self::Mark { character, place, first } => write!(
                f,
                "{character:?} at place {place} is no blank here, where blanks are written {first:?}"
            ),
        }
    }
}

/// One board; its length says its size. Blanks are `.`, `0` and `_`, or one of
/// `*`, `-`, `x`, `?` and a space throughout.
///
/// # Errors
/// If the length is that of no board, or a character is neither a blank nor a
/// digit of its size: the message names the place, from 1.
pub fn parse_board(text: &str) -> Result<(Size, Vec<u8>), String> {
    board(text, &mut Marks::default()).map_err(|fault| fault.to_string())
}

/// As [`parse_board`], with the `marks` of the boards before this one.
pub(super) fn board(text: &str, marks: &mut Marks) -> Result<(Size, Vec<u8>), Fault> {
    let cells = text.chars().count();
    let size = Size::of_cells(cells).ok_or_else(|| length_fault(text, cells))?;
    let used = Marks(marks.0.or_else(|| usual_blank(text)));
    let digit = |(index, character): (usize, char)| {
        let place = index + 1;
        if BLANKS.contains(&character) {
            return match used.accept(character) {
                Ok(()) => Ok(0),
                Err(first) => Err(Fault::Mark { character, place, first }),
            };
        }
        match character.to_digit(10) {
            Some(digit) if digit as usize <= size.side() => Ok(digit as u8),
            _ => Err(Fault::Character { character, place, side: size.side() }),
        }
    };
    let board = text.chars().enumerate().map(digit).collect::<Result<_, _>>()?;
    *marks = used;
    Ok((size, board))
}

/// The blank that a board has most of.
fn usual_blank(text: &str) -> Option<char> {
    let count = |mark: &char| text.chars().filter(|character| character == mark).count();
    BLANKS.into_iter().filter(|mark| count(mark) > 0).max_by_key(count)
}

fn length_fault(text: &str, cells: usize) -> Fault {
    if cells == 0 {
        return Fault::Empty;
    }
    let shown: String = text.chars().take(SHOWN).collect();
    let dots = if cells > SHOWN { "…" } else { "" };
    let digits = text.chars().all(|c| c.is_ascii_digit());
    let cause = match () {
        () if digits && (60..81).contains(&cells) => {
            "; a spreadsheet may have dropped its leading zeros"
        }
        () if text.parse::<f64>().is_ok() && text.contains(['E', 'e']) => {
            "; a spreadsheet may have rounded it"
        }
        () => "",
    };
    Fault::Length { shown: format!("{shown:?}{dots}"), cells, cause }
}

/// Whether a text is, or was meant to be, a board: at most a little longer than
/// one, and mostly of digits, blanks and letters that are taken for zeros.
pub(super) fn resembles_board(text: &str) -> bool {
    let fits =
        |c: char| c.is_ascii_digit() || (BLANKS.contains(&c) && c != ' ') || matches!(c, 'O' | 'o');
    let (mut cells, mut fitting) = (0, 0);
    for character in text.chars() {
        cells += 1;
        fitting += usize::from(fits(character));
    }
    (8..=100).contains(&cells) && fitting * 4 >= cells * 3
}

/// Whether a field has as many characters as a board, or looks like one.
pub(super) fn is_board(field: &str) -> bool {
    Size::of_cells(field.chars().count()).is_some() || resembles_board(field)
}

/// A board as one line, blanks as dots.
pub fn print(board: &[u8]) -> String {
    board.iter().map(|digit| if *digit == 0 { '.' } else { char::from(b'0' + digit) }).collect()
}

/// Whether a text is a board of digits whose blanks are spaces.
pub(super) fn is_spaced(text: &str) -> bool {
    let cells = text.chars().count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let plain = text.chars().all(|c| c == ' ' || c.is_ascii_digit());
    // A digit, a space, a digit: spaces between cells.
    let parted = text.chars().enumerate().all(|(at, c)| c.is_ascii_digit() == (at % 2 == 0));
    Size::of_cells(cells).is_some() && plain && digits >= 4 && digits < cells && !parted
}
