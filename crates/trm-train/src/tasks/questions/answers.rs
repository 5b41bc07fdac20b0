//! What a run that answers questions can do beside training: answer, and be scored.

use std::collections::BTreeSet;
use std::rc::Rc;

use async_trait::async_trait;
use trm_core::Recursive;
use trm_core::models::llm_trm::{LatentState, LlmTrm, TrunkCache};
use trm_data::questions::Question;
use trm_spec::{
    Answer, AnswerStep, AnswerToken, Answered, Considered, Failure, FailureKind, QuestionScores,
};

use super::objective::supervised;
use super::rows::QuestionTokens;
use super::scores::{evaluate, logistic};
use super::task::QuestionTask;
use super::writing::{AnswerStream, log_sum, row};
use crate::checks::check_depth_from;
use crate::logits::host_logits;
use crate::question_requests::{
    Answerer, AskRequest, ConsiderRequest, OnToken, QuestionSet, Thought,
};
use crate::run::{OnProgress, TextStream};
use crate::train_run::TrainRun;
use crate::transfer::host;

/// A question as the model holds it after every supervision step.
struct Thinking {
    model: Rc<LlmTrm>,
    trunk: TrunkCache,
    /// Tokens of the question.
    tokens: usize,
    /// Probability of `<think>` after the question.
    think: f32,
    /// After each supervision step, from 0 on.
    ends: Vec<LatentState>,
    /// Probability of halting after each step, from the first on.
    halt: Vec<f32>,
    /// Most tokens of an answer that fit into the context.
    room: usize,
}

impl TrainRun<LlmTrm, QuestionTask> {
    /// Thinks for as many supervision steps as the deepest of `depths`.
    async fn think(&self, question: &str, depths: &[usize]) -> Result<Thinking, Failure> {
        let mut most = 0;
        for depth in depths {
            most = most.max(check_depth_from(0, *depth)?);
        }
        if question.trim().is_empty() {
            return Err(Failure::new(
                FailureKind::Prompt,
                "the question is empty",
                "Ask something.",
            ));
        }
        let (base, spec) = (&self.task.base, &self.task.spec);
        let asked = Question { question: question.into(), answer: String::new(), difficulty: 0 };
        let tokens = QuestionTokens::new(base, spec, &asked)?.question;
        let model = Rc::new(self.optimization.inference_model());
        let (states, trunk) = model.read_question(row(&tokens, &model));
        let context = model.encode(&states);
        let first = host_logits(context.logits()).await?;
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
        let room = spec.base_block_size - tokens.len() - spec.num_latents - 1;
        let think = think.exp() as f32;
        Ok(Thinking { model, trunk, tokens: tokens.len(), think, ends, halt, room })
    }

    /// The answer after `steps` supervision steps.
    fn answer(&self, thinking: &Thinking, steps: usize, max_new_tokens: usize) -> AnswerStream {
        let Thinking { model, trunk, ends, room, .. } = thinking;
        let base = &self.task.base;
        let limit = max_new_tokens.min(*room);
        AnswerStream::new(model, &ends[steps], trunk, base.decoder(), base.end(), limit)
    }
}

#[async_trait(?Send)]
impl Answerer for TrainRun<LlmTrm, QuestionTask> {
    async fn ask(&self, request: &AskRequest, on_token: OnToken<'_>) -> Result<Answered, Failure> {
        let thinking = self.think(&request.question, &request.depths).await?;
        let halt = &thinking.halt;
        let mut answers = Vec::with_capacity(request.depths.len());
        for (place, &depth) in request.depths.iter().enumerate() {
            let stops = |step: &usize| {
                request.halt_threshold.is_some_and(|limit| f64::from(halt[*step - 1]) > limit)
            };
            let steps = (1..depth).find(stops).unwrap_or(depth);
            let mut stream = self.answer(&thinking, steps, request.max_new_tokens);
            let (mut text, mut tokens) = (String::new(), Vec::new());
            loop {
                let new = stream.pull(1, false).await?;
                if !new.tokens.is_empty() && !new.text.is_empty() {
                    on_token(place, &new.text);
                }
                text.push_str(&new.text);
                tokens.extend(new.tokens);
                if new.done {
                    break;
                }
            }
            let text = text.trim().to_owned();
            let AnswerStream { prob, ended, .. } = stream;
            answers.push(Answer { depth, steps, text, tokens, prob, ended });
        }
        let question = request.question.clone();
        let Thinking { think, halt, .. } = thinking;
        Ok(Answered { question, think, halt, answers })
    }

