//! Matrix products in a browser, in 128-bit vectors.
//!
//! The crate `gemm` has no fused multiply-add for WebAssembly. With the feature
//! `relaxed-simd` these products use it, and do twice the work in an instruction.

use core::arch::wasm32::{
    f32x4_add, f32x4_mul, f32x4_splat, v128, v128_load, v128_load32_splat, v128_store,
};
use std::cell::RefCell;

use crate::cpu::mat::Mat;

/// A tile of the result is this many rows of two vectors: eight sums, two vectors of `b` and
/// one number of `a` fit the 16 registers of x86-64.
const ROWS: usize = 4;
const COLS: usize = 2 * LANES;
const LANES: usize = 4;

/// Terms of a sum that are added at once: what a tile reads then fits a first-level cache
/// (18 kB).
const DEPTH: usize = 384;

/// Columns of `b` that are packed at once: 393 kB, for a second-level cache.
const WIDTH: usize = 256;

thread_local! {
    /// The packed panels, kept for the next product.
    static PANELS: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// `out (+)= scale · a · b`, row-major.
pub fn product(out: &mut [f32], add: bool, a: Mat, b: Mat, scale: f32) {
    if a.cols == 0 && !add {
        out[..a.rows * b.cols].fill(0.0);
    }
    PANELS.with_borrow_mut(|(rows, cols)| {
        let depth = DEPTH.min(a.cols);
        let rows = at_least(rows, ROWS * depth);
        let cols = at_least(cols, WIDTH.min(b.cols.next_multiple_of(COLS)) * depth);
        // The last two blocks share what is left, so that none is short.
        let mut from = 0;
        while from < a.cols {
            let left = a.cols - from;
            let depth = if left < 2 * DEPTH { left.div_ceil(left.div_ceil(DEPTH)) } else { DEPTH };
            let block = Block { from, depth, add: add || from > 0, scale };
            block.work(out, a, b, rows, cols);
            from += depth;
        }
    });
}

/// `size` numbers of a buffer, which grows to have them.
fn at_least(buffer: &mut Vec<f32>, size: usize) -> &mut [f32] {
    if buffer.len() < size {
        buffer.resize(size, 0.0);
    }
    &mut buffer[..size]
}

/// The terms `from .. from + depth` of every sum.
struct Block {
    from: usize,
    depth: usize,
    add: bool,
    scale: f32,
}

impl Block {
    fn work(&self, out: &mut [f32], a: Mat, b: Mat, rows: &mut [f32], cols: &mut [f32]) {
        let (n, depth) = (b.cols, self.depth);
        for first in (0..n).step_by(WIDTH) {
            let width = WIDTH.min(n - first);
            for (i, panel) in cols.chunks_exact_mut(COLS * depth).enumerate() {
                let col = first + i * COLS;
                if col < first + width {
                    pack::<COLS>(
                        panel,
                        &b.data[self.from * b.row + col * b.col..],
                        n - col,
                        b.row,
                        b.col,
                    );
                }
            }
            for row in (0..a.rows).step_by(ROWS) {
                let panel = &mut rows[..ROWS * depth];
                let from = &a.data[row * a.row + self.from * a.col..];
                pack::<ROWS>(panel, from, a.rows - row, a.col, a.row);
                for (i, cols) in cols.chunks_exact(COLS * depth).enumerate() {
                    let col = i * COLS;
                    if col < width {
                        let sums = tile(panel, cols);
                        let (height, width) = (ROWS.min(a.rows - row), COLS.min(width - col));
                        self.store(&mut out[row * n + first + col..], n, &sums, height, width);
                    }
                }
            }
        }
    }

    /// Writes the upper left `height × width` numbers of a tile to rows that are `n` apart.
    #[inline]
    fn store(&self, out: &mut [f32], n: usize, sums: &[Tile; ROWS], height: usize, width: usize) {
        let scale = f32x4_splat(self.scale);
        for (row, sums) in sums.iter().enumerate().take(height) {
            let out = &mut out[row * n..][..width];
            if width == COLS {
                for (out, sum) in out.chunks_exact_mut(LANES).zip(sums) {
                    let mut sum = f32x4_mul(*sum, scale);
                    // SAFETY: `out` has the four numbers of a vector, which may lie anywhere.
                    unsafe {
                        if self.add {
                            sum = f32x4_add(v128_load(out.as_ptr().cast()), sum);
                        }
                        v128_store(out.as_mut_ptr().cast(), sum);
                    }
                }
            } else {
                let mut numbers = [0.0; COLS];
                for (numbers, sum) in numbers.chunks_exact_mut(LANES).zip(sums) {
                    // SAFETY: as above.
                    unsafe { v128_store(numbers.as_mut_ptr().cast(), f32x4_mul(*sum, scale)) };
                }
                for (out, number) in out.iter_mut().zip(numbers) {
                    *out = if self.add { *out + number } else { number };
                }
            }
        }
    }
}

type Tile = [v128; COLS / LANES];

/// The products of a panel of rows, `[depth][ROWS]`, and one of columns, `[depth][COLS]`.
#[cfg_attr(feature = "relaxed-simd", target_feature(enable = "relaxed-simd"))]
fn tile(rows: &[f32], cols: &[f32]) -> [Tile; ROWS] {
    let mut sums = [[f32x4_splat(0.0); COLS / LANES]; ROWS];
    for (row, col) in rows.chunks_exact(ROWS).zip(cols.chunks_exact(COLS)) {
        // SAFETY: `col` has the eight numbers of two vectors.
        let (left, right) =
            unsafe { (v128_load(col.as_ptr().cast()), v128_load(col[LANES..].as_ptr().cast())) };
        for (sums, x) in sums.iter_mut().zip(row) {
            // SAFETY: a reference to a number.
            let x = unsafe { v128_load32_splat(core::ptr::from_ref(x).cast()) };
            sums[0] = mul_add(x, left, sums[0]);
            sums[1] = mul_add(x, right, sums[1]);
        }
    }
    sums
}

#[cfg(feature = "relaxed-simd")]
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn mul_add(a: v128, b: v128, c: v128) -> v128 {
    core::arch::wasm32::f32x4_relaxed_madd(a, b, c)
}

#[cfg(not(feature = "relaxed-simd"))]
#[inline]
fn mul_add(a: v128, b: v128, c: v128) -> v128 {
    f32x4_add(f32x4_mul(a, b), c)
}

/// `panel[p][j] = from[p · step + j · stride]`, zero where `j` is not below `have`.
fn pack<const N: usize>(panel: &mut [f32], from: &[f32], have: usize, step: usize, stride: usize) {
    let have = have.min(N);
    if stride == 1 {
        for (p, line) in panel.chunks_exact_mut(N).enumerate() {
            let from = &from[p * step..][..have];
            match (<&mut [f32; N]>::try_from(&mut *line), <&[f32; N]>::try_from(from)) {
                (Ok(line), Ok(from)) => *line = *from,
                _ => {
                    line[have..].fill(0.0);
                    line[..have].copy_from_slice(from);
                }
            }
        }
        return;
    }
    if have < N {
        panel.fill(0.0);
    }
    // Along the numbers that lie beside each other, which are those of one sum.
    for j in 0..have {
        let from = &from[j * stride..];
        for (p, line) in panel.chunks_exact_mut(N).enumerate() {
            line[j] = from[p * step];
        }
    }
}
