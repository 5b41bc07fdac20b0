//! Decoders of the Llama architecture, as data: pretrained language models without
//! recursion.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::decoder_memory;
use super::flops::{Forward, readout};
use super::settings::{
    BLOCK_SIZE, HIDDEN_SIZE, INTERMEDIATE_SIZE, N_LAYERS, NUM_HEADS, RMS_NORM_EPS, ROPE_THETA,
    TIE_EMBEDDINGS,
};
use super::shared::{language, narrowed, rotary_table};
use super::{ModelSpec, Sizes};
use crate::check::require;
use crate::{Family, Setting, SettingError, SettingKind, TrainSpec};

/// Sizes of a decoder. The architecture is that of Hugging Face's `LlamaForCausalLM`,
/// and of `SmolLM3ForCausalLM`, some of whose layers have no rotary positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct LlamaSpec {
    /// Width of the residual stream, in features.
    pub hidden_size: usize,
    /// Layers, each with weights of its own (`num_hidden_layers`).
    pub n_layers: usize,
    /// Query heads.
    pub num_heads: usize,
    /// Key and value heads, each shared by `num_heads / num_kv_heads` query heads.
    pub num_kv_heads: usize,
    /// Features of one head; 0 means `hidden_size / num_heads`.
    pub head_dim: usize,
    /// Inner width of the SwiGLU.
    pub intermediate_size: usize,
    /// Context length, in tokens (`max_position_embeddings`).
    pub block_size: usize,
    /// Whether the output layer is the embedding.
    pub tie_embeddings: bool,
    /// Base of the rotary position frequencies.
    pub rope_theta: f64,
    /// Layers without rotary positions, counted from 0.
    pub no_rope_layers: Vec<f64>,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
}

impl Default for LlamaSpec {
    fn default() -> Self {
        Self {
            hidden_size: 128,
            n_layers: 4,
            num_heads: 4,
            num_kv_heads: 2,
            head_dim: 0,
            intermediate_size: 384,
            block_size: 128,
            tie_embeddings: true,
            rope_theta: 10_000.0,
            no_rope_layers: Vec::new(),
            rms_norm_eps: 1e-5,
        }
    }
}

impl LlamaSpec {
    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        if self.head_dim > 0 { self.head_dim } else { self.hidden_size / self.num_heads.max(1) }
    }

    /// Whether layer number `layer` has rotary positions.
    pub fn has_rope(&self, layer: usize) -> bool {
        !self.no_rope_layers.contains(&(layer as f64))
    }

    /// Weights of the matrices of one layer.
    fn layer_weights(&self) -> u128 {
        let [d, inner, heads, kv, head] = [
            self.hidden_size,
            self.intermediate_size,
            self.num_heads,
            self.num_kv_heads,
            self.head_dim(),
        ]
        .map(|size| size as u128);
        2 * d * head * (heads + kv) + 3 * d * inner
    }
}

impl ModelSpec for LlamaSpec {
    const NAME: &'static str = "llama";
    const TITLE: &'static str = "Llama";
    const ABOUT: &'static str = "Pretrained decoder without recursion (Llama, SmolLM)";
    const FAMILY: Family = Family::Language;
    /// No recursion: the depth is always one.
    const DEPTH_KEY: Option<&'static str> = None;
    /// Pretrained models are large; the sizes of a file are compared with its bytes.
    const MAX_PARAMETERS: u64 = 1 << 36;
    const PRETRAINED: bool = true;
    const LENGTH: &'static str = "model.block_size";
    const CALLS: &'static str = "1";
    const SETTINGS: &'static [Setting] = &[
        HIDDEN_SIZE,
        NUM_HEADS,
        N_LAYERS,
        BLOCK_SIZE,
        INTERMEDIATE_SIZE,
        Setting::model(
            "num_kv_heads",
            SettingKind::Integer,
            "Key and value heads, shared by equal groups of query heads; must divide num_heads",
        )
        .at_least(1),
        Setting::model(
            "head_dim",
            SettingKind::Integer,
            "Features of one head; 0 means hidden_size / num_heads",
        )
        .at_least(0),
        TIE_EMBEDDINGS,
        ROPE_THETA,
        Setting::model(
            "no_rope_layers",
            SettingKind::Numbers,
            "Layers without rotary positions, counted from 0",
        ),
        RMS_NORM_EPS,
    ];

    fn depth(&self) -> usize {
        1
    }

    fn set_depth(&mut self, _: usize) {}

    fn length(&self) -> usize {
        self.block_size
    }

    fn parameters(&self, vocab_size: usize) -> usize {
        let d = self.hidden_size as u128;
        let tables = if self.tie_embeddings { 1 } else { 2 } * vocab_size as u128 * d;
        let layers = (self.n_layers as u128).saturating_mul(self.layer_weights() + 2 * d);
        narrowed(tables.saturating_add(layers) + d)
    }

    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        let attention = 4 * self.num_heads * self.head_dim() * self.block_size;
        let layer = 2.0 * self.layer_weights() as f64 + attention as f64;
        let cycle = self.n_layers as f64 * layer;
        Forward { once: 0.0, cycle, readout: readout(self.hidden_size, vocab_size) }
            .training(self, train)
    }

    fn held_bytes(&self, vocab_size: usize) -> f64 {
        if self.tie_embeddings { decoder_memory::tied(vocab_size, self.hidden_size) } else { 0.0 }
    }

    /// Layers without rotary positions have a table of their own.
    fn table_bytes(&self) -> u64 {
        let tables = if self.no_rope_layers.is_empty() { 1 } else { 2 };
        rotary_table(self.block_size, [self.head_dim(), 1]).saturating_mul(tables)
    }

    fn kept_bytes(&self, _: &TrainSpec, vocab_size: usize) -> f64 {
        let sizes = [self.hidden_size, self.intermediate_size];
        decoder_memory::decoder(self.n_layers, sizes, vocab_size) * self.block_size as f64
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        require(
            "num_heads",
            self.head_dim > 0 || self.hidden_size.is_multiple_of(self.num_heads),
            format!(
                "is {}, which does not divide hidden_size {}",
                self.num_heads, self.hidden_size
            ),
        )?;
        require(
            "num_kv_heads",
            self.num_heads.is_multiple_of(self.num_kv_heads),
            format!("is {}, which does not divide num_heads {}", self.num_kv_heads, self.num_heads),
        )?;
        require(
            "head_dim",
            self.head_dim().is_multiple_of(2),
            format!("is {}; rotary positions need an even width", self.head_dim()),
        )?;
        for layer in &self.no_rope_layers {
            require(
                "no_rope_layers",
                layer.fract() == 0.0 && (0.0..self.n_layers as f64).contains(layer),
                format!("names layer {layer}, but layers count from 0 to {}", self.n_layers - 1),
            )?;
        }
        language(self, train)
    }

    fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("num_kv_heads", self.num_kv_heads),
            ("head_dim", self.head_dim()),
            ("intermediate_size", self.intermediate_size),
            ("tie_embeddings", usize::from(self.tie_embeddings)),
        ]
    }
}
