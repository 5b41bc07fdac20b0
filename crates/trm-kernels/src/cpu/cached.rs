//! Attention of a few new positions over cached ones and over each other, in one
//! pass and without a gradient: what generation spends its time in when a token or
//! a chunk is all that is new. Cached keys and values are read in place.

use std::ops::Range;

use burn::tensor::{Shape, Tensor};
use burn_flex::{Flex, FlexTensor};
use pulp::{Simd, WithSimd};

use super::attention::rotate;
use super::elementwise::{max, weights};
use super::{Dense, primitive, tensor};
use crate::profile::{Kind, timed};

/// Cached keys or values, `[batch, heads, seq, head_dim]`, whose rows are contiguous.
#[derive(Clone, Copy)]
struct Rows<'a> {
    numbers: &'a [f32],
    strides: [usize; 3],
    width: usize,
}

impl<'a> Rows<'a> {
    fn new(cache: &'a FlexTensor) -> Self {
        let layout = cache.layout();
        Self {
            numbers: &cache.storage::<f32>()[layout.start_offset()..],
            strides: [0, 1, 2].map(|axis| layout.strides()[axis] as usize),
            width: layout.shape()[3],
        }
    }

    /// The rows of a head, from its first position to the end of the buffer.
    #[inline(always)]
    fn of(&self, batch: usize, head: usize) -> impl Iterator<Item = &'a [f32]> + Clone {
        let ([b, h, p], width) = (self.strides, self.width);
        self.numbers[batch * b + head * h..].chunks(p.max(width)).map(move |row| &row[..width])
    }
}

/// The tensor itself if its rows are contiguous and none is part of the one before, else a
/// contiguous copy.
fn in_rows(tensor: Tensor<4>) -> FlexTensor {
    let [_, _, seq, width] = tensor.dims();
    let tensor = primitive(tensor);
    let strides = tensor.layout().strides();
    let apart = seq == 1 || strides[2] >= width as isize;
    if strides[3] == 1 && apart && strides.iter().all(|stride| *stride >= 0) {
        return tensor;
    }
    tensor.to_contiguous()
}

/// See [`crate::cached_attention`].
pub(crate) fn cached_attention(
    qkv: Tensor<3>,
    rope: Tensor<3>,
    cache: Option<(Tensor<4>, Tensor<4>)>,
    heads: usize,
    queries: &Range<usize>,
    causal: bool,
) -> Tensor<3> {
    let [batch, new, width] = qkv.dims();
    let (dim, d) = (width / 3, width / 3 / heads);
    let seq = cache.as_ref().map_or(0, |(keys, _)| keys.dims()[2]);
    // Query heads that share a cached one.
    let group = cache.as_ref().map_or(1, |(keys, _)| heads / keys.dims()[1]);
    let (qkv, rope) = (Dense::new(primitive(qkv)), Dense::new(primitive(rope)));
    let cache = cache.map(|(keys, values)| (in_rows(keys), in_rows(values)));
    let cache = cache.as_ref().map(|(keys, values)| (Rows::new(keys), Rows::new(values)));
    let positions = NewPositions { qkv: qkv.f32(), rope: rope.f32(), new, dim, d };
    let mut y = vec![0.0; batch * queries.len() * dim];
    timed(Kind::Attention, || {
        let work = Work { y: &mut y, positions, cache, batch, heads, seq, group, queries, causal };
        pulp::Arch::new().dispatch(work);
    });
    let shape = Shape::new([batch, queries.len(), dim]);
    Tensor::from_primitive::<Flex>(tensor(y, shape))
}

/// All heads of all rows.
struct Work<'a> {
    /// `[batch, queries, dim]`, zero.
    y: &'a mut [f32],
    positions: NewPositions<'a>,
    cache: Option<(Rows<'a>, Rows<'a>)>,
    batch: usize,
    heads: usize,
    /// Cached positions.
    seq: usize,
    /// Query heads that share a cached one.
    group: usize,
    queries: &'a Range<usize>,
    causal: bool,
}

