//! `overfit`: one sentence, or one puzzle, learned by heart. A model that cannot do
//! that has no gradient where it needs one.

use std::time::Instant;

use anyhow::Context;
use pollster::block_on;
use serde::Serialize;
use serde_json::json;
use trm_data::Corpus;
use trm_data::puzzles::Kind;
use trm_spec::{Family, RunConfig, Vocab, overlay};
use trm_train::Material;

use super::{print, print_json};
use crate::args;
use crate::device::{self, Chosen};
use crate::presets;
use crate::report::usage;

/// What is learned where nothing else is asked for.
const SENTENCE: &str =
    "Brevity is the soul of wit, and tediousness the limbs and outward flourishes.";

/// One small model of every variant.
const PRESETS: &[&str] = &["tiny", "page-chunk", "shakespeare-trm-lm", "sudoku-4x4"];

/// Steps between two looks at the loss.
const GLANCE: usize = 5;

/// How one model did.
#[derive(Serialize)]
struct Learned {
    preset: String,
    variant: &'static str,
    parameters: usize,
    learned: bool,
    /// Loss of the last step, in nats per token.
    loss: f64,
    steps: usize,
    seconds: f64,
}

pub fn run(typed: &args::Overfit) -> anyhow::Result<()> {
    let device = device::open(typed.train.device)?;
    let presets: Vec<&str> = match &typed.train.preset {
        Some(name) => vec![name],
        None => PRESETS.to_vec(),
    };
    let mut all = Vec::new();
    for preset in presets {
        let learned = learn(preset, typed, &device).with_context(|| format!("preset {preset}"))?;
        if !typed.json {
            print(&format!(
                "{preset} ({}, {} parameters): loss {:.4} after {} steps, {:.1} s{}",
                learned.variant,
                learned.parameters,
                learned.loss,
                learned.steps,
                learned.seconds,
                if learned.learned { "" } else { ", which is not by heart" }
            ))?;
        }
        all.push(learned);
    }
    if typed.json {
        print_json(&all)?;
    }
    let failed: Vec<_> = all.iter().filter(|l| !l.learned).map(|l| l.preset.as_str()).collect();
    anyhow::ensure!(
        failed.is_empty(),
        "not below a loss of {}: {}",
        typed.target,
        failed.join(", ")
    );
    Ok(())
}

fn learn(preset: &str, typed: &args::Overfit, device: &Chosen) -> anyhow::Result<Learned> {
    let base = presets::config(preset)?;
    let (config, material) = if base.model.family() == Family::Puzzles {
        puzzle(&base, typed)?
    } else {
        sentence(&base, typed)?
    };
    let mut run = trm_train::create(&config, material, &device.device)?;
    let summary = run.summary();
    let (start, mut loss, mut steps) = (Instant::now(), f64::INFINITY, 0);
    while loss >= typed.target && steps < config.train.max_iters {
        let reports = block_on(run.steps(GLANCE))?;
        let last = reports.last().context("the run made no step")?;
        (loss, steps) = (last.loss, last.step);
    }
    Ok(Learned {
        preset: preset.into(),
        variant: summary.config.model.name(),
        parameters: summary.parameters,
        learned: loss < typed.target,
        loss,
        steps,
        seconds: (start.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    })
}

/// `base` with what learning by heart needs, and then the flags.
fn by_heart(base: &RunConfig, typed: &args::Overfit) -> anyhow::Result<RunConfig> {
    let mut patch = json!({
        "batch_size": 1, "gradient_accumulation_steps": 1, "max_iters": 1000,
        "learning_rate": 3e-3, "lr_schedule": "constant", "warmup_iters": 10,
        "weight_decay": 0, "ema_decay": 0, "val_fraction": 0,
    });
    if base.model.dropout() > 0.0 {
        patch["dropout"] = json!(0.0);
    }
    for (setting, value) in &typed.train.settings {
        patch[setting.key] = value.clone();
    }
    Ok(overlay(base, &patch)?)
}

/// A block that holds the sentence whole, so that what comes next is always known.
fn sentence(base: &RunConfig, typed: &args::Overfit) -> anyhow::Result<(RunConfig, Material)> {
    let text = typed.text.as_deref().unwrap_or(SENTENCE);
    let mut config = by_heart(base, typed)?;
    let vocab = trm_data::vocabulary(config.data.tokenizer, text);
    let tokens = trm_data::encode(&vocab, text)?.len();
    let chunk = config.model.chunk_size();
    let block = tokens.saturating_sub(1) / chunk * chunk;
    if block == 0 {
        return Err(usage!("--text: {tokens} tokens are too few; give at least {}", chunk + 1));
    }
    config = overlay(&config, &json!({ "block_size": block }))?;
    let text: String = match vocab {
        // One window and the token after it: nothing else to be learned.
        Vocab::Char { .. } => text.chars().take(block + 1).collect(),
        _ => text.into(),
    };
    let corpus = Corpus::from_spec(&config.data, &text, Some(&vocab))?;
    Ok((config, corpus.into()))
}

fn puzzle(base: &RunConfig, typed: &args::Overfit) -> anyhow::Result<(RunConfig, Material)> {
    if typed.text.is_some() {
        return Err(usage!("--text: this model solves puzzles; one is made for it"));
    }
    let mut config = by_heart(base, typed)?;
    let alone = json!({ "num_puzzles": 1, "num_val_puzzles": 0, "augment": false });
    config = overlay(&config, &alone)?;
    let data = &config.data;
    let source = Kind::known(&data.dataset)?.source(data, config.train.seed);
    let puzzles = source.load(1, 0, false)?;
    Ok((config, puzzles.into()))
}
