//! A model with its optimizer, its averaged weights and its place in the run.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use trm_core::Recursive;
use trm_spec::{Failure, FailureKind, TrainSpec};

use crate::checkpoint::optimizer::{self, OptimizerState};
use crate::optim::{Average, Updates, learning_rate, warmed};
use crate::run::Weights;

/// A model, its optimizer and the average of its weights.
pub(crate) struct Optimization<M> {
    /// Taken out only while an update is under way.
    model: Option<M>,
    updates: Updates,
    /// Moving average of the weights, where one is kept.
    average: Option<Average>,
    /// The weights that inference uses.
    inference: Weights,
    /// Updates done.
    pub step: usize,
}

const HAS_MODEL: &str = "a run has its model between updates";

impl<M: Recursive> Optimization<M> {
    /// `model` has autodiff on.
    pub fn new(model: M, train: &TrainSpec) -> Self {
        Self {
            average: (train.ema_decay > 0.0).then(|| Average::new(&model)),
            model: Some(model),
            updates: Updates::default(),
            inference: Weights::Average,
            step: 0,
        }
    }

    /// Moves to `step`, with the optimizer's state where there is one.
    ///
    /// # Errors
    /// If the optimizer file does not belong to this model and step.
    pub fn resume(&mut self, step: usize, optimizer: Option<&[u8]>) -> Result<(), Failure> {
        if let Some(bytes) = optimizer {
            let device = self.plain_device();
            let OptimizerState { updates, average } =
                optimizer::read(bytes, self.model(), step, &device)?;
            self.updates = updates;
            // Without a saved one, the average starts at the weights as loaded.
            self.average = average.or(self.average.take());
        }
        self.step = step;
        Ok(())
    }

    /// The model as it is trained, with autodiff.
    pub fn model(&self) -> &M {
        self.model.as_ref().expect(HAS_MODEL)
    }

    /// The model's device without autodiff.
    pub fn plain_device(&self) -> Device {
        self.model().device().without_autodiff()
    }

    /// The model for inference, without autodiff: with the averaged weights where
    /// there are any, unless the raw ones were chosen.
    pub fn inference_model(&self) -> M {
        let model = self.model().valid();
        match (&self.average, self.inference) {
            (Some(average), Weights::Average) => average.apply(model),
            _ => model,
        }
    }

    /// One update at this step's learning rate, which it returns; the gradients
    /// are those of the loss times `loss_scale`. `also` then changes what the optimizer
    /// does not train.
    pub fn update(
        &mut self,
        grads: GradientsParams,
        train: &TrainSpec,
        loss_scale: f64,
        also: impl FnOnce(M, f64) -> M,
    ) -> f64 {
        let rate = learning_rate(train, self.step);
        let device = self.plain_device();
        // Moved, not cloned: parameters that are not shared are updated in place.
        let model = self.model.take().expect(HAS_MODEL);
        let model = self.updates.update(model, grads, train, rate, loss_scale, &device);
        let model = also(model, rate);
        if let Some(average) = &mut self.average {
            average.update(&model, warmed(train.ema_decay, self.step));
        }
        self.model = Some(model);
        self.step += 1;
        rate
    }

    /// Takes over changed settings.
    pub fn configure(&mut self, train: &TrainSpec) {
        self.average = match self.average.take() {
            _ if train.ema_decay == 0.0 => None,
            // An average that begins now begins at the weights as they are now.
            average => average.or_else(|| Some(Average::new(self.model()))),
        };
    }

    /// Chooses the weights for inference.
    ///
    /// # Errors
    /// If the average is chosen and none is kept.
    pub fn use_weights(&mut self, weights: Weights) -> Result<(), Failure> {
        if weights == Weights::Average && self.average.is_none() {
            return Err(Failure::new(
                FailureKind::Config,
                "this run has no averaged weights",
                "Use the raw weights, or train with ema_decay above 0.",
            ));
        }
        self.inference = weights;
        Ok(())
    }

    /// The optimizer file, with the carry of the task.
    ///
    /// # Errors
    /// If the device is lost.
    pub async fn save(&self, carry: Vec<(&str, Tensor<1>)>) -> Result<Vec<u8>, Failure> {
        optimizer::write(&self.updates, self.average.as_ref(), carry, self.step).await
    }
}
