//! What turns gradients into new weights: AdamW and AdamATan2 with decay groups,
//! Muon, sign descent, global clipping, a schedule, and a moving average of the
//! weights.

mod average;
mod clip;
mod schedule;
mod sign;

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdjustLrFn, GradientsParams, Muon, MuonConfig, Optimizer as _};
use burn::tensor::{Device, Tensor};
use trm_kernels::AdamWStep;
use trm_spec::{Decay, Optimizer, TrainSpec};

pub use average::{Average, warmed};
pub use clip::clip_scale;
pub use schedule::learning_rate;
pub use sign::sign_descent;

use crate::parameters::{Replace, flat, replace};

/// What an optimizer remembers of one parameter, flattened.
#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "one for each parameter, and there are few")]
pub(crate) enum Moments {
    /// AdamW and AdamATan2: first and second moment, and the updates that they have seen. These
    /// are counted for each parameter, as in PyTorch: one whose first gradient comes late needs
    /// the bias correction of a first update.
    Adam { m: Tensor<1>, v: Tensor<1>, time: usize },
    /// Muon: the momentum.
    Muon { velocity: Tensor<1> },
}

/// The optimizer of a run: AdamW or AdamATan2 for every parameter, or Muon for
/// the matrices inside the network and AdamW for the rest, as the settings of
/// each update say.
#[derive(Clone, Default)]
pub struct Updates {
    moments: BTreeMap<String, Moments>,
    /// Updates of the model.
    time: usize,
}

impl Updates {
    /// Takes moments up again after `time` updates.
    pub(crate) fn resume(moments: BTreeMap<String, Moments>, time: usize) -> Self {
        Self { moments, time }
    }

    /// The moments by parameter, and the updates of the model.
    pub(crate) fn state(&self) -> (&BTreeMap<String, Moments>, usize) {
        (&self.moments, self.time)
    }

    /// Updates `model` by one step at `rate`. The gradients are those of the
    /// loss times `loss_scale`.
    pub fn update<M: Module>(
        &mut self,
        model: M,
        grads: GradientsParams,
        train: &TrainSpec,
        rate: f64,
        loss_scale: f64,
        device: &Device,
    ) -> M {
        self.time += 1;
        let scale = clip_scale(&model, &grads, train.grad_clip, loss_scale, device);
        let adam = AdamWStep {
            learning_rate: rate,
            beta1: train.beta1,
            beta2: train.beta2,
            eps: train.adam_eps,
            weight_decay: train.weight_decay,
            // Each parameter has its own.
            time: 0,
        };
        let muon = (train.optimizer == Optimizer::Muon).then(|| orthogonal(train));
        let update = &mut Update { moments: &mut self.moments, grads, scale, train, adam, muon };
        replace(model, update)
    }
}

/// The orthogonal step of Muon with AdamW's step size, so that one learning rate
/// serves both. Burn's keeps its momentum to itself, where no checkpoint reaches
/// it; so it is given none, and the momentum is ours.
fn orthogonal(train: &TrainSpec) -> Muon {
    let decay = (train.weight_decay > 0.0)
        .then_some(WeightDecayConfig { penalty: train.weight_decay as f32 });
    MuonConfig::new()
        .with_momentum(MomentumConfig { momentum: 0.0, dampening: 0.0, nesterov: false })
        .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW)
        .with_weight_decay(decay)
        .build()
}

/// Whether Muon is meant for this parameter: a matrix that maps features to features, in a
/// block (blocks are numbered) or right beside them. Embeddings, learned states and heads
/// are not, although they are matrices.
fn inner_matrix(name: &str, dims: usize) -> bool {
    let in_block = name.split('.').any(|part| part.parse::<usize>().is_ok());
    dims == 2 && (in_block || ["adapter.", "preceding."].iter().any(|of| name.starts_with(of)))
}

struct Update<'a> {
    moments: &'a mut BTreeMap<String, Moments>,
    grads: GradientsParams,
    scale: Tensor<1>,
    train: &'a TrainSpec,
    adam: AdamWStep,
    muon: Option<Muon>,
}

impl Replace for Update<'_> {
    fn replace<const D: usize>(&mut self, name: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(grad) = self.grads.remove::<D>(param.id) else { return param };
        let (id, tensor, mapper) = param.consume();
        let before = self.moments.remove(name);
        let (tensor, after) = match &self.muon {
            Some(muon) if inner_matrix(name, D) => {
                self.muon_step(muon, tensor.inner(), grad, before)
            }
            _ => self.adam_step(tensor.inner(), grad, before),
        };
        self.moments.insert(name.to_string(), after);
        Param::from_mapped_value(id, Tensor::from_inner(tensor).require_grad(), mapper)
    }
}

impl Update<'_> {
    fn adam_step<const D: usize>(
        &self,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        before: Option<Moments>,
    ) -> (Tensor<D>, Moments) {
        let decayed = match self.train.decay {
            Decay::All => true,
            Decay::Matrices => D >= 2,
        };
        let shape = tensor.dims();
        let (moments, before) = match before {
            Some(Moments::Adam { m, v, time }) => ((m.reshape(shape), v.reshape(shape)), time),
            _ => ((tensor.zeros_like(), tensor.zeros_like()), 0),
        };
        let step = AdamWStep {
            weight_decay: if decayed { self.adam.weight_decay } else { 0.0 },
            time: before + 1,
            ..self.adam
        };
        let update = match self.train.optimizer {
            Optimizer::AdamAtan2 => trm_kernels::adam_atan2,
            Optimizer::Adamw | Optimizer::Muon => trm_kernels::adamw,
        };
        let (tensor, (m, v)) = update(tensor, grad, moments, self.scale.clone(), step);
        (tensor, Moments::Adam { m: flat(m), v: flat(v), time: step.time })
    }

    fn muon_step<const D: usize>(
        &self,
        muon: &Muon,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        before: Option<Moments>,
    ) -> (Tensor<D>, Moments) {
        let grad = grad * self.scale.clone().reshape([1; D]);
        let momentum = self.train.muon_momentum;
        let velocity = match before {
            Some(Moments::Muon { velocity }) => {
                velocity.reshape(tensor.dims()).mul_scalar(momentum) + grad.clone()
            }
            _ => grad.clone(),
        };
        // Nesterov: a look ahead along the momentum.
        let ahead = velocity.clone().mul_scalar(momentum) + grad;
        let (tensor, _) = muon.step(self.adam.learning_rate, tensor, ahead, None);
        (tensor, Moments::Muon { velocity: flat(velocity) })
    }
}
