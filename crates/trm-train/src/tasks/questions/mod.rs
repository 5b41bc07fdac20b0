//! Models that answer questions with a frozen language model.

mod answers;
mod base;
mod objective;
mod rows;
mod scores;
mod task;

pub use answers::AskRequest;
pub use base::FrozenLlm;
pub use task::QuestionTask;
