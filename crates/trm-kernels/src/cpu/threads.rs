//! Splitting a buffer between the cores, or not at all in a browser tab.

/// Calls `work(first row, rows of out)` on pieces of `out`, which has rows of
/// `width`. Pieces hold at least `grain` numbers.
pub fn split_rows(
    out: &mut [f32],
    width: usize,
    grain: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) {
    let rows = grain.div_ceil(width.max(1)).max(1);
    #[cfg(feature = "threads")]
    if out.len() > rows * width {
        use rayon::prelude::*;
        out.par_chunks_mut(rows * width).enumerate().for_each(|(i, chunk)| work(i * rows, chunk));
        return;
    }
    for (i, chunk) in out.chunks_mut((rows * width).max(1)).enumerate() {
        work(i * rows, chunk);
    }
}

/// Like [`split_rows`] with a second buffer cut at the same rows.
pub fn split_rows2(
    a: (&mut [f32], usize),
    b: (&mut [f32], usize),
    rows: usize,
    work: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    let ((a, a_width), (b, b_width)) = (a, b);
    #[cfg(feature = "threads")]
    if a.len() > rows * a_width {
        use rayon::prelude::*;
        a.par_chunks_mut(rows * a_width)
            .zip(b.par_chunks_mut(rows * b_width))
            .enumerate()
            .for_each(|(i, (a, b))| work(i * rows, a, b));
        return;
    }
    let pieces = a.chunks_mut((rows * a_width).max(1)).zip(b.chunks_mut((rows * b_width).max(1)));
    for (i, (a, b)) in pieces.enumerate() {
        work(i * rows, a, b);
    }
}

/// Numbers per piece below which handing work to another core does not pay.
pub const GRAIN: usize = 1 << 14;
