//! The published models, as data: one file each.

mod chat_trm;
mod chunk_lm;
mod trm;
mod trm_lm;

pub use chat_trm::{ChatTrmSpec, Injection, StateUpdate};
pub use chunk_lm::{ChunkLmSpec, DraftStart};
pub use trm::{Positions, StateStart, TrmSpec};
pub use trm_lm::TrmLmSpec;

pub(crate) use chat_trm::inner_size;
