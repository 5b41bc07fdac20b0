//! ARC-AGI: tasks from JSON, their official encoding and augmentation, and the
//! vote over what a model answers to all guises of a task.

mod build;
mod encoding;
mod exam;
mod grid;
mod guise;
mod json;
mod plain;
mod vote;

pub use build::{ArcSets, build};
pub use encoding::{SEQ_LEN, VOCAB, crop, encode, encode_pair};
pub use exam::{Exam, Question, Test};
pub use grid::{COLOURS, Grid, LARGEST};
pub use guise::Guise;
pub use json::{Pair, Task, add_solutions, parse};
pub use plain::vote_plain;
pub use vote::{ATTEMPTS, Ballot, Candidate, attempts, solved, vote};
