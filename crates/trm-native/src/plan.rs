//! What will happen, from what was typed: preset < configuration file < flags.
//! A plan is printed before anything is trained.

mod resume;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use trm_data::OpenedSource;
use trm_spec::{DataSource, Failure, RunConfig, RunSummary, overlay};
use trm_train::{Run, checkpoint};

use crate::args;
use crate::device::Chosen;
use crate::presets;
use crate::progress::thousands;
use crate::report::usage;
use crate::run_dir;

/// How a training run begins.
pub enum Start {
    /// From random weights.
    Fresh,
    /// From the state saved in the run's own folder.
    Resume,
    /// From a checkpoint's weights, at step 0.
    Init { checkpoint: Vec<u8> },
}

pub struct Train {
    pub start: Start,
    /// What was asked for, in words.
    pub origin: String,
    pub config: RunConfig,
    pub data: OpenedSource,
    pub out: PathBuf,
}

/// What a training command comes to on this device.
pub fn train(typed: &args::Train, device: &Chosen) -> anyhow::Result<Train> {
    match &typed.resume {
        Some(folder) => resume::resume(typed, folder),
        None => {
            let begun = fresh(typed, device)?;
            if typed.auto_resume { resume::take_up(begun) } else { Ok(begun) }
        }
    }
}

/// The settings of a run that starts, and where they come from.
pub struct Base {
    pub config: RunConfig,
    /// Names the run's folder.
    pub name: String,
    pub origin: String,
    pub data: OpenedSource,
    /// The checkpoint whose weights it starts from, if any.
    initial: Option<(checkpoint::Header, Vec<u8>)>,
}

/// What presets, files and flags come to.
pub fn base(typed: &args::Train, device: &Chosen) -> anyhow::Result<Base> {
    let initial = typed.init.as_deref().map(read_checkpoint).transpose()?;
    let default = if device.is_gpu { presets::ON_GPU } else { presets::ON_CPU };
    let (base, name, origin) = match (&typed.preset, &typed.config, &initial) {
        (Some(name), ..) => (presets::config(name)?, name.clone(), format!("preset {name}")),
        (None, Some(path), _) => {
            let config = config_file(&RunConfig::default(), path)?;
            (config, stem(path), path.display().to_string())
        }
        (None, None, Some((header, _))) => {
            (header.config.clone(), "run".into(), "the checkpoint's settings".into())
        }
        (None, None, None) => (
            presets::config(default)?,
            default.into(),
            format!("preset {default} (none was named; this one suits {})", device.name),
        ),
    };
    let mut config = with_flags(&base, typed)?;
    let mut data = open_data(&config.data.dataset, typed.data.as_deref())?;
    let tokenizer = typed.settings.iter().any(|(setting, _)| setting.key == "tokenizer");
    data.complete(&mut config, tokenizer).map_err(Failure::from)?;
    Ok(Base { config, name, origin, data, initial })
}

/// The data that a run of `dataset` takes: the user's file or folder, or what the
/// program carries or generates under that name.
pub fn open_data(dataset: &str, path: Option<&Path>) -> Result<OpenedSource, Failure> {
    let source = path.map_or(DataSource::Named, |path| DataSource::Files { path: path.into() });
    OpenedSource::open(&source, dataset)
}

fn fresh(typed: &args::Train, device: &Chosen) -> anyhow::Result<Train> {
    let Base { config, name, origin, data, initial } = base(typed, device)?;
    let out = typed.out.clone().unwrap_or_else(|| free_folder(&name));
    let (start, origin) = match initial {
        None => (Start::Fresh, origin),
        Some((header, bytes)) => {
            same_shape(&header.config, &config)?;
            let init = typed.init.as_deref().unwrap_or(Path::new(""));
            (Start::Init { checkpoint: bytes }, format!("{origin}, weights of {}", init.display()))
        }
    };
    Ok(Train { start, origin, config, data, out })
}

