//! Text, a token or a chunk at a time, from a snapshot of a model.

use std::collections::VecDeque;

use async_trait::async_trait;
use burn::tensor::{Int, Tensor};
use trm_core::sample::{Sampler, argmax, entropy, softmax};
use trm_core::{Autoregressive, ModelCache, State};
use trm_data::Decoder;
use trm_spec::{Candidate, Failure, GenerateOptions, Generated, Trace, TraceStep, Vocab};

use crate::logits::host_logits;
use crate::run::TextStream;
use crate::trace::{candidates, mean_square};
use crate::transfer::{host, tokens};

/// What to do when the context is longer than the block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Continue from the last half of the block, so that a token's cost stays flat.
    #[default]
    Half,
    /// Read the whole last block again for every token, as nanoGPT and Chat-TRM do.
    /// Each token past the block then costs a whole block.
    Crop,
}

/// Most probable tokens that a trace of generated tokens lists.
const TOP: usize = 10;

/// A stream of tokens.
pub struct Generation<M> {
    pub(super) model: M,
    /// The variant's name, for traces.
    variant: String,
    decoder: Decoder,
    pub(super) sampler: Sampler,
    depth: usize,
    /// Cycles of a drafted token; 0 is no drafting.
    pub(super) draft_depth: usize,
    /// Tokens that were drafted, and those that were kept.
    pub(super) drafted: (usize, usize),
    overflow: Overflow,
    pub(super) cache: ModelCache,
    pub(super) context: Vec<u32>,
    /// Tokens of the context that the cache does not hold yet.
    pub(super) pending: usize,
    /// Tokens that were drawn and not yet pulled.
    drawn: VecDeque<Drawn>,
    pub(super) left: usize,
    /// The token that ends the text, where one does.
    end: Option<u32>,
}

/// A token, and the cycles that made it if they were asked for.
struct Drawn {
    token: u32,
    cycles: Option<Vec<Cycle>>,
}

/// The readout of one position after one cycle.
#[derive(Clone)]
pub(super) struct Cycle {
    argmax: u32,
    prob: f32,
    entropy: f32,
    top: Vec<Candidate>,
    /// Mean squares of the state and of its change, over all tokens drawn together.
    state: f32,
    change: f32,
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
        Self::with_decoder(model, Decoder::new(vocab), prompt, options, overflow)
    }

    /// [`new`](Self::new) with a decoder of the tokens that is there already.
    pub(crate) fn with_decoder(
        model: M,
        decoder: Decoder,
        prompt: Vec<u32>,
        options: &GenerateOptions,
        overflow: Overflow,
    ) -> Self {
        Self {
            cache: model.cache(options.depth),
            sampler: Sampler::new(u64::from(options.seed), options.temperature, options.top_k),
            variant: String::new(),
            depth: options.depth,
            draft_depth: options.draft_depth,
            drafted: (0, 0),
            overflow,
            pending: prompt.len(),
            context: prompt,
            drawn: VecDeque::new(),
            left: options.max_new_tokens,
            decoder,
            end: None,
            model,
        }
    }

    /// The same until the model writes the token `end`, which is left out.
    #[cfg(feature = "llm")]
    pub(crate) fn until(self, end: u32) -> Self {
        Self { end: Some(end), ..self }
    }

    /// The same where the first tokens of the prompt have been read, which `cache` holds; at
    /// least one is left.
    #[cfg(feature = "llm")]
    pub(crate) fn after(self, cache: ModelCache) -> Self {
        debug_assert!(cache.len() < self.context.len() && cache.depth() == self.depth);
        Self { pending: self.context.len() - cache.len(), cache, ..self }
    }

    /// The tokens that were read from the beginning, and their keys and values; none where
    /// the beginning was forgotten.
    #[cfg(feature = "llm")]
    pub(crate) fn into_read(mut self) -> Option<(Vec<u32>, ModelCache)> {
        self.context.truncate(self.context.len() - self.pending);
        (self.context.len() == self.cache.len()).then_some((self.context, self.cache))
    }

    /// The same with the name of the variant, for traces.
    pub(crate) fn named(self, variant: &str) -> Self {
        Self { variant: variant.into(), ..self }
    }

    /// Draws the next tokens, as many as the model predicts at once.
    async fn draw(&mut self, trace: bool) -> Result<(), Failure> {
        let most = self.model.context_size();
        if self.cache.len() + self.pending > most {
            let keep = match self.overflow {
                // A fresh prompt is read as far as the block reaches.
                Overflow::Half if !self.cache.is_empty() => (most / 2).max(1),
                _ => most,
            };
            self.cache = self.model.cache(self.depth);
            self.pending = keep.min(self.context.len());
        }
        // The cycles of a draft that was wrong are not those of its text.
        let room = most - self.cache.len() - self.pending;
        let count = if trace { 0 } else { self.to_draft(room) };
        if count > 0 {
            return self.draw_verified(count).await;
        }
        let input = self.input(&self.context[self.context.len() - self.pending..]);
        let ahead = self.model.ahead();
        let mut states = Vec::new();
        let last = self.model.extend(input, &mut self.cache, &mut |_, state| {
            if trace {
                states.push(last_positions(state.clone(), ahead));
            }
        });
        if !trace {
            states.push(last_positions(last, ahead));
        }
        let squares = if trace { Some(mean_squares(&states).await?) } else { None };
        self.pending = 0;
        while self.pending < ahead {
            // One read-back for all cycles. What the model has forgotten it has not seen.
            let row = self.context.len() - self.pending - self.cache.len();
            let row = &self.context[row..];
            let read = |state| self.model.read_next(state, row, self.pending);
            let logits = Tensor::cat(states.iter().map(read).collect(), 0);
            let [_, together, vocab] = logits.dims();
            let logits = host_logits(logits).await?;
            let cycles: Vec<&[f32]> = logits.chunks_exact(together * vocab).collect();
            let final_cycle = cycles[cycles.len() - 1];
            for (position, logits) in final_cycle.chunks_exact(vocab).enumerate() {
                let token = self.sampler.next(logits);
                let cycles = squares.as_ref().map(|squares| {
                    let readouts = cycles.iter().map(|logits| &logits[position * vocab..][..vocab]);
                    readouts.zip(squares).map(|(logits, of)| Cycle::new(logits, *of)).collect()
                });
                self.push(token, cycles);
                self.pending += 1;
            }
        }
        Ok(())
    }

    /// A row of tokens for the model.
    pub(super) fn input(&self, row: &[u32]) -> Tensor<2, Int> {
        tokens(row, row.len(), &self.model.device())
    }

    /// Takes a drawn token into the context.
    pub(super) fn push(&mut self, token: u32, cycles: Option<Vec<Cycle>>) {
        self.drawn.push_back(Drawn { token, cycles });
        self.context.push(token);
    }

    /// The trace of the tokens whose cycles are known.
    fn trace(&self, drawn: &[Drawn]) -> Trace {
        let known: Vec<(u32, &Vec<Cycle>)> =
            drawn.iter().filter_map(|d| Some((d.token, d.cycles.as_ref()?))).collect();
        let step = |i: usize| {
            let cycles: Vec<&Cycle> = known.iter().map(|(_, cycles)| &cycles[i]).collect();
            let mean = |pick: fn(&Cycle) -> f32| {
                cycles.iter().map(|c| pick(c)).sum::<f32>() / cycles.len().max(1) as f32
            };
            TraceStep {
                step: i + 1,
                argmax: vec![cycles.iter().map(|c| c.argmax).collect()],
                prob: vec![cycles.iter().map(|c| c.prob).collect()],
                entropy: vec![cycles.iter().map(|c| c.entropy).collect()],
                top: vec![cycles.iter().map(|c| c.top.clone()).collect()],
                halt: None,
                state_rms: mean(|c| c.state).sqrt(),
                state_change: mean(|c| c.change).sqrt(),
                attention: Vec::new(),
                logits: None,
            }
        };
        Trace {
            variant: self.variant.clone(),
            depth: self.depth,
            tokens: vec![known.iter().map(|(token, _)| *token).collect()],
            steps: (0..self.depth).map(step).collect(),
        }
    }
}

