//! Layers of the recursive core. Field names are the names of the weights in
//! checkpoint files, which are those of the published models.

mod attention;
mod block;
#[cfg(feature = "llm")]
mod decoder;
mod embedding;
mod gated;
mod key_values;
mod layer_norm;
mod linear;
#[cfg(feature = "llm")]
mod lora;
mod mixer;
mod pre_norm;
mod preceding;
mod swiglu;

pub(crate) use attention::attention_by_block;
pub use attention::{DraftPositions, SelfAttention};
pub use block::{Block, BlockSpec};
#[cfg(feature = "llm")]
pub use decoder::{DecoderLayer, DecoderSpec, Placement, ScaledRmsNorm};
pub use embedding::Embedding;
pub use gated::{GatedBlock, GatedMlp, GatedSpec};
pub use key_values::KeyValues;
pub use layer_norm::LayerNorm;
pub use linear::{Affine, Linear};
#[cfg(feature = "llm")]
pub use lora::{Adapters, AttentionLora, Lora, LoraSpec};
pub use mixer::{Mixing, MixingBlock};
pub use pre_norm::{PreNormBlock, PreNormSpec};
pub use preceding::PrecedingTokens;
pub use swiglu::SwiGlu;
