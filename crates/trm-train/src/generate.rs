//! Text, a token or a chunk at a time, from a snapshot of a model.

use std::collections::VecDeque;

use async_trait::async_trait;
use burn::tensor::Tensor;
use trm_core::State;
use trm_core::cache::{Autoregressive, Cache};
use trm_core::sample::Sampler;
use trm_data::Decoder;
use trm_spec::{Failure, GenerateOptions, Generated, Vocab};

use crate::TextStream;
use crate::checkpoint::host;
use crate::task::tokens;

/// What to do when the context is longer than the block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Go on from the last half of the block, so that a token's cost stays flat.
    #[default]
    Half,
    /// See the whole last block again for every token, as nanoGPT and Chat-TRM
    /// do. Each token past the block then costs a whole block.
    Crop,
}

/// A stream of tokens.
pub struct Generation<M> {
    model: M,
    decoder: Decoder,
    sampler: Sampler,
    depth: usize,
    overflow: Overflow,
    cache: Cache,
    context: Vec<u32>,
    /// Tokens of the context that the cache has not seen.
    pending: usize,
    /// Tokens of a chunk that were drawn and not yet given out.
    drawn: VecDeque<u32>,
    left: usize,
}

impl<M: Autoregressive> Generation<M> {
    /// `prompt` must not be empty, and `model` without autodiff.
    pub fn new(
        model: M,
        vocab: &Vocab,
        prompt: Vec<u32>,
        options: &GenerateOptions,
        overflow: Overflow,
    ) -> Self {
        Self {
            cache: model.cache(options.depth),
            sampler: Sampler::new(u64::from(options.seed), options.temperature, options.top_k),
            depth: options.depth,
            overflow,
            pending: prompt.len(),
            context: prompt,
            drawn: VecDeque::new(),
            left: options.max_new_tokens,
            decoder: Decoder::new(vocab),
            model,
        }
    }

    /// The next tokens, as many as the model predicts at once. Each is drawn from
    /// logits of its own.
    async fn draw(&mut self) -> Result<(), Failure> {
        let most = self.model.context();
        if self.cache.len() + self.pending > most {
            let keep = match self.overflow {
                // A fresh prompt is seen as far as the block reaches.
                Overflow::Half if !self.cache.is_empty() => (most / 2).max(1),
                _ => most,
            };
            self.cache = self.model.cache(self.depth);
            self.pending = keep.min(self.context.len());
        }
        let new = &self.context[self.context.len() - self.pending..];
        let input = tokens(new, new.len(), &self.model.device());
        let state = self.model.extend(input, &mut self.cache, &mut |_, _| {});
        let logits = self.model.read(&next(state, self.model.ahead())).logits;
        let [_, _, vocab] = logits.dims();
        self.pending = 0;
        for logits in host(logits).await?.chunks_exact(vocab) {
            let token = self.sampler.next(logits);
            self.drawn.push_back(token);
            self.context.push(token);
            self.pending += 1;
        }
        Ok(())
    }
}

/// The last positions of a state, which are those of the tokens to come.
pub(crate) fn next<S: State>(state: S, ahead: usize) -> S {
    state.map(&mut |part: Tensor<3>| {
        let [_, positions, _] = part.dims();
        part.narrow(1, positions - ahead, ahead)
    })
}

#[async_trait(?Send)]
impl<M: Autoregressive> TextStream for Generation<M> {
    async fn pull(&mut self, n: usize) -> Result<Generated, Failure> {
        let mut new = Vec::new();
        while new.len() < n && self.left > 0 {
            if self.drawn.is_empty() {
                self.draw().await?;
            }
            new.extend(self.drawn.pop_front());
            self.left -= 1;
        }
        let mut text = self.decoder.push(&new);
        let done = self.left == 0;
        if done {
            text += &self.decoder.finish();
        }
        Ok(Generated { text, tokens: new, done })
    }
}
