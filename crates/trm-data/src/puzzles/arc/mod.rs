//! ARC-AGI: tasks from JSON, their official encoding and augmentation, and the
//! vote over a model's predictions for all augmented copies of a test.

mod augmentation;
mod build;
mod encoding;
mod eval;
mod grid;
mod json;
mod plain;
mod vote;

pub use augmentation::TaskAugmentation;
pub use build::{ArcSets, build};
pub use encoding::{SEQ_LEN, VOCAB, crop, encode, encode_pair};
pub use eval::{ArcEval, Test, TestInput};
pub use grid::{COLOURS, Grid, LARGEST};
pub use json::{Pair, Task, add_solutions, distinct, parse};
pub use plain::vote_plain;
pub use vote::{ATTEMPTS, Candidate, Prediction, attempts, solved, vote};
