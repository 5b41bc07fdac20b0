//! The kernels of [`super::attention`]. Lengths and offsets are in vectors of
//! `N` numbers; `lines` is the width of a head in them.

use cubecl::prelude::*;

/// Rotates queries and keys by their position, queries scaled. Values go along,
/// so that the other kernels find everything in one buffer.
#[cube(launch_unchecked)]
pub fn rotate_kernel<N: Size>(
    qkv: &[Vector<f32, N>],
    rope: &[Vector<f32, N>],
    out: &mut [Vector<f32, N>],
    total: u32,
    seq: u32,
    positions: u32,
    heads: u32,
    scale: f32,
    #[comptime] lines: usize,
) {
    if ABSOLUTE_POS >= total as usize {
        terminate!();
    }
    let half = comptime!(lines / 2);
    let i = ABSOLUTE_POS % half;
    // Heads of queries, of keys and of values.
    let head = ABSOLUTE_POS / half;
    let part = head / heads as usize % 3;
    let position = head / (3 * heads as usize) % seq as usize;
    let at = head * lines + i;
    let a = qkv[at];
    let b = qkv[at + half];
    if part == 2 {
        out[at] = a;
        out[at + half] = b;
    } else {
        let cos = rope[position * half + i];
        let sin = rope[(positions as usize + position) * half + i];
        let scale = Vector::<f32, N>::new(select(part == 0, scale, 1.0));
        out[at] = (a * cos - b * sin) * scale;
        out[at + half] = (b * cos + a * sin) * scale;
    }
}

/// One query: softmax over the visible keys, computed as they come.
#[cube(launch_unchecked)]
pub fn attention_kernel<N: Size>(
    rotated: &[Vector<f32, N>],
    y: &mut [Vector<f32, N>],
    lse: &mut [f32],
    batch: u32,
    seq: u32,
    heads: u32,
    #[comptime] lines: usize,
    #[comptime] causal: bool,
) {
    let (seq, heads) = (seq as usize, heads as usize);
    if ABSOLUTE_POS >= batch as usize * heads * seq {
        terminate!();
    }
    let query = ABSOLUTE_POS % seq;
    let head = ABSOLUTE_POS / seq % heads;
    let first = ABSOLUTE_POS / seq / heads * seq;
    let row = 3 * heads * lines;

    let q = line::<N>(rotated, (first + query) * row + head * lines, lines);
    let mut sum = zeros::<N>(lines);
    let keys = visible(query, seq, causal);
    let mut k_at = first * row + (heads + head) * lines;
    let mut v_at = first * row + (2 * heads + head) * lines;
    // The first key sets the maximum.
    let mut top = dot::<N>(rotated, k_at, &q, lines);
    let mut total = 0.0f32;
    for _ in 0..keys {
        let score = dot::<N>(rotated, k_at, &q, lines);
        let higher = max(top, score);
        let keep = (top - higher).exp();
        let p = (score - higher).exp();
        top = higher;
        total = total * keep + p;
        let (keep, p) = (Vector::<f32, N>::new(keep), Vector::<f32, N>::new(p));
        #[unroll]
        for i in 0..lines {
            sum[i] = sum[i] * keep + p * rotated[v_at + i];
        }
        k_at += row;
        v_at += row;
    }
    lse[ABSOLUTE_POS] = top + total.ln();
    let inv = Vector::<f32, N>::new(1.0 / total);
    let out = (first + query) * heads * lines + head * lines;
    #[unroll]
    for i in 0..lines {
        y[out + i] = sum[i] * inv;
    }
}

/// One query's gradient, and for [`grad_keys_kernel`] its output along the
/// gradient that came in.
#[cube(launch_unchecked)]
pub fn grad_queries_kernel<N: Size>(
    rotated: &[Vector<f32, N>],
    grad: &[Vector<f32, N>],
    y: &[Vector<f32, N>],
    lse: &[f32],
    rope: &[Vector<f32, N>],
    dqkv: &mut [Vector<f32, N>],
    along: &mut [f32],
    batch: u32,
    seq: u32,
    heads: u32,
    positions: u32,
    scale: f32,
    #[comptime] lines: usize,
    #[comptime] causal: bool,
) {
    let (seq, heads) = (seq as usize, heads as usize);
    if ABSOLUTE_POS >= batch as usize * heads * seq {
        terminate!();
    }
    let query = ABSOLUTE_POS % seq;
    let head = ABSOLUTE_POS / seq % heads;
    let first = ABSOLUTE_POS / seq / heads * seq;
    let row = 3 * heads * lines;

    let q = line::<N>(rotated, (first + query) * row + head * lines, lines);
    let at = ((first + query) * heads + head) * lines;
    let dy = line::<N>(grad, at, lines);
    let delta = dot::<N>(y, at, &dy, lines);
    along[ABSOLUTE_POS] = delta;
    let log_sum = lse[ABSOLUTE_POS];
    let mut dq = zeros::<N>(lines);
    let mut k_at = first * row + (heads + head) * lines;
    let mut v_at = first * row + (2 * heads + head) * lines;
    for _ in 0..visible(query, seq, causal) {
        let p = (dot::<N>(rotated, k_at, &q, lines) - log_sum).exp();
        let ds = p * (dot::<N>(rotated, v_at, &dy, lines) - delta);
        let ds = Vector::<f32, N>::new(ds * scale);
        #[unroll]
        for i in 0..lines {
            dq[i] += ds * rotated[k_at + i];
        }
        k_at += row;
        v_at += row;
    }
    let out = (first + query) * row + head * lines;
    write_back::<N>(&dq, rope, dqkv, out, query, positions as usize, lines);
}