    async fn consider(&self, request: &ConsiderRequest) -> Result<Thought, Failure> {
        let thinking = self.think(&request.question, &request.depths).await?;
        let mut steps = Vec::with_capacity(thinking.ends.len());
        for end in &thinking.ends {
            steps.push(first_token(&host_logits(thinking.model.read(end).logits).await?));
        }
        let candidates = likely(&steps, request.top);
        let halt = |step: usize| step.checked_sub(1).map(|at| thinking.halt[at]);
        let rows = steps.iter().enumerate().map(|(step, prob)| AnswerStep {
            step,
            halt: halt(step),
            prob: candidates.iter().map(|token| prob[*token as usize]).collect(),
        });
        let text = |token: u32| {
            let mut decoder = self.task.base.decoder();
            decoder.push(&[token]) + &decoder.finish()
        };
        let considered = Considered {
            tokens: thinking.tokens,
            think: thinking.think,
            steps: rows.collect(),
            candidates: candidates
                .iter()
                .map(|&token| AnswerToken {
                    token,
                    text: text(token),
                    ends: token == self.task.base.end(),
                })
                .collect(),
        };
        let answers = request.depths.iter().map(|&depth| {
            let stream: Box<dyn TextStream> =
                Box::new(self.answer(&thinking, depth, request.max_new_tokens));
            stream
        });
        Ok(Thought { considered, answers: answers.collect() })
    }

    async fn evaluate_questions(
        &self,
        set: QuestionSet,
        steps: usize,
        limit: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<QuestionScores, Failure> {
        check_depth_from(0, steps)?;
        let data = self.data()?;
        let questions = match set {
            QuestionSet::Train => &data.train,
            QuestionSet::Val => &data.val,
            QuestionSet::Harder => &data.harder,
        };
        let limit = if limit == 0 { questions.len() } else { limit.min(questions.len()) };
        let model = self.optimization.inference_model();
        let answering = (self.task.engine, self.task.base.end());
        let trained = self.task.spec.supervision_steps;
        evaluate(answering, &model, &questions[..limit], steps, trained, on_progress).await
    }
}

/// Probability of each token at `<think>`, from logits whose last one is that of `<think>`,
/// which is no part of an answer.
fn first_token(logits: &[f32]) -> Vec<f32> {
    let known = &logits[..logits.len() - 1];
    let sum = log_sum(logits);
    known.iter().map(|logit| (f64::from(*logit) - sum).exp() as f32).collect()
}

/// The `top` most probable tokens of every step, the most probable one of the last step first.
fn likely(steps: &[Vec<f32>], top: usize) -> Vec<u32> {
    let mut found = BTreeSet::new();
    for step in steps {
        let mut order: Vec<u32> = (0..step.len() as u32).collect();
        let by = |a: &u32, b: &u32| step[*b as usize].total_cmp(&step[*a as usize]);
        let top = top.min(order.len());
        if top > 0 && top < order.len() {
            order.select_nth_unstable_by(top - 1, by);
        }
        found.extend(order.into_iter().take(top));
    }
    let mut found: Vec<u32> = found.into_iter().collect();
    if let Some(last) = steps.last() {
        found.sort_by(|a, b| last[*b as usize].total_cmp(&last[*a as usize]));
    }
    found
}
