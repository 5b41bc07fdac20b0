//! One file per published system.

pub mod chat_trm;
pub mod chunk_lm;
#[cfg(feature = "llm")]
pub mod llama;
#[cfg(feature = "llm")]
pub mod llm_trm;
#[cfg(feature = "toy-model")]
pub mod toy_lm;
pub mod trm;
pub mod trm_lm;
pub mod trm_vit;
pub mod vit;
