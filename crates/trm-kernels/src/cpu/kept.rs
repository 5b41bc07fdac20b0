//! Attention of a few new positions over kept ones and over each other, in one
//! pass and without a gradient: what generation spends its time in when a token or
//! a chunk is all that is new. Kept keys and values are read where they lie.

use std::ops::Range;

use burn::tensor::{Shape, Tensor};
use burn_flex::{Flex, FlexTensor};

use super::attention::rotate;
use super::elementwise::{dot, exp_shifted, max, vectorized};
use super::{Dense, primitive, tensor};
use crate::profile::{Kind, timed};

/// Kept keys or values, `[batch, heads, seq, head_dim]`, whose rows have no gaps.
#[derive(Clone, Copy)]
struct Rows<'a> {
    numbers: &'a [f32],
    strides: [usize; 3],
    width: usize,
}

impl<'a> Rows<'a> {
    fn new(kept: &'a FlexTensor) -> Self {
        let layout = kept.layout();
        Self {
            numbers: &kept.storage::<f32>()[layout.start_offset()..],
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

/// A tensor whose rows lie whole; copied only if they do not.
fn in_rows(tensor: Tensor<4>) -> FlexTensor {
    let tensor = primitive(tensor);
    let strides = tensor.layout().strides();
    if strides[3] == 1 && strides.iter().all(|stride| *stride >= 0) {
        return tensor;
    }
    tensor.to_contiguous()
}

/// See [`crate::kept_attention`].
pub(crate) fn kept_attention(
    qkv: Tensor<3>,
    rope: Tensor<3>,
    kept: Option<(Tensor<4>, Tensor<4>)>,
    heads: usize,
    asked: &Range<usize>,
    causal: bool,
) -> Tensor<3> {
    let [batch, new, width] = qkv.dims();
    let (dim, d) = (width / 3, width / 3 / heads);
    let seq = kept.as_ref().map_or(0, |(keys, _)| keys.dims()[2]);
    let (qkv, rope) = (Dense::new(primitive(qkv)), Dense::new(primitive(rope)));
    let kept = kept.map(|(keys, values)| (in_rows(keys), in_rows(values)));
    let kept = kept.as_ref().map(|(keys, values)| (Rows::new(keys), Rows::new(values)));
    let places = Places { qkv: qkv.f32(), rope: rope.f32(), new, dim, d };
    let mut y = vec![0.0; batch * asked.len() * dim];
    timed(Kind::Attention, || {
        let mut scores = vec![0.0; seq + new];
        let (mut q, mut keys) = (vec![0.0; d], vec![0.0; new * d]);
        vectorized(
            #[inline(always)]
            || {
                for (row, head) in (0..batch).flat_map(|b| (0..heads).map(move |h| (b, h))) {
                    for (at, key) in keys.chunks_exact_mut(d).enumerate() {
                        places.rotated(key, row, at, dim + head * d, 1.0);
                    }
                    for (i, at) in asked.clone().enumerate() {
                        places.rotated(&mut q, row, at, head * d, 1.0 / (d as f32).sqrt());
                        let seen = if causal { at + 1 } else { new };
                        let scores = &mut scores[..seq + seen];
                        let (past, own) = scores.split_at_mut(seq);
                        if let Some((keys, _)) = &kept {
                            for (position, score) in past.iter_mut().enumerate() {
                                *score = dot(&q, keys.row(row, head, position));
                            }
                        }
                        for (score, key) in own.iter_mut().zip(keys.chunks_exact(d)) {
                            *score = dot(&q, key);
                        }
                        let top = max(scores);
                        let total = exp_shifted(scores, top);
                        let out = &mut y[(row * asked.len() + i) * dim + head * d..][..d];
                        let (past, own) = scores.split_at(seq);
                        if let Some((_, values)) = &kept {
                            for (position, score) in past.iter().enumerate() {
                                add(out, score / total, values.row(row, head, position));
                            }
                        }
                        for (at, score) in own.iter().enumerate() {
                            add(out, score / total, places.part(row, at, 2 * dim + head * d));
                        }
                    }
                }
            },
        );
    });
    let shape = Shape::new([batch, asked.len(), dim]);
    Tensor::from_primitive::<Flex>(tensor(y, shape))
}

#[inline(always)]
fn add(out: &mut [f32], share: f32, value: &[f32]) {
    for (out, value) in out.iter_mut().zip(value) {
        *out += share * value;
    }
}

/// The new positions.
struct Places<'a> {
    /// `[batch, new, 3 · dim]`.
    qkv: &'a [f32],
    /// `[2, new, d / 2]`.
    rope: &'a [f32],
    new: usize,
    dim: usize,
    d: usize,
}

impl Places<'_> {
    /// Head-sized part of a position, from `column` on.
    #[inline(always)]
    fn part(&self, row: usize, at: usize, column: usize) -> &[f32] {
        &self.qkv[(row * self.new + at) * 3 * self.dim + column..][..self.d]
    }

    /// The same, turned to its place and scaled.
    #[inline(always)]
    fn rotated(&self, out: &mut [f32], row: usize, at: usize, column: usize, scale: f32) {
        let half = self.d / 2;
        let (cos, sin) = self.rope.split_at(self.new * half);
        let waves = (&cos[at * half..][..half], &sin[at * half..][..half]);
        rotate(out, self.part(row, at, column).split_at(half), waves.0, waves.1, scale);
    }
}
