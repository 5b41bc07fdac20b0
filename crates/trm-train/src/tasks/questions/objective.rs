//! Deep supervision of answers: one readout for each supervision step.

use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_core::models::llm_trm::{Compressed, LatentState, LlmTrm};
use trm_core::{Engine, Recursive, State};

use super::rows::QuestionBatch;
use crate::tasks::puzzles::binary;

/// Losses of a batch.
pub struct Objective {
    /// What is minimised, `[1]`, on the tape.
    pub total: Tensor<1>,
    /// Off the tape, `[1]` each: loss of the answers after the last step, share of exact
    /// answers there, of [all choices](Choices::All).
    pub loss: Tensor<1>,
    pub exact: Tensor<1>,
    /// Loss of `<think>`, and of halting.
    pub think: Tensor<1>,
    pub halt: Tensor<1>,
}

/// The states after each of `steps` supervision steps; without any, the state before them.
/// Steps are detached from each other.
pub fn supervised(
    engine: Engine,
    model: &LlmTrm,
    context: &Compressed,
    steps: usize,
) -> Vec<LatentState> {
    let mut state = model.start(context);
    if steps == 0 {
        return vec![state];
    }
    let mut ends = Vec::with_capacity(steps);
    for _ in 0..steps {
        state = engine.run(model, context, state.detach(), |_, _| {});
        ends.push(state.clone());
    }
    ends
}

/// The tokens of which the most probable one is taken to see whether an answer is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choices {
    /// All, `<think>` among them, as the loss has it: the target of halting in training, as in
    /// the reference, and what a training step reports.
    All,
    /// All but `<think>`, which is no part of an answer: an exact answer is then the one that
    /// the model writes.
    Written,
}

/// How each answer is scored after each step.
pub struct Scored {
    /// Loss of each token, `[steps, batch, 1 + answer]`; 0 where none is scored.
    pub losses: Tensor<3>,
    /// 1 where every token is the most probable one of the choices, the first of equals,
    /// `[steps, batch]`; off the tape.
    pub exact: Tensor<2>,
    /// Logit of halting, `[steps, batch]`.
    pub halt: Tensor<2>,
}

/// Scores the answers after each of `ends`.
pub fn score(
    model: &LlmTrm,
    batch: &QuestionBatch,
    ends: &[LatentState],
    choices: Choices,
) -> Scored {
    let readout = model.read(&LatentState::stack(ends));
    let [rows, answer, classes] = readout.logits.dims();
    let (steps, count) = (ends.len(), rows / ends.len());
    let logits = readout.logits.reshape([rows * answer, classes]);
    let labels = repeated(&batch.labels, steps, &logits.device());
    let plain = logits.clone().detach().without_autodiff();
    let wanted = repeated(&batch.labels, steps, &plain.device());
    let exact = exact(plain, wanted, rows, choices).reshape([steps, count]);
    Scored {
        losses: trm_kernels::cross_entropy(logits, labels).reshape([steps, count, answer]),
        exact,
        halt: readout.halt.expect("the model has a halting head").reshape([steps, count]),
    }
}

/// 1 where every scored token of an answer is the most probable one, `[rows]`. The logits are
/// `[rows · tokens, classes]`, that of `<think>` last; a negative label is not scored.
fn exact(logits: Tensor<2>, labels: Tensor<1, Int>, rows: usize, choices: Choices) -> Tensor<1> {
    let [positions, classes] = logits.dims();
    let logits = match choices {
        Choices::All => logits,
        Choices::Written => logits.narrow(1, 0, classes - 1),
    };
    let best = logits.argmax(1).reshape([positions]);
    let wrong = best.equal(labels.clone()).bool_or(labels.lower_elem(0)).bool_not().float();
    let wrong = wrong.reshape([rows, positions / rows]).sum_dim(1).reshape([rows]);
    wrong.lower_elem(0.5).float()
}

fn repeated(labels: &[i32], times: usize, device: &Device) -> Tensor<1, Int> {
    let labels = labels.repeat(times);
    let count = labels.len();
    Tensor::from_data(TensorData::new(labels, [count]), device)
}

