//! Drawings on the page as digits of the data set.

/// Side of a drawing, in pixels.
pub const BITMAP: usize = 32;

/// Side of a digit, and of the blocks that are counted.
const SIDE: usize = 8;
const BLOCK: usize = BITMAP / SIDE;

/// A drawing as an image of the digits: how many pixels are set in each block of 4 × 4,
/// from 0 to 16. The data set was reduced from bitmaps of 32 × 32 in the same way.
pub fn draw_to_digit(bitmap: &[bool; BITMAP * BITMAP]) -> [u8; SIDE * SIDE] {
    let mut digit = [0; SIDE * SIDE];
    for (place, set) in bitmap.iter().enumerate() {
        let (row, column) = (place / BITMAP / BLOCK, place % BITMAP / BLOCK);
        digit[row * SIDE + column] += u8::from(*set);
    }
    digit
}
