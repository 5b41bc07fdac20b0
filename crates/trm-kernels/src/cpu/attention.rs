//! Self-attention with rotary positions, one batch row at a time.
//!
//! Queries are taken in blocks of [`ROWS`], and under a causal mask a block
//! only multiplies with the keys it may see, which halves the work. The
//! backward pass computes the probabilities again from the saved
//! log-sum-exp: a block of them stays in cache, all of them would not.

use burn::tensor::Shape;

use super::elementwise::{dot, max, vectorized, weight, weights};
use super::matmul::{Mat, matmul_local};
use super::threads::{split_rows, split_rows2};

const ROWS: usize = 64;

/// Sizes of one attention, checked.
pub struct Plan {
    pub batch: usize,
    pub seq: usize,
    heads: usize,
    head_dim: usize,
    causal: bool,
    /// Offset of the sines in the rope table.
    sines: usize,
}

/// What the forward pass leaves for the backward pass.
pub struct Saved<'a> {
    pub grad: &'a [f32],
    pub qkv: &'a [f32],
    pub rope: &'a [f32],
    pub y: &'a [f32],
    pub lse: &'a [f32],
}

/// Queries, keys and values of one head, `[seq, head_dim]` each; queries and
/// keys rotated, queries scaled by `1/√head_dim`.
struct Head {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

impl Plan {
    pub fn new(qkv: &Shape, rope: &Shape, heads: usize, causal: bool) -> Self {
        let (batch, seq, width) = (qkv[0], qkv[1], qkv[2]);
        assert!(
            heads > 0 && width.is_multiple_of(6 * heads),
            "attention: width {width} is not three times {heads} heads of even size"
        );
        let head_dim = width / 3 / heads;
        assert!(
            rope[1] >= seq && rope[2] == head_dim / 2,
            "attention: rope table {rope:?} does not cover {seq} positions of {head_dim}"
        );
        Self { batch, seq, heads, head_dim, causal, sines: rope[1] * rope[2] }
    }

    /// Width of the output.
    pub fn dim(&self) -> usize {
        self.heads * self.head_dim
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    /// `(first query, queries, keys they may see)` of each block.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let (seq, causal) = (self.seq, self.causal);
        (0..seq).step_by(ROWS).map(move |first| {
            let rows = ROWS.min(seq - first);
            (first, rows, if causal { first + rows } else { seq })
        })
    }

    /// Reads one head of one row of the batch (`qkv` is that row).
    fn gather(&self, head: &mut Head, qkv: &[f32], rope: &[f32], index: usize) {
        let (d, dim, half) = (self.head_dim, self.dim(), self.head_dim / 2);
        let scale = self.scale();
        vectorized(
            #[inline(always)]
            || {
                for pos in 0..self.seq {
                    let row = &qkv[pos * 3 * dim..][..3 * dim];
                    let cos = &rope[pos * half..][..half];
                    let sin = &rope[self.sines + pos * half..][..half];
                    let part = |p: usize| row[p * dim + index * d..][..d].split_at(half);
                    rotate(&mut head.q[pos * d..][..d], part(0), cos, sin, scale);
                    rotate(&mut head.k[pos * d..][..d], part(1), cos, sin, 1.0);
                    head.v[pos * d..][..d].copy_from_slice(&row[2 * dim + index * d..][..d]);
                }
            },
        );
    }

    fn scratch(&self) -> Head {
        let size = self.seq * self.head_dim;
        Head { q: vec![0.0; size], k: vec![0.0; size], v: vec![0.0; size] }
    }

    /// Scores of a block of queries against the first `keys` keys.
    fn scores(&self, out: &mut [f32], head: &Head, first: usize, rows: usize, keys: usize) {
        let d = self.head_dim;
        matmul_local(
            out,
            false,
            Mat::rows(&head.q[first * d..][..rows * d], rows, d),
            Mat::rows(&head.k[..keys * d], keys, d).t(),
            1.0,
        );
    }

    /// Keys that row `r` of a block sees.
    fn visible(&self, first: usize, r: usize, keys: usize) -> usize {
        if self.causal { first + r + 1 } else { keys }
    }

    pub fn forward(&self, y: &mut [f32], lse: &mut [f32], qkv: &[f32], rope: &[f32]) {
        let (d, dim, seq) = (self.head_dim, self.dim(), self.seq);
        let row = seq * 3 * dim;
        split_rows2((y, seq * dim), (lse, self.heads * seq), 1, |batch, y, lse| {
            let mut head = self.scratch();
            let mut p = vec![0.0; ROWS * seq];
            let mut out = vec![0.0; ROWS * d];
            for index in 0..self.heads {
                self.gather(&mut head, &qkv[batch * row..][..row], rope, index);
                for (first, rows, keys) in self.blocks() {
                    let p = &mut p[..rows * keys];
                    self.scores(p, &head, first, rows, keys);
                    vectorized(
                        #[inline(always)]
                        || {
                            for (r, p) in p.chunks_exact_mut(keys).enumerate() {
                                let (seen, hidden) = p.split_at_mut(self.visible(first, r, keys));
                                let top = max(seen);
                                let total = weights(seen, top);
                                for p in seen {
                                    *p /= total;
                                }
                                hidden.fill(0.0);
                                lse[index * seq + first + r] = top + total.ln();
                            }
                        },
                    );
                    let out = &mut out[..rows * d];
                    let v = Mat::rows(&head.v[..keys * d], keys, d);
                    matmul_local(out, false, Mat::rows(p, rows, keys), v, 1.0);
                    for (r, out) in out.chunks_exact(d).enumerate() {
                        y[(first + r) * dim + index * d..][..d].copy_from_slice(out);
                    }
                }
            }
        });
    }

