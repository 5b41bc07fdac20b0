//! A model in training, whatever its family.

use std::cell::RefCell;
use std::ops::Range;

use async_trait::async_trait;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use serde_json::Value;
use trm_core::Recursive;
use trm_spec::{
    DepthLoss, Failure, FailureKind, RunConfig, RunSummary, Saved, StepReport, Trace, Vocab,
    may_change,
};

use crate::checkpoint::{self, Header};
use crate::checks::check_precision;
use crate::optimization::Optimization;
use crate::reduce::{self, AllReduce, Shard, check_ranks};
#[cfg(feature = "llm")]
use crate::run::Answerer;
use crate::run::{Classifier, Run, Solver, TraceRequest, Weights, Writer};
use crate::task::{BatchGradients, BatchId, CarryOver, Task};
use crate::transfer::host;
use trm_data::Dataset;

/// A model of type `M`, its data and its place in the run; `T` says how it is trained.
///
/// Owns what all families share: steps, gradient accumulation, the check for
/// divergence, changes of settings, saving and the choice of weights for inference.
pub struct TrainRun<M: Recursive + 'static, T: Task<M>> {
    pub(crate) config: RunConfig,
    pub(crate) vocab: Vocab,
    pub(crate) data: Option<T::Data>,
    pub(crate) optimization: Optimization<M>,
    pub(crate) task: T,
    /// What each shard of the last update handed on. Of shards that other ranks compute there
    /// is none until they are [gathered](Run::gather).
    carry: RefCell<Vec<Option<T::Carry>>>,
    /// The ranks that share the batches of an update with this run, where there are any.
    ranks: Option<Box<dyn AllReduce>>,
    /// Parts into which every batch is cut.
    parts: usize,
}

/// What only some runs can do. Every task implements it.
pub trait Capabilities<M: Recursive + 'static>: Task<M> {
    /// The run as a writer of text, if it is one.
    fn as_writer(run: &TrainRun<M, Self>) -> Option<&dyn Writer> {
        let _ = run;
        None
    }

    /// The run as a solver of puzzles, if it is one.
    fn as_solver(run: &TrainRun<M, Self>) -> Option<&dyn Solver> {
        let _ = run;
        None
    }

    /// The run as a classifier of images, if it is one.
    fn as_classifier(run: &TrainRun<M, Self>) -> Option<&dyn Classifier> {
        let _ = run;
        None
    }

    /// The run as an answerer of questions, if it is one.
    #[cfg(feature = "llm")]
    fn as_answerer(run: &TrainRun<M, Self>) -> Option<&dyn Answerer> {
        let _ = run;
        None
    }
}

/// Gradients of one update: of all its shards together.
pub struct UpdateGradients<B> {
    /// Of the trained parameters, times the [loss scale](Task::loss_scale).
    pub grads: GradientsParams,
    /// Of buffers, one for each shard.
    pub buffers: Vec<B>,
    /// Mean of the shards' metrics, on the device.
    pub metrics: Tensor<1>,
}

