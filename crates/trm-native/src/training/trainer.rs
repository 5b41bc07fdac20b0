//! The training loop around a run: progress, validation, samples, saving and
//! stopping. The training step itself is in trm-train.

use std::time::{Duration, Instant};

use anyhow::Context;
use pollster::block_on;
use trm_spec::{
    Failure, FailureKind, GenerateOptions, RunConfig, RunSummary, Saved, StepReport, Vocab,
};
use trm_train::Run;

use crate::machine::memory;
use crate::run_dir::RunDir;
use crate::run_dir::metrics_log::{LogLine, MetricsLog};
use crate::run_dir::results::Results;
use crate::terminal::count::items;
use crate::terminal::progress::{LineProgress, Progress, Speed, clock};
use crate::training::run_metrics::{RunMetrics, rounded};
use crate::training::stop::{StopConditions, StopReason};
use crate::training::validation::Validation;

/// Longest time between two checks of the clock and of Ctrl-C, unless one step takes longer.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Tokens of a sample printed during training.
const SAMPLE_LENGTH: usize = 300;

/// How a call of [`Trainer::run`] ended.
#[derive(Debug, PartialEq, Eq)]
pub enum TrainingEnd {
    /// All steps are done.
    Finished,
    /// `early_stopping_patience` validations passed without a new best.
    EarlyStopped,
    /// The run was stopped and can be resumed.
    Stopped(StopReason),
}

/// A run, its folder and its logs.
pub struct Trainer {
    run: Box<dyn Run>,
    config: RunConfig,
    vocab: Vocab,
    /// Name of the dataset in the results.
    dataset: String,
    /// Summary of the run at the start of this process.
    summary: RunSummary,
    can_validate: bool,
    dir: RunDir,
    log: MetricsLog,
    progress: Progress,
    speed: Speed,
    step: usize,
    saved_step: Option<usize>,
    metrics: RunMetrics,
}

impl Trainer {
    /// Prepares to train `run`. `resumed` holds the metrics of the saved state if
    /// the run continues from one.
    pub fn new(
        run: Box<dyn Run>,
        summary: RunSummary,
        dataset: &str,
        dir: RunDir,
        log: MetricsLog,
        resumed: Option<RunMetrics>,
    ) -> Self {
        let RunSummary { config, vocab, step, .. } = summary.clone();
        Self {
            speed: Speed::new(config.tokens_per_step()),
            progress: Progress::new(step, config.train.max_iters, &config.model),
            saved_step: resumed.as_ref().map(|_| step),
            metrics: resumed.unwrap_or_default(),
            dataset: dataset.into(),
            can_validate: summary.val_tokens > 0,
            summary,
            run,
            config,
            vocab,
            dir,
            log,
            step,
        }
    }

    /// Trains to the last step, or until `stop` says otherwise. The state is saved
    /// in either case.
    ///
    /// # Errors
    /// If the loss diverges or a file cannot be written. The last saved state is kept.
    pub fn run(&mut self, stop: &StopConditions) -> anyhow::Result<TrainingEnd> {
        let end = self.train(stop);
        self.progress.clear();
        end
    }

    fn train(&mut self, stop: &StopConditions) -> anyhow::Result<TrainingEnd> {
        if self.saved_step.is_none() {
            // From here on there is always a state to resume from.
            self.save_last()?;
        } else if self.metrics.val_step == Some(self.step) {
            // The process may have been killed between saving the state and what follows it.
            self.keep_best()?;
            self.dir.save_results(&self.results())?;
        } else if self.validation_is_owed() && stop.reached().is_none() {
            self.validate_and_save()?;
        }
        while self.step < self.config.train.max_iters {
            if self.metrics.out_of_patience(self.config.train.early_stopping_patience) {
                return Ok(TrainingEnd::EarlyStopped);
            }
            if let Some(reason) = stop.reached() {
                self.save_last()?;
                return Ok(TrainingEnd::Stopped(reason));
            }
            self.steps(stop).with_context(|| self.saved_state())?;
            if self.step < self.config.train.max_iters && stop.reached().is_some() {
                // Saved first: a validation may take longer than is left. It is made on resuming.
                continue;
            }
            let start = Instant::now();
            let train = &self.config.train;
            if self.step >= train.max_iters || due(self.step, train.eval_interval) {
                self.validate_and_save()?;
            } else if due(self.step, train.save_interval) {
                self.save_last()?;
            }
            if due(self.step, self.config.train.sample_interval) {
                self.sample()?;
            }
            self.speed.paused(start.elapsed());
        }
        Ok(TrainingEnd::Finished)
    }

