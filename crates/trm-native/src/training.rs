//! The training loop around a run: progress, validation, samples, saving, and
//! stopping when asked. The mathematics of a step is the run's own.

use std::time::{Duration, Instant};

use anyhow::Context;
use pollster::block_on;
use serde_json::{Value, json};
use trm_spec::{
    Failure, FailureKind, GenerateOptions, RunConfig, RunSummary, StepReport, VariantSpec, Vocab,
};
use trm_train::Run;

use crate::interrupt::Interrupt;
use crate::metrics::{Line, Metrics};
use crate::progress::{Pace, Progress, clock};
use crate::run_dir::RunDir;

/// Longest time without a look at the clock or at Ctrl-C, unless one step takes longer.
const GLANCE: Duration = Duration::from_millis(500);

/// Characters of a sample while training.
const SAMPLE_LENGTH: usize = 300;

/// How a run came to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// All steps are done.
    Finished,
    /// Someone asked to stop after this step.
    Stopped { step: usize },
}

/// The best validation so far.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Best {
    loss: f64,
    step: usize,
}

pub struct Training {
    run: Box<dyn Run>,
    config: RunConfig,
    vocab: Vocab,
    can_validate: bool,
    dir: RunDir,
    metrics: Metrics,
    progress: Progress,
    pace: Pace,
    step: usize,
    saved_step: Option<usize>,
    train_loss: Option<f64>,
    val_loss: Option<f64>,
    best: Option<Best>,
}

impl Training {
    /// Takes up `run`; `before` are the metrics saved with the state it goes on from.
    pub fn new(
        run: Box<dyn Run>,
        summary: RunSummary,
        dir: RunDir,
        metrics: Metrics,
        before: &Value,
    ) -> Self {
        let RunSummary { config, vocab, step, val_tokens, .. } = summary;
        let VariantSpec::Causal(model) = &config.model;
        let best = before["best_val_loss"].as_f64().zip(before["best_step"].as_u64());
        Self {
            pace: Pace::new(config.train.batch_size * model.block_size),
            progress: Progress::new(step, config.train.max_iters),
            best: best.map(|(loss, step)| Best { loss, step: step as usize }),
            train_loss: before["train_loss"].as_f64(),
            val_loss: before["val_loss"].as_f64(),
            saved_step: (step > 0).then_some(step),
            can_validate: val_tokens > 0,
            run,
            config,
            vocab,
            dir,
            metrics,
            step,
        }
    }

    /// Trains to the last step, or until someone asks to stop.
    pub fn run(&mut self, interrupt: &Interrupt) -> anyhow::Result<End> {
        while self.step < self.config.train.max_iters {
            if interrupt.asked() {
                self.save_last()?;
                return Ok(End::Stopped { step: self.step });
            }
            self.steps().with_context(|| self.last_good())?;
            let train = &self.config.train;
            let finished = self.step >= train.max_iters;
            if finished || self.step.is_multiple_of(train.eval_interval) {
                self.validate()?;
                self.save_last()?;
            }
            if due(self.step, self.config.train.sample_interval) {
                self.sample()?;
            }
        }
        Ok(End::Finished)
    }

    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Best validation loss and its step, where there was a validation.
    pub fn best(&self) -> Option<(f64, usize)> {
        self.best.map(|best| (best.loss, best.step))
    }

    /// A few steps, up to the next one after which something else is due.
    fn steps(&mut self) -> anyhow::Result<()> {
        let train = &self.config.train;
        let n = [train.eval_interval, train.log_interval, train.sample_interval]
            .into_iter()
            .filter(|&interval| interval > 0)
            .map(|interval| interval - self.step % interval)
            .chain([train.max_iters - self.step, self.pace.steps_in(GLANCE)])
            .min()
            .unwrap_or(1);
        let start = Instant::now();
        let reports = block_on(self.run.steps(n))?;
        self.pace.measured(reports.len(), start.elapsed());
        anyhow::ensure!(!reports.is_empty(), "the run made no step after step {}", self.step);
        for report in &reports {
            self.note(report)?;
        }
        Ok(())
    }

