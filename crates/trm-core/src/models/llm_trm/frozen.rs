//! The frozen decoder of a question model: the layers below the cut, and what is measured of
//! them.

use std::fmt;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use trm_spec::LlmTrmSpec;

use super::{QuestionRows, QuestionStates};
use crate::Recursive;
use crate::layers::KeyValues;
use crate::models::llama::Llama;

/// The variance of a feature that does not vary.
const SMALLEST_VARIANCE: f64 = 1e-6;

/// A decoder whose weights are constants: they are no part of the model.
#[derive(Clone)]
pub struct FrozenDecoder {
    pub(super) llama: Arc<Llama>,
    /// The embedding of `<think>`, `[dim]`: the mean of all tokens'. It is not trained, so that
    /// the trunk's states can be kept.
    pub(super) think: Tensor<1>,
}

impl FrozenDecoder {
    /// `decoder` without gradients and without autodiff.
    pub fn new(decoder: Llama) -> Self {
        let llama = decoder.valid().no_grad();
        Self { think: llama.mean_embedding(), llama: Arc::new(llama) }
    }

    /// The decoder.
    pub fn llama(&self) -> &Llama {
        &self.llama
    }

    /// The states of `[question | <think> | answer]` after the first layers, those below the
    /// cut, for tokens of questions `[batch, question]`, padded on the left, and answers
    /// `[batch, answer]`, padded on the right.
    pub fn trunk(
        &self,
        layers: TrunkLayers,
        question: Tensor<2, Int>,
        answer: Option<Tensor<2, Int>>,
        rows: &QuestionRows,
    ) -> QuestionStates {
        self.trunk_with_cache(layers, question, answer, rows).0
    }

    /// [`trunk`](Self::trunk), and the keys and values of its layers.
    pub(super) fn trunk_with_cache(
        &self,
        TrunkLayers { compressed, cut }: TrunkLayers,
        question: Tensor<2, Int>,
        answer: Option<Tensor<2, Int>>,
        rows: &QuestionRows,
    ) -> (QuestionStates, Vec<KeyValues>) {
        let dim = self.think.dims()[0];
        let think = self.think.clone().reshape([1, 1, dim]);
        let think = think.expand([rows.questions().len(), 1, dim]);
        let embedded = |tokens: Option<Tensor<2, Int>>| tokens.map(|t| self.llama.embed(t));
        let parts = [embedded(Some(question)), Some(think), embedded(answer)];
        let x = Tensor::cat(parts.into_iter().flatten().collect(), 1);
        let placement = rows.trunk(self.llama.rope());
        let (low, mut past) = self.llama.run_layers(0..compressed, x, &placement, None, None);
        let read = low.clone().narrow(1, 0, rows.longest_question() + 1);
        let (states, upper) = self.llama.run_layers(compressed..cut, low, &placement, None, None);
        past.extend(upper);
        (QuestionStates { states, compressed: read, rows: rows.clone() }, past)
    }

    /// Mean and deviation of the states of questions after the first `layers`, over all of
    /// their tokens but the first: that one is an attention sink, whose states are tens of
    /// times as large (arXiv 2309.17453), and soft states of its size would carry nothing.
    pub fn measure(
        &self,
        layers: TrunkLayers,
        batches: impl Iterator<Item = (Tensor<2, Int>, QuestionRows)>,
    ) -> Option<Measured> {
        let mut sums: Option<[Sums; 2]> = None;
        let mut count = 0;
        for (question, rows) in batches {
            let QuestionStates { states, compressed, .. } =
                self.trunk(layers, question, None, &rows);
            count += rows.questions().iter().sum::<usize>();
            let weights = rows.after_the_first(&self.device());
            let new = [states, compressed].map(|x| Sums::of(x * weights.clone()));
            sums = Some(match sums {
                None => new,
                Some([states, compressed]) => {
                    let [more_states, more_compressed] = new;
                    [states.plus(more_states), compressed.plus(more_compressed)]
                }
            });
        }
        let [cut, compressed] = sums?.map(|sums| sums.measured(count));
        let compressed = (layers.compressed != layers.cut).then_some(compressed);
        Some(Measured { cut, compressed })
    }

    /// Logits after the last `count` of tokens `[batch, seq]`: `[batch, count, vocab]`.
    pub fn predict(&self, tokens: Tensor<2, Int>, count: usize) -> Tensor<3> {
        let [_, seq] = tokens.dims();
        let context = self.llama.encode(&tokens);
        let state = self.llama.cycle(&context, self.llama.start(&context));
        let last = state.z.narrow(1, seq - count, count);
        self.llama.logits(self.llama.normed(last))
    }

    /// Where its weights are.
    pub fn device(&self) -> Device {
        self.llama.rope().device()
    }
}

impl fmt::Debug for FrozenDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrozenDecoder")
    }
}

/// Sums over states, `[base dim]` each: of the numbers, and of their squares.
struct Sums {
    first: Tensor<1>,
    second: Tensor<1>,
}

impl Sums {
    fn of(states: Tensor<3>) -> Self {
        let [_, _, dim] = states.dims();
        let sum = |x: Tensor<3>| x.sum_dim(0).sum_dim(1).reshape([dim]);
        Self { first: sum(states.clone()), second: sum(states.square()) }
    }

    fn plus(self, more: Self) -> Self {
        Self { first: self.first + more.first, second: self.second + more.second }
    }

    fn measured(self, count: usize) -> Spread {
        let mean = self.first.div_scalar(count as f64);
        let variance = self.second.div_scalar(count as f64) - mean.clone().square();
        Spread { mean, std: variance.clamp_min(SMALLEST_VARIANCE).sqrt() }
    }
}

/// How many layers of the decoder a question runs through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrunkLayers {
    /// To the states that are compressed.
    pub compressed: usize,
    /// To the states that the upper layers read; not fewer.
    pub cut: usize,
}

impl From<&LlmTrmSpec> for TrunkLayers {
    fn from(spec: &LlmTrmSpec) -> Self {
        Self { compressed: spec.compressed_after(), cut: spec.cut }
    }
}

/// Mean and standard deviation of states, `[base dim]` each.
#[derive(Clone, Debug)]
pub struct Spread {
    /// The mean of each feature.
    pub mean: Tensor<1>,
    /// Its standard deviation.
    pub std: Tensor<1>,
}

/// Numbers that are measured on the training questions before training.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Of the states at the cut.
    pub cut: Spread,
    /// Of the states that are compressed, where these are others.
    pub compressed: Option<Spread>,
}
