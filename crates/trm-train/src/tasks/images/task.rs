//! Training of image classifiers: batches, losses and reports.

use std::marker::PhantomData;
use std::ops::Range;
use std::rc::Rc;

use async_trait::async_trait;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rand::RngExt;
use trm_core::Engine;
use trm_data::images::{Augment, ImageBatch, ImageDataset};
use trm_data::{Dataset, draw, stream};
use trm_kernels::autocast;
use trm_spec::{
    DepthLoss, Failure, FailureKind, ImageScores, ImageShape, ImageSplit, RunConfig, StepReport,
    Trace, TrainSpec, Vocab,
};

use super::base::FrozenBase;
use super::batch::{Inputs, no_base, unreadable};
use super::model::ImageModel;
use super::scores::evaluate;
use crate::checkpoint::Base;
use crate::checks::{check_depth, half, loss_scale};
use crate::dataset::wrong_data;
use crate::run::{Classifier, ImageScoring, OnProgress, TraceRequest};
use crate::task::{BatchGradients, BatchId, Task};
use crate::tasks::weights::cycle_weights;
use crate::train_run::{Capabilities, TrainRun};

/// How an image classifier is trained: outer steps, objective and frozen base.
pub struct ImageTask<M> {
    pub(super) shape: ImageShape,
    pub(super) base: Option<Rc<FrozenBase>>,
    /// Outer steps, T.
    depth: usize,
    /// Weight of the loss after each outer step.
    weights: Vec<f64>,
    /// Last outer steps that record gradients; 0 means all of them.
    taped: usize,
    model: PhantomData<M>,
}

impl<M: ImageModel> ImageTask<M> {
    /// The task of a model for images of `shape`, trained with `depth` outer steps.
    pub fn new(
        shape: ImageShape,
        base: Option<Rc<FrozenBase>>,
        depth: usize,
        train: &TrainSpec,
    ) -> Self {
        let taped = match train.backprop_cycles {
            0 => depth,
            cycles => cycles.min(depth),
        };
        let weights = cycle_weights(train.objective, &train.cycle_weights, depth, taped);
        Self { shape, base, depth, weights, taped, model: PhantomData }
    }

    /// What turns pixels into the inputs of `model`.
    pub(super) fn inputs(&self, model: &M) -> Inputs<'_> {
        Inputs { shape: self.shape, base: self.base.as_deref(), device: model.device() }
    }

    /// What `model` reads of the images numbered `rows` of a split: features that were
    /// computed before, where there are any, or else their pixels.
    pub(super) fn unchanged(
        &self,
        model: &M,
        data: &ImageDataset,
        split: ImageSplit,
        rows: impl ExactSizeIterator<Item = usize>,
    ) -> Result<Tensor<3>, Failure> {
        let inputs = self.inputs(model);
        match &data.features {
            Some(features) => {
                let dims = [rows.len(), features.tokens(), features.width()];
                inputs.of_features(features.gather(split, rows), dims)
            }
            None => {
                let batch = data.set(split).gather(rows, &data.preprocessing);
                inputs.of_pixels(&batch.pixels, batch.len())
            }
        }
    }
}

impl<M: ImageModel> ImageTask<M> {
    /// Scores on a split. `model` has autodiff off.
    ///
    /// # Errors
    /// If the split holds no image, or so many steps cannot be run.
    pub(super) async fn scores(
        &self,
        model: &M,
        data: &ImageDataset,
        scoring: &ImageScoring,
        on_progress: OnProgress<'_>,
    ) -> Result<ImageScores, Failure> {
        let features =
            |rows: Vec<usize>| self.unchanged(model, data, scoring.split, rows.into_iter());
        evaluate(model, data, scoring, &features, on_progress).await
    }
}

/// A batch before it is on a device.
pub struct ReadyBatch {
    /// Pixels, or features of a frozen base.
    values: Vec<f32>,
    /// Of features, their sizes: `[images, positions, width]`.
    features: Option<[usize; 3]>,
    labels: Vec<u32>,
}

/// How training images are changed.
fn augment(config: &RunConfig) -> Augment {
    Augment { random_crop: config.data.random_crop, flip: config.data.flip }
}

#[async_trait(?Send)]
impl<M: ImageModel> Task<M> for ImageTask<M> {
    type Data = ImageDataset;
    type Batch = ReadyBatch;
    type Carry = ();
    type BufferGradients = ();

    fn base(&self) -> Option<Base> {
        self.base.as_ref().map(|base| base.identity().clone())
    }

    fn configure(&mut self, config: &RunConfig) {
        *self = Self::new(self.shape, self.base.take(), config.model.depth(), &config.train);
    }

    fn accept(
        &self,
        config: &RunConfig,
        vocab: &Vocab,
        data: Dataset,
    ) -> Result<ImageDataset, Failure> {
        let Dataset::Images(data) = data else { return Err(wrong_data(&config.model, &data)) };
        let classes = match vocab {
            Vocab::Classes { names } => names.as_slice(),
            _ => &[],
        };
        if data.classes != classes {
            return Err(Failure::new(
                FailureKind::Data,
                format!(
                    "{} has {} classes ({}), but the model was trained on {} ({})",
                    data.name,
                    data.classes.len(),
                    listed(&data.classes),
                    classes.len(),
                    listed(classes),
                ),
                "Give images of the same classes, or start a new run.",
            ));
        }
        if self.shape.vit_depth > 0 && self.base.is_none() {
            return Err(no_base());
        }
        if let Some(features) = &data.features {
            if [features.tokens(), features.width()] != self.shape.input {
                return Err(unreadable("the cached features are of another base".into()));
            }
            let count = |split| (features.len(split), data.set(split).len());
            if ImageSplit::ALL.map(count).iter().any(|(cached, images)| cached != images) {
                return Err(unreadable("the cached features are of another split".into()));
            }
        }
        Ok(data)
    }

