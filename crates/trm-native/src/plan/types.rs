//! A training plan, and the text that shows it.

use std::fmt;
use std::path::PathBuf;

use trm_data::OpenedSource;
use trm_spec::{Family, RunConfig, RunSummary, TrainSpec};

use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::machine::memory;
use crate::terminal::progress::thousands;

/// Where the weights of a training run come from.
pub enum Start {
    /// Random initial weights.
    Fresh,
    /// The state saved in the run's own folder.
    Resume,
    /// The weights of a checkpoint, at step 0.
    Init { checkpoint: Vec<u8> },
}

/// Everything that `train` will do.
pub struct Train {
    pub start: Start,
    /// Where the settings come from, for people to read.
    pub origin: String,
    pub config: RunConfig,
    pub data: OpenedSource,
    /// The frozen ViT that an image model reads features of.
    pub base: Option<BaseOnDisk>,
    pub out: PathBuf,
    /// Files that were typed, which a new run must not overwrite.
    pub inputs: Vec<PathBuf>,
    /// What one might not expect of this run.
    pub notes: Vec<String>,
}

/// Prints a plan together with the run that was made from it.
pub struct Shown<'a> {
    pub plan: &'a Train,
    pub summary: &'a RunSummary,
    pub devices: &'a [OpenDevice],
    /// Processes that share the updates, each on a device.
    pub processes: usize,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, summary, devices, processes } = self;
        let (model, train) = (&plan.config.model, &plan.config.train);
        let sizes: Vec<_> =
            model.shown().iter().map(|(key, size)| format!("{key} {size}")).collect();
        let unit = match model.family() {
            Family::Language | Family::Puzzles => "tokens",
            Family::Images => "images",
            Family::Questions => "questions",
        };
        writeln!(f, "settings  {}", plan.origin)?;
        writeln!(
            f,
            "model     {}, {} parameters: {}",
            model.name(),
            thousands(summary.parameters as u64),
            sizes.join(", "),
        )?;
        writeln!(
            f,
            "data      {}: {} training {unit}, {} validation {unit}, {}",
            plan.data.name(),
            thousands(summary.train_tokens as u64),
            thousands(summary.val_tokens as u64),
            trm_data::describe(&summary.vocab),
        )?;
        writeln!(
            f,
            "training  {}, batches of {} × {} {}, learning rate {}, seed {}",
            steps(summary.step, train.max_iters),
            train.batch_size,
            model.length(),
            if model.image().is_some() { "positions" } else { "tokens" },
            train.learning_rate,
            train.seed,
        )?;
        let memory = memory::described(&plan.config, &summary.vocab, devices);
        writeln!(f, "memory    {memory}")?;
        match devices {
            [device] => writeln!(f, "device    {} ({})", device.name, device.reason)?,
            devices => {
                let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
                let (names, share) = (names.join(" + "), share(train, devices.len()));
                writeln!(f, "devices   {names}; each computes {share}")?;
            }
        }
        if *processes > 1 {
            let share = share(train, *processes);
            writeln!(f, "processes {processes}; each computes {share}")?;
        }
        write!(f, "output    {}", plan.out.display())?;
        plan.notes.iter().try_for_each(|note| write!(f, "\nnote      {note}"))
    }
}

/// Which steps are made; a run that is resumed may have made its last one.
fn steps(done: usize, last: usize) -> String {
    match done < last {
        true => format!("steps {done} to {last}"),
        false => format!("no step left (at step {done}, max_iters {last})"),
    }
}

/// What each of `ranks` computes.
fn share(train: &TrainSpec, ranks: usize) -> String {
    match train.gradient_accumulation_steps / ranks {
        1 => "1 batch of an update".into(),
        batches => format!("{batches} batches of an update"),
    }
}
