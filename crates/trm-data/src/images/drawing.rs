//! Drawings on the page as digits of the data set.

/// Side of a bitmap, in pixels.
pub const BITMAP: usize = 32;

/// Side of a digit, and of the blocks that are counted.
const SIDE: usize = 8;
const BLOCK: usize = BITMAP / SIDE;

/// Widest drawing in a bitmap: the digits of the data set have about a block of paper
/// on either side.
const WIDEST: usize = BITMAP - 2 * BLOCK;

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

/// The bitmap of a drawing of any size, `[height, width]`, as those of the data set
/// are: the drawing fills the height, keeps its shape unless it is wide, and is in the
/// middle. `None` if nothing is drawn.
///
/// # Panics
/// If `drawing` is not a whole number of rows of `width` pixels.
pub fn fit_drawing(drawing: &[bool], width: usize) -> Option<[bool; BITMAP * BITMAP]> {
    assert!(width > 0 && drawing.len().is_multiple_of(width), "rows of one width");
    let rows = drawing.chunks_exact(width);
    let top = rows.clone().position(|row| row.contains(&true))?;
    let height = rows.clone().rposition(|row| row.contains(&true))? + 1 - top;
    let set = |x: usize| rows.clone().any(|row| row[x]);
    let left = (0..width).find(|x| set(*x))?;
    let columns = (left..width).rev().find(|x| set(*x))? + 1 - left;
    let fitted = (columns * BITMAP).div_ceil(height).min(WIDEST);
    let indent = (BITMAP - fitted) / 2;
    let mut bitmap = [false; BITMAP * BITMAP];
    for (y, row) in bitmap.chunks_exact_mut(BITMAP).enumerate() {
        for (x, pixel) in row[indent..indent + fitted].iter_mut().enumerate() {
            // The pixel under the centre of the new one.
            let y = top + (2 * y + 1) * height / (2 * BITMAP);
            let x = left + (2 * x + 1) * columns / (2 * fitted);
            *pixel = drawing[y * width + x];
        }
    }
    Some(bitmap)
}
