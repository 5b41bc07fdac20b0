//! Matrix products in registers: an invocation computes a tile of the result
//! and shares nothing, so that there is no barrier. Software adapters run this
//! several times faster than the tiled products of a real GPU's kernels.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Launch, buffer, empty, grid};

/// Rows of a tile of the result.
const ROWS: usize = 8;
/// Columns of a tile.
const COLUMNS: usize = 8;
/// Steps along the shared axis that are taken at a time.
const STEP: usize = 4;
/// Few, so that small products still make enough workgroups for every core.
const UNITS: u32 = 32;

/// A matrix in row-major order, and which of its axes the product runs over.
pub struct Operand {
    pub data: CubeTensor,
    /// Length of the axis that the result keeps.
    pub kept: usize,
    /// Length of the axis that is summed over.
    pub summed: usize,
    /// The summed axis is the contiguous one.
    pub along: bool,
}

impl Operand {
    /// Numbers per load: whole vectors if rows keep them aligned.
    fn vector(&self) -> usize {
        let contiguous = if self.along { self.summed } else { self.kept };
        if contiguous.is_multiple_of(STEP) { STEP } else { 1 }
    }
}

/// `[a.kept, b.kept]`, summed over the axis the operands share.
pub fn matmul(a: Operand, b: Operand) -> CubeTensor {
    assert_eq!(a.summed, b.summed, "linear: widths of the operands differ");
    let (rows, columns, summed) = (a.kept, b.kept, a.summed);
    let y = empty(&a.data, [rows, columns]);
    let tiles = rows.div_ceil(ROWS) * columns.div_ceil(COLUMNS);
    let Launch { client, count, dim } = grid(&y, tiles, UNITS);
    // SAFETY: every read index is clamped to its operand and every write is
    // guarded by the sizes of the result.
    unsafe {
        matmul_kernel::launch_unchecked(
            &client,
            count,
            dim,
            a.vector(),
            b.vector(),
            buffer(&a.data),
            buffer(&b.data),
            buffer(&y),
            rows as u32,
            columns as u32,
            summed as u32,
            a.along,
            b.along,
            !summed.is_multiple_of(STEP),
        );
    }
    y
}

#[cube(launch_unchecked)]
fn matmul_kernel<Left: Size, Right: Size>(
    a: &[Vector<f32, Left>],
    b: &[Vector<f32, Right>],
    y: &mut [f32],
    rows: u32,
    columns: u32,
    summed: u32,
    #[comptime] a_along: bool,
    #[comptime] b_along: bool,
    #[comptime] partial: bool,
) {
    let (rows, columns, summed) = (rows as usize, columns as usize, summed as usize);
    let across = columns.div_ceil(COLUMNS);
    if ABSOLUTE_POS >= across * rows.div_ceil(ROWS) {
        terminate!();
    }
    let row = ABSOLUTE_POS / across * ROWS;
    let column = ABSOLUTE_POS % across * COLUMNS;

    let a_starts = starts::<Left>(row, rows, summed, a_along, ROWS);
    let b_starts = starts::<Right>(column, columns, summed, b_along, COLUMNS);
    // One variable each: compilers keep those in registers, an array rarely.
    let mut sums = Sequence::<RuntimeCell<f32>>::new();
    #[unroll]
    for _ in 0..comptime!(ROWS * COLUMNS) {
        sums.push(RuntimeCell::<f32>::new(0.0));
    }

    for step in 0..summed.div_ceil(STEP) {
        let at = step * STEP;
        let a_tile = read::<Left>(a, &a_starts, at, rows, summed, a_along, partial, ROWS);
        let b_tile = read::<Right>(b, &b_starts, at, columns, summed, b_along, false, COLUMNS);
        #[unroll]
        for i in 0..ROWS {
            #[unroll]
            for j in 0..COLUMNS {
                let cell = sums.index(comptime!(i * COLUMNS + j));
                let mut sum = cell.read();
                #[unroll]
                for k in 0..STEP {
                    sum += *a_tile.index(comptime!(k * ROWS + i))
                        * *b_tile.index(comptime!(k * COLUMNS + j));
                }
                cell.store(sum);
            }
        }
    }

    #[unroll]
    for i in 0..ROWS {
        if row + i < rows {
            #[unroll]
            for j in 0..COLUMNS {
                if column + j < columns {
                    y[(row + i) * columns + column + j] =
                        sums.index(comptime!(i * COLUMNS + j)).read();
                }
            }
        }
    }
}

/// Where each of a tile's kept lines begins; lines past the end repeat the last.
#[cube]
fn starts<N: Size>(
    first: usize,
    kept: usize,
    summed: usize,
    #[comptime] along: bool,
    #[comptime] count: usize,
) -> Sequence<usize> {
    let mut starts = Sequence::<usize>::new();
    let size = N::value();
    #[unroll]
    for i in 0..count {
        let line = min(first + i, kept - 1);
        if comptime!(along) {
            starts.push(line * (summed / size));
        } else {
            starts.push(line / size);
        }
    }
    starts
}

/// Reads `[STEP, count]` numbers. Past the summed axis they repeat its last ones,
/// or are zeros if `masked`, which one operand has to be.
#[cube]
fn read<N: Size>(
    from: &[Vector<f32, N>],
    starts: &Sequence<usize>,
    at: usize,
    kept: usize,
    summed: usize,
    #[comptime] along: bool,
    #[comptime] masked: bool,
    #[comptime] count: usize,
) -> Sequence<f32> {
    let size = N::value();
    let mut tile = Sequence::<f32>::new();
    if comptime!(along && size == STEP) {
        let mut lines = Sequence::<Vector<f32, N>>::new();
        #[unroll]
        for i in 0..count {
            lines.push(from[*starts.index(i) + at / STEP]);
        }
        #[unroll]
        for k in 0..STEP {
            #[unroll]
            for i in 0..count {
                tile.push(lines.index(i).extract(k));
            }
        }
    } else {
        #[unroll]
        for k in 0..STEP {
            let inside = at + k < summed;
            let line = min(at + k, summed - 1);
            if comptime!(along) {
                #[unroll]
                for i in 0..count {
                    let number = from[*starts.index(i) + line].extract(0usize);
                    tile.push(keep(number, inside, masked));
                }
            } else {
                let line = line * (kept / size);
                #[unroll]
                for group in 0..comptime!(count / size) {
                    let numbers = from[line + *starts.index(comptime!(group * size))];
                    #[unroll]
                    for i in 0..size {
                        tile.push(keep(numbers.extract(i), inside, masked));
                    }
                }
            }
        }
    }
    tile
}

#[cube]
fn keep(number: f32, inside: bool, #[comptime] masked: bool) -> f32 {
    if comptime!(masked) { select(inside, number, 0.0) } else { number }
}
