//! One file per published system.

pub mod chat_trm;
pub mod chunk_lm;
pub mod trm;
pub mod trm_lm;
