//! Text, one token at a time, from a snapshot of a model.

use async_trait::async_trait;
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
            left: options.max_new_tokens,
            decoder: Decoder::new(vocab),
            model,
        }
    }

    /// Logits of the token after the context.
    async fn logits(&mut self) -> Result<Vec<f32>, Failure> {
        let block = self.model.block_size();
        if self.cache.len() + self.pending > block {
            let keep = match self.overflow {
                // A fresh prompt is seen as far as the block reaches.
                Overflow::Half if !self.cache.is_empty() => (block / 2).max(1),
                _ => block,
            };
            self.cache = self.model.cache(self.depth);
            self.pending = keep.min(self.context.len());
        }
        let new = &self.context[self.context.len() - self.pending..];
        let input = tokens(new, new.len(), &self.model.device());
        let logits = self.model.extend(input, &mut self.cache);
        let [_, seq, vocab] = logits.dims();
        self.pending = 0;
        host(logits.slice([0..1, seq - 1..seq, 0..vocab])).await
    }
}

#[async_trait(?Send)]
impl<M: Autoregressive> TextStream for Generation<M> {
    async fn pull(&mut self, n: usize) -> Result<Generated, Failure> {
        let mut new = Vec::new();
        for _ in 0..n.min(self.left) {
            let logits = self.logits().await?;
            let token = self.sampler.next(&logits);
            self.context.push(token);
            self.pending += 1;
            self.left -= 1;
            new.push(token);
        }
        let mut text = self.decoder.push(&new);
        let done = self.left == 0;
        if done {
            text += &self.decoder.finish();
        }
        Ok(Generated { text, tokens: new, done })
    }
}
