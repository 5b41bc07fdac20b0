//! A model in training, whatever its family.

mod shards;

use std::cell::RefCell;

use async_trait::async_trait;
use burn::tensor::Tensor;
use serde_json::Value;
use trm_core::Recursive;
use trm_spec::{
    DepthLoss, Failure, FailureKind, RunConfig, RunSummary, Saved, StepReport, Trace, Vocab,
    may_change,
};

use crate::checkpoint::{self, Header};
use crate::checks::{check_model_depth_from, check_precision};
use crate::optimization::Optimization;
use crate::reduce::{AllReduce, SharedUpdate, Sharing, check_ranks};
#[cfg(feature = "llm")]
use crate::run::Answerer;
use crate::run::{Classifier, Run, Solver, TraceRequest, Weights, Writer};
use crate::task::Task;
use crate::transfer::host;
use trm_data::Dataset;

pub use shards::UpdateGradients;

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
    /// The carry of each shard of the last update. `None` for the shards of other ranks, until
    /// it is [gathered](Run::gather_carry).
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

impl<M: Recursive + 'static, T: Task<M>> TrainRun<M, T> {
    /// A run at step 0. `model` has autodiff on.
    pub fn new(config: RunConfig, vocab: Vocab, data: Option<T::Data>, model: M, task: T) -> Self {
        let optimization = Optimization::new(model, &config.train);
        let carry = RefCell::default();
        Self { config, vocab, data, optimization, task, carry, ranks: None, parts: 1 }
    }

    /// Moves to `step`, with the state of the optimizer file where there is one.
    ///
    /// # Errors
    /// If the file does not belong to this model and step.
    pub fn resume(&mut self, step: usize, optimizer: Option<&[u8]>) -> Result<(), Failure> {
        self.optimization.resume(step, optimizer)?;
        let device = self.optimization.plain_device();
        let carry = match optimizer {
            Some(bytes) => self.task.restore_carry(bytes, self.vocab.size(), &device)?,
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

    /// Refuses a file whose numbers are not all finite: the last update may have broken weights
    /// that no loss has been computed with yet.
    fn expect_finite(&self, file: &[u8]) -> Result<(), Failure> {
        let Some(tensor) = checkpoint::first_broken(file)? else { return Ok(()) };
        let step = self.optimization.step;
        Err(Failure::new(
            FailureKind::Diverged,
            format!("after step {step} the tensor `{tensor}` contains NaN or infinite values"),
            "Lower learning_rate, or set grad_clip to 1.",
        ))
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
        // Not before: what only reads the weights computes in 32 bits on any device.
        check_precision(self.config.train.precision, &self.optimization.plain_device())?;
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
                        SharedUpdate::Ready(update) => update,
                        // The steps that were made are reported first; the next call fails, as
                        // `all_reduce` promises.
                        SharedUpdate::RankStopped(_) if !reports.is_empty() => break,
                        SharedUpdate::RankStopped(failure) => return Err(failure),
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
        if self.data.is_some() {
            check_precision(config.train.precision, &self.optimization.plain_device())?;
        }
        let ranks = self.ranks.as_ref().map_or(1, |ranks| ranks.size());
        check_ranks(config, ranks, self.parts)?;
        self.task.configure(config);
        self.optimization.configure(&config.train);
        self.config = config.clone();
        Ok(())
    }

    fn set_sharing(&mut self, sharing: Sharing) -> Result<(), Failure> {
        let (ranks, parts) = match sharing {
            Sharing::Alone { parts } => (None, parts),
            Sharing::Group { ranks, parts } => (Some(ranks), parts),
        };
        check_ranks(&self.config, ranks.as_ref().map_or(1, |ranks| ranks.size()), parts)?;
        (self.ranks, self.parts) = (ranks, parts);
        self.forget_incomplete_carry();
        Ok(())
    }

    fn attach(&mut self, data: Dataset) -> Result<(), Failure> {
        self.data = Some(self.task.accept(&self.config, &self.vocab, data)?);
        Ok(())
    }

    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        for depth in depths {
            check_model_depth_from(&self.config.model, T::least_depth(), *depth)?;
        }
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

    async fn gather_carry(&self) -> Result<(), Failure> {
        self.all_gather_carry().await
    }

    async fn save(&self, metrics: Value) -> Result<Saved, Failure> {
        let carry = self.carry_numbers()?;
        let model = self.optimization.model();
        let step = self.optimization.step;
        let saved = Saved {
            checkpoint: checkpoint::write(model, &self.header(metrics)).await?,
            optimizer: self.optimization.save(carry.unwrap_or_default()).await?,
            step,
        };
        for file in [&saved.checkpoint, &saved.optimizer] {
            self.expect_finite(file)?;
        }
        Ok(saved)
    }

    async fn export(&self, metrics: Value) -> Result<Vec<u8>, Failure> {
        let model = self.optimization.inference_model();
        let file = checkpoint::write(&model, &self.header(metrics)).await?;
        self.expect_finite(&file)?;
        Ok(file)
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
