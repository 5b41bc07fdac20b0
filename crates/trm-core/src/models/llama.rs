//! Decoders of the Llama architecture: pretrained language models, and the frozen base
//! of models on top of them.
//!
//! The architecture is that of Hugging Face's `LlamaForCausalLM`: RMSNorm before
//! attention and SwiGLU, rotary positions, key and value heads that groups of query
//! heads share. There is no recursion: the depth is 1, and the one cycle runs all layers.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use trm_kernels::general::{attention_weights, rotate};
use trm_spec::LlamaSpec;

use super::chat_trm::Single;
use crate::layers::{Linear, SwiGlu};
use crate::{Autoregressive, Embedded, Init, KvCache, ModelCache, Readout, Recursive};

/// A decoder. Field names are the names of the weights in checkpoints.
#[derive(Module, Debug)]
pub struct Llama {
    /// `[vocab, dim]`.
    embed_tokens: Param<Tensor<2>>,
    layers: Vec<DecoderLayer>,
    norm: ScaledRmsNorm,
    /// None where the embedding is the output layer.
    lm_head: Option<Linear>,
    /// Rotary table, `[2, block_size, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
    /// One that rotates nothing, for layers without positions; none where there are none.
    unrotated: Option<Tensor<3>>,
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
    fn new(dim: usize, eps: f64, init: &Init) -> Self {
        Self { weight: init.constant([dim], 1.0), eps }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
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
    fn forward(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        self.run(x, |x| self.self_attn.forward(x, rope))
    }

    /// The layer with `attention` in the place of its own.
    fn run(&self, x: Tensor<3>, attention: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
        let x = x.clone() + attention(self.input_layernorm.forward(x));
        x.clone() + self.mlp.forward(self.post_attention_layernorm.forward(x))
    }
}

impl Llama {
    /// A model with fresh weights for `vocab` tokens.
    pub fn new(spec: &LlamaSpec, vocab: usize, init: &mut Init) -> Self {
        let (dim, head_dim, eps) = (spec.hidden_size, spec.head_dim(), spec.rms_norm_eps);
        let (heads, kv_heads) = (spec.num_heads, spec.num_kv_heads);
        let layers: Vec<_> = (0..spec.n_layers)
            .map(|layer| DecoderLayer {
                input_layernorm: ScaledRmsNorm::new(dim, eps, init),
                self_attn: GroupedAttention {
                    qkv_proj: Linear::new(dim, (heads + 2 * kv_heads) * head_dim, init),
                    o_proj: Linear::new(heads * head_dim, dim, init),
                    heads,
                    kv_heads,
                    head_dim,
                },
                post_attention_layernorm: ScaledRmsNorm::new(dim, eps, init),
                mlp: SwiGlu::new(dim, spec.intermediate_size, init),
                has_rope: spec.has_rope(layer),
            })
            .collect();
        let rope =
            trm_kernels::rope_table(spec.block_size, head_dim, spec.rope_theta, init.device());
        let all_rotate = layers.iter().all(|layer| layer.has_rope);
        Self {
            embed_tokens: init.truncated_normal([vocab, dim], EMBEDDING_STD),
            layers,
            norm: ScaledRmsNorm::new(dim, eps, init),
            lm_head: (!spec.tie_embeddings).then(|| Linear::new(dim, vocab, init)),
            unrotated: (!all_rotate).then(|| {
                let cosines = rope.clone().narrow(0, 0, 1);
                Tensor::cat(vec![cosines.ones_like(), cosines.zeros_like()], 0)
            }),
            rope,
        }
    }

    /// The embedding of tokens `[batch, seq]`, and what each layer makes of it, `[batch,
    /// seq, dim]` each. The final norm is not applied.
    pub fn hidden_states(&self, tokens: Tensor<2, Int>) -> Vec<Tensor<3>> {
        let mut states = vec![self.embed(tokens)];
        for layer in &self.layers {
            let x = states[states.len() - 1].clone();
            states.push(layer.forward(x, self.table(layer)));
        }
        states
    }

    /// The final norm of the last layer's output, `[batch, seq, dim]`.
    pub fn normed(&self, state: Tensor<3>) -> Tensor<3> {
        self.norm.forward(state)
    }

    fn embed(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let [batch, seq] = tokens.dims();
        let table = self.embed_tokens.val();
        let [_, dim] = table.dims();
        table.select(0, tokens.reshape([batch * seq])).reshape([batch, seq, dim])
    }

    /// The rotary table of a layer.
    fn table(&self, layer: &DecoderLayer) -> &Tensor<3> {
        let unrotated = self.unrotated.as_ref().filter(|_| !layer.has_rope);
        unrotated.unwrap_or(&self.rope)
    }
}

/// Deviation of a fresh embedding.
const EMBEDDING_STD: f64 = 0.02;

impl Recursive for Llama {
    /// Tokens, `[batch, seq]`.
    type Input = Tensor<2, Int>;
    type Context = Embedded;
    type State = Single;

    fn encode(&self, tokens: &Self::Input) -> Embedded {
        Embedded { x: self.embed(tokens.clone()) }
    }

    fn start(&self, context: &Embedded) -> Single {
        Single { z: context.x.clone() }
    }

    /// All layers.
    fn cycle(&self, _: &Embedded, state: Single) -> Single {
        let layers = self.layers.iter();
        Single { z: layers.fold(state.z, |x, layer| layer.forward(x, self.table(layer))) }
    }

    fn read(&self, state: &Single) -> Readout {
        let state = self.norm.forward(state.z.clone());
        let logits = match &self.lm_head {
            Some(head) => head.forward(state),
            None => trm_kernels::linear(state, self.embed_tokens.val()),
        };
        Readout { logits, halt: None }
    }

    fn attend(&self, _: &Embedded, state: &Single) -> Vec<Tensor<4>> {
        let mut weights = Vec::with_capacity(self.layers.len());
        self.layers.iter().fold(state.z.clone(), |x, layer| {
            layer.run(x, |x| {
                weights.push(layer.self_attn.weights(x.clone(), self.table(layer)));
                layer.self_attn.forward(x, self.table(layer))
            })
        });
        weights
    }

    fn device(&self) -> Device {
        self.rope.device()
    }
}

impl Autoregressive for Llama {
    fn block_size(&self) -> usize {
        self.rope.dims()[1]
    }

    fn cache(&self, depth: usize) -> ModelCache {
        ModelCache::new(depth, depth, self.layers.len(), self.block_size())
    }

    fn extend(
        &self,
        tokens: Tensor<2, Int>,
        cache: &mut ModelCache,
        on_cycle: &mut dyn FnMut(usize, &Single),
    ) -> Single {
        let mut state = Single { z: self.embed(tokens) };
        for (cycle, pass) in cache.passes_mut().enumerate() {
            state.z = self.layers.iter().zip(pass).fold(state.z, |x, (layer, cache)| {
                layer.run(x, |x| layer.self_attn.extend(x, self.table(layer), cache))
            });
            on_cycle(cycle + 1, &state);
        }
        state
    }
}
