//! Layers of the recursive core. Field names are the names of the weights in
//! checkpoint files, which are those of the published models.

mod attention;
mod block;
mod embedding;
mod linear;
mod swiglu;

pub use attention::SelfAttention;
pub use block::{Block, BlockSpec};
pub use embedding::Embedding;
pub use linear::Linear;
pub use swiglu::SwiGlu;
