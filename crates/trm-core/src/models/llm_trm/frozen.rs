//! The frozen decoder of a question model: the layers below the cut, and what is measured of
//! them.

use std::fmt;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

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

    /// The states of `[question | <think> | answer]` after the first `cut` layers, for tokens of
    /// questions `[batch, question]`, padded on the left, and answers `[batch, answer]`, padded
    /// on the right.
    pub fn trunk(
        &self,
        cut: usize,
        question: Tensor<2, Int>,
        answer: Option<Tensor<2, Int>>,
        rows: &QuestionRows,
    ) -> QuestionStates {
        let (states, _) = self.trunk_with_cache(cut, question, answer, rows);
        QuestionStates { states, rows: rows.clone() }
    }

    /// [`trunk`](Self::trunk), and the keys and values of its layers.
    pub(super) fn trunk_with_cache(
        &self,
        cut: usize,
        question: Tensor<2, Int>,
        answer: Option<Tensor<2, Int>>,
        rows: &QuestionRows,
    ) -> (Tensor<3>, Vec<KeyValues>) {
        let dim = self.think.dims()[0];
        let think = self.think.clone().reshape([1, 1, dim]);
        let think = think.expand([rows.questions().len(), 1, dim]);
        let embedded = |tokens: Option<Tensor<2, Int>>| tokens.map(|t| self.llama.embed(t));
        let parts = [embedded(Some(question)), Some(think), embedded(answer)];
        let x = Tensor::cat(parts.into_iter().flatten().collect(), 1);
        let placement = rows.trunk(self.llama.rope());
        self.llama.run_layers(0..cut, x, &placement, None, None)
    }

    /// Mean and deviation of the trunk's states of questions, over all of their tokens but the
    /// first: that one is an attention sink, whose states are tens of times as large
    /// (arXiv 2309.17453), and soft states of its size would carry nothing.
    pub fn measure(
        &self,
        cut: usize,
        batches: impl Iterator<Item = (Tensor<2, Int>, QuestionRows)>,
    ) -> Option<Measured> {
        let mut sums: Option<[Tensor<1>; 2]> = None;
        let mut count = 0;
        for (question, rows) in batches {
            let QuestionStates { states, .. } = self.trunk(cut, question, None, &rows);
            let [_, _, dim] = states.dims();
            let kept = states * rows.after_the_first(&self.device());
            count += rows.questions().iter().sum::<usize>();
            let sum = |x: Tensor<3>| x.sum_dim(0).sum_dim(1).reshape([dim]);
            let new = [sum(kept.clone()), sum(kept.square())];
            sums = Some(match sums {
                None => new,
                Some([first, second]) => {
                    let [a, b] = new;
                    [first + a, second + b]
                }
            });
        }
        let [first, second] = sums?;
        let mean = first.div_scalar(count as f64);
        let variance = second.div_scalar(count as f64) - mean.clone().square();
        Some(Measured { mean, std: variance.clamp_min(SMALLEST_VARIANCE).sqrt() })
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

/// Numbers that are measured on the training questions before training.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Mean of the trunk's states, `[base dim]`.
    pub mean: Tensor<1>,
    /// Their standard deviation, `[base dim]`.
    pub std: Tensor<1>,
}
