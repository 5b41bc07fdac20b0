//! What models that answer questions report.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How questions are answered after so many supervision steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct AnswerScore {
    /// Supervision steps; 0 is the model without its recursion.
    pub step: usize,
    /// Mean cross-entropy of the answers' tokens, in nats.
    pub loss: f64,
    /// Share of the questions that are answered exactly.
    pub exact: f64,
    /// Mean probability of halting.
    pub halt: f64,
}

/// How questions of one difficulty are answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DifficultyScore {
    /// The difficulty; 0 where it is not known.
    pub difficulty: usize,
    /// How many questions.
    pub questions: usize,
    /// Share that is answered exactly after each supervision step, from 0 on.
    pub exact: Vec<f64>,
}

/// How questions are answered when each stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct AnswerHalting {
    /// Probability of halting above which a question is answered.
    pub threshold: f64,
    /// Mean supervision steps.
    pub steps: f64,
    /// Share of the questions that are answered exactly.
    pub exact: f64,
}

/// How a set of questions is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct QuestionScores {
    /// How many questions.
    pub questions: usize,
    /// Share of the questions after which the model writes `<think>` by itself.
    pub think: f64,
    /// After each supervision step, from 0 on.
    pub steps: Vec<AnswerScore>,
    /// By difficulty, in ascending order.
    pub difficulties: Vec<DifficultyScore>,
    /// With early stopping.
    pub halting: AnswerHalting,
}

/// A question answered at one depth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Answer {
    /// Supervision steps that were asked for.
    pub depth: usize,
    /// Supervision steps that were run: fewer where the model halted.
    pub steps: usize,
    /// The answer.
    pub text: String,
    /// Its tokens, without the one that ends it.
    pub tokens: Vec<u32>,
    /// Probability of each of them, the end included.
    pub prob: Vec<f32>,
    /// Whether the model ended it, and not the limit of tokens.
    pub ended: bool,
}

/// A question with its answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Answered {
    /// The question.
    pub question: String,
    /// Probability that the model writes `<think>` after the question.
    pub think: f32,
    /// Probability of halting after each supervision step, from the first on.
    pub halt: Vec<f32>,
    /// By depth, as asked.
    pub answers: Vec<Answer>,
}

/// A token that an answer may begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AnswerToken {
    /// The token.
    pub token: u32,
    /// What it stands for.
    pub text: String,
    /// Whether it ends the answer.
    pub ends: bool,
}

/// What a model would answer after so many supervision steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct AnswerStep {
    /// Supervision steps; 0 is the model without its recursion.
    pub step: usize,
    /// Probability of halting; none before the first step.
    pub halt: Option<f32>,
    /// Probability that the answer begins with each of the candidates.
    pub prob: Vec<f32>,
}

/// A question that a model has thought about, before it writes an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Considered {
    /// Tokens of the question, in the form of a prompt.
    pub tokens: usize,
    /// Probability that the model writes `<think>` after the question.
    pub think: f32,
    /// The most probable first tokens of the answer after any of the steps, the most
    /// probable one of the last step first.
    pub candidates: Vec<AnswerToken>,
    /// After each supervision step, from 0 on.
    pub steps: Vec<AnswerStep>,
}
