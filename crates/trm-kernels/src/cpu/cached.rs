//! Attention of a few new positions over cached ones and over each other, in one
//! pass and without a gradient: what generation spends its time in when a token or
//! a chunk is all that is new. Cached keys and values are read in place.

use std::ops::Range;

use burn::tensor::{Shape, Tensor};
use burn_flex::{Flex, FlexTensor};

use super::attention::rotate;
use super::elementwise::{dot, exp_shifted, max, vectorized};
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

    #[inline(always)]
    fn row(&self, batch: usize, head: usize, position: usize) -> &'a [f32] {
        let [b, h, p] = self.strides;
        &self.numbers[batch * b + head * h + position * p..][..self.width]
    }
}

/// The tensor itself if its rows are contiguous, else a contiguous copy.
fn in_rows(tensor: Tensor<4>) -> FlexTensor {
    let tensor = primitive(tensor);
    let strides = tensor.layout().strides();
    if strides[3] == 1 && strides.iter().all(|stride| *stride >= 0) {
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
        let mut scores = vec![0.0; seq + new];
        let (mut q, mut keys) = (vec![0.0; d], vec![0.0; new * d]);
        vectorized(
            #[inline(always)]
            || {
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
                            for (position, score) in past.iter_mut().enumerate() {
                                *score = dot(&q, keys.row(row, head / group, position));
                            }
                        }
                        for (score, key) in own.iter_mut().zip(keys.chunks_exact(d)) {
                            *score = dot(&q, key);
                        }
                        let top = max(scores);
                        let total = exp_shifted(scores, top);
                        let out = &mut y[(row * queries.len() + i) * dim + head * d..][..d];
                        let (past, own) = scores.split_at(seq);
                        if let Some((_, values)) = &cache {
                            for (position, score) in past.iter().enumerate() {
                                add(out, score / total, values.row(row, head / group, position));
                            }
                        }
                        for (at, score) in own.iter().enumerate() {
                            add(out, score / total, positions.part(row, at, 2 * dim + head * d));
                        }
                    }
                }
            },
        );
    });
    let shape = Shape::new([batch, queries.len(), dim]);
    Tensor::from_primitive::<Flex>(tensor(y, shape))
}

#[inline(always)]
fn add(out: &mut [f32], share: f32, value: &[f32]) {
    for (out, value) in out.iter_mut().zip(value) {
        *out += share * value;
    }
}

/// The new positions.
struct NewPositions<'a> {
    /// `[batch, new, 3 · dim]`.
    qkv: &'a [f32],
    /// `[2, new, d / 2]`.
    rope: &'a [f32],
    new: usize,
    dim: usize,
    d: usize,
}

impl NewPositions<'_> {
    /// Head-sized part of a position, from `column` on.
    #[inline(always)]
    fn part(&self, row: usize, at: usize, column: usize) -> &[f32] {
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