/// One key's gradient and its value's, over the queries that see it.
#[cube(launch_unchecked)]
pub fn grad_keys_kernel<N: Size>(
    rotated: &[Vector<f32, N>],
    grad: &[Vector<f32, N>],
    lse: &[f32],
    along: &[f32],
    rope: &[Vector<f32, N>],
    dqkv: &mut [Vector<f32, N>],
    batch: u32,
    seq: u32,
    heads: u32,
    positions: u32,
    #[comptime] lines: usize,
    #[comptime] causal: bool,
) {
    let (seq, heads) = (seq as usize, heads as usize);
    if ABSOLUTE_POS >= batch as usize * heads * seq {
        terminate!();
    }
    let key = ABSOLUTE_POS % seq;
    let head = ABSOLUTE_POS / seq % heads;
    let first = ABSOLUTE_POS / seq / heads * seq;
    let statistics = ABSOLUTE_POS - key;
    let row = 3 * heads * lines;
    let dim = heads * lines;

    let k = line::<N>(rotated, (first + key) * row + dim + head * lines, lines);
    let v = line::<N>(rotated, (first + key) * row + 2 * dim + head * lines, lines);
    let mut dk = zeros::<N>(lines);
    let mut dv = zeros::<N>(lines);
    let mut start = 0usize;
    if comptime!(causal) {
        start = key;
    }
    for query in start..seq {
        let q_at = (first + query) * row + head * lines;
        let dy_at = (first + query) * dim + head * lines;
        let p = (dot::<N>(rotated, q_at, &k, lines) - lse[statistics + query]).exp();
        let ds = p * (dot::<N>(grad, dy_at, &v, lines) - along[statistics + query]);
        let (p, ds) = (Vector::<f32, N>::new(p), Vector::<f32, N>::new(ds));
        #[unroll]
        for i in 0..lines {
            dv[i] += p * grad[dy_at + i];
            dk[i] += ds * rotated[q_at + i];
        }
    }
    let out = (first + key) * row + dim + head * lines;
    write_back::<N>(&dk, rope, dqkv, out, key, positions as usize, lines);
    #[unroll]
    for i in 0..lines {
        dqkv[out + dim + i] = dv[i];
    }
}

/// Keys that a query sees.
#[cube]
fn visible(query: usize, seq: usize, #[comptime] causal: bool) -> usize {
    let mut keys = seq;
    if comptime!(causal) {
        keys = query + 1;
    }
    keys
}

/// A head's numbers, read into registers.
#[cube]
fn line<N: Size>(
    from: &[Vector<f32, N>],
    at: usize,
    #[comptime] lines: usize,
) -> Array<Vector<f32, N>> {
    let mut line = Array::<Vector<f32, N>>::new(lines);
    #[unroll]
    for i in 0..lines {
        line[i] = from[at + i];
    }
    line
}

#[cube]
fn zeros<N: Size>(#[comptime] lines: usize) -> Array<Vector<f32, N>> {
    let mut line = Array::<Vector<f32, N>>::new(lines);
    #[unroll]
    for i in 0..lines {
        line[i] = Vector::<f32, N>::new(0.0);
    }
    line
}

/// A head in memory with one in registers.
#[cube]
fn dot<N: Size>(
    from: &[Vector<f32, N>],
    at: usize,
    with: &Array<Vector<f32, N>>,
    #[comptime] lines: usize,
) -> f32 {
    let mut sum = Vector::<f32, N>::new(0.0);
    #[unroll]
    for i in 0..lines {
        sum += from[at + i] * with[i];
    }
    sum.vector_sum()
}

/// Writes a gradient rotated the other way.
#[cube]
fn write_back<N: Size>(
    gradient: &Array<Vector<f32, N>>,
    rope: &[Vector<f32, N>],
    out: &mut [Vector<f32, N>],
    at: usize,
    position: usize,
    positions: usize,
    #[comptime] lines: usize,
) {
    let half = comptime!(lines / 2);
    #[unroll]
    for i in 0..half {
        let cos = rope[position * half + i];
        let sin = rope[(positions + position) * half + i];
        out[at + i] = gradient[i] * cos + gradient[half + i] * sin;
        out[at + half + i] = gradient[half + i] * cos - gradient[i] * sin;
    }
}
