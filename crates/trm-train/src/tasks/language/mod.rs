//! Language models: next-token prediction on text.

mod backward;
mod evaluate;
mod generate;
mod lm_batch;
mod objective;
mod speculative;
mod training;
mod writer;

pub use backward::{checkpointed, gradients};
pub use generate::{Generation, Overflow};
pub use objective::{LanguageTask, Losses};
