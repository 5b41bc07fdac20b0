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
    /// answers there.
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

/// How each answer is scored after each step.
pub struct Scored {
    /// Loss of each token, `[steps, batch, 1 + answer]`; 0 where none is scored.
    pub losses: Tensor<3>,
    /// 1 where every token is the most probable one, `[steps, batch]`; off the tape.
    pub exact: Tensor<2>,
    /// Logit of halting, `[steps, batch]`.
    pub halt: Tensor<2>,
}

/// Scores the answers after each of `ends`.
pub fn score(model: &LlmTrm, batch: &QuestionBatch, ends: &[LatentState]) -> Scored {
    let readout = model.read(&LatentState::stack(ends));
    let [rows, answer, classes] = readout.logits.dims();
    let (steps, count) = (ends.len(), rows / ends.len());
    let logits = readout.logits.reshape([rows * answer, classes]);
    let labels = repeated(&batch.labels, steps, &logits.device());
    let best = logits.clone().detach().without_autodiff().argmax(1).reshape([rows * answer]);
    let plain = repeated(&batch.labels, steps, &best.device());
    let wrong = best.equal(plain.clone()).bool_or(plain.lower_elem(0)).bool_not().float();
    let wrong = wrong.reshape([steps * count, answer]).sum_dim(1).reshape([steps, count]);
    Scored {
        losses: trm_kernels::cross_entropy(logits, labels).reshape([steps, count, answer]),
        exact: wrong.lower_elem(0.5).float(),
        halt: readout.halt.expect("the model has a halting head").reshape([steps, count]),
    }
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
    let Scored { losses, exact, halt } = score(model, batch, ends);
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
