//! What a family of models is trained and evaluated on. A [`Task`] is the only
//! place that sees targets; [`TrainRun`](crate::TrainRun) does everything else.

use std::ops::Range;

use async_trait::async_trait;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use trm_core::Recursive;
use trm_spec::{DepthLoss, Failure, RunConfig, StepReport, Trace, Vocab};

use crate::checkpoint::Base;
use crate::run::TraceRequest;
use trm_data::Dataset;

/// Which batch of a run: randomness (rows, depth, dropout) is a function of this and
/// the seed, so that a resumed run needs nothing but its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchId {
    /// Updates done before this one.
    pub step: u64,
    /// Batches before this one; other than `step` where gradients are accumulated.
    pub number: u64,
    /// Shards before this one; other than `number` where batches are cut into parts.
    pub shard: u64,
}

/// Gradients of one batch.
pub struct BatchGradients<B = ()> {
    /// Gradients of the trained parameters, times the [loss scale](Task::loss_scale).
    pub grads: GradientsParams,
    /// What the step's report is made of, off the tape; `[1]` for language models: the
    /// loss of the last cycle.
    pub metrics: Tensor<1>,
    /// Gradients of buffers, which the optimizer does not train.
    pub buffers: B,
}

/// What shards of an update hand to the same shards of the next: rows that can be joined,
/// cut, and written down as named numbers.
pub trait CarryOver: Clone {
    /// The rows of several, in their order.
    fn join(parts: Vec<Self>) -> Self;

    /// Its rows in `count` equal parts; none if they cannot be cut so.
    fn cut(self, count: usize) -> Option<Vec<Self>>;

    /// All of it as named tensors of numbers, for the optimizer file.
    fn numbers(&self) -> Vec<(&'static str, Tensor<1>)>;

    /// One with these numbers in place of its own, which are as many.
    #[must_use]
    fn with_numbers(&self, numbers: &[f32]) -> Self;
}

/// Nothing is handed on.
impl CarryOver for () {
    fn join(_: Vec<Self>) -> Self {}

    fn cut(self, count: usize) -> Option<Vec<Self>> {
        Some(vec![(); count])
    }

    fn numbers(&self) -> Vec<(&'static str, Tensor<1>)> {
        Vec::new()
    }

    fn with_numbers(&self, _: &[f32]) -> Self {}
}

/// How models of type `M` are trained and evaluated.
#[async_trait(?Send)]
pub trait Task<M: Recursive + 'static>: Sized + 'static {
    /// The data it is trained on.
    type Data: 'static;
    /// One batch, before it is on a device.
    type Batch;
    /// What a shard of one update hands to the same shard of the next, such as puzzles under
    /// way.
    type Carry: CarryOver;
    /// Gradients of buffers, which [`update_buffers`](Self::update_buffers) applies.
    type BufferGradients;

    /// Takes over changed settings. Only live ones ever change.
    fn configure(&mut self, config: &RunConfig);

    /// The data of this task in `data`, checked against the model.
    ///
    /// # Errors
    /// If the data are of another family, or do not fit the model.
    fn accept(
        &self,
        config: &RunConfig,
        vocab: &Vocab,
        data: Dataset,
    ) -> Result<Self::Data, Failure>;

    /// The frozen base that the model reads features of, where there is one.
    fn base(&self) -> Option<Base> {
        None
    }

    /// What is wrong when there are no data to train on.
    fn no_data() -> Failure;

    /// Tokens for training and for validation.
    fn tokens(data: &Self::Data) -> (usize, usize);

    /// The smallest depth that can be evaluated: 0 where a model also answers without its
    /// recursion.
    fn least_depth() -> usize {
        1
    }

    /// Cycles of update number `step`, as it is reported.
    fn depth(&self, step: u64) -> usize;

    /// Number by which [`gradients`](Self::gradients) multiplies the objective, so that
    /// gradients stay in the range of half precision. The update divides by it.
    fn loss_scale(&self, config: &RunConfig) -> f64 {
        let _ = config;
        1.0
    }

    /// The batch `id`.
    ///
    /// # Errors
    /// If the data cannot be read.
    fn batch(
        &self,
        config: &RunConfig,
        data: &Self::Data,
        id: BatchId,
    ) -> Result<Self::Batch, Failure>;

    /// Some rows of a batch, in their order. Never asked of tasks whose batches cannot be
    /// [cut](crate::check_ranks).
    fn part(&self, batch: Self::Batch, rows: Range<usize>) -> Self::Batch {
        let _ = rows;
        batch
    }

    /// Gradients of `share` times the objective of `batch`.
    fn gradients(
        &self,
        config: &RunConfig,
        model: &M,
        batch: Self::Batch,
        id: BatchId,
        share: f64,
        carry: &mut Option<Self::Carry>,
    ) -> BatchGradients<Self::BufferGradients>;

    /// Gradients of buffers as numbers, for an exchange: as many for every shard. None where
    /// there are none.
    fn buffer_numbers(&self, gradients: &Self::BufferGradients) -> Option<Tensor<1>> {
        let _ = gradients;
        None
    }

    /// Gradients of buffers out of their [numbers](Self::buffer_numbers); asked only where
    /// there are some.
    fn buffers_of_numbers(
        &self,
        numbers: &[f32],
        device: &Device,
    ) -> Option<Self::BufferGradients> {
        let _ = (numbers, device);
        None
    }

    /// Updates buffers, after the optimizer has updated the parameters at learning rate
    /// `rate`.
    fn update_buffers(
        &self,
        config: &RunConfig,
        model: M,
        gradients: Vec<Self::BufferGradients>,
        rate: f64,
    ) -> M {
        let _ = (config, gradients, rate);
        model
    }

    /// Fills in the report of a step from the mean of its batches'
    /// [`metrics`](BatchGradients::metrics).
    fn report(&self, config: &RunConfig, metrics: &[f64], report: &mut StepReport);

    /// The carry of an optimizer file, where it holds one, of a model of `vocab` tokens.
    ///
    /// # Errors
    /// If it does not fit the model.
    fn restore_carry(
        &self,
        optimizer: &[u8],
        vocab: usize,
        device: &Device,
    ) -> Result<Option<Self::Carry>, Failure> {
        let _ = (optimizer, vocab, device);
        Ok(None)
    }

    /// Loss on the validation split at each of `depths`, which the run has checked, over about
    /// `max_tokens` tokens (0: all). `model` has autodiff off.
    ///
    /// # Errors
    /// If there is no validation split, or a depth cannot be run.
    async fn evaluate(
        &self,
        model: &M,
        data: &Self::Data,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure>;

    /// The readout after every cycle. `model` has autodiff off.
    ///
    /// # Errors
    /// If the request does not fit the model.
    async fn trace(
        &self,
        config: &RunConfig,
        vocab: &Vocab,
        model: &M,
        request: &TraceRequest,
    ) -> Result<Trace, Failure>;
}
