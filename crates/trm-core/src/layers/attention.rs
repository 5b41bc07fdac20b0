//! Multi-head self-attention with rotary positions.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use trm_kernels::cached_attention;
use trm_kernels::general::{attention_weights, rotate, split_heads};

use super::{KeyValues, Linear};
use crate::{Init, KvCache};

/// Positions of drafts: groups of equal length that attend to the context and
/// within their group, never to another group.
#[derive(Clone, Debug)]
pub struct DraftPositions {
    /// Number of groups, one per chunk.
    pub groups: usize,
    /// Rotary table of the draft positions, `[2, groups · size, head_dim / 2]`.
    pub rope: Tensor<3>,
    /// Added to the scores of the context, `[1, groups, 1, seq]`: 0 where a group may
    /// attend and a large negative number where not. Without a mask, every group
    /// attends to all of the context.
    pub mask: Option<Tensor<4>>,
}

/// Self-attention; queries, keys and values are one matrix, in that order.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// `[3 · dim, dim]`.
    pub qkv_proj: Linear,
    /// `[dim, dim]`.
    pub o_proj: Linear,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    causal: bool,
}

impl SelfAttention {
    /// Attention of width `dim`, which `heads` must divide.
    pub fn new(dim: usize, heads: usize, causal: bool, init: &mut Init) -> Self {
        Self {
            qkv_proj: Linear::new(dim, 3 * dim, init),
            o_proj: Linear::new(dim, dim, init),
            heads,
            causal,
        }
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`; `rope` is a table of
    /// [`trm_kernels::rope_table`].
    pub fn forward(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        let qkv = self.qkv_proj.forward(x);
        let mixed = trm_kernels::attention(qkv, rope.clone(), self.heads, self.causal);
        self.o_proj.forward(mixed)
    }

    /// [`forward`](Self::forward), and the keys and values of the positions for
    /// [`forward_drafts`](Self::forward_drafts).
    pub fn forward_context(&self, x: Tensor<3>, rope: &Tensor<3>) -> (Tensor<3>, KeyValues) {
        let [batch, seq, dim] = x.dims();
        let qkv = self.qkv_proj.forward(x);
        // Only what is used: automatic differentiation would keep the queries for ever.
        let part = |p: usize| {
            let part = qkv.clone().narrow(2, p * dim, dim);
            part.reshape([batch, seq, self.heads, dim / self.heads]).swap_dims(1, 2)
        };
        let kv = KeyValues { keys: rotate(part(1), rope, 0), values: part(2) };
        let mixed = trm_kernels::attention(qkv.clone(), rope.clone(), self.heads, self.causal);
        (self.o_proj.forward(mixed), kv)
    }

    /// Attention of draft positions `[batch, groups · size, dim]` to the context and,
    /// in both directions, within their group. Only the positions `queries` of each
    /// group are computed: `[batch, groups · queries, dim]`.
    pub fn forward_drafts(
        &self,
        x: Tensor<3>,
        positions: &DraftPositions,
        context: &KeyValues,
        queries: &Range<usize>,
    ) -> Tensor<3> {
        let [batch, _, dim] = x.dims();
        let [_, heads, seq, head_dim] = context.keys.dims();
        if positions.groups == 1 && positions.mask.is_none() {
            let (qkv, rope) = (self.qkv_proj.forward(x), positions.rope.clone());
            let cache = Some((context.keys.clone(), context.values.clone()));
            return self.o_proj.forward(cached_attention(qkv, rope, cache, heads, queries, false));
        }
        let (weights, v) = self.draft_weights(x, positions, context, queries);
        let [rows, groups, size, _] = v.dims();
        let (queries, own) = (queries.len(), weights.clone().narrow(3, seq, size).matmul(v));
        let past = weights.narrow(3, 0, seq).reshape([batch, heads, groups * queries, seq]);
        let past = past.matmul(context.values.clone());
        let mixed = past.reshape([rows, groups, queries, head_dim]) + own;
        let mixed = mixed.reshape([batch, heads, groups * queries, head_dim]).swap_dims(1, 2);
        self.o_proj.forward(mixed.reshape([batch, groups * queries, dim]))
    }

    /// Attention weights on the context of the positions `queries` of each group,
    /// `[batch, heads, groups · queries, seq]`; what is missing to one falls on the
    /// group itself.
    pub fn context_weights(
        &self,
        x: Tensor<3>,
        positions: &DraftPositions,
        context: &KeyValues,
        queries: &Range<usize>,
    ) -> Tensor<4> {
        let [batch, _, _] = x.dims();
        let [_, heads, seq, _] = context.keys.dims();
        let (weights, _) = self.draft_weights(x, positions, context, queries);
        let rows = positions.groups * queries.len();
        weights.narrow(3, 0, seq).reshape([batch, heads, rows, seq])
    }

    /// Attention weights on the context, then on the group, `[batch · heads, groups,
    /// queries, seq + size]`, and the values of the draft positions, `[batch · heads,
    /// groups, size, head_dim]`.
    fn draft_weights(
        &self,
        x: Tensor<3>,
        positions: &DraftPositions,
        context: &KeyValues,
        queries: &Range<usize>,
    ) -> (Tensor<4>, Tensor<4>) {
        let [batch, all, _] = x.dims();
        let [_, heads, seq, head_dim] = context.keys.dims();
        let groups = positions.groups;
        let grouped =
            |part: Tensor<4>| part.reshape([batch * heads, groups, all / groups, head_dim]);
        let [q, k, v] = split_heads(self.qkv_proj.forward(x), heads);
        let q = rotate(q, &positions.rope, 0).div_scalar((head_dim as f64).sqrt());
        let q = grouped(q).narrow(2, queries.start, queries.len());
        let k = grouped(rotate(k, &positions.rope, 0));
        let own = q.clone().matmul(k.swap_dims(2, 3));
        let past = q.reshape([batch, heads, groups * queries.len(), head_dim]);
        let past = past.matmul(context.keys.clone().swap_dims(2, 3));
        let mut past = past.reshape([batch * heads, groups, queries.len(), seq]);
        if let Some(mask) = &positions.mask {
            past = past + mask.clone();
        }
        (softmax(Tensor::cat(vec![past, own], 3), 3), grouped(v))
    }

    /// Attention weights, `[batch, heads, seq, seq]`.
    pub fn weights(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<4> {
        attention_weights(self.qkv_proj.forward(x), rope, self.heads, self.causal)
    }

    /// [`forward`](Self::forward) for positions that follow those in `cache`, to which
    /// their keys and values are added. Causal attention only, without gradient.
    pub fn extend(&self, x: Tensor<3>, rope: &Tensor<3>, cache: &mut KvCache) -> Tensor<3> {
        let [_, new, _] = x.dims();
        let qkv = self.qkv_proj.forward(x);
        let positions = rope.clone().narrow(1, cache.len(), new);
        let [_, keys, values] = split_heads(qkv.clone(), self.heads);
        let keys = rotate(keys, rope, cache.len());
        let past = cache.get();
        let mixed = cached_attention(qkv, positions, past, self.heads, &(0..new), true);
        cache.append(keys, values);
        self.o_proj.forward(mixed)
    }
}

/// The attention weights of blocks that run one after the other, the first on `h` `[batch, seq,
/// dim]`: of each block those that `weights` gives, `[batch, heads, seq, seq]`. For
/// [`attend`](crate::Recursive::attend).
pub(crate) fn attention_by_block<B>(
    blocks: &[B],
    mut h: Tensor<3>,
    weights: impl Fn(&B, Tensor<3>) -> Option<Tensor<4>>,
    run: impl Fn(&B, Tensor<3>) -> Tensor<3>,
) -> Vec<Tensor<4>> {
    let mut all = Vec::with_capacity(blocks.len());
    for block in blocks {
        all.extend(weights(block, h.clone()));
        h = run(block, h);
    }
    all
}
