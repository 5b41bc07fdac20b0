//! Training and inference, the same natively and in the browser: batches become
//! tensors, tensors a loss, losses an update; and a run becomes bytes and back.
//!
//! [`create`] and [`load`] give a [`Run`], whatever the model. A family of models is a
//! [`Task`]; [`TrainRun`] does what all families share. Not in here: files, clocks,
//! progress, the mathematics of a model.

mod base;
pub mod checkpoint;
mod checks;
mod convert;
mod dataset;
mod family;
#[cfg(feature = "llm")]
mod gguf_decoder;
mod image_requests;
mod logits;
mod memory;
mod optim;
mod optimization;
mod parameters;
mod puzzle_requests;
#[cfg(feature = "llm")]
mod question_requests;
mod reduce;
mod registry;
mod run;
mod task;
mod tasks;
mod trace;
mod train_run;
mod transfer;

pub use base::BaseFile;
pub use convert::{
    HfVit, HfVitOptions, chat_trm, hf_vit, samsung_trm, to_hf_vit, to_samsung_trm, trm_vit,
};
#[cfg(feature = "llm")]
pub use convert::{Peft, hf_llama, llama_gguf, merge_lora, to_peft};
pub use dataset::load_data;
pub use memory::{StepMemory, check_buffer, check_memory, shown_bytes};
pub use optim::{Average, Updates, clip_scale, learning_rate, sign_descent};
pub use parameters::{Named, collect};
pub use reduce::{AllReduce, Shard, Sharing, check_ranks, sum as sum_of_shards};
pub use registry::{
    baselines, create, create_baseline, create_on, expect_reads_base, load, load_on, load_with,
    on_base, open_base, sized_for,
};
#[cfg(feature = "llm")]
pub use registry::{load_on_decoder, name_weights, open_decoder, open_llm, question_baselines};
#[cfg(feature = "llm")]
pub use run::{Answerer, AskRequest, ConsiderRequest, OnToken, QuestionSet, Thought};
pub use run::{
    Choice, Chosen, Classifier, ClassifyRequest, Copies, CopyScore, CopyScores, CopyScoring,
    Evaluation, ImageScoring, MOST_COPIES, OnProgress, Run, Scoring, SolveRequest, Solver,
    TextStream, TraceRequest, Weights, Writer,
};
pub use task::{BatchGradients, BatchId, Task};
pub use tasks::images::{Baseline, FrozenBase, ImageModel, ImageTask, OnFeatures, Probe};
pub use tasks::language::{Generation, LanguageTask, Losses, Overflow, checkpointed, gradients};
pub use tasks::puzzles::{Carry, EmbeddingGradients, PuzzleTask, Puzzles, Scores, Supervised};
#[cfg(feature = "llm")]
pub use tasks::questions::{FrozenLlm, QuestionTask, few_shot};
pub use train_run::{Capabilities, TrainRun, UpdateGradients};
