//! A number that all augmented copies of a puzzle share, so that what is held
//! out can be kept apart from what is learned from.

use super::size::Size;
use crate::epochs::mix;

/// The same for a board and all its shuffles; different boards differ as a rule,
/// not always. Cells, lines, boxes and digits take turns in summing up what they
/// hold, and no sum depends on an order or on a name.
pub fn fingerprint(size: Size, board: &[u8]) -> u64 {
    let side = size.side();
    let mut cells: Vec<u64> = board.iter().map(|digit| u64::from(*digit != 0)).collect();
    for _ in 0..ROUNDS {
        let mut sums = [[0_u64; 10]; 4];
        for (cell, colour) in cells.iter().enumerate() {
            for (sums, place) in sums.iter_mut().zip(places(size, board, cell)) {
                sums[place] = sums[place].wrapping_add(mix(*colour));
            }
        }
        for (cell, colour) in cells.iter_mut().enumerate() {
            let [row, col, boxed, digit] = places(size, board, cell);
            // Rows and columns count alike: a board may be transposed.
            let lines = mix(sums[0][row]).wrapping_add(mix(sums[1][col]));
            let boxed = mix(sums[2][boxed] ^ BOX);
            let digit = if digit == 0 { 0 } else { mix(sums[3][digit] ^ DIGIT) };
            *colour = mix(lines ^ boxed.rotate_left(21) ^ digit.rotate_left(42))
                .wrapping_add(mix(*colour));
        }
    }
    debug_assert_eq!(cells.len(), side * side);
    mix(cells.into_iter().fold(0, u64::wrapping_add))
}

/// After two, every cell knows of every other.
const ROUNDS: usize = 3;

const BOX: u64 = 0x0123_4567_89ab_cdef;
const DIGIT: u64 = 0xfedc_ba98_7654_3210;

/// The row, column, box and digit of a cell.
fn places(size: Size, board: &[u8], cell: usize) -> [usize; 4] {
    let side = size.side();
    [cell / side, cell % side, size.box_of(cell), usize::from(board[cell])]
}
