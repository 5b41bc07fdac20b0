//! What a run that answers questions can do beside training: answer, and be scored.

use async_trait::async_trait;
use burn::tensor::{Int, Tensor, TensorData};
use trm_core::Recursive;
use trm_core::models::llm_trm::{LatentState, LlmTrm, TrunkCache};
use trm_data::questions::Question;
use trm_spec::{Answer, Answered, Failure, FailureKind, QuestionScores};

use super::objective::supervised;
use super::rows::QuestionTokens;
use super::scores::{evaluate, logistic};
use super::task::QuestionTask;
use crate::question_requests::{Answerer, AskRequest, OnToken, QuestionSet};
use crate::train_run::TrainRun;
use crate::transfer::host;

/// Most supervision steps of an answer.
const MOST_STEPS: usize = 1024;

fn checked_depth(depth: usize) -> Result<usize, Failure> {
    if depth <= MOST_STEPS {
        return Ok(depth);
    }
    Err(Failure::new(
        FailureKind::Config,
        format!("depth {depth} is out of range"),
        format!("Choose a depth from 0 to {MOST_STEPS}."),
    ))
}

#[async_trait(?Send)]
impl Answerer for TrainRun<LlmTrm, QuestionTask> {
    async fn ask(&self, request: &AskRequest, on_token: OnToken<'_>) -> Result<Answered, Failure> {
        let mut most = 0;
        for depth in &request.depths {
            most = most.max(checked_depth(*depth)?);
        }
        let model = self.optimization.inference_model();
        let base = &self.task.base;
        let question =
            Question { question: request.question.clone(), answer: String::new(), difficulty: 0 };
        if request.question.trim().is_empty() {
            return Err(Failure::new(
                FailureKind::Prompt,
                "the question is empty",
                "Ask something.",
            ));
        }
        let tokens = QuestionTokens::new(base, &self.task.spec, &question)?.question;
        let room = self.task.spec.base_block_size - tokens.len() - self.task.spec.num_latents - 1;
        let (states, trunk) = model.read_question(row(&tokens, &model));
        let context = model.encode(&states);
        let first = host(context.logits()).await?;
        let think = f64::from(*first.last().unwrap_or(&0.0)) - log_sum(&first);
        let mut ends = supervised(self.task.engine, &model, &context, 0);
        if most > 0 {
            ends.extend(supervised(self.task.engine, &model, &context, most));
        }
        let mut halt = Vec::with_capacity(most);
        for end in &ends[1..] {
            let logit = host(model.halting(end)).await?;
            halt.push(logistic(logit[0]) as f32);
        }
        let writing =
            Writing { model: &model, trunk: &trunk, limit: request.max_new_tokens.min(room) };
        let mut answers = Vec::with_capacity(request.depths.len());
        for (place, &depth) in request.depths.iter().enumerate() {
            let stops = |step: &usize| {
                request.halt_threshold.is_some_and(|limit| f64::from(halt[*step - 1]) > limit)
            };
            let steps = (1..depth).find(stops).unwrap_or(depth);
            let mut on_text = |text: &str| on_token(place, text);
            let written = writing.write(self, &ends[steps], &mut on_text).await?;
            answers.push(Answer { depth, steps, ..written });
        }
        let question = request.question.clone();
        Ok(Answered { question, think: think.exp() as f32, halt, answers })
    }

    async fn evaluate_questions(
        &self,
        set: QuestionSet,
        steps: usize,
        limit: usize,
    ) -> Result<QuestionScores, Failure> {
        checked_depth(steps)?;
        let data = self.data()?;
        let questions = match set {
            QuestionSet::Train => &data.train,
            QuestionSet::Val => &data.val,
            QuestionSet::Harder => &data.harder,
        };
        let limit = if limit == 0 { questions.len() } else { limit.min(questions.len()) };
        let model = self.optimization.inference_model();
        evaluate((self.task.engine, self.task.base.end()), &model, &questions[..limit], steps).await
    }
}

/// What all answers to a question share.
struct Writing<'a> {
    model: &'a LlmTrm,
    trunk: &'a TrunkCache,
    limit: usize,
}

impl Writing<'_> {
    /// The most probable answer in `state`, token by token.
    async fn write(
        &self,
        run: &TrainRun<LlmTrm, QuestionTask>,
        state: &LatentState,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Answer, Failure> {
        let base = &run.task.base;
        let (readout, mut cache) = self.model.begin_answer(state, self.trunk);
        let mut logits = readout.logits;
        let (mut tokens, mut prob) = (Vec::new(), Vec::new());
        let (mut decoder, mut text) = (base.decoder(), String::new());
        let mut ended = false;
        loop {
            let scores = host(logits).await?;
            // `<think>` is no part of an answer.
            let known = &scores[..scores.len() - 1];
            let best = (0..known.len()).max_by(|a, b| known[*a].total_cmp(&known[*b]));
            let best = best.unwrap_or(0);
            prob.push((f64::from(scores[best]) - log_sum(&scores)).exp() as f32);
            if best as u32 == base.end() {
                ended = true;
                break;
            }
            if tokens.len() == self.limit {
                prob.pop();
                break;
            }
            tokens.push(best as u32);
            let new = decoder.push(&[best as u32]);
            if !new.is_empty() {
                on_text(&new);
                text.push_str(&new);
            }
            logits = self.model.extend_answer(row(&[best as u32], self.model), &mut cache);
        }
        text.push_str(&decoder.finish());
        let text = text.trim().to_owned();
        Ok(Answer { depth: 0, steps: 0, text, tokens, prob, ended })
    }
}

/// Tokens as one row.
fn row(tokens: &[u32], model: &LlmTrm) -> Tensor<2, Int> {
    let values: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
    let device = model.device().without_autodiff();
    Tensor::from_data(TensorData::new(values, [1, tokens.len()]), &device)
}

/// The logarithm of the sum of exponentials.
fn log_sum(logits: &[f32]) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
    f64::from(most) + sum.ln()
}
