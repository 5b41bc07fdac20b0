//! How a set of questions is answered, after every supervision step and without any.

use std::collections::BTreeMap;

use trm_core::models::llm_trm::LlmTrm;
use trm_core::{Engine, Recursive};
use trm_spec::{AnswerHalting, AnswerScore, DifficultyScore, Failure, FailureKind, QuestionScores};

use super::objective::{Choices, score, supervised};
use super::rows::{QuestionBatch, QuestionTokens};
use crate::run::OnProgress;
use crate::transfer::host;

/// Questions that are answered at once.
const BATCH: usize = 16;

/// Probability of halting above which a question is answered.
const THRESHOLD: f64 = 0.5;

/// Sums over questions.
#[derive(Default)]
struct Sums {
    questions: usize,
    tokens: usize,
    think: usize,
    /// By step, from 0 on.
    loss: Vec<f64>,
    exact: Vec<f64>,
    halt: Vec<f64>,
    halted: f64,
    halted_steps: usize,
    /// Questions and exact answers, by difficulty.
    difficulties: BTreeMap<usize, (usize, Vec<f64>)>,
}

/// Scores of `questions` after each of up to `steps` supervision steps. An answer is exact
/// if each of its tokens, and the end, is the most probable one that is [written](Choices):
/// then it is what the model writes. With early stopping, a question that never halts runs
/// `trained` steps, as in training, however many are scored. `engine` runs the cycles of a step; the token `end` ends
/// an answer. `model` has autodiff off.
///
/// # Errors
/// If there are no questions, or the device is lost.
pub async fn evaluate(
    (engine, end): (Engine, u32),
    model: &LlmTrm,
    questions: &[QuestionTokens],
    steps: usize,
    trained: usize,
    on_progress: OnProgress<'_>,
) -> Result<QuestionScores, Failure> {
    if questions.is_empty() {
        return Err(Failure::new(
            FailureKind::Data,
            "there are no questions to evaluate on",
            "Set num_val_questions above 0, or give a larger file.",
        ));
    }
    // Questions of about the same length share a batch, so that little is padded.
    let mut order: Vec<&QuestionTokens> = questions.iter().collect();
    order.sort_by_key(|tokens| (tokens.question.len(), tokens.answer.len()));
    let mut sums = Sums {
        loss: vec![0.0; steps + 1],
        exact: vec![0.0; steps + 1],
        halt: vec![0.0; steps + 1],
        ..Sums::default()
    };
    for chunk in order.chunks(BATCH) {
        let chunk: Vec<QuestionTokens> = chunk.iter().map(|tokens| (*tokens).clone()).collect();
        sums.add((engine, end), model, &chunk, steps, trained).await?;
        on_progress(sums.questions, questions.len());
    }
    Ok(sums.scores())
}

impl Sums {
    async fn add(
        &mut self,
        (engine, end): (Engine, u32),
        model: &LlmTrm,
        questions: &[QuestionTokens],
        steps: usize,
        trained: usize,
    ) -> Result<(), Failure> {
        let batch = QuestionBatch::new(questions, end, &model.device());
        let states = model.trunk(batch.question.clone(), batch.answer.clone(), &batch.rows);
        let context = model.encode(&states);
        let mut ends = supervised(engine, model, &context, 0);
        if steps > 0 {
            ends.extend(supervised(engine, model, &context, steps));
        }
        let logits = context.logits();
        let [count, _, classes] = logits.dims();
        let best = logits.argmax(2).reshape([count]).float();
        let is_think = |best: &&f32| **best as usize == classes - 1;
        self.think += host(best).await?.iter().filter(is_think).count();
        let mut exact = Vec::with_capacity(ends.len());
        let mut halt = Vec::with_capacity(ends.len());
        // One step at a time: logits of all would need much memory.
        for (step, end) in ends.iter().enumerate() {
            let found = score(model, &batch, std::slice::from_ref(end), Choices::Written);
            self.loss[step] += host(found.losses).await?.iter().map(|x| f64::from(*x)).sum::<f64>();
            let right = host(found.exact).await?;
            self.exact[step] += right.iter().map(|x| f64::from(*x)).sum::<f64>();
            let chance: Vec<f64> = host(found.halt).await?.into_iter().map(logistic).collect();
            self.halt[step] += chance.iter().sum::<f64>();
            exact.push(right);
            halt.push(chance);
        }
        self.questions += count;
        self.tokens += batch.scored();
        let most = steps.min(trained);
        for (row, question) in questions.iter().enumerate() {
            let after = |step: usize| f64::from(exact[step][row]);
            let halts = (1..most).find(|step| halt[*step][row] > THRESHOLD).unwrap_or(most);
            self.halted += after(halts);
            self.halted_steps += halts;
            let entry = self.difficulties.entry(question.difficulty);
            let (questions, sums) = entry.or_insert_with(|| (0, vec![0.0; steps + 1]));
            *questions += 1;
            for (step, sum) in sums.iter_mut().enumerate() {
                *sum += after(step);
            }
        }
        Ok(())
    }

    fn scores(self) -> QuestionScores {
        let questions = self.questions as f64;
        let step = |step: usize| AnswerScore {
            step,
            loss: self.loss[step] / self.tokens.max(1) as f64,
            exact: self.exact[step] / questions,
            halt: self.halt[step] / questions,
        };
        QuestionScores {
            questions: self.questions,
            think: self.think as f64 / questions,
            steps: (0..self.loss.len()).map(step).collect(),
            difficulties: self
                .difficulties
                .into_iter()
                .map(|(difficulty, (questions, exact))| DifficultyScore {
                    difficulty,
                    questions,
                    exact: exact.into_iter().map(|sum| sum / questions as f64).collect(),
                })
                .collect(),
            halting: AnswerHalting {
                threshold: THRESHOLD,
                steps: self.halted_steps as f64 / questions,
                exact: self.halted / questions,
            },
        }
    }
}

/// The probability of a logit.
pub fn logistic(logit: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(logit)).exp())
}
