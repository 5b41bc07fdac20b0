//! Lays configuration files and flags over a base configuration.

use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};
use trm_spec::{
    DepthSampling, Family, Objective, RunConfig, Supervision, must_read, overlay, read_json,
};

use crate::args;
use crate::inputs::text_file;
use crate::terminal::report::usage;

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
    overlay(base, &patch(path)?).with_context(|| path.display().to_string())
}

/// The settings of the file at `path`, for a run with these flags. Where the file says something
/// that only fits together with a flag, they are those of both.
///
/// # Errors
/// As of [`config_file`].
pub fn file_for_flags(path: &Path, typed: &args::Train) -> anyhow::Result<RunConfig> {
    let (base, file) = (RunConfig::default(), patch(path)?);
    let error = match overlay(&base, &file) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    let both = with_flags_over(&file, typed).map(|both| overlay(&base, &both));
    match both {
        Some(Ok(config)) => Ok(config),
        // The file alone is not at fault for what changes with the flags.
        Some(Err(other)) if other.to_string() != error.to_string() => Err(other.into()),
        _ => Err(error).with_context(|| path.display().to_string()),
    }
}

/// The settings of a file with the flags in their place; `None` if the flags have another model,
/// for which the settings of the file are not meant.
fn with_flags_over(file: &Value, typed: &args::Train) -> Option<Value> {
    let mut tables = file.as_object()?.clone();
    let model = tables.get("variant").or_else(|| tables.get("model")?.get("variant"));
    let model = model.cloned().unwrap_or_else(|| RunConfig::default().model.name().into());
    if typed.settings.iter().any(|(setting, value)| setting.key == "variant" && *value != model) {
        return None;
    }
    for (setting, value) in &typed.settings {
        let is = |key: &str| key.replace('-', "_") == setting.key;
        // A file may have it outside its table.
        tables.retain(|key, value| value.is_object() || !is(key));
        let table = tables.entry(setting.section).or_insert_with(|| Value::Object(Map::new()));
        let table = table.as_object_mut()?;
        table.retain(|key, _| !is(key));
        table.insert(setting.key.into(), value.clone());
    }
    Some(Value::Object(tables))
}

/// What a file says.
fn patch(path: &Path) -> anyhow::Result<Value> {
    let text = text_file::read(path)?;
    match text.trim_start().starts_with('{') {
        true => json(&text, path),
        false => toml::from_str(&text).map_err(|error| not_toml(&text, path, &error)),
    }
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
