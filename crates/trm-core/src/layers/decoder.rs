//! The layer of a decoder of the Llama architecture.

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};
use trm_kernels::general::{attention_weights, rotate};

use super::{AttentionLora, KeyValues, Linear, SwiGlu};
use crate::{Init, KvCache};

/// Sizes of a layer.
#[derive(Clone, Copy, Debug)]
pub struct DecoderSpec {
    /// Width of the residual stream.
    pub dim: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; they divide `heads`.
    pub kv_heads: usize,
    /// Features of a head.
    pub head_dim: usize,
    /// Inner width of the SwiGLU.
    pub inner: usize,
    /// Added to the mean square under the root of RMSNorm.
    pub eps: f64,
    /// Whether the layer has rotary positions.
    pub has_rope: bool,
}

/// The positions of padded rows, and what each of them attends to.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Cosines and sines of the positions, `[batch, 1, seq, head_dim / 2]` each.
    waves: [Tensor<4>; 2],
    /// Added to attention scores, `[batch, 1, seq, keys]`: 0, or -inf where a key is hidden.
    mask: Tensor<4>,
}

impl Placement {
    /// Positions `[batch, seq]` in a rotary table, with a mask `[batch, 1, seq, keys]`.
    pub fn new(rope: &Tensor<3>, positions: Tensor<2, Int>, mask: Tensor<4>) -> Self {
        let [batch, seq] = positions.dims();
        let [_, _, half] = rope.dims();
        let rows = positions.reshape([batch * seq]);
        let wave = |part: usize| {
            let table = rope.clone().narrow(0, part, 1).squeeze_dim::<2>(0);
            table.select(0, rows.clone()).reshape([batch, 1, seq, half])
        };
        Self { waves: [wave(0), wave(1)], mask }
    }

    /// The same rows, `times` times one after the other.
    #[must_use]
    pub fn repeat(self, times: usize) -> Self {
        Self {
            waves: self.waves.map(|wave| wave.repeat_dim(0, times)),
            mask: self.mask.repeat_dim(0, times),
        }
    }

