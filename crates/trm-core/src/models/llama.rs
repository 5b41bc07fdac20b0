//! Decoders of the Llama architecture: pretrained language models, and the frozen base
//! of models on top of them.
//!
//! The architecture is that of Hugging Face's `LlamaForCausalLM`: RMSNorm before
//! attention and SwiGLU, rotary positions, key and value heads that groups of query
//! heads share. There is no recursion: the depth is 1, and the one cycle runs all layers.

use std::ops::Range;

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use trm_spec::LlamaSpec;

use super::chat_trm::Single;
use crate::layers::{
    Adapters, DecoderLayer, DecoderSpec, KeyValues, Linear, Placement, ScaledRmsNorm,
};
use crate::{Autoregressive, Embedded, Init, ModelCache, Readout, Recursive};

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

impl Llama {
    /// A model with fresh weights for `vocab` tokens.
    pub fn new(spec: &LlamaSpec, vocab: usize, init: &mut Init) -> Self {
        let (dim, head_dim) = (spec.hidden_size, spec.head_dim());
        let layers: Vec<_> = (0..spec.n_layers)
            .map(|layer| {
                let spec = DecoderSpec {
                    dim,
                    heads: spec.num_heads,
                    kv_heads: spec.num_kv_heads,
                    head_dim,
                    inner: spec.intermediate_size,
                    eps: spec.rms_norm_eps,
                    has_rope: spec.has_rope(layer),
                };
                DecoderLayer::new(spec, init)
            })
            .collect();
        let rope =
            trm_kernels::rope_table(spec.block_size, head_dim, spec.rope_theta, init.device());
        let all_rotate = layers.iter().all(DecoderLayer::has_rope);
        Self {
            embed_tokens: init.truncated_normal([vocab, dim], EMBEDDING_STD),
            layers,
            norm: ScaledRmsNorm::new(dim, spec.rms_norm_eps, init),
            lm_head: (!spec.tie_embeddings).then(|| Linear::new(dim, vocab, init)),
            unrotated: (!all_rotate)
                .then(|| trm_kernels::unrotated_table(spec.block_size, head_dim, init.device())),
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

    /// The embedding of tokens `[batch, seq]`, `[batch, seq, dim]`.
    pub fn embed(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let [batch, seq] = tokens.dims();
        let table = self.embed_tokens.val();
        let [_, dim] = table.dims();
        table.select(0, tokens.reshape([batch * seq])).reshape([batch, seq, dim])
    }

    /// The mean of all tokens' embeddings, `[dim]`.
    pub fn mean_embedding(&self) -> Tensor<1> {
        self.embed_tokens.val().mean_dim(0).squeeze_dim(0)
    }

    /// Logits of normed states `[batch, seq, dim]`: `[batch, seq, vocab]`.
    pub fn logits(&self, normed: Tensor<3>) -> Tensor<3> {
        match &self.lm_head {
            Some(head) => head.forward(normed),
            None => trm_kernels::linear(normed, self.embed_tokens.val()),
        }
    }

    /// The rotary table, `[2, block_size, head_dim / 2]`.
    pub fn rope(&self) -> &Tensor<3> {
        &self.rope
    }

    /// The layers `range` on padded rows `[batch, seq, dim]`, with `adapters` of them where
    /// there are any: the new states, and each layer's keys and values. `past` holds those
    /// of earlier positions.
    pub fn run_layers(
        &self,
        range: Range<usize>,
        mut x: Tensor<3>,
        placement: &Placement,
        past: Option<&[KeyValues]>,
        adapters: Option<&Adapters>,
    ) -> (Tensor<3>, Vec<KeyValues>) {
        let mut all = Vec::with_capacity(range.len());
        for (at, layer) in self.layers[range].iter().enumerate() {
            let past = past.map(|past| &past[at]);
            let lora = adapters.map(|adapters| &adapters.layers[at]);
            let (next, kv) = layer.forward_placed(x, placement, past, lora);
            x = next;
            all.push(kv);
        }
        (x, all)
    }

    /// The rotary table of a layer.
    fn table(&self, layer: &DecoderLayer) -> &Tensor<3> {
        let unrotated = self.unrotated.as_ref().filter(|_| !layer.has_rope());
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
        let logits = self.logits(self.norm.forward(state.z.clone()));
        Readout { logits, halt: None }
    }

    fn attend(&self, _: &Embedded, state: &Single) -> Vec<Tensor<4>> {
        let mut weights = Vec::with_capacity(self.layers.len());
        self.layers.iter().fold(state.z.clone(), |x, layer| {
            let (x, of_layer) = layer.forward_with_weights(x, self.table(layer));
            weights.push(of_layer);
            x
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
        for (cycle, pass) in cache.all_passes_mut().enumerate() {
            state.z = self
                .layers
                .iter()
                .zip(pass)
                .fold(state.z, |x, (layer, cache)| layer.extend(x, self.table(layer), cache));
            on_cycle(cycle + 1, &state);
        }
        state
    }
}
