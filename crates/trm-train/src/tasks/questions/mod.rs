//! Models that answer questions with a frozen language model.

mod answers;
mod base;
mod baselines;
mod objective;
mod rows;
mod scores;
mod task;

pub use answers::AskRequest;
pub use base::FrozenLlm;
pub use baselines::{QuestionBaseline, few_shot, question_baselines};
pub use task::QuestionTask;