impl Cycle {
    fn new(logits: &[f32], (state, change): (f32, f32)) -> Self {
        let probs = softmax(logits);
        let argmax = argmax(logits);
        Self {
            argmax,
            prob: probs[argmax as usize] as f32,
            entropy: entropy(&probs) as f32,
            top: candidates(&probs, TOP),
            state,
            change,
        }
    }
}

/// Mean squares of every state's answer and of its change since the state before; the
/// first change is measured from zero.
async fn mean_squares<S: State>(states: &[S]) -> Result<Vec<(f32, f32)>, Failure> {
    let mut all = Vec::with_capacity(2 * states.len());
    let mut before: Option<Tensor<3>> = None;
    for state in states {
        let answer = state.answer().clone();
        let change = before.map_or(answer.clone(), |before| answer.clone() - before);
        all.extend([mean_square(answer.clone()), mean_square(change)]);
        before = Some(answer);
    }
    let all = host(Tensor::cat(all, 0)).await?;
    Ok(all.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// The last `count` positions of a state, which are those of the predicted tokens.
pub(super) fn last_positions<S: State>(state: S, count: usize) -> S {
    state.map(&mut |part: Tensor<3>| {
        let [_, positions, _] = part.dims();
        part.narrow(1, positions - count, count)
    })
}

#[async_trait(?Send)]
impl<M: Autoregressive> TextStream for Generation<M> {
    async fn pull(&mut self, n: usize, trace: bool) -> Result<Generated, Failure> {
        let mut new = Vec::new();
        while new.len() < n && self.left > 0 {
            if self.drawn.is_empty()
                && let Err(failure) = self.draw(trace).await
            {
                // What was read and what was drawn no longer agree: the text is over.
                self.left = 0;
                return Err(failure);
            }
            self.left -= 1;
            match self.drawn.pop_front() {
                Some(drawn) if Some(drawn.token) == self.end => self.left = 0,
                drawn => new.extend(drawn),
            }
        }
        let tokens: Vec<u32> = new.iter().map(|drawn| drawn.token).collect();
        let mut pieces = self.decoder.pieces(&tokens);
        let done = self.left == 0;
        if done && let Some(last) = pieces.last_mut() {
            last.push_str(&self.decoder.finish());
        }
        Ok(Generated {
            text: pieces.concat(),
            tokens,
            pieces,
            done,
            trace: trace.then(|| self.trace(&new)),
        })
    }

    fn drafted(&self) -> (usize, usize) {
        self.drafted
    }
}
