//! Models that answer questions with a frozen language model.

mod answers;
mod base;
mod baselines;
mod chat;
mod chat_memory;
mod kept_states;
mod objective;
mod rows;
mod scores;
mod task;
mod writing;

pub use base::FrozenLlm;
pub(crate) use baselines::baselines;
pub use baselines::few_shot;
pub use task::QuestionTask;
