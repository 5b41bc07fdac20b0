//! The training loop around a run: progress, validation, samples, saving, and
//! stopping when it is time. The mathematics of a step is the run's own.

use std::time::{Duration, Instant};

use anyhow::Context;
use pollster::block_on;
use trm_spec::{
    Failure, FailureKind, Family, GenerateOptions, RunConfig, RunSummary, Saved, StepReport, Vocab,
};
use trm_train::Run;

use crate::facts::{Facts, Merit, rounded};
use crate::finite;
use crate::limits::{Limits, Reason};
use crate::metrics::{Line, Metrics};
use crate::progress::{Pace, Progress, clock};
use crate::results::Results;
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
    /// As many validations as `early_stopping_patience` allows brought no new best.
    OutOfPatience,
    /// The run could go on, but was stopped.
    Stopped(Reason),
}

/// What a validation says; of puzzles also how many are right.
struct Judged {
    loss: f64,
    exact_accuracy: Option<f64>,
    cell_accuracy: Option<f64>,
}

impl Judged {
    /// For the line that people read.
    fn words(&self) -> String {
        match (self.exact_accuracy, self.cell_accuracy) {
            (Some(exact), Some(cells)) => format!(
                ", {:.1} % of the puzzles solved, {:.2} % of the cells right",
                exact * 100.0,
                cells * 100.0
            ),
            _ => String::new(),
        }
    }
}

pub struct Training {
    run: Box<dyn Run>,
    config: RunConfig,
    vocab: Vocab,
    /// What the text calls itself.
    corpus: String,
    /// As the run began here.
    summary: RunSummary,
    can_validate: bool,
    dir: RunDir,
    metrics: Metrics,
    progress: Progress,
    pace: Pace,
    step: usize,
    saved_step: Option<usize>,
    facts: Facts,
}

impl Training {
    /// Takes up `run`. `before` are the facts saved with the state that it goes
    /// on from, where it does.
    pub fn new(
        run: Box<dyn Run>,
        summary: RunSummary,
        corpus: &str,
        dir: RunDir,
        metrics: Metrics,
        before: Option<Facts>,
    ) -> Self {
        let RunSummary { config, vocab, step, .. } = summary.clone();
        Self {
            pace: Pace::new(config.tokens_per_step()),
            progress: Progress::new(step, config.train.max_iters),
            saved_step: before.as_ref().map(|_| step),
            facts: before.unwrap_or_default(),
            corpus: corpus.into(),
            can_validate: summary.val_tokens > 0,
            summary,
            run,
            config,
            vocab,
            dir,
            metrics,
            step,
        }
    }

    /// Trains to the last step, or until there is a reason to stop.
    pub fn run(&mut self, limits: &Limits) -> anyhow::Result<End> {
        let end = self.go_on(limits);
        self.progress.clear();
        end
    }

