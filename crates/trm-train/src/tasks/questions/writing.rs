//! Answers that are written token by token, as they are pulled.

use std::rc::Rc;

use async_trait::async_trait;
use burn::tensor::{Int, Tensor};
use trm_core::Recursive;
use trm_core::models::llm_trm::{AnswerCache, LatentState, LlmTrm, TrunkCache};
use trm_core::sample::argmax;
use trm_data::Decoder;
use trm_spec::{Failure, Generated};

use crate::logits::host_logits;
use crate::run::TextStream;
use crate::transfer::tokens;

/// The most probable answer in a state.
pub(super) struct AnswerStream {
    model: Rc<LlmTrm>,
    cache: AnswerCache,
    /// Logits of the next token, the one of `<think>` last; none when the answer is over.
    next: Option<Tensor<3>>,
    decoder: Decoder,
    /// The token that ends the answer.
    end: u32,
    left: usize,
    /// Probability of each token, the end included.
    pub prob: Vec<f32>,
    /// Whether the model ended the answer, and not the limit of tokens.
    pub ended: bool,
}

impl AnswerStream {
    /// At most `limit` tokens of the answer in `state`.
    pub fn new(
        model: &Rc<LlmTrm>,
        state: &LatentState,
        trunk: &TrunkCache,
        decoder: Decoder,
        end: u32,
        limit: usize,
    ) -> Self {
        let (readout, cache) = model.begin_answer(state, trunk);
        Self {
            model: Rc::clone(model),
            cache,
            next: Some(readout.logits),
            decoder,
            end,
            left: limit,
            prob: Vec::new(),
            ended: false,
        }
    }

    /// The next token; none at the end.
    async fn draw(&mut self) -> Result<Option<u32>, Failure> {
        let Some(logits) = self.next.take() else { return Ok(None) };
        let scores = host_logits(logits).await?;
        // `<think>` is no part of an answer.
        let token = argmax(&scores[..scores.len() - 1]);
        self.ended = token == self.end;
        if self.ended || self.left > 0 {
            self.prob.push((f64::from(scores[token as usize]) - log_sum(&scores)).exp() as f32);
        }
        if self.ended || self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.next = Some(self.model.extend_answer(row(&[token], &self.model), &mut self.cache));
        Ok(Some(token))
    }
}

#[async_trait(?Send)]
impl TextStream for AnswerStream {
    async fn pull(&mut self, n: usize, _: bool) -> Result<Generated, Failure> {
        let mut new = Vec::new();
        let mut done = false;
        while !done && new.len() < n {
            match self.draw().await? {
                Some(token) => new.push(token),
                None => done = true,
            }
        }
        let mut pieces = self.decoder.pieces(&new);
        let mut text = pieces.concat();
        if done {
            let rest = self.decoder.finish();
            text.push_str(&rest);
            if let Some(last) = pieces.last_mut() {
                last.push_str(&rest);
            }
        }
        Ok(Generated { text, tokens: new, pieces, done, trace: None })
    }
}

/// Tokens as one row.
pub(super) fn row(values: &[u32], model: &LlmTrm) -> Tensor<2, Int> {
    tokens(values, values.len(), &model.device().without_autodiff())
}

/// The logarithm of the sum of exponentials.
pub(super) fn log_sum(logits: &[f32]) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
    f64::from(most) + sum.ln()
}