    fn no_data() -> Failure {
        Failure::new(
            FailureKind::Data,
            "this model was loaded without images",
            "Give the images it was trained on, or others of the same classes.",
        )
    }

    /// Images for training and for validation.
    fn tokens(data: &ImageDataset) -> (usize, usize) {
        (data.train.len(), data.val.len())
    }

    fn depth(&self, _: u64) -> usize {
        self.depth
    }

    fn batch(
        &self,
        config: &RunConfig,
        data: &ImageDataset,
        id: BatchId,
    ) -> Result<ReadyBatch, Failure> {
        let (seed, size) = (config.train.seed, config.train.batch_size);
        let augment = augment(config);
        if let (Some(features), true) = (&data.features, augment == Augment::default()) {
            let rows = data.train.batch_rows(seed, id.number, size);
            let labels = rows.iter().map(|&row| data.train.label(row)).collect();
            let dims = [rows.len(), features.tokens(), features.width()];
            let values = features.gather(ImageSplit::Train, rows);
            return Ok(ReadyBatch { values, features: Some(dims), labels });
        }
        let ImageBatch { pixels, labels, .. } = data.batch(seed, id.number, size, augment);
        Ok(ReadyBatch { values: pixels, features: None, labels })
    }

    /// For a mean over the images of a batch.
    fn loss_scale(&self, config: &RunConfig) -> f64 {
        loss_scale(config.train.precision, config.train.batch_size)
    }

    fn part(&self, batch: ReadyBatch, rows: Range<usize>) -> ReadyBatch {
        let ReadyBatch { values, features, labels } = batch;
        let each = values.len() / labels.len();
        ReadyBatch {
            values: values[rows.start * each..rows.end * each].to_vec(),
            features: features.map(|[_, positions, width]| [rows.len(), positions, width]),
            labels: labels[rows].to_vec(),
        }
    }

    fn gradients(
        &self,
        config: &RunConfig,
        model: &M,
        batch: ReadyBatch,
        id: BatchId,
        share: f64,
        _: &mut Option<()>,
    ) -> BatchGradients {
        let inputs = self.inputs(model);
        let features = match batch.features {
            Some(dims) => inputs.of_features(batch.values, dims),
            None => inputs.of_pixels(&batch.values, batch.labels.len()),
        };
        let features = features.expect("`accept` has checked the data");
        let labels = inputs.labels(&batch.labels);
        if config.model.dropout() > 0.0 {
            let device = model.device().without_autodiff();
            device.seed(draw(config.train.seed, stream::DROPOUT, id.shard).random());
        }
        let share = share * self.loss_scale(config);
        autocast(half(config.train.precision), || {
            let context = model.encode(&features);
            let engine = Engine::truncated(self.depth, self.taped);
            let start = engine.start(model, &context, M::start);
            let mut objective: Option<Tensor<1>> = None;
            let mut last = None;
            engine.run(model, &context, start, |step, state| {
                let weight = self.weights[step - 1];
                if weight > 0.0 {
                    let logits = model.read(state).logits;
                    let [images, _, classes] = logits.dims();
                    let logits = logits.reshape([images, classes]);
                    let loss = trm_kernels::cross_entropy(logits, labels.clone()).mean();
                    let part = loss.clone().mul_scalar(weight * share);
                    objective = Some(objective.take().map_or(part.clone(), |sum| sum + part));
                    last = Some(loss);
                }
            });
            let objective = objective.expect("the last step is scored");
            BatchGradients {
                grads: GradientsParams::from_grads(objective.backward(), model),
                metrics: last.expect("the last step is scored").inner(),
                buffers: (),
            }
        })
    }

    fn report(&self, _: &RunConfig, metrics: &[f64], report: &mut StepReport) {
        report.loss = metrics[0];
    }

    /// Loss per image, where a depth is a number of outer steps.
    async fn evaluate(
        &self,
        model: &M,
        data: &ImageDataset,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let scoring = ImageScoring {
            split: ImageSplit::Val,
            images: max_tokens.div_ceil(self.shape.input[0].max(1)),
            inner_steps: 0,
            outer_steps: depths.iter().copied().max().unwrap_or(1),
        };
        let scores = self.scores(model, data, &scoring, &mut |_, _| ()).await?;
        depths
            .iter()
            .map(|&depth| {
                let steps = &scores.steps;
                let loss = steps[check_depth(depth)?.min(steps.len()) - 1].loss;
                Ok(DepthLoss::of(depth, loss))
            })
            .collect()
    }

    async fn trace(
        &self,
        _: &RunConfig,
        _: &Vocab,
        _: &M,
        _: &TraceRequest,
    ) -> Result<Trace, Failure> {
        Err(Failure::new(
            FailureKind::Prompt,
            "an image classifier reads images, not tokens",
            "Classify an image instead (trm-native classify).",
        ))
    }
}

impl<M: ImageModel> Capabilities<M> for ImageTask<M> {
    fn as_classifier(run: &TrainRun<M, Self>) -> Option<&dyn Classifier> {
        Some(run)
    }
}

/// The first few names.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text += ", …";
    }
    text
}
