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
pub(crate) use baselines::baselines;
pub use baselines::few_shot;
pub use task::QuestionTask;