impl<M: Recursive + 'static, T: Task<M>> TrainRun<M, T> {
    /// A run at step 0. `model` has autodiff on.
    pub fn new(config: RunConfig, vocab: Vocab, data: Option<T::Data>, model: M, task: T) -> Self {
        let optimization = Optimization::new(model, &config.train);
        let carry = RefCell::default();
        Self { config, vocab, data, optimization, task, carry, ranks: None, parts: 1 }
    }

    /// Moves to `step`, with the state of the optimiser file where there is one.
    ///
    /// # Errors
    /// If the file does not belong to this model and step.
    pub fn resume(&mut self, step: usize, optimizer: Option<&[u8]>) -> Result<(), Failure> {
        self.optimization.resume(step, optimizer)?;
        let device = self.optimization.plain_device();
        let carry = match optimizer {
            Some(bytes) => self.task.restore_carry(bytes, &device)?,
            None => None,
        };
        // Cut into shards with the next update.
        self.carry.replace(carry.into_iter().map(Some).collect());
        Ok(())
    }

    /// The data, where there are any.
    ///
    /// # Errors
    /// If the run has none.
    pub(crate) fn data(&self) -> Result<&T::Data, Failure> {
        self.data.as_ref().ok_or_else(T::no_data)
    }

    /// Computes the gradients of the next update and changes nothing but the carry.
    ///
    /// # Errors
    /// If there are no data, or they cannot be read.
    pub fn compute_gradients(&mut self) -> Result<UpdateGradients<T::BufferGradients>, Failure> {
        self.cut_carry();
        let mut sum = GradientsAccumulator::new();
        let mut buffers = Vec::new();
        let mut total: Option<Tensor<1>> = None;
        for shard in self.shards() {
            let batch = self.shard_gradients(shard)?;
            sum.accumulate(self.optimization.model(), batch.grads);
            buffers.push(batch.buffers);
            total = Some(match total {
                None => batch.metrics,
                Some(total) => total + batch.metrics,
            });
        }
        let metrics = total.expect("an update has a batch").mul_scalar(self.share());
        Ok(UpdateGradients { grads: sum.grads(), buffers, metrics })
    }

    /// The numbers of the shards of the next update: its batches, or their parts.
    fn shards(&self) -> Range<u64> {
        let shards = self.shard_count() as u64;
        let first = self.optimization.step as u64 * shards;
        first..first + shards
    }

    /// Shards of an update.
    fn shard_count(&self) -> usize {
        self.config.train.gradient_accumulation_steps * self.parts
    }

    /// What one shard contributes to an update.
    fn share(&self) -> f64 {
        1.0 / self.shard_count() as f64
    }

    /// Brings the carry to the shards of an update, where their number has changed.
    fn cut_carry(&mut self) {
        let shards = self.shard_count();
        let carry = self.carry.get_mut();
        if carry.len() != shards {
            let whole: Option<Vec<_>> = std::mem::take(carry).into_iter().collect();
            let parts = whole.filter(|whole| !whole.is_empty()).map(T::Carry::join);
            *carry = match parts.and_then(|whole| whole.cut(shards)) {
                Some(parts) => parts.into_iter().map(Some).collect(),
                None => vec![None; shards],
            };
        }
    }

    /// Gradients of its share of shard number `shard` of the run.
    fn shard_gradients(
        &mut self,
        shard: u64,
    ) -> Result<BatchGradients<T::BufferGradients>, Failure> {
        let (share, shards) = (self.share(), self.shard_count());
        let Self { config, data, optimization, task, carry, parts, .. } = self;
        let carry = &mut carry.get_mut()[(shard % shards as u64) as usize];
        let data = data.as_ref().ok_or_else(T::no_data)?;
        let number = shard / *parts as u64;
        let id = BatchId { step: optimization.step as u64, number, shard };
        let mut batch = task.batch(config, data, id)?;
        if *parts > 1 {
            let rows = config.train.batch_size / *parts;
            let first = (shard % *parts as u64) as usize * rows;
            batch = task.part(batch, first..first + rows);
        }
        Ok(task.gradients(config, optimization.model(), batch, id, share, carry))
    }

    /// [`compute_gradients`](Self::compute_gradients) with the other ranks: this one
    /// computes every `size`-th shard of the update. The inner error is that of another rank.
    async fn shared_gradients(
        &mut self,
        ranks: &dyn AllReduce,
    ) -> Result<Result<UpdateGradients<T::BufferGradients>, Failure>, Failure> {
        self.cut_carry();
        let (shards, count) = (self.shards(), self.shard_count());
        let first = shards.start;
        for (shard, carry) in self.carry.get_mut().iter_mut().enumerate() {
            // What another rank goes on with is out of date from here on.
            if shard % ranks.size() != ranks.rank() {
                *carry = None;
            }
        }
        let (mut own, mut buffers) = (Vec::new(), Vec::new());
        let mut parameters = 0;
        for number in shards.skip(ranks.rank()).step_by(ranks.size()) {
            let batch = self.shard_gradients(number)?;
            let model = self.optimization.model();
            let mut shard = reduce::flatten(model, &batch.grads, number, batch.metrics).await?;
            parameters = shard.gradients.len();
            if let Some(numbers) = self.task.buffer_numbers(&batch.buffers) {
                let place = (number - first) as usize;
                shard.gradients.extend(reduce::placed(&host(numbers).await?, place, count));
            }
            own.push(shard);
            buffers.push(batch.buffers);
        }
        let total = match ranks.all_reduce(own, first).await {
            Ok(total) => total,
            Err(stopped) => return Ok(Err(stopped)),
        };
        let device = self.optimization.plain_device();
        let grads = reduce::unflatten(self.optimization.model(), &total, &device);
        let metrics = Tensor::from_floats(total.metrics.as_slice(), &device);
        let metrics = metrics.mul_scalar(self.share());
        let all = &total.gradients[parameters..];
        if !all.is_empty() {
            let shards = all.chunks_exact(all.len() / count);
            let task = &self.task;
            buffers = shards.filter_map(|own| task.buffers_of_numbers(own, &device)).collect();
        }
        Ok(Ok(UpdateGradients { grads, buffers, metrics }))
    }

    /// Applies one update; returns its learning rate and its metrics, still on the
    /// device.
    pub fn apply_update(
        &mut self,
        update: UpdateGradients<T::BufferGradients>,
    ) -> (f64, Tensor<1>) {
        let Self { config, optimization, task, .. } = self;
        let UpdateGradients { grads, buffers, metrics } = update;
        let loss_scale = task.loss_scale(config);
        let rate = optimization.update(grads, &config.train, loss_scale, |model, rate| {
            task.update_buffers(config, model, buffers, rate)
        });
        (rate, metrics)
    }

    fn header(&self, metrics: Value) -> Header {
        Header {
            config: self.config.clone(),
            vocab: self.vocab.clone(),
            step: self.optimization.step,
            metrics,
            base: self.task.base(),
        }
    }
}

