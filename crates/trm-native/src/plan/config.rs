//! Lays configuration files and flags over a base configuration.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use trm_spec::{
    DepthSampling, Family, Objective, RunConfig, Supervision, must_read, overlay, read_json,
};

use crate::args;
use crate::report::usage;
use crate::text_file;

/// `base` with the settings that were given as flags.
///
/// # Errors
/// If the settings do not fit together.
pub fn with_flags(base: &RunConfig, typed: &args::Train) -> anyhow::Result<RunConfig> {
    // Flags have no sections: setting names are unique.
    let flags = typed.settings.iter().map(|(s, value)| (s.key.to_owned(), value.clone())).collect();
    let config = overlay(base, &Value::Object(flags))?;
    must_read(&config, typed.settings.iter().map(|(setting, _)| *setting))?;
    let unused = unused(&config);
    match unused.iter().find(|(key, _)| typed.settings.iter().any(|(s, _)| s.key == *key)) {
        None => Ok(config),
        Some((key, needs)) => {
            Err(usage!("--{} has no effect without {needs}", key.replace('_', "-")))
        }
    }
}

/// Settings that `config` does not use because of another one, and what they need. Files may
/// have them: a preset or an older run states all settings.
fn unused(config: &RunConfig) -> Vec<(&'static str, &'static str)> {
    let train = &config.train;
    let mut unused = Vec::new();
    match config.model.family() {
        Family::Language | Family::Images if train.objective == Objective::LastCycle => {
            unused.push(("cycle_weights", "--objective every_cycle"));
        }
        Family::Puzzles if train.supervision == Supervision::Carry => {
            unused.push(("cycle_weights", "--supervision unrolled"));
        }
        _ => {}
    }
    if train.depth_sampling == DepthSampling::Fixed {
        unused.push(("min_depth", "--depth-sampling uniform or log_normal"));
    }
    unused
}

/// `base` with the settings of a TOML file.
///
/// # Errors
/// If the file cannot be read, or contains something else than settings that fit
/// together.
pub fn config_file(base: &RunConfig, path: &Path) -> anyhow::Result<RunConfig> {
    let text = text_file::read(path)?;
    let patch = match text.trim_start().starts_with('{') {
        true => json(&text, path)?,
        false => toml::from_str(&text).map_err(|error| not_toml(&text, path, &error))?,
    };
    overlay(base, &patch).with_context(|| path.display().to_string())
}

/// The settings of a file in JSON, which has the form of TOML's.
fn json(text: &str, path: &Path) -> anyhow::Result<Value> {
    let patch: Value = read_json(text).map_err(|error| match error.is_data() {
        true => usage!("{}: {error}; keep one of the two", path.display()),
        false => usage!("{} is not valid JSON: {error}", path.display()),
    })?;
    let others = ["architectures", "model_type", "transformers_version", "torch_dtype"];
    match others.iter().find(|key| patch.get(key).is_some()) {
        None => Ok(patch),
        Some(key) => Err(usage!(
            "{} describes a model of Hugging Face (it has `{key}`), not settings of this program; `trm-native convert MODEL --from hf-llama` or hf-vit reads it beside its weights",
            path.display()
        )),
    }
}

/// What a file is that is no TOML.
fn not_toml(text: &str, path: &Path, error: &toml::de::Error) -> anyhow::Error {
    let lines =
        || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let key = |line: &str| line.split_once(':').is_some_and(|(key, _)| !key.contains(['=', ' ']));
    let yaml = lines().filter(|line| key(line) || *line == "---" || line.starts_with("- ")).count();
    if yaml * 2 > lines().count() {
        return usage!(
            "{} looks like YAML, and TOML is wanted: `max_iters = 100` in place of `max_iters: 100`, below a line `[train]`",
            path.display()
        );
    }
    usage!("{} is not valid TOML: {error}", path.display())
}
