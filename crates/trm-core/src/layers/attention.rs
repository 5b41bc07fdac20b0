//! Multi-head self-attention with rotary positions.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use trm_kernels::general::{attention_shares, rotate, split_heads};
use trm_kernels::kept_attention;

use super::Linear;
use crate::Init;
use crate::cache::Slot;

/// What slots can look at besides each other: the context as one block keeps it.
#[derive(Clone, Debug)]
pub struct Context {
    /// Rotated, `[batch, heads, seq, head_dim]`.
    pub keys: Tensor<4>,
    /// `[batch, heads, seq, head_dim]`.
    pub values: Tensor<4>,
}

/// Where slots stand: groups of equal length that see a context each, and not
/// each other.
#[derive(Clone, Debug)]
pub struct Slots {
    pub groups: usize,
    /// Rotary table of their places in turn, `[2, groups · slots, head_dim / 2]`.
    pub rope: Tensor<3>,
    /// Added to the scores of the context: 0 where a group sees it and a number far
    /// below where not, `[1, groups, 1, seq]`. Without one, all see all of it.
    pub mask: Option<Tensor<4>>,
}

/// Self-attention; queries, keys and values are one matrix, in that order.
#[derive(Module, Debug)]
pub struct SelfAttention {
    pub qkv_proj: Linear,
    pub o_proj: Linear,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    causal: bool,
}

impl SelfAttention {
    pub fn new(dim: usize, heads: usize, causal: bool, init: &mut Init) -> Self {
        Self {
            qkv_proj: Linear::new(dim, 3 * dim, init),
            o_proj: Linear::new(dim, dim, init),
            heads,
            causal,
        }
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`; `rope` as made by
    /// [`trm_kernels::rope_table`].
    pub fn forward(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        let qkv = self.qkv_proj.forward(x);
        let mixed = trm_kernels::attention(qkv, rope.clone(), self.heads, self.causal);
        self.o_proj.forward(mixed)
    }

    /// [`forward`](Self::forward), and what slots need to look at these positions:
    /// keys, not rotated, and values, `[batch, seq, 2·dim]`.
    pub fn read(&self, x: Tensor<3>, rope: &Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let [_, _, dim] = x.dims();
        let qkv = self.qkv_proj.forward(x);
        let kept = qkv.clone().narrow(2, dim, 2 * dim);
        let mixed = trm_kernels::attention(qkv, rope.clone(), self.heads, self.causal);
        (self.o_proj.forward(mixed), kept)
    }

    /// What [`read`](Self::read) kept, as slots look at it.
    pub fn context(&self, kept: Tensor<3>, rope: &Tensor<3>) -> Context {
        let [batch, seq, width] = kept.dims();
        let split = |part: Tensor<3>| {
            part.reshape([batch, seq, self.heads, width / 2 / self.heads]).swap_dims(1, 2)
        };
        let keys = split(kept.clone().narrow(2, 0, width / 2));
        let values = split(kept.narrow(2, width / 2, width / 2));
        Context { keys: rotate(keys, rope, 0), values }
    }

    /// Slots `[batch, groups · slots, dim]` that look at the context and, in both
    /// directions, at the slots of their own group. Only those of each group that
    /// are `asked` answer: `[batch, groups · asked, dim]`.
    pub fn look(
        &self,
        x: Tensor<3>,
        slots: &Slots,
        context: &Context,
        asked: &Range<usize>,
    ) -> Tensor<3> {
        let [batch, _, dim] = x.dims();
        let [_, heads, seq, head_dim] = context.keys.dims();
        if slots.groups == 1 && slots.mask.is_none() {
            let (qkv, rope) = (self.qkv_proj.forward(x), slots.rope.clone());
            let kept = Some((context.keys.clone(), context.values.clone()));
            return self.o_proj.forward(kept_attention(qkv, rope, kept, heads, asked, false));
        }
        let (shares, v) = self.slot_shares(x, slots, context, asked);
        let [rows, groups, size, _] = v.dims();
        let (asked, own) = (asked.len(), shares.clone().narrow(3, seq, size).matmul(v));
        let given = shares.narrow(3, 0, seq).reshape([batch, heads, groups * asked, seq]);
        let given = given.matmul(context.values.clone());
        let mixed = given.reshape([rows, groups, asked, head_dim]) + own;
        let mixed = mixed.reshape([batch, heads, groups * asked, head_dim]).swap_dims(1, 2);
        self.o_proj.forward(mixed.reshape([batch, groups * asked, dim]))
    }

    /// What every slot that is `asked` takes from the context, `[batch, heads, groups ·
    /// asked, seq]`; the rest to one it takes from its group.
    pub fn look_shares(
        &self,
        x: Tensor<3>,
        slots: &Slots,
        context: &Context,
        asked: &Range<usize>,
    ) -> Tensor<4> {
        let [batch, _, _] = x.dims();
        let [_, heads, seq, _] = context.keys.dims();
        let (shares, _) = self.slot_shares(x, slots, context, asked);
        shares.narrow(3, 0, seq).reshape([batch, heads, slots.groups * asked.len(), seq])
    }

    /// Shares of the context and then of the group, `[batch · heads, groups, asked,
    /// seq + slots]`, and the slots' values `[batch · heads, groups, slots, head_dim]`.
    fn slot_shares(
        &self,
        x: Tensor<3>,
        slots: &Slots,
        context: &Context,
        asked: &Range<usize>,
    ) -> (Tensor<4>, Tensor<4>) {
        let [batch, all, _] = x.dims();
        let [_, heads, seq, head_dim] = context.keys.dims();
        let groups = slots.groups;
        let grouped =
            |part: Tensor<4>| part.reshape([batch * heads, groups, all / groups, head_dim]);
        let [q, k, v] = split_heads(self.qkv_proj.forward(x), heads);
        let q = rotate(q, &slots.rope, 0).div_scalar((head_dim as f64).sqrt());
        let q = grouped(q).narrow(2, asked.start, asked.len());
        let k = grouped(rotate(k, &slots.rope, 0));
        let own = q.clone().matmul(k.swap_dims(2, 3));
        let given = q.reshape([batch, heads, groups * asked.len(), head_dim]);
        let given = given.matmul(context.keys.clone().swap_dims(2, 3));
        let mut given = given.reshape([batch * heads, groups, asked.len(), seq]);
        if let Some(mask) = &slots.mask {
            given = given + mask.clone();
        }
        (softmax(Tensor::cat(vec![given, own], 3), 3), grouped(v))
    }

    /// What each position takes from each other one, `[batch, heads, seq, seq]`.
    pub fn shares(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<4> {
        attention_shares(self.qkv_proj.forward(x), rope, self.heads, self.causal)
    }

    /// [`forward`](Self::forward) for positions that follow those in `slot`, which learns
    /// their keys and values. Causal attention only; no gradient is wanted here.
    pub fn extend(&self, x: Tensor<3>, rope: &Tensor<3>, slot: &mut Slot) -> Tensor<3> {
        let [batch, new, dim] = x.dims();
        let qkv = self.qkv_proj.forward(x);
        let places = rope.clone().narrow(1, slot.len(), new);
        let part = |p: usize| {
            let part = qkv.clone().narrow(2, p * dim, dim);
            part.reshape([batch, new, self.heads, dim / self.heads]).swap_dims(1, 2)
        };
        let (keys, values) = (rotate(part(1), rope, slot.len()), part(2));
        let kept = slot.held();
        let mixed = kept_attention(qkv, places, kept, self.heads, &(0..new), true);
        slot.append(keys, values);
        self.o_proj.forward(mixed)
    }
}