    fn note(&mut self, report: &StepReport) -> anyhow::Result<()> {
        self.step = report.step;
        self.train_loss = Some(report.loss);
        let logged = due(report.step, self.config.train.log_interval);
        self.progress.step(report, &self.pace, logged);
        if logged {
            self.metrics.write(&Line::Train {
                step: report.step,
                loss: report.loss,
                learning_rate: report.learning_rate,
                depth: report.depth,
                tokens_per_second: self.pace.tokens_per_second().round(),
            })?;
        }
        Ok(())
    }

    /// Validation loss at the trained depth; the best model so far is kept.
    fn validate(&mut self) -> anyhow::Result<()> {
        if !self.can_validate {
            return Ok(());
        }
        let VariantSpec::Causal(model) = &self.config.model;
        let train = &self.config.train;
        let depth = model.recursion_steps;
        let tokens = train.eval_iters * train.batch_size * model.block_size;
        let start = Instant::now();
        let losses = block_on(self.run.evaluate(&[depth], tokens))?;
        let loss = losses.first().context("the validation gave no loss")?.loss;
        if !loss.is_finite() {
            return Err(diverged(self.step)).with_context(|| self.last_good());
        }
        self.metrics.write(&Line::Val { step: self.step, val_loss: loss, depth })?;
        let better = self.best.is_none_or(|best| loss < best.loss);
        self.progress.note(&format!(
            "step {}/{}  validation loss {loss:.4}{}  ({})",
            self.step,
            train.max_iters,
            if better { ", the best so far" } else { "" },
            clock(start.elapsed()),
        ));
        self.val_loss = Some(loss);
        if better {
            self.best = Some(Best { loss, step: self.step });
            let saved = block_on(self.run.save(self.facts()))?;
            self.dir.save_best(&saved).with_context(|| self.last_good())?;
        }
        Ok(())
    }

    fn sample(&self) -> anyhow::Result<()> {
        let VariantSpec::Causal(model) = &self.config.model;
        let mut stream = self.run.generate(&GenerateOptions {
            prompt: opening(&self.vocab),
            depth: model.recursion_steps,
            temperature: 0.8,
            top_k: 0,
            // The same every time, so that samples differ by what was learned.
            seed: self.config.train.seed as u32,
            max_new_tokens: SAMPLE_LENGTH,
        })?;
        let text = block_on(stream.pull(SAMPLE_LENGTH))?.text;
        self.progress.note(&format!("--- sample at step {}\n{text}\n---", self.step));
        Ok(())
    }

    fn save_last(&mut self) -> anyhow::Result<()> {
        if self.saved_step == Some(self.step) {
            return Ok(());
        }
        let saved = block_on(self.run.save(self.facts()))?;
        self.dir.save_last(&saved).with_context(|| self.last_good())?;
        self.saved_step = Some(self.step);
        Ok(())
    }

    /// What a checkpoint says about how well the model does.
    fn facts(&self) -> Value {
        json!({
            "train_loss": self.train_loss,
            "val_loss": self.val_loss,
            "best_val_loss": self.best.map(|best| best.loss),
            "best_step": self.best.map(|best| best.step),
        })
    }

    /// What is left when something fails.
    fn last_good(&self) -> String {
        match self.saved_step {
            Some(step) => {
                format!("training stopped ({} still holds step {step})", self.dir.last().display())
            }
            None => "training stopped before anything was saved".into(),
        }
    }
}

/// Nothing that is not a number is saved over a good checkpoint.
fn diverged(step: usize) -> Failure {
    Failure::new(
        FailureKind::Diverged,
        format!("the validation loss at step {step} is not a number"),
        "Lower learning_rate, or set grad_clip to 1.",
    )
}

fn due(step: usize, interval: usize) -> bool {
    interval > 0 && step.is_multiple_of(interval)
}

/// A prompt that any model of `vocab` understands: a new line where it can be.
pub fn opening(vocab: &Vocab) -> String {
    match vocab {
        Vocab::Char { chars } if chars.contains('\n') => "\n".into(),
        Vocab::Char { chars } => chars.chars().take(1).collect(),
        Vocab::Byte | Vocab::Bpe { .. } => "\n".into(),
        Vocab::Plain { .. } => String::new(),
    }
}