impl WithSimd for Work<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { y, positions, cache, batch, heads, seq, group, queries, causal } = self;
        let NewPositions { new, dim, d, .. } = positions;
        let mut scores = vec![0.0; seq + new];
        let (mut q, mut keys) = (vec![0.0; d], vec![0.0; new * d]);
        for (row, head) in (0..batch).flat_map(|b| (0..heads).map(move |h| (b, h))) {
            for (at, key) in keys.chunks_exact_mut(d).enumerate() {
                positions.rotated(key, row, at, dim + head * d, 1.0);
            }
            for (i, at) in queries.clone().enumerate() {
                positions.rotated(&mut q, row, at, head * d, 1.0 / (d as f32).sqrt());
                let visible = if causal { at + 1 } else { new };
                let scores = &mut scores[..seq + visible];
                let (past, own) = scores.split_at_mut(seq);
                if let Some((keys, _)) = &cache {
                    dots(simd, past, &q, keys.of(row, head / group));
                }
                dots(simd, own, &q, keys.chunks_exact(d));
                let top = max(scores);
                let total = weights(scores, top);
                let (past, own) = scores.split_at(seq);
                let out = &mut y[(row * queries.len() + i) * dim + head * d..][..d];
                if let Some((_, values)) = &cache {
                    add_weighted(simd, out, past, values.of(row, head / group));
                }
                let column = 2 * dim + head * d;
                let values = (0..new).map(|at| positions.part(row, at, column));
                add_weighted(simd, out, own, values);
                out.iter_mut().for_each(|x| *x /= total);
            }
        }
    }
}

/// `scores[i] = q · keys[i]`.
#[inline(always)]
fn dots<'a, S: Simd>(
    simd: S,
    scores: &mut [f32],
    q: &[f32],
    keys: impl Iterator<Item = &'a [f32]>,
) {
    let (q, q_rest) = S::as_simd_f32s(q);
    for (score, key) in scores.iter_mut().zip(keys) {
        let (key, key_rest) = S::as_simd_f32s(key);
        let mut sum = simd.splat_f32s(0.0);
        for (q, key) in q.iter().zip(key) {
            sum = simd.mul_add_e_f32s(*q, *key, sum);
        }
        let rest: f32 = q_rest.iter().zip(key_rest).map(|(q, key)| q * key).sum();
        *score = simd.reduce_sum_f32s(sum) + rest;
    }
}

/// `out += Σ shares[i] · rows[i]`.
#[inline(always)]
fn add_weighted<'a, S: Simd>(
    simd: S,
    out: &mut [f32],
    shares: &[f32],
    rows: impl Iterator<Item = &'a [f32]> + Clone,
) {
    let (out, out_rest) = S::as_mut_simd_f32s(out);
    // Two vectors of the sum at a time, which stay in registers.
    let mut pairs = out.chunks_exact_mut(2);
    let mut at = 0;
    for out in &mut pairs {
        let [mut left, mut right] = [out[0], out[1]];
        for (share, row) in shares.iter().zip(rows.clone()) {
            let (share, row) = (simd.splat_f32s(*share), &S::as_simd_f32s(row).0[at..at + 2]);
            left = simd.mul_add_e_f32s(share, row[0], left);
            right = simd.mul_add_e_f32s(share, row[1], right);
        }
        out.copy_from_slice(&[left, right]);
        at += 2;
    }
    for out in pairs.into_remainder() {
        for (share, row) in shares.iter().zip(rows.clone()) {
            *out = simd.mul_add_e_f32s(simd.splat_f32s(*share), S::as_simd_f32s(row).0[at], *out);
        }
        at += 1;
    }
    if !out_rest.is_empty() {
        for (share, row) in shares.iter().zip(rows) {
            for (out, x) in out_rest.iter_mut().zip(S::as_simd_f32s(row).1) {
                *out += share * x;
            }
        }
    }
}

/// The new positions.
#[derive(Clone, Copy)]
struct NewPositions<'a> {
    /// `[batch, new, 3 · dim]`.
    qkv: &'a [f32],
    /// `[2, new, d / 2]`.
    rope: &'a [f32],
    new: usize,
    dim: usize,
    d: usize,
}

impl<'a> NewPositions<'a> {
    /// Head-sized part of a position, from `column` on.
    #[inline(always)]
    fn part(&self, row: usize, at: usize, column: usize) -> &'a [f32] {
        &self.qkv[(row * self.new + at) * 3 * self.dim + column..][..self.d]
    }

    /// The same, rotated to its position and scaled.
    #[inline(always)]
    fn rotated(&self, out: &mut [f32], row: usize, at: usize, column: usize, scale: f32) {
        let half = self.d / 2;
        let (cos, sin) = self.rope.split_at(self.new * half);
        let waves = (&cos[at * half..][..half], &sin[at * half..][..half]);
        rotate(out, self.part(row, at, column).split_at(half), waves.0, waves.1, scale);
    }
}
