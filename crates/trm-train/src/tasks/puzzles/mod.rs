//! Puzzle solvers: deep supervision with halting.

mod batch;
mod carry;
mod copies;
mod copy_scores;
mod fit;
mod loss;
mod solve;
mod solver;
mod supervision;
mod training;

pub use batch::Puzzles;
pub use carry::Carry;
#[cfg(feature = "llm")]
pub(crate) use loss::binary;
pub use supervision::{PuzzleTask, Scores, Supervised};
pub use training::EmbeddingGradients;