#[async_trait(?Send)]
impl<M: Recursive + 'static, T: Capabilities<M>> Run for TrainRun<M, T> {
    fn summary(&self) -> RunSummary {
        let (train_tokens, val_tokens) = self.data.as_ref().map_or((0, 0), T::tokens);
        RunSummary {
            config: self.config.clone(),
            family: self.config.model.family(),
            vocab: self.vocab.clone(),
            parameters: self.optimization.model().num_params(),
            step: self.optimization.step,
            trainable: self.data.is_some(),
            train_tokens,
            val_tokens,
            chance_loss: (self.vocab.size() as f64).ln(),
            tokens_per_step: self.config.tokens_per_step(),
            training_flops_per_token: self.config.training_flops_per_token(self.vocab.size()),
        }
    }

    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure> {
        let mut reports = Vec::new();
        let mut metrics = Vec::new();
        while reports.len() < n && self.optimization.step < self.config.train.max_iters {
            let depth = self.task.depth(self.optimization.step as u64);
            let update = match self.ranks.take() {
                None => self.compute_gradients()?,
                Some(ranks) => {
                    let update = self.shared_gradients(ranks.as_ref()).await;
                    self.ranks = Some(ranks);
                    match update? {
                        Ok(update) => update,
                        // The steps that were made are reported first; the next call fails.
                        Err(_) if !reports.is_empty() => break,
                        Err(stopped) => return Err(stopped),
                    }
                }
            };
            let (learning_rate, numbers) = self.apply_update(update);
            metrics.push(numbers);
            let step = self.optimization.step;
            reports.push(StepReport::new(step, learning_rate, depth));
        }
        if reports.is_empty() {
            return Ok(reports);
        }
        // Read back once, for all steps.
        let metrics = host(Tensor::cat(metrics, 0)).await?;
        let width = metrics.len() / reports.len();
        for (report, metrics) in reports.iter_mut().zip(metrics.chunks_exact(width)) {
            let metrics: Vec<f64> = metrics.iter().map(|&x| f64::from(x)).collect();
            self.task.report(&self.config, &metrics, report);
            if !report.loss.is_finite() {
                return Err(diverged(report));
            }
        }
        Ok(reports)
    }

    fn configure(&mut self, config: &RunConfig) -> Result<(), Failure> {
        may_change(&self.config, config)?;
        let ranks = self.ranks.as_ref().map_or(1, |ranks| ranks.size());
        check_ranks(config, ranks, self.parts)?;
        self.task.configure(config);
        self.optimization.configure(&config.train);
        self.config = config.clone();
        Ok(())
    }

    fn join(&mut self, ranks: Option<Box<dyn AllReduce>>, parts: usize) -> Result<(), Failure> {
        check_ranks(&self.config, ranks.as_ref().map_or(1, |ranks| ranks.size()), parts)?;
        (self.ranks, self.parts) = (ranks, parts);
        if self.carry.get_mut().iter().any(Option::is_none) {
            // What other ranks had under way is gone with them: all rows begin anew.
            self.carry.get_mut().clear();
        }
        Ok(())
    }

    fn attach(&mut self, data: Dataset) -> Result<(), Failure> {
        check_precision(self.config.train.precision, &self.optimization.plain_device())?;
        self.data = Some(self.task.accept(&self.config, &self.vocab, data)?);
        Ok(())
    }

    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let model = self.optimization.inference_model();
        self.task.evaluate(&model, self.data()?, depths, max_tokens).await
    }

    async fn trace(&self, request: &TraceRequest) -> Result<Trace, Failure> {
        let model = self.optimization.inference_model();
        self.task.trace(&self.config, &self.vocab, &model, request).await
    }

    fn use_weights(&mut self, weights: Weights) -> Result<(), Failure> {
        self.optimization.use_weights(weights)
    }

    async fn gather(&self) -> Result<(), Failure> {
        let (Some(ranks), shards) = (&self.ranks, self.carry.borrow().len()) else {
            return Ok(());
        };
        let Some(known) = self.carry.borrow().iter().flatten().next().cloned() else {
            return Ok(());
        };
        if self.carry.borrow().iter().all(Option::is_some) {
            return Ok(());
        }
        // The numbers of the last update's shards, so that all know where they are.
        let first = (self.optimization.step.saturating_sub(1) * ranks.size()) as u64;
        for shard in 0..shards {
            let own = self.carry.borrow()[shard].clone();
            let numbers = own.as_ref().unwrap_or(&known).numbers();
            let numbers = Tensor::cat(numbers.into_iter().map(|(_, part)| part).collect(), 0);
            let mut gradients = host(numbers).await?;
            if own.is_none() {
                gradients.fill(reduce::NEUTRAL);
            }
            let number = first + ranks.rank() as u64;
            let own_shard = Shard { number, gradients, present: Vec::new(), metrics: Vec::new() };
            let total = ranks.all_reduce(vec![own_shard], first).await?;
            if own.is_none() {
                let found = known.with_numbers(&total.gradients);
                self.carry.borrow_mut()[shard] = Some(found);
            }
        }
        Ok(())
    }

    async fn save(&self, metrics: Value) -> Result<Saved, Failure> {
        let carry = self.carry.borrow().clone();
        let missing = carry.iter().filter(|carry| carry.is_none()).count();
        if missing > 0 && missing < carry.len() {
            return Err(Failure::new(
                FailureKind::Protocol,
                "what the other ranks have under way is not known",
                "Gather it on all ranks before one of them saves.",
            ));
        }
        let whole: Option<Vec<_>> = carry.into_iter().collect();
        let whole = whole.filter(|whole| !whole.is_empty()).map(T::Carry::join);
        let carry = whole.map(|carry| carry.numbers());
        let model = self.optimization.model();
        Ok(Saved {
            checkpoint: checkpoint::write(model, &self.header(metrics)).await?,
            optimizer: self.optimization.save(carry.unwrap_or_default()).await?,
            step: self.optimization.step,
        })
    }

    async fn export(&self, metrics: Value) -> Result<Vec<u8>, Failure> {
        let model = self.optimization.inference_model();
        checkpoint::write(&model, &self.header(metrics)).await
    }

    fn as_writer(&self) -> Option<&dyn Writer> {
        T::as_writer(self)
    }

    fn as_solver(&self) -> Option<&dyn Solver> {
        T::as_solver(self)
    }

    fn as_classifier(&self) -> Option<&dyn Classifier> {
        T::as_classifier(self)
    }

    #[cfg(feature = "llm")]
    fn as_answerer(&self) -> Option<&dyn Answerer> {
        T::as_answerer(self)
    }
}

fn diverged(report: &StepReport) -> Failure {
    Failure::new(
        FailureKind::Diverged,
        format!("the loss became {} at step {}", report.loss, report.step),
        "Resume from the last good checkpoint with a lower learning_rate or more warmup_iters.",
    )
}
