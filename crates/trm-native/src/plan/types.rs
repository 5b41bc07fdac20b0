//! A training plan, and the text that shows it.

use std::fmt;
use std::path::PathBuf;

use trm_data::OpenedSource;
use trm_spec::{Family, RunConfig, RunSummary, TrainSpec, Vocab};

use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::machine::memory;
use crate::terminal::count::{counted, in_split, thousands};

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
    /// The frozen base of the model: a ViT, or a decoder.
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
        let (unit, size) = match model.family() {
            Family::Language => ("tokens", "tokens"),
            Family::Puzzles => ("puzzles", "cells"),
            Family::Images => ("images", "positions"),
            Family::Questions => ("questions", "latents"),
        };
        let split =
            |name: &str, tokens| counted(in_split(model, tokens), &format!("{name} {unit}"));
        let vocab = match &summary.vocab {
            // Only of a text are the numbers of the tokens all that is known of them.
            Vocab::Plain { .. } if model.family() != Family::Language => String::new(),
            vocab => format!(", {}", trm_data::describe(vocab)),
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
            "data      {}: {}, {}{vocab}",
            plan.data.name(),
            split("training", summary.train_tokens),
            split("validation", summary.val_tokens),
        )?;
        writeln!(
            f,
            "training  {}, batches of {} × {} {size}, learning rate {}, seed {}",
            steps(summary.step, train.max_iters),
            train.batch_size,
            model.length(),
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
