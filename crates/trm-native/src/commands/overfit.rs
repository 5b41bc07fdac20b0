//! `overfit`: trains on one sentence or puzzle until the loss is near 0. A model that
//! cannot do this has a defect in its gradients or its optimizer.

use std::time::Instant;

use anyhow::Context;
use pollster::block_on;
use serde::Serialize;
use serde_json::json;
use trm_data::images::{ImageDataset, ImageOptions, ImageSource, LabelledImages};
use trm_data::{Dataset, TextDataset};
use trm_spec::{DataSource, Failure, Family, RunConfig, Vocab, must_read, overlay};

use crate::args;
use crate::machine::device::{self, OpenDevice};
use crate::overfitting::{self, ON_BASE, obstacle, own_settings};
use crate::presets;
use crate::terminal::count::counted;
use crate::terminal::output::{print, print_json};
use crate::terminal::report::usage;

/// The default sentence.
const SENTENCE: &str =
    "Brevity is the soul of wit, and tediousness the limbs and outward flourishes.";

/// The default presets: one small model of every kind.
const PRESETS: &[&str] = &["tiny", "page-chunk", "shakespeare-trm-lm", "sudoku-4x4"];

/// Steps between two checks of the loss.
const CHECK_INTERVAL: usize = 5;

/// The result of one model.
#[derive(Serialize)]
struct OverfitResult {
    preset: String,
    variant: &'static str,
    parameters: usize,
    /// Whether the loss fell below the target.
    learned: bool,
    /// Loss of the last step, in nats per token.
    loss: f64,
    steps: usize,
    seconds: f64,
}

/// Runs the command.
///
/// # Errors
/// If a model does not reach the target loss, or the settings do not fit together.
pub fn run(typed: &args::Overfit) -> anyhow::Result<()> {
    let presets: Vec<&str> = match &typed.train.preset {
        Some(name) => vec![name],
        None => {
            let mut all = PRESETS.to_vec();
            // A text is for models that write.
            let writes = |name: &str| {
                presets::config(name).is_ok_and(|of| of.model.family() == Family::Language)
            };
            all.retain(|name| typed.text.is_none() || writes(name));
            all
        }
    };
    // All of them before the first is trained.
    for preset in &presets {
        check(preset, typed).with_context(|| format!("preset {preset}"))?;
    }
    let device = device::open(typed.train.device)?;
    let mut all = Vec::new();
    for preset in presets {
        let result = overfit(preset, typed, &device).with_context(|| format!("preset {preset}"))?;
        if !typed.json {
            print(&format!(
                "{preset} ({}, {} parameters): loss {:.4} after {}, {:.1} s{}",
                result.variant,
                result.parameters,
                result.loss,
                counted(result.steps, "steps"),
                result.seconds,
                if result.learned { "" } else { "; target loss not reached" }
            ))?;
        }
        all.push(result);
    }
    if typed.json {
        print_json(&all)?;
    }
    let failed: Vec<_> = all.iter().filter(|l| !l.learned).map(|l| l.preset.as_str()).collect();
    anyhow::ensure!(
        failed.is_empty(),
        "these models did not reach a loss below {}: {}",
        typed.target,
        failed.join(", ")
    );
    Ok(())
}