    fn rotate(&self, x: Tensor<4>) -> Tensor<4> {
        let [cos, sin] = self.waves.clone();
        let [a, b] = x.chunk(2, 3).try_into().expect("an even head width");
        Tensor::cat(vec![a.clone() * cos.clone() - b.clone() * sin.clone(), b * cos + a * sin], 3)
    }
}

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`.
#[derive(Module, Debug)]
pub struct DecoderLayer {
    input_layernorm: ScaledRmsNorm,
    self_attn: GroupedAttention,
    post_attention_layernorm: ScaledRmsNorm,
    mlp: SwiGlu,
    #[module(skip)]
    has_rope: bool,
}

/// Attention whose key and value heads are shared by groups of query heads; queries, keys
/// and values are one matrix, in that order.
#[derive(Module, Debug)]
pub struct GroupedAttention {
    /// `[(heads + 2 · kv_heads) · head_dim, dim]`.
    qkv_proj: Linear,
    /// `[dim, heads · head_dim]`.
    o_proj: Linear,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    kv_heads: usize,
    #[module(skip)]
    head_dim: usize,
}

/// RMSNorm with a learned weight.
#[derive(Module, Debug)]
pub struct ScaledRmsNorm {
    /// `[dim]`.
    weight: Param<Tensor<1>>,
    #[module(skip)]
    eps: f64,
}

impl ScaledRmsNorm {
    /// A norm over `dim` features; the weight is 1.
    pub fn new(dim: usize, eps: f64, init: &Init) -> Self {
        Self { weight: init.constant([dim], 1.0), eps }
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        trm_kernels::rms_norm(x, self.eps) * self.weight.val().unsqueeze()
    }
}

impl GroupedAttention {
    /// `[batch, seq, q | k | v]` with as many key and value heads as query heads.
    fn spread(&self, qkv: Tensor<3>) -> Tensor<3> {
        let Self { heads, kv_heads, head_dim, .. } = *self;
        if heads == kv_heads {
            return qkv;
        }
        let [batch, seq, _] = qkv.dims();
        let group = heads / kv_heads;
        let kv = qkv.clone().narrow(2, heads * head_dim, 2 * kv_heads * head_dim);
        let kv = kv.reshape([batch, seq, 2 * kv_heads, 1, head_dim]);
        let kv = kv.expand([batch, seq, 2 * kv_heads, group, head_dim]);
        let q = qkv.narrow(2, 0, heads * head_dim);
        Tensor::cat(vec![q, kv.reshape([batch, seq, 2 * heads * head_dim])], 2)
    }

    fn forward(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        let qkv = self.spread(self.qkv_proj.forward(x));
        self.o_proj.forward(trm_kernels::attention(qkv, rope.clone(), self.heads, true))
    }

    fn weights(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<4> {
        attention_weights(self.spread(self.qkv_proj.forward(x)), rope, self.heads, true)
    }

    fn forward_placed(
        &self,
        x: Tensor<3>,
        placement: &Placement,
        has_rope: bool,
        past: Option<&KeyValues>,
        lora: Option<&AttentionLora>,
    ) -> (Tensor<3>, KeyValues) {
        let Self { heads, kv_heads, head_dim, .. } = *self;
        let [batch, seq, _] = x.dims();
        let mut qkv = self.qkv_proj.forward(x.clone());
        if let Some(lora) = lora {
            qkv = qkv + lora.qkv(x);
        }
        let part = |first: usize, count: usize| {
            let part = qkv.clone().narrow(2, first * head_dim, count * head_dim);
            part.reshape([batch, seq, count, head_dim]).swap_dims(1, 2)
        };
        let rotated = |x| if has_rope { placement.rotate(x) } else { x };
        let q = rotated(part(0, heads)).div_scalar((head_dim as f64).sqrt());
        let own = KeyValues {
            keys: rotated(part(heads, kv_heads)),
            values: part(heads + kv_heads, kv_heads),
        };
        let KeyValues { keys, values } = match past {
            Some(past) => past.append(own.clone()),
            None => own.clone(),
        };
        // The queries of a group are rows of one product with the keys they share.
        let [_, _, total, _] = keys.dims();
        let grouped = [batch, kv_heads, heads / kv_heads * seq];
        let q = q.reshape([grouped[0], grouped[1], grouped[2], head_dim]);
        let scores = q.matmul(keys.swap_dims(2, 3)).reshape([batch, heads, seq, total]);
        let weights = softmax(scores + placement.mask.clone(), 3);
        let weights = weights.reshape([grouped[0], grouped[1], grouped[2], total]);
        let mixed = weights.matmul(values).reshape([batch, heads, seq, head_dim]);
        let mixed = mixed.swap_dims(1, 2).reshape([batch, seq, heads * head_dim]);
        let mut out = self.o_proj.forward(mixed.clone());
        if let Some(lora) = lora {
            out = out + lora.o_proj.forward(mixed);
        }
        (out, own)
    }

    fn extend(&self, x: Tensor<3>, rope: &Tensor<3>, cache: &mut KvCache) -> Tensor<3> {
        let Self { heads, kv_heads, head_dim, .. } = *self;
        let [batch, new, _] = x.dims();
        let qkv = self.qkv_proj.forward(x);
        let part = |first: usize| {
            let part = qkv.clone().narrow(2, first * head_dim, kv_heads * head_dim);
            part.reshape([batch, new, kv_heads, head_dim]).swap_dims(1, 2)
        };
        let (keys, values) = (rotate(part(heads), rope, cache.len()), part(heads + kv_heads));
        let positions = rope.clone().narrow(1, cache.len(), new);
        let (qkv, past) = (self.spread(qkv), cache.get());
        let mixed = trm_kernels::cached_attention(qkv, positions, past, heads, &(0..new), true);
        cache.append(keys, values);
        self.o_proj.forward(mixed)
    }
}

impl DecoderLayer {
    /// A layer of the sizes of `spec`.
    pub fn new(spec: DecoderSpec, init: &mut Init) -> Self {
        let DecoderSpec { dim, heads, kv_heads, head_dim, .. } = spec;
        Self {
            input_layernorm: ScaledRmsNorm::new(dim, spec.eps, init),
            self_attn: GroupedAttention {
                qkv_proj: Linear::new(dim, (heads + 2 * kv_heads) * head_dim, init),
                o_proj: Linear::new(heads * head_dim, dim, init),
                heads,
                kv_heads,
                head_dim,
            },
            post_attention_layernorm: ScaledRmsNorm::new(dim, spec.eps, init),
            mlp: SwiGlu::new(dim, spec.inner, init),
            has_rope: spec.has_rope,
        }
    }

    /// Whether the layer has rotary positions.
    pub fn has_rope(&self) -> bool {
        self.has_rope
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`, positions in order.
    pub fn forward(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        self.run(x, |x| self.self_attn.forward(x, rope))
    }

    /// [`forward`](Self::forward) for positions that follow those in `cache`.
    pub fn extend(&self, x: Tensor<3>, rope: &Tensor<3>, cache: &mut KvCache) -> Tensor<3> {
        self.run(x, |x| self.self_attn.extend(x, rope, cache))
    }

    /// [`forward`](Self::forward), and its attention weights, `[batch, heads, seq, seq]`.
    pub fn forward_with_weights(&self, x: Tensor<3>, rope: &Tensor<3>) -> (Tensor<3>, Tensor<4>) {
        let mut weights = None;
        let x = self.run(x, |x| {
            weights = Some(self.self_attn.weights(x.clone(), rope));
            self.self_attn.forward(x, rope)
        });
        (x, weights.expect("the layer attends"))
    }

    /// The layer on padded rows, with the adapters of its attention where there are any:
    /// the new `[batch, seq, dim]`, and the keys and values of these positions. Keys and
    /// values of earlier positions come first in the mask of `placement`.
    pub fn forward_placed(
        &self,
        x: Tensor<3>,
        placement: &Placement,
        past: Option<&KeyValues>,
        lora: Option<&AttentionLora>,
    ) -> (Tensor<3>, KeyValues) {
        let mut own = None;
        let x = self.run(x, |x| {
            let (mixed, kv) =
                self.self_attn.forward_placed(x, placement, self.has_rope, past, lora);
            own = Some(kv);
            mixed
        });
        (x, own.expect("the layer attends"))
    }

    /// The layer with `attention` in the place of its own.
    fn run(&self, x: Tensor<3>, attention: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
        let x = x.clone() + attention(self.input_layernorm.forward(x));
        x.clone() + self.mlp.forward(self.post_attention_layernorm.forward(x))
    }
}
