//! Training and asking, the same natively and in the browser: batches become
//! tensors, tensors a loss, losses an update; and a run becomes bytes and back.
//!
//! [`create`] and [`load`] give a [`Run`], whatever the variant. Not in here:
//! files, clocks, progress, the mathematics of a model.

mod backward;
pub mod checkpoint;
mod convert;
mod evaluate;
mod generate;
mod language;
mod optim;
mod parameters;
mod registry;
mod run;
mod task;
mod trace;

pub use backward::{Lesson, checkpointed, gradients};
pub use convert::chat_trm;
pub use generate::{Generation, Overflow};
pub use optim::{Average, Updates, clip_scale, learning_rate};
pub use parameters::{Named, collect};
pub use registry::{create, load, load_with_corpus};
pub use run::{Run, TextStream, TraceRequest, Weights};
pub use task::CausalTask;