fn overfit(
    preset: &str,
    typed: &args::Overfit,
    device: &OpenDevice,
) -> anyhow::Result<OverfitResult> {
    let base = presets::config(preset)?;
    let (config, data) = match base.model.family() {
        Family::Language => sentence(&base, typed)?,
        Family::Puzzles => puzzle(&base, typed)?,
        Family::Images => images(&base, typed)?,
        // Refused by `check`.
        Family::Questions => return Err(unsuitable(ON_BASE)),
    };
    let mut run = trm_train::create(&config, data, &device.device)?;
    let summary = run.summary();
    let (start, mut loss, mut steps) = (Instant::now(), f64::INFINITY, 0);
    while loss >= typed.target && steps < config.train.max_iters {
        let reports = block_on(run.steps(CHECK_INTERVAL))?;
        let last = reports.last().context("no training step was made")?;
        (loss, steps) = (last.loss, last.step);
    }
    Ok(OverfitResult {
        preset: preset.into(),
        variant: summary.config.model.name(),
        parameters: summary.parameters,
        learned: loss < typed.target,
        loss,
        steps,
        seconds: (start.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    })
}

/// Refuses a preset that cannot be overfitted, and flags that would have no effect.
fn check(preset: &str, typed: &args::Overfit) -> anyhow::Result<()> {
    let base = presets::config(preset)?;
    // The settings of overfitting do not suit such a model.
    if base.model.family() == Family::Questions {
        return Err(unsuitable(ON_BASE));
    }
    let config = overfit_config(&base, typed)?;
    if let Some(reason) = obstacle(&config) {
        return Err(unsuitable(&reason));
    }
    let (own, reason) = own_settings(config.model.family());
    for (setting, _) in &typed.train.settings {
        let flag = setting.key.replace('_', "-");
        if own.contains(&setting.key) {
            return Err(usage!("--{flag} is set by `overfit` itself: {reason}"));
        }
        if args::unread_by_overfit(setting) {
            return Err(usage!(
                "--{flag} has no effect: `overfit` validates and saves nothing, and prints the last loss only"
            ));
        }
    }
    Ok(())
}

/// The error for a preset that cannot be overfitted, with those that can.
fn unsuitable(reason: &str) -> anyhow::Error {
    let names: Vec<_> = presets::names().filter(|name| overfitting::suits(name)).collect();
    usage!("{reason}; these presets can be overfitted: {}", names.join(", "))
}

/// `base` with settings that suit overfitting, and the flags over them.
fn overfit_config(base: &RunConfig, typed: &args::Overfit) -> anyhow::Result<RunConfig> {
    let mut patch = overfitting::defaults(base);
    for (setting, value) in &typed.train.settings {
        patch[setting.key] = value.clone();
    }
    let config = overlay(base, &patch)?;
    // Of the default presets, not every one reads every setting.
    if typed.train.preset.is_some() {
        must_read(&config, typed.train.settings.iter().map(|(setting, _)| *setting))?;
    }
    Ok(config)
}

/// One sentence, in a block that holds all of it, so that every token is predictable.
fn sentence(base: &RunConfig, typed: &args::Overfit) -> anyhow::Result<(RunConfig, Dataset)> {
    let text = typed.text.as_deref().unwrap_or(SENTENCE);
    let mut config = overfit_config(base, typed)?;
    let vocab = trm_data::vocabulary(config.data.tokenizer, text);
    let tokens = trm_data::encode(&vocab, text)?.len();
    let chunk = config.model.chunk_size();
    let block = tokens.saturating_sub(1) / chunk * chunk;
    if block == 0 {
        return Err(usage!(
            "--text: {tokens} tokens are too few; this model needs at least {}",
            chunk + 1
        ));
    }
    config = overlay(&config, &json!({ "block_size": block }))?;
    let text: String = match vocab {
        // Exactly one window and the token after it.
        Vocab::Char { .. } => text.chars().take(block + 1).collect(),
        _ => text.into(),
    };
    let data = TextDataset::from_spec(&config.data, &text, Some(&vocab))?;
    Ok((config, data.into()))
}

fn puzzle(base: &RunConfig, typed: &args::Overfit) -> anyhow::Result<(RunConfig, Dataset)> {
    if typed.text.is_some() {
        return Err(usage!(
            "--text is for language models; a puzzle model overfits a generated puzzle"
        ));
    }
    let mut config = overfit_config(base, typed)?;
    let alone = json!({ "num_puzzles": 1, "num_val_puzzles": 0, "augment": false });
    config = overlay(&config, &alone)?;
    let data = Dataset::load(&DataSource::Named, &config, None)?;
    Ok((config, data))
}

/// A few images of the built-in ones, all different.
fn images(base: &RunConfig, typed: &args::Overfit) -> anyhow::Result<(RunConfig, Dataset)> {
    const IMAGES: usize = 8;
    if typed.text.is_some() {
        return Err(usage!(
            "--text is for language models; an image classifier overfits a few images"
        ));
    }
    let patch =
        json!({ "batch_size": IMAGES, "random_crop": 0, "flip": false, "val_fraction": 0.1 });
    let config = overlay(&overfit_config(base, typed)?, &patch)?;
    let Dataset::Images(all) = Dataset::load(&DataSource::Named, &config, None)? else {
        anyhow::bail!("the dataset holds no images");
    };
    let set = &all.train;
    // One image each for the parts that nothing reads here.
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for i in 0..IMAGES + 2 {
        pixels.extend_from_slice(set.image(i));
        labels.push(u16::try_from(set.label(i))?);
    }
    let few = LabelledImages {
        name: all.name.clone(),
        classes: all.classes.clone(),
        size: set.size(),
        levels: set.levels(),
        pixels,
        labels,
        counts: [IMAGES, 1, 1],
        sha256: String::new(),
    };
    let options = ImageOptions { preprocessing: all.preprocessing, val_fraction: 0.0 };
    let few = ImageDataset::load(&ImageSource::Memory(few), &options).map_err(Failure::from)?;
    Ok((config, few.into()))
}
