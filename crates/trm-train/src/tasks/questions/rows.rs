//! Questions and answers as tokens, and as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_core::models::llm_trm::QuestionRows;
use trm_data::questions::Question;
use trm_spec::{Failure, FailureKind, LlmTrmSpec};

use super::base::FrozenLlm;

/// A question and its answer as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionTokens {
    /// Of the prompt.
    pub question: Vec<u32>,
    /// Of the answer, without its end.
    pub answer: Vec<u32>,
    /// As the question says.
    pub difficulty: usize,
}

/// The prompt of a question; `<think>` follows it (LLM-TRM's form).
pub fn prompt(question: &str) -> String {
    format!("Question: {question}\nAnswer:")
}

impl QuestionTokens {
    /// Positions of question, `<think>` and answer.
    pub fn positions(&self) -> usize {
        self.question.len() + 1 + self.answer.len()
    }

    /// A question for a model of `spec`.
    ///
    /// # Errors
    /// If it does not fit into the context.
    pub fn new(base: &FrozenLlm, spec: &LlmTrmSpec, question: &Question) -> Result<Self, Failure> {
        let found = Self {
            question: base.encode(&prompt(&question.question))?,
            answer: base.encode(&format!(" {}", question.answer))?,
            difficulty: question.difficulty,
        };
        // The end of the answer is predicted, but not read.
        let positions = found.positions() + spec.num_latents;
        if positions <= spec.base_block_size {
            return Ok(found);
        }
        let start = start_of(question);
        Err(Failure::new(
            FailureKind::Prompt,
            format!(
                "the question \"{start}…\" takes {positions} positions with its answer and \
                 {} latents, but the frozen model has {}",
                spec.num_latents, spec.base_block_size
            ),
            "Shorten or leave out this question.",
        ))
    }
}

/// How a long question begins, in one line of a message.
pub(super) fn start_of(question: &Question) -> String {
    let start: String = question.question.chars().take(60).collect();
    start.replace('\r', "\\r").replace('\n', "\\n")
}

/// The label of a position that is not scored.
const IGNORED: i32 = -1;

/// Questions of one batch on a device.
pub struct QuestionBatch {
    /// `[batch, question]`, padded on the left.
    pub question: Tensor<2, Int>,
    /// `[batch, answer]`, padded on the right; none if all answers are empty.
    pub answer: Option<Tensor<2, Int>>,
    /// The tokens after `<think>` and after each token of the answer, the end at last:
    /// `[batch · (1 + answer)]`; negative where none is scored.
    pub labels: Vec<i32>,
    /// Lengths.
    pub rows: QuestionRows,
}

impl QuestionBatch {
    /// Questions, and the token that ends each answer.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(questions: &[QuestionTokens], end: u32, device: &Device) -> Self {
        let lengths = |part: fn(&QuestionTokens) -> &Vec<u32>| -> Vec<usize> {
            questions.iter().map(|question| part(question).len()).collect()
        };
        let rows = QuestionRows::new(lengths(|q| &q.question), lengths(|q| &q.answer));
        let (longest, answer) = (rows.longest_question(), rows.longest_answer());
        let (mut left, mut right, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for tokens in questions {
            let padding = |count: usize| std::iter::repeat_n(end as i32, count);
            let numbers = |tokens: &[u32]| tokens.iter().map(|&t| t as i32).collect::<Vec<_>>();
            left.extend(padding(longest - tokens.question.len()));
            left.extend(numbers(&tokens.question));
            right.extend(numbers(&tokens.answer));
            right.extend(padding(answer - tokens.answer.len()));
            labels.extend(numbers(&tokens.answer));
            labels.push(end as i32);
            labels.extend(std::iter::repeat_n(IGNORED, answer - tokens.answer.len()));
        }
        let count = questions.len();
        let tensor = |values: Vec<i32>, columns: usize| {
            Tensor::from_data(TensorData::new(values, [count, columns]), device)
        };
        Self {
            question: tensor(left, longest),
            answer: (answer > 0).then(|| tensor(right, answer)),
            labels,
            rows,
        }
    }

    /// Tokens that are scored.
    pub fn scored(&self) -> usize {
        self.labels.iter().filter(|label| **label >= 0).count()
    }
}