    pub fn backward(&self, dqkv: &mut [f32], saved: &Saved) {
        let (seq, dim) = (self.seq, self.dim());
        split_rows(dqkv, seq * 3 * dim, 1, |batch, dqkv| {
            let mut head = self.scratch();
            let mut d_head = self.scratch();
            let size = ROWS * seq;
            let mut work = Work {
                p: vec![0.0; size],
                ds: vec![0.0; size],
                dy: vec![0.0; ROWS * self.head_dim],
            };
            let row = seq * 3 * dim;
            for index in 0..self.heads {
                self.gather(&mut head, &saved.qkv[batch * row..][..row], saved.rope, index);
                d_head.k.fill(0.0);
                d_head.v.fill(0.0);
                for block in self.blocks() {
                    self.backward_block(
                        &mut d_head,
                        &mut work,
                        &head,
                        saved,
                        (batch, index),
                        block,
                    );
                }
                self.scatter(dqkv, &d_head, saved.rope, index);
            }
        });
    }

    fn backward_block(
        &self,
        d_head: &mut Head,
        work: &mut Work,
        head: &Head,
        saved: &Saved,
        (batch, index): (usize, usize),
        (first, rows, keys): (usize, usize, usize),
    ) {
        let (d, dim, seq) = (self.head_dim, self.dim(), self.seq);
        let p = &mut work.p[..rows * keys];
        let ds = &mut work.ds[..rows * keys];
        let dy = &mut work.dy[..rows * d];
        let at = |r: usize| (batch * seq + first + r) * dim + index * d;
        for (r, dy) in dy.chunks_exact_mut(d).enumerate() {
            dy.copy_from_slice(&saved.grad[at(r)..][..d]);
        }
        self.scores(p, head, first, rows, keys);
        let v = Mat::rows(&head.v[..keys * d], keys, d);
        matmul_local(ds, false, Mat::rows(dy, rows, d), v.t(), 1.0);
        vectorized(
            #[inline(always)]
            || {
                let rows = p.chunks_exact_mut(keys).zip(ds.chunks_exact_mut(keys));
                for (r, (p, ds)) in rows.enumerate() {
                    let lse = saved.lse[(batch * self.heads + index) * seq + first + r];
                    let along = dot(&dy[r * d..][..d], &saved.y[at(r)..][..d]);
                    let seen = self.visible(first, r, keys);
                    for (p, ds) in p[..seen].iter_mut().zip(&mut ds[..seen]) {
                        *p = weight(*p - lse);
                        *ds = *p * (*ds - along);
                    }
                    p[seen..].fill(0.0);
                    ds[seen..].fill(0.0);
                }
            },
        );
        let (p, ds) = (Mat::rows(p, rows, keys), Mat::rows(ds, rows, keys));
        let q = Mat::rows(&head.q[first * d..][..rows * d], rows, d);
        let k = Mat::rows(&head.k[..keys * d], keys, d);
        matmul_local(&mut d_head.v[..keys * d], true, p.t(), Mat::rows(dy, rows, d), 1.0);
        matmul_local(&mut d_head.k[..keys * d], true, ds.t(), q, 1.0);
        let dq = &mut d_head.q[first * d..][..rows * d];
        matmul_local(dq, false, ds, k, self.scale());
    }

    /// Writes the gradients of one head back, rotated the other way.
    fn scatter(&self, dqkv: &mut [f32], d_head: &Head, rope: &[f32], index: usize) {
        let (d, dim, half) = (self.head_dim, self.dim(), self.head_dim / 2);
        vectorized(
            #[inline(always)]
            || {
                for pos in 0..self.seq {
                    let row = &mut dqkv[pos * 3 * dim..][..3 * dim];
                    let cos = &rope[pos * half..][..half];
                    let sin = &rope[self.sines + pos * half..][..half];
                    for (part, source) in [&d_head.q, &d_head.k].into_iter().enumerate() {
                        let out = &mut row[part * dim + index * d..][..d];
                        rotate_back(out, source[pos * d..][..d].split_at(half), cos, sin);
                    }
                    row[2 * dim + index * d..][..d].copy_from_slice(&d_head.v[pos * d..][..d]);
                }
            },
        );
    }
}

/// Buffers of one block.
struct Work {
    p: Vec<f32>,
    ds: Vec<f32>,
    dy: Vec<f32>,
}

#[inline(always)]
pub fn rotate(out: &mut [f32], (a, b): (&[f32], &[f32]), cos: &[f32], sin: &[f32], scale: f32) {
    let (out_a, out_b) = out.split_at_mut(a.len());
    for i in 0..a.len() {
        out_a[i] = (a[i] * cos[i] - b[i] * sin[i]) * scale;
        out_b[i] = (b[i] * cos[i] + a[i] * sin[i]) * scale;
    }
}

#[inline(always)]
fn rotate_back(out: &mut [f32], (a, b): (&[f32], &[f32]), cos: &[f32], sin: &[f32]) {
    let (out_a, out_b) = out.split_at_mut(a.len());
    for i in 0..a.len() {
        out_a[i] = a[i] * cos[i] + b[i] * sin[i];
        out_b[i] = b[i] * cos[i] - a[i] * sin[i];
    }
}
