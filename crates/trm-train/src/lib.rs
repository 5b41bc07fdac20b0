//! Training and asking, the same natively and in the browser: batches become
//! tensors, tensors a loss, losses an update; and a run becomes bytes and back.
//!
//! [`create`] and [`load`] give a [`Run`], whatever the variant. Not in here:
//! files, clocks, progress, the mathematics of a model.

mod backward;
pub mod checkpoint;
mod convert;
mod dataset_check;
mod evaluate;
mod generate;
mod language;
mod learner;
mod loss;
mod optim;
mod parameters;
mod puzzle_task;
mod puzzles;
mod registry;
mod run;
mod solve;
mod task;
mod trace;

pub use backward::{Lesson, checkpointed, gradients};
pub use convert::{chat_trm, samsung_trm, to_samsung_trm};
pub use evaluate::{Evaluation, Scoring};
pub use generate::{Generation, Overflow};
pub use optim::{Average, Updates, clip_scale, learning_rate, sign_descent};
pub use parameters::{Named, collect};
pub use puzzle_task::{Carry, PuzzleTask, Puzzles, Scores, Supervised};
pub use registry::{create, load, load_data, load_with};
pub use run::{Run, SolveRequest, TextStream, TraceRequest, Weights};
pub use task::LanguageTask;
