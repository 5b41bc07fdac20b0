//! From a batch to gradients: by ordinary backpropagation, or with the cycles
//! computed again one at a time (gradient checkpointing), so that no more than
//! one cycle's intermediate results are held at once.

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use trm_core::State;
use trm_core::cache::Autoregressive;
use trm_data::Batch;

use crate::task::{LanguageTask, Question};

/// What one batch teaches.
pub struct Lesson {
    pub grads: GradientsParams,
    /// Loss of the last cycle, `[1]`, off the tape.
    pub last: Tensor<1>,
}

/// Gradients of `share` times the objective of `batch` at `depth` cycles.
/// `before` is told which cycle is computed next (0: the embedding), also when
/// it is computed again, so that dropout can draw the same masks both times.
pub fn gradients<M: Autoregressive>(
    task: &LanguageTask,
    model: &M,
    batch: &Batch,
    depth: usize,
    share: f64,
    before: &dyn Fn(usize),
) -> Lesson {
    let losses = task.losses(model, batch, depth, before);
    let objective =
        if share == 1.0 { losses.objective } else { losses.objective.mul_scalar(share) };
    Lesson {
        grads: GradientsParams::from_grads(objective.backward(), model),
        last: losses.last.inner(),
    }
}

/// The same as [`gradients`], keeping only the states between cycles.
pub fn checkpointed<M: Autoregressive>(
    task: &LanguageTask,
    model: &M,
    batch: &Batch,
    depth: usize,
    share: f64,
    before: &dyn Fn(usize),
) -> Lesson {
    let question = Question::new(batch, &model.device());
    let weights = task.cycle_weights(depth);
    let first = depth - task.kept(depth) + 1;

    // Forward: nothing is taped, the states are kept. Weights that need no
    // gradient still drop activations, unlike a model made for evaluation.
    let frozen = model.clone().no_grad();
    before(0);
    let x = frozen.encode(&question.inputs);
    let mut states = vec![question.start(&frozen, &x)];
    for cycle in 1..=depth {
        before(cycle);
        states.push(frozen.cycle(&x, states[cycle - 1].clone()));
    }

    // Backward: one cycle at a time, last one first. What the later cycles ask
    // of a state is a gradient for its numbers, and enters as a product.
    let mut sum = GradientsAccumulator::new();
    let mut wanted: Option<Vec<Option<Tensor<3>>>> = None;
    let mut wanted_x: Option<Tensor<3>> = None;
    let mut last = None;
    for cycle in (first..=depth).rev() {
        states.truncate(cycle);
        let leaf_x = leaf(x.clone());
        let from = states[cycle - 1].clone().map(&mut leaf);
        before(cycle);
        let state = model.cycle(&leaf_x, from.clone());
        let weight = weights[cycle - 1];
        let mut objective = wanted.take().and_then(|wanted| pull(&state, wanted));
        if weight > 0.0 {
            let loss = question.score(model, &state);
            last.get_or_insert_with(|| loss.clone().inner());
            let part = loss.mul_scalar(weight * share);
            objective = Some(objective.map_or(part.clone(), |sum| sum + part));
        }
        let Some(objective) = objective else { continue };
        let mut grads = objective.backward();
        if cycle == 1 || task.connected() {
            wanted = Some(from.parts().iter().map(|part| part.grad_remove(&mut grads)).collect());
        }
        if let Some(new) = leaf_x.grad_remove(&mut grads) {
            wanted_x = Some(wanted_x.map_or(new.clone(), |sum| sum + new));
        }
        sum.accumulate(model, GradientsParams::from_grads(grads, model));
    }

    // The beginning: the embedding, and the first state where it is reached.
    before(0);
    let x = model.encode(&question.inputs);
    let mut objective = wanted_x.map(|wanted| product(&x, wanted));
    if first == 1
        && let Some(part) = wanted.and_then(|wanted| pull(&question.start(model, &x), wanted))
    {
        objective = Some(objective.map_or(part.clone(), |sum| sum + part));
    }
    if let Some(objective) = objective {
        sum.accumulate(model, GradientsParams::from_grads(objective.backward(), model));
    }
    Lesson { grads: sum.grads(), last: last.expect("the last cycle is scored") }
}

/// The same numbers as the beginning of a tape of their own.
fn leaf(tensor: Tensor<3>) -> Tensor<3> {
    Tensor::from_inner(tensor.inner()).require_grad()
}

/// A number whose gradient for each part of `state` is what is `wanted` of it.
fn pull<S: State>(state: &S, wanted: Vec<Option<Tensor<3>>>) -> Option<Tensor<1>> {
    let parts = state.parts().into_iter().zip(wanted);
    parts
        .filter_map(|(part, wanted)| Some(product(&part, wanted?)))
        .reduce(|sum, product| sum + product)
}

fn product(tensor: &Tensor<3>, wanted: Tensor<3>) -> Tensor<1> {
    (tensor.clone() * Tensor::from_inner(wanted)).sum()
}
