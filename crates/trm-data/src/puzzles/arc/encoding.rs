//! A grid as 30×30 tokens: 0 padding, 1 the end of the grid (the row below it and
//! the column beside it, where there is room), colours from 2 on.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::grid::{Grid, LARGEST};

/// Tokens of a grid.
pub const SEQ_LEN: usize = LARGEST * LARGEST;

/// Padding, end and the colours.
pub const VOCAB: usize = trm_spec::ARC_TOKENS;

const END: u32 = 1;
const FIRST_COLOUR: u32 = 2;

/// The tokens of a grid whose first cell lies at `(row, col)`.
///
/// # Panics
/// If the grid does not fit there.
pub fn encode(grid: &Grid, (row, col): (usize, usize)) -> Vec<u32> {
    let (below, beside) = (row + grid.rows(), col + grid.cols());
    assert!(below <= LARGEST && beside <= LARGEST, "a grid that fits where it is put");
    let mut tokens = vec![0; SEQ_LEN];
    for (line, cells) in grid.to_rows().into_iter().enumerate() {
        let first = (row + line) * LARGEST + col;
        for (token, colour) in tokens[first..].iter_mut().zip(cells) {
            *token = u32::from(colour) + FIRST_COLOUR;
        }
        if beside < LARGEST {
            tokens[first + grid.cols()] = END;
        }
    }
    if below < LARGEST {
        tokens[below * LARGEST + col..below * LARGEST + beside].fill(END);
    }
    tokens
}

/// The tokens of a pair of grids, both moved alike to wherever both fit, or left
/// in the corner without a generator.
pub fn encode_pair(
    input: &Grid,
    output: &Grid,
    generator: Option<&mut ChaCha8Rng>,
) -> (Vec<u32>, Vec<u32>) {
    let place = generator.map_or((0, 0), |generator| {
        let mut free =
            |a: usize, b: usize| generator.random_range(0..=(LARGEST - a.max(b)) as u32) as usize;
        let row = free(input.rows(), output.rows());
        (row, free(input.cols(), output.cols()))
    });
    (encode(input, place), encode(output, place))
}

/// The grid in an answer: the largest rectangle of colours from the first cell
/// on (of several, the one with the fewest rows), which may be none at all.
///
/// # Panics
/// If there are not [`SEQ_LEN`] tokens.
pub fn crop(tokens: &[u32]) -> Grid {
    assert_eq!(tokens.len(), SEQ_LEN, "the tokens of one grid");
    let is_colour = |token: &&u32| (FIRST_COLOUR..VOCAB as u32).contains(*token);
    let (mut rows, mut cols) = (0, 0);
    let mut width = LARGEST;
    for row in 0..LARGEST {
        let line = &tokens[row * LARGEST..][..width];
        width = line.iter().take_while(is_colour).count();
        if (row + 1) * width > rows * cols {
            (rows, cols) = (row + 1, width);
        }
    }
    let lines = tokens.chunks(LARGEST).take(rows);
    let cells =
        lines.flat_map(|line| line[..cols].iter().map(|token| (token - FIRST_COLOUR) as u8));
    Grid::of(rows, cols, cells.collect())
}
