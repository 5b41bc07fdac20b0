//! From a batch to gradients: by ordinary backpropagation, or with the cycles
//! computed again one at a time (gradient checkpointing), so that the intermediate
//! results of one cycle at most are held at once.

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Gradients, Tensor};
use trm_core::{Autoregressive, Context, State};
use trm_data::Batch;

use super::lm_batch::LmBatch;
use super::objective::LanguageTask;
use crate::task::BatchGradients;

/// Gradients of `share` times the objective of `batch` at `depth` cycles; the metrics
/// are the loss of the last cycle, `[1]`. `before` is called with the number of the
/// cycle that is computed next (0: the encoding), also when it is computed again, so
/// that dropout can draw the same masks both times.
pub fn gradients<M: Autoregressive>(
    task: &LanguageTask<M>,
    model: &M,
    batch: &Batch,
    depth: usize,
    share: f64,
    before: &dyn Fn(usize),
) -> BatchGradients {
    let losses = task.losses(model, batch, depth, before);
    let objective =
        if share == 1.0 { losses.objective } else { losses.objective.mul_scalar(share) };
    BatchGradients {
        grads: GradientsParams::from_grads(objective.backward(), model),
        metrics: losses.last.inner(),
        buffers: (),
    }
}

/// The same as [`gradients`], keeping only the states between cycles.
pub fn checkpointed<M: Autoregressive>(
    task: &LanguageTask<M>,
    model: &M,
    batch: &Batch,
    depth: usize,
    share: f64,
    before: &dyn Fn(usize),
) -> BatchGradients {
    let batch = LmBatch::new(batch, &model.device());
    let weights = task.cycle_weights(depth);
    let first = depth - task.taped(depth) + 1;

    // Forward: nothing is taped, the states are kept. Weights that need no
    // gradient still drop activations, unlike a model made for evaluation.
    let frozen = model.clone().no_grad();
    before(0);
    let context = frozen.encode(&batch.inputs);
    let mut states = vec![task.start(&frozen, &context, &batch)];
    for cycle in 1..=depth {
        before(cycle);
        states.push(frozen.cycle(&context, states[cycle - 1].clone()));
    }

    // Backward: one cycle at a time, last one first. The gradients of the later
    // cycles for a state enter as a product with it.
    let mut sum = GradientsAccumulator::new();
    let mut of_state: Option<Vec<Option<Tensor<3>>>> = None;
    let mut of_context: Vec<Option<Tensor<3>>> = vec![None; context.parts().len()];
    let mut last = None;
    for cycle in (first..=depth).rev() {
        states.truncate(cycle);
        let mut context_leaves = Leaves::default();
        let leaf_context = context.clone().map(&mut |part| context_leaves.add(part));
        let mut state_leaves = Leaves::default();
        let from = states[cycle - 1].clone().map(&mut |part| state_leaves.add(part));
        before(cycle);
        let state = model.cycle(&leaf_context, from);
        let weight = weights[cycle - 1];
        let mut objective = of_state.take().and_then(|grads| products(state.parts(), grads));
        if weight > 0.0 {
            let loss = batch.mean_loss(model, &state);
            last.get_or_insert_with(|| loss.clone().inner());
            let part = loss.mul_scalar(weight * share);
            objective = Some(objective.map_or(part.clone(), |sum| sum + part));
        }
        let Some(objective) = objective else { continue };
        let mut grads = objective.backward();
        if cycle == 1 || task.connected() {
            of_state = Some(state_leaves.take(&mut grads));
        }
        for (sum, new) in of_context.iter_mut().zip(context_leaves.take(&mut grads)) {
            *sum = match (sum.take(), new) {
                (Some(sum), Some(new)) => Some(sum + new),
                (sum, new) => sum.or(new),
            };
        }
        sum.accumulate(model, GradientsParams::from_grads(grads, model));
    }

    // The encoding, and the first state where gradients reach it.
    before(0);
    let context = model.encode(&batch.inputs);
    let mut objective = products(context.parts(), of_context);
    if first == 1
        && let Some(grads) = of_state
        && let Some(part) = products(task.start(model, &context, &batch).parts(), grads)
    {
        objective = Some(objective.map_or(part.clone(), |sum| sum + part));
    }
    if let Some(objective) = objective {
        sum.accumulate(model, GradientsParams::from_grads(objective.backward(), model));
    }
    BatchGradients {
        grads: sum.grads(),
        metrics: last.expect("the last cycle is scored"),
        buffers: (),
    }
}

/// Tensors that begin a tape of their own.
#[derive(Default)]
struct Leaves(Vec<Tensor<3>>);

impl Leaves {
    /// The same numbers as a new leaf.
    fn add(&mut self, tensor: Tensor<3>) -> Tensor<3> {
        let leaf = Tensor::from_inner(tensor.inner()).require_grad();
        self.0.push(leaf.clone());
        leaf
    }

    /// Their gradients, where there are any.
    fn take(self, grads: &mut Gradients) -> Vec<Option<Tensor<3>>> {
        self.0.iter().map(|leaf| leaf.grad_remove(grads)).collect()
    }
}

/// A number whose gradient for each of `parts` is the one in `grads`, `[1]`.
fn products(parts: Vec<Tensor<3>>, grads: Vec<Option<Tensor<3>>>) -> Option<Tensor<1>> {
    let pairs = parts.into_iter().zip(grads);
    pairs
        .filter_map(|(part, grad)| Some((part * Tensor::from_inner(grad?)).sum()))
        .reduce(|sum, product| sum + product)
}
