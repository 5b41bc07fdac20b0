//! Matrix products in registers: an invocation computes a tile of the result
//! and shares nothing, so that there is no barrier. Software adapters run this
//! several times faster than the tiled products of a real GPU's kernels.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Launch, buffer, empty, grid};

/// Rows and columns of a tile.
const TILE: usize = 8;
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
    let tiles = rows.div_ceil(TILE) * columns.div_ceil(TILE);
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
        );
    }
    y
}

#[cube(launch_unchecked)]
fn matmul_kernel<A: Size, B: Size>(
    a: &[Vector<f32, A>],
    b: &[Vector<f32, B>],
    y: &mut [f32],
    rows: u32,
    columns: u32,
    summed: u32,
    #[comptime] a_along: bool,
    #[comptime] b_along: bool,
) {
    let (rows, columns, summed) = (rows as usize, columns as usize, summed as usize);
    let across = columns.div_ceil(TILE);
    if ABSOLUTE_POS >= across * rows.div_ceil(TILE) {
        terminate!();
    }
    let row = ABSOLUTE_POS / across * TILE;
    let column = ABSOLUTE_POS % across * TILE;

    let a_starts = starts::<A>(row, rows, summed, a_along);
    let b_starts = starts::<B>(column, columns, summed, b_along);
    let mut a_tile = Array::<f32>::new(comptime!(TILE * STEP));
    let mut b_tile = Array::<f32>::new(comptime!(TILE * STEP));
    let mut sums = Array::<f32>::new(comptime!(TILE * TILE));
    #[unroll]
    for i in 0..comptime!(TILE * TILE) {
        sums[i] = 0.0;
    }

    for step in 0..summed.div_ceil(STEP) {
        let at = step * STEP;
        read::<A>(a, &a_starts, &mut a_tile, at, rows, summed, a_along);
        read::<B>(b, &b_starts, &mut b_tile, at, columns, summed, b_along);
        #[unroll]
        for k in 0..STEP {
            #[unroll]
            for i in 0..TILE {
                #[unroll]
                for j in 0..TILE {
                    sums[i * TILE + j] += a_tile[i * STEP + k] * b_tile[j * STEP + k];
                }
            }
        }
    }

    #[unroll]
    for i in 0..TILE {
        if row + i < rows {
            #[unroll]
            for j in 0..TILE {
                if column + j < columns {
                    y[(row + i) * columns + column + j] = sums[i * TILE + j];
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
) -> Array<usize> {
    let mut starts = Array::<usize>::new(TILE);
    #[unroll]
    for i in 0..TILE {
        if comptime!(along) {
            starts[i] = min(first + i, kept - 1) * (summed / N::value());
        } else {
            starts[i] = min(first + i, kept - 1) / N::value();
        }
    }
    starts
}

/// Reads `[TILE, STEP]` numbers into registers, zeros past the summed axis.
#[cube]
fn read<N: Size>(
    from: &[Vector<f32, N>],
    starts: &Array<usize>,
    tile: &mut Array<f32>,
    at: usize,
    kept: usize,
    summed: usize,
    #[comptime] along: bool,
) {
    let size = N::value();
    if comptime!(along && size == STEP) {
        #[unroll]
        for i in 0..TILE {
            let line = from[starts[i] + at / STEP];
            #[unroll]
            for k in 0..STEP {
                tile[i * STEP + k] = line.extract(k);
            }
        }
    } else if comptime!(along) {
        #[unroll]
        for i in 0..TILE {
            #[unroll]
            for k in 0..STEP {
                let number = from[starts[i] + min(at + k, summed - 1)].extract(0usize);
                tile[i * STEP + k] = select(at + k < summed, number, 0.0);
            }
        }
    } else {
        #[unroll]
        for k in 0..STEP {
            let line = min(at + k, summed - 1) * (kept / size);
            #[unroll]
            for group in 0..comptime!(TILE / size) {
                let numbers = from[line + starts[group * size]];
                #[unroll]
                for i in 0..size {
                    tile[(group * size + i) * STEP + k] =
                        select(at + k < summed, numbers.extract(i), 0.0);
                }
            }
        }
    }
}