/// The objective of the reference: answers, later steps with a larger weight, `<think>`, and
/// `halt_weight` times halting where the answer is exact.
pub fn objective(
    model: &LlmTrm,
    batch: &QuestionBatch,
    context: &Compressed,
    ends: &[LatentState],
    weights: &[f64],
    halt_weight: f64,
) -> Objective {
    let Scored { losses, exact, halt } = score(model, batch, ends, Choices::All);
    let [steps, count, answer] = losses.dims();
    let scored = batch.scored().max(1) as f64;
    let by_step = losses.reshape([steps, count * answer]).sum_dim(1).div_scalar(scored);
    let device = by_step.device();
    let factors: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
    let factors = Tensor::<1>::from_floats(factors.as_slice(), &device).reshape([steps, 1]);
    let answers = (by_step.clone() * factors).sum();
    let think = context.logits();
    let [_, _, classes] = think.dims();
    let wanted = repeated(&[classes as i32 - 1], count, &device);
    let think = trm_kernels::cross_entropy(think.reshape([count, classes]), wanted).mean();
    let target = exact.clone().reshape([steps * count]);
    let halting = binary(halt.reshape([steps * count]), target).mean();
    let total = answers + think.clone() + halting.clone().mul_scalar(halt_weight);
    let last = |x: Tensor<2>| x.narrow(0, steps - 1, 1).mean().without_autodiff();
    Objective {
        total,
        loss: last(by_step),
        exact: last(exact),
        think: think.without_autodiff(),
        halt: halting.without_autodiff(),
    }
}

#[cfg(test)]
mod tests {
    use trm_core::sample::argmax;

    use super::*;

    /// An answer is exact where its tokens are those that are written, in evaluation: `<think>`,
    /// the last column, is not, and of equals the first is.
    #[test]
    fn exact_answers_are_those_that_are_written() {
        let answers = [
            // `<think>` is the most probable one, but is never written.
            ([[0.0_f32, 2.0, 1.0, 3.0], [1.0, 0.0, 0.5, 0.0]], [1_i32, 0], [0.0_f32, 1.0]),
            ([[0.0, 2.0, 1.0, 0.0], [1.0, 0.0, 0.5, 0.0]], [1, 0], [1.0, 1.0]),
            // The second of two equals, and the first.
            ([[0.0, 2.0, 2.0, 0.0], [1.0, 0.0, 0.5, 0.0]], [2, 0], [0.0, 0.0]),
            ([[0.0, 2.0, 2.0, 0.0], [1.0, 0.0, 0.5, 0.0]], [1, 0], [1.0, 1.0]),
            // A position that is not scored.
            ([[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.5, 9.0]], [2, -1], [1.0, 1.0]),
        ];
        for (number, (logits, labels, wanted)) in answers.into_iter().enumerate() {
            for (choices, wanted) in [Choices::All, Choices::Written].into_iter().zip(wanted) {
                let device = Device::flex();
                let logits = Tensor::<2>::from_data(logits, &device);
                let labels = Tensor::<1, Int>::from_data(labels, &device);
                let found = exact(logits, labels, 1, choices).into_scalar::<f32>();
                assert_eq!(found, wanted, "answer {number}, {choices:?}");
            }
            let written = logits.iter().zip(labels).all(|(row, label)| {
                label < 0 || argmax(&row[..row.len() - 1]) == label.unsigned_abs()
            });
            assert_eq!(f32::from(u8::from(written)), wanted[1], "answer {number}");
        }
        // Each answer by itself.
        let logits = answers.map(|(logits, ..)| logits).concat();
        let labels: Vec<i32> = answers.into_iter().flat_map(|(_, labels, _)| labels).collect();
        let device = Device::flex();
        let data = TensorData::new(logits.concat(), [10, 4]);
        let labels = repeated(&labels, 1, &device);
        let found = exact(Tensor::from_data(data, &device), labels, 5, Choices::Written);
        let found: Vec<f32> = found.into_data().try_into_vec().expect("numbers");
        assert_eq!(found, answers.map(|(_, _, wanted)| wanted[1]));
    }
}