    /// The run's folder.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Best validation loss and its step, if there was a validation.
    pub fn best(&self) -> Option<(f64, usize)> {
        self.metrics.best_val_loss.zip(self.metrics.best_step)
    }

    /// Makes steps up to the next one after which something else is due.
    fn steps(&mut self, stop: &StopConditions) -> anyhow::Result<()> {
        let train = &self.config.train;
        let time = stop.time_left().map_or(POLL_INTERVAL, |left| left.min(POLL_INTERVAL));
        let intervals =
            [train.eval_interval, train.save_interval, train.log_interval, train.sample_interval];
        let n = intervals
            .into_iter()
            .filter(|&interval| interval > 0)
            .map(|interval| interval - self.step % interval)
            .chain([train.max_iters - self.step, self.speed.steps_in(time)])
            .min()
            .unwrap_or(1);
        let start = Instant::now();
        let reports = block_on(self.run.steps(n))?;
        self.speed.measured(reports.len(), start.elapsed());
        anyhow::ensure!(!reports.is_empty(), "no training step was made after step {}", self.step);
        for report in &reports {
            self.record(report, stop)?;
        }
        Ok(())
    }

    fn record(&mut self, report: &StepReport, stop: &StopConditions) -> anyhow::Result<()> {
        self.step = report.step;
        self.metrics.train_loss = Some(rounded(report.loss));
        let train = &self.config.train;
        let logged = due(report.step, train.log_interval);
        let left = self.speed.time_for(train.max_iters.saturating_sub(report.step));
        let left = stop.time_left().map_or(left, |limit| limit.min(left));
        self.progress.step(report, &self.speed, left, logged);
        if logged {
            self.log.write(&LogLine::Train {
                step: report.step,
                loss: rounded(report.loss),
                learning_rate: report.learning_rate,
                depth: report.depth,
                tokens_per_second: self.speed.tokens_per_second().round(),
                seconds: to_milliseconds(self.log.seconds_before() + self.speed.seconds_in_steps()),
                solved: report.solved,
                exact: report.exact,
            })?;
        }
        Ok(())
    }

    /// Whether the run was stopped before the validation of its step.
    fn validation_is_owed(&self) -> bool {
        self.can_validate
            && self.step > 0
            && due(self.step, self.config.train.eval_interval)
            && self.metrics.val_step != Some(self.step)
    }

    /// Validates, if there is a validation split, and saves.
    fn validate_and_save(&mut self) -> anyhow::Result<()> {
        if self.can_validate {
            self.validate().with_context(|| self.saved_state())?;
        }
        // The state is saved first: after a kill between the two, the best model
        // can be written again from it.
        self.save()?;
        if self.can_validate {
            self.keep_best()?;
        }
        self.dir.save_results(&self.results())?;
        Ok(())
    }