    fn go_on(&mut self, limits: &Limits) -> anyhow::Result<End> {
        if self.saved_step.is_none() {
            // From here on there is always something to go on from.
            self.save_last()?;
        } else if self.facts.val_step == Some(self.step) {
            // Killed after the state was saved and before its best was, perhaps.
            self.keep_best()?;
        }
        while self.step < self.config.train.max_iters {
            if self.facts.out_of_patience(self.config.train.early_stopping_patience) {
                return Ok(End::OutOfPatience);
            }
            if let Some(reason) = limits.reached() {
                self.save_last()?;
                return Ok(End::Stopped(reason));
            }
            self.steps(limits).with_context(|| self.last_good())?;
            let train = &self.config.train;
            if self.step >= train.max_iters || due(self.step, train.eval_interval) {
                self.check_in()?;
            } else if due(self.step, train.save_interval) {
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

    pub fn step(&self) -> usize {
        self.step
    }

    /// Best validation loss and its step, where there was a validation.
    pub fn best(&self) -> Option<(f64, usize)> {
        self.facts.best_val_loss.zip(self.facts.best_step)
    }

    /// A few steps, up to the next one after which something else is due.
    fn steps(&mut self, limits: &Limits) -> anyhow::Result<()> {
        let train = &self.config.train;
        let glance = limits.left().map_or(GLANCE, |left| left.min(GLANCE));
        let intervals =
            [train.eval_interval, train.save_interval, train.log_interval, train.sample_interval];
        let n = intervals
            .into_iter()
            .filter(|&interval| interval > 0)
            .map(|interval| interval - self.step % interval)
            .chain([train.max_iters - self.step, self.pace.steps_in(glance)])
            .min()
            .unwrap_or(1);
        let start = Instant::now();
        let reports = block_on(self.run.steps(n))?;
        self.pace.measured(reports.len(), start.elapsed());
        anyhow::ensure!(!reports.is_empty(), "the run made no step after step {}", self.step);
        for report in &reports {
            self.note(report, limits)?;
        }
        Ok(())
    }

    fn note(&mut self, report: &StepReport, limits: &Limits) -> anyhow::Result<()> {
        self.step = report.step;
        self.facts.train_loss = Some(rounded(report.loss));
        let train = &self.config.train;
        let logged = due(report.step, train.log_interval);
        let left = self.pace.left(train.max_iters.saturating_sub(report.step));
        let left = limits.left().map_or(left, |limit| limit.min(left));
        self.progress.step(report, &self.pace, left, logged);
        if logged {
            self.metrics.write(&Line::Train {
                step: report.step,
                loss: rounded(report.loss),
                learning_rate: report.learning_rate,
                depth: report.depth,
                tokens_per_second: self.pace.tokens_per_second().round(),
                seconds: milliseconds(self.metrics.seconds_before() + self.pace.spent()),
                solved: report.solved,
            })?;
        }
        Ok(())
    }

    /// Validates where that is possible, and saves.
    fn check_in(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        if self.can_validate {
            self.validate().with_context(|| self.last_good())?;
        }
        // The state comes first: what is among the best can be written again
        // from it, should this be the moment of a kill.
        self.save_last()?;
        if self.can_validate {
            self.keep_best()?;
        }
        self.dir.save_results(&self.results())?;
        self.pace.paused(start.elapsed());
        Ok(())
    }

    /// What the run has come to so far.
    fn results(&self) -> Results<'_> {
        let Self { config, facts, summary, .. } = self;
        let seconds = self.metrics.seconds_before() + self.pace.spent();
        Results {
            config,
            corpus: &self.corpus,
            parameters: summary.parameters,
            train_tokens: summary.train_tokens,
            val_tokens: summary.val_tokens,
            step: self.step,
            finished: self.step >= config.train.max_iters,
            tokens_seen: self.step * config.tokens_per_step(),
            training_flops: summary.training_flops_per_token
                * (self.step * config.tokens_per_step()) as f64,
            seconds: milliseconds(seconds),
            facts,
        }
    }

    /// Validation loss at the trained depth.
    fn validate(&mut self) -> anyhow::Result<()> {
        let (model, train) = (&self.config.model, &self.config.train);
        let depth = model.depth();
        let tokens = train.eval_iters * train.batch_size * model.length();
        let start = Instant::now();
        let judged = self.judge(depth, tokens)?;
        let loss = judged.loss;
        if !loss.is_finite() {
            return Err(diverged(format!("the validation loss at step {} is {loss}", self.step)));
        }
        self.metrics.write(&Line::Val {
            step: self.step,
            val_loss: loss,
            depth,
            exact_accuracy: judged.exact_accuracy,
            cell_accuracy: judged.cell_accuracy,
        })?;
        let found = Merit { loss, exact: judged.exact_accuracy };
        let better = self.facts.validated(found, self.step);
        self.progress.note(&format!(
            "step {}/{}  validation loss {loss:.4}{}{}  ({})",
            self.step,
            train.max_iters,
            judged.words(),
            if better { ", the best so far" } else { "" },
            clock(start.elapsed()),
        ));
        Ok(())
    }

    /// How the validation part is answered at `depth`, over so many tokens.
    fn judge(&self, depth: usize, tokens: usize) -> anyhow::Result<Judged> {
        if self.config.model.family() != Family::Puzzles {
            let losses = block_on(self.run.evaluate(&[depth], tokens))?;
            let loss = losses.first().context("the validation gave no loss")?.loss;
            return Ok(Judged { loss: rounded(loss), exact_accuracy: None, cell_accuracy: None });
        }
        let solver = self.run.solver()?;
        let puzzles = tokens / self.config.model.length();
        let scores = block_on(solver.evaluate_puzzles(depth, puzzles))?;
        let last = scores.steps.last().context("the validation gave no scores")?;
        Ok(Judged {
            loss: rounded(last.loss),
            exact_accuracy: Some(rounded(last.exact_accuracy)),
            cell_accuracy: Some(rounded(last.cell_accuracy)),
        })
    }

    fn sample(&self) -> anyhow::Result<()> {
        if self.config.model.family() == Family::Puzzles {
            return Ok(());
        }
        let mut stream = self.run.writer()?.generate(&GenerateOptions {
            prompt: opening(&self.vocab),
            depth: self.config.model.depth(),
            temperature: 0.8,
            top_k: 0,
            // The same every time, so that samples differ by what was learned.
            seed: self.config.train.seed as u32,
            max_new_tokens: SAMPLE_LENGTH,
        })?;
        let text = block_on(stream.pull(SAMPLE_LENGTH, false))?.text;
        self.progress.note(&format!("--- sample at step {}\n{text}\n---", self.step));
        Ok(())
    }

    fn save_last(&mut self) -> anyhow::Result<()> {
        if self.saved_step == Some(self.step) {
            return Ok(());
        }
        let save = || -> anyhow::Result<()> {
            let saved: Saved = block_on(self.run.save(serde_json::to_value(&self.facts)?))?;
            // The last step may have broken weights that no loss has seen yet.
            for file in [&saved.checkpoint, &saved.optimizer] {
                if let Some(tensor) = finite::first_broken(file)? {
                    return Err(diverged(format!(
                        "after step {} tensor `{tensor}` holds numbers that are not finite",
                        self.step
                    )));
                }
            }
            self.dir.save_last(&saved)
        };
        save().with_context(|| self.last_good())?;
        self.saved_step = Some(self.step);
        Ok(())
    }

    /// Keeps the model of the last validation, if it is among the best.
    fn keep_best(&self) -> anyhow::Result<()> {
        self.dir
            .keep_best(self.step, &self.facts, self.config.train.save_top_k, || {
                Ok(block_on(self.run.export(serde_json::to_value(&self.facts)?))?)
            })
            .with_context(|| self.last_good())
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
fn diverged(message: String) -> anyhow::Error {
    Failure::new(FailureKind::Diverged, message, "Lower learning_rate, or set grad_clip to 1.")
        .into()
}

fn due(step: usize, interval: usize) -> bool {
    interval > 0 && step.is_multiple_of(interval)
}

fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

/// A prompt that any model of `vocab` understands: a new line where it can be.
pub fn opening(vocab: &Vocab) -> String {
    match vocab {
        Vocab::Char { chars } if chars.contains('\n') => "\n".into(),
        Vocab::Char { chars } => chars.chars().take(1).collect(),
        Vocab::Byte | Vocab::Bpe { .. } => "\n".into(),
        Vocab::Plain { .. } | Vocab::Arc { .. } => String::new(),
    }
}