fn with_flags(base: &RunConfig, typed: &args::Train) -> anyhow::Result<RunConfig> {
    // Flags are flat: every setting's name is its own.
    let flags = typed.settings.iter().map(|(s, value)| (s.key.to_owned(), value.clone())).collect();
    Ok(overlay(base, &serde_json::Value::Object(flags))?)
}

/// The settings of a TOML file, laid over `base`.
pub fn config_file(base: &RunConfig, path: &Path) -> anyhow::Result<RunConfig> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let patch =
        toml::from_str(&text).map_err(|error| usage!("{} is not TOML: {error}", path.display()))?;
    overlay(base, &patch).with_context(|| path.display().to_string())
}

/// Header and bytes of a checkpoint file.
pub fn read_checkpoint(path: &Path) -> anyhow::Result<(checkpoint::Header, Vec<u8>)> {
    let path = run_dir::checkpoint_in(path);
    let bytes = run_dir::read(&path)?;
    let header = checkpoint::read_header(&bytes).with_context(|| path.display().to_string())?;
    Ok((header, bytes))
}

/// A saved run, to be trained further on `data` or scored by it.
pub fn load(
    data: &OpenedSource,
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    device: &Chosen,
) -> anyhow::Result<Box<dyn Run>> {
    let header = checkpoint::read_header(checkpoint)?;
    let data = data.load(&header.config, Some(&header.vocab))?;
    Ok(trm_train::load_with(checkpoint, optimizer, Some(data), &device.device)?)
}

/// Refuses settings that the weights of a checkpoint do not fit.
fn same_shape(checkpoint: &RunConfig, config: &RunConfig) -> anyhow::Result<()> {
    let (from, to) = (&checkpoint.model, &config.model);
    if from.name() != to.name() {
        return Err(usage!(
            "--init: the checkpoint is a `{}` model, but this run asks for a `{}` one; leave the preset out to take the checkpoint's settings",
            from.name(),
            to.name()
        ));
    }
    let differing: Vec<_> = (from.sizes().into_iter().zip(to.sizes()))
        .filter(|((_, from), (_, to))| from != to)
        .map(|((key, from), (_, to))| format!("{key} {from}, not {to}"))
        .collect();
    if !differing.is_empty() {
        return Err(usage!(
            "--init: the checkpoint has {}; leave the preset out to take the checkpoint's settings",
            differing.join(", ")
        ));
    }
    Ok(())
}

/// The first folder of that name under `runs` that nobody uses.
fn free_folder(name: &str) -> PathBuf {
    let runs = Path::new("runs");
    let numbered = (2..).map(|number| runs.join(format!("{name}-{number}")));
    std::iter::once(runs.join(name))
        .chain(numbered)
        .find(|path| !path.exists())
        .unwrap_or_else(|| runs.join(name))
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy().into_owned())
}

/// A training plan together with the run that it made, for people to read.
pub struct Shown<'a> {
    pub plan: &'a Train,
    pub summary: &'a RunSummary,
    pub device: &'a Chosen,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, summary, device } = self;
        let (model, train) = (&plan.config.model, &plan.config.train);
        let sizes: Vec<_> =
            model.shown().iter().map(|(key, size)| format!("{key} {size}")).collect();
        writeln!(f, "from      {}", plan.origin)?;
        writeln!(
            f,
            "model     {}, {} parameters: {}",
            model.name(),
            thousands(summary.parameters as u64),
            sizes.join(", "),
        )?;
        writeln!(
            f,
            "text      {}: {} tokens to learn from, {} kept for validation, {}",
            plan.data.name(),
            thousands(summary.train_tokens as u64),
            thousands(summary.val_tokens as u64),
            trm_data::describe(&summary.vocab),
        )?;
        writeln!(
            f,
            "training  steps {} to {} of {} × {} tokens, learning rate {}, seed {}",
            summary.step,
            train.max_iters,
            train.batch_size,
            model.length(),
            train.learning_rate,
            train.seed,
        )?;
        writeln!(f, "device    {} ({})", device.name, device.reason)?;
        write!(f, "out       {}", plan.out.display())
    }
}
