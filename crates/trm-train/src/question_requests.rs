//! What is asked of models that answer questions.

use async_trait::async_trait;
use trm_spec::{Answered, Considered, Failure, QuestionScores};

use crate::run::{OnProgress, TextStream};

/// A question, and how it is answered.
#[derive(Clone, Debug)]
pub struct AskRequest {
    /// The question, without the form of a prompt.
    pub question: String,
    /// Supervision steps of each answer; 0 is the model without its recursion.
    pub depths: Vec<usize>,
    /// Probability of halting above which the recursion ends; none runs all steps.
    pub halt_threshold: Option<f64>,
    /// Most tokens of an answer.
    pub max_new_tokens: usize,
}

/// A question to think about, and the answers that are written afterwards.
#[derive(Clone, Debug)]
pub struct ConsiderRequest {
    /// The question, without the form of a prompt.
    pub question: String,
    /// Supervision steps of each answer; 0 is the model without its recursion. All steps of
    /// the deepest one are shown.
    pub depths: Vec<usize>,
    /// First tokens of the answer that are listed.
    pub top: usize,
    /// Most tokens of an answer.
    pub max_new_tokens: usize,
}

/// A question that was thought about.
pub struct Thought {
    /// What the answer would be after each step.
    pub considered: Considered,
    /// The answers, by depth as asked; each is written as it is pulled.
    pub answers: Vec<Box<dyn TextStream>>,
}

/// A part of a set of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionSet {
    /// What the model is trained on.
    Train,
    /// Held out, of the difficulties that it is trained on.
    Val,
    /// Held out, and harder than any question that it is trained on.
    Harder,
}

/// Called with the number of an answer and the text that is added to it.
pub type OnToken<'a> = &'a mut dyn FnMut(usize, &str);

/// What models that answer questions can do.
#[async_trait(?Send)]
pub trait Answerer {
    /// Answers a question at each of the asked depths. `on_token` gets the number of the
    /// answer and its text as it is written.
    ///
    /// # Errors
    /// If the question does not fit into the context, or a depth cannot be run.
    async fn ask(&self, request: &AskRequest, on_token: OnToken<'_>) -> Result<Answered, Failure>;

    /// Thinks about a question, and shows how its answer begins after every step.
    ///
    /// # Errors
    /// As of [`ask`](Self::ask).
    async fn consider(&self, request: &ConsiderRequest) -> Result<Thought, Failure>;

    /// Scores on a part of the questions after each of up to `steps` supervision steps; on
    /// the first `limit` of them (0: all).
    ///
    /// # Errors
    /// If there are no such questions, or so many steps cannot be run.
    async fn evaluate_questions(
        &self,
        set: QuestionSet,
        steps: usize,
        limit: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<QuestionScores, Failure>;
}
