//! Layers of the recursive core. Field names are the names of the weights in
//! checkpoint files, which are those of the published models.

mod attention;
mod block;
mod embedding;
mod linear;
mod mixer;
mod swiglu;

pub use attention::{ContextKv, DraftPositions, SelfAttention};
pub use block::{Block, BlockSpec};
pub use embedding::Embedding;
pub use linear::{Affine, Linear};
pub use mixer::{Mixing, MixingBlock};
pub use swiglu::SwiGlu;