    /// The contents of `results.json`.
    fn results(&self) -> Results<'_> {
        let Self { config, metrics, summary, .. } = self;
        let seconds = self.log.seconds_before() + self.speed.seconds_in_steps();
        Results {
            config,
            corpus: &self.dataset,
            parameters: summary.parameters,
            train_tokens: summary.train_tokens,
            val_tokens: summary.val_tokens,
            step: self.step,
            finished: self.step >= config.train.max_iters,
            early_stopped: self.step < config.train.max_iters
                && metrics.out_of_patience(config.train.early_stopping_patience),
            tokens_seen: self.step * config.tokens_per_step(),
            training_flops: summary.training_flops_per_token
                * (self.step * config.tokens_per_step()) as f64,
            seconds: to_milliseconds(seconds),
            metrics,
        }
    }

    /// Validates at the trained depth and records the result.
    fn validate(&mut self) -> anyhow::Result<()> {
        let (model, train) = (&self.config.model, &self.config.train);
        let depth = model.depth();
        let tokens = train.eval_iters * train.batch_size * model.length();
        let start = Instant::now();
        let mut lines = LineProgress::of_validation(items(model.family()));
        self.progress.begins_validation();
        let progress = &self.progress;
        let mut on_progress = |done, total| progress.validating(&mut lines, done, total);
        let validation = Validation::of(self.run.as_ref(), tokens, &mut on_progress)?;
        let Validation { loss, exact_accuracy, cell_accuracy, accuracy, .. } = validation;
        if !loss.is_finite() {
            return Err(diverged(format!("the validation loss at step {} is {loss}", self.step)));
        }
        self.log.write(&LogLine::Val {
            step: self.step,
            val_loss: loss,
            depth,
            exact_accuracy,
            cell_accuracy,
            accuracy,
            exact_by_step: validation.answers.clone(),
            think: validation.think,
        })?;
        let better = self.metrics.record_validation(validation.score(), self.step);
        self.progress.print(&format!(
            "step {}/{}  validation loss {loss:.4}{}{}  ({})",
            self.step,
            train.max_iters,
            validation.accuracies(),
            if better { ", best so far" } else { "" },
            clock(start.elapsed()),
        ));
        Ok(())
    }

    /// Prints a sample, if the model generates text.
    fn sample(&self) -> anyhow::Result<()> {
        let Some(writer) = self.run.as_writer() else { return Ok(()) };
        let mut stream = writer.generate(&GenerateOptions {
            prompt: default_prompt(&self.vocab),
            depth: self.config.model.depth(),
            draft_depth: 0,
            temperature: 0.8,
            top_k: 0,
            // The same seed every time, so that samples differ only by the weights.
            seed: self.config.train.seed as u32,
            max_new_tokens: SAMPLE_LENGTH,
        })?;
        let text = block_on(stream.pull(SAMPLE_LENGTH, false))?.text;
        self.progress.print(&format!("--- sample at step {}\n{text}\n---", self.step));
        Ok(())
    }

    /// Saves, unless this step is saved already.
    fn save_last(&mut self) -> anyhow::Result<()> {
        if self.saved_step == Some(self.step) { Ok(()) } else { self.save() }
    }

    fn save(&mut self) -> anyhow::Result<()> {
        let save = || -> anyhow::Result<()> {
            let metrics = serde_json::to_value(&self.metrics)?;
            let saved: Saved = block_on(self.run.save(metrics.clone()))?;
            self.dir.save_last(&saved)?;
            // Without validations nothing else keeps the averaged weights for inference.
            if !self.can_validate && self.config.train.ema_decay > 0.0 && self.step > 0 {
                self.dir.keep_average(&block_on(self.run.export(metrics))?)?;
            }
            Ok(())
        };
        save().with_context(|| self.saved_state())?;
        self.saved_step = Some(self.step);
        if self.step > 0 {
            memory::has_begun();
        }
        Ok(())
    }

    /// Keeps the model of the last validation, if it is among the best.
    fn keep_best(&self) -> anyhow::Result<()> {
        self.dir
            .keep_best(self.step, &self.metrics, self.config.train.save_top_k, || {
                Ok(block_on(self.run.export(serde_json::to_value(&self.metrics)?))?)
            })
            .with_context(|| self.saved_state())
    }

    /// Where the last saved state is, for error messages.
    fn saved_state(&self) -> String {
        match self.saved_step {
            Some(step) => {
                format!("training stopped (step {step} is saved in {})", self.dir.last().display())
            }
            None => "training stopped before anything was saved".into(),
        }
    }
}

/// The error of a run whose loss or weights are no longer finite. Nothing is saved
/// over the last good checkpoint.
fn diverged(message: String) -> anyhow::Error {
    Failure::new(FailureKind::Diverged, message, "Lower learning_rate, or set grad_clip to 1.")
        .into()
}

fn due(step: usize, interval: usize) -> bool {
    interval > 0 && step.is_multiple_of(interval)
}

/// Seconds rounded to milliseconds.
fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

/// A prompt that every model with `vocab` can read: a line break if it has one.
pub fn default_prompt(vocab: &Vocab) -> String {
    match vocab {
        Vocab::Char { chars } if chars.contains('\n') => "\n".into(),
        Vocab::Char { chars } => chars.chars().take(1).collect(),
        Vocab::Byte | Vocab::Bpe { .. } | Vocab::Subword(_) => "\n".into(),
        Vocab::Plain { .. } | Vocab::Arc { .. } | Vocab::Classes { .. } => String::new(),
    }
}

#[cfg(test)]
mod tests;
