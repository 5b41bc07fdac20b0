//! Lays configuration files and flags over a base configuration.

use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};
use trm_spec::{
    DepthSampling, Family, Objective, Optimizer, RunConfig, Schedule, Supervision, must_read,
    overlay, read_json,
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
    let unused = unused(&config).into_iter().find(|unused| {
        typed.settings.iter().any(|(setting, _)| setting.key == unused.key)
            // Some run of a sweep over the other setting may use it.
            && !typed.varied.contains(&unused.by)
    });
    match unused {
        None => Ok(config),
        Some(Unused { key, needs, .. }) => {
            Err(usage!("--{} has no effect without {needs}", key.replace('_', "-")))
        }
    }
}

/// A setting that a configuration does not use.
struct Unused {
    key: &'static str,
    /// The setting that switches it off.
    by: &'static str,
    /// The flag with which it is used.
    needs: &'static str,
}

/// Settings that `config` does not use because of another one. Files may have them: a preset or
/// an older run states all settings.
fn unused(config: &RunConfig) -> Vec<Unused> {
    let train = &config.train;
    let family = config.model.family();
    let cycles_are_not_scored = train.objective == Objective::LastCycle
        && matches!(family, Family::Language | Family::Images);
    let carries = family == Family::Puzzles && train.supervision == Supervision::Carry;
    let unrolls = family == Family::Puzzles && train.supervision == Supervision::Unrolled;
    // Models without the setting have none.
    let model = serde_json::to_value(&config.model).unwrap_or_default();
    let no_embedding = model["puzzle_emb_ndim"] == 0;
    let constant = train.lr_schedule == Schedule::Constant;
    [
        (cycles_are_not_scored, "cycle_weights", "objective", "--objective every_cycle"),
        (carries, "cycle_weights", "supervision", "--supervision unrolled"),
        (unrolls, "halt_exploration_prob", "supervision", "--supervision carry"),
        (
            train.depth_sampling == DepthSampling::Fixed,
            "min_depth",
            "depth_sampling",
            "--depth-sampling uniform or log_normal",
        ),
        (constant, "min_lr", "lr_schedule", "--lr-schedule cosine"),
        (constant, "lr_decay_iters", "lr_schedule", "--lr-schedule cosine"),
        (train.optimizer != Optimizer::Muon, "muon_momentum", "optimizer", "--optimizer muon"),
        // Its step is bounded without one.
        (
            train.optimizer == Optimizer::AdamAtan2,
            "adam_eps",
            "optimizer",
            "--optimizer adamw or muon",
        ),
        (no_embedding, "puzzle_emb_lr", "puzzle_emb_ndim", "--puzzle-emb-ndim above 0"),
        (no_embedding, "puzzle_emb_weight_decay", "puzzle_emb_ndim", "--puzzle-emb-ndim above 0"),
    ]
    .into_iter()
    .filter(|(is_unused, ..)| *is_unused)
    .map(|(_, key, by, needs)| Unused { key, by, needs })
    .collect()
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

#[cfg(test)]
mod tests {
    use trm_spec::Setting;

    use super::*;
    use crate::presets;

    /// Flags as they are typed, beside a preset.
    fn typed(flags: &[(&str, &str)]) -> args::Train {
        let read = |(key, text): &(&str, &str)| {
            let setting = Setting::find(key).expect(key);
            (setting, setting.parse(text).expect(text))
        };
        args::Train { settings: flags.iter().map(read).collect(), ..args::Train::default() }
    }

    #[test]
    fn flags_without_an_effect_are_refused() {
        for (preset, flag, needs, used) in [
            ("tiny", ("muon_momentum", "0.9"), "--optimizer muon", ("optimizer", "muon")),
            ("page-tiny", ("min_lr", "1e-5"), "--lr-schedule cosine", ("lr_schedule", "cosine")),
            (
                "page-tiny",
                ("lr_decay_iters", "9"),
                "--lr-schedule cosine",
                ("lr_schedule", "cosine"),
            ),
            (
                "sudoku-4x4",
                ("adam_eps", "1e-7"),
                "--optimizer adamw or muon",
                ("optimizer", "adamw"),
            ),
            (
                "sudoku-4x4",
                ("puzzle_emb_lr", "0.1"),
                "--puzzle-emb-ndim above 0",
                ("puzzle_emb_ndim", "16"),
            ),
            (
                "sudoku-4x4",
                ("puzzle_emb_weight_decay", "0.1"),
                "--puzzle-emb-ndim above 0",
                ("puzzle_emb_ndim", "16"),
            ),
        ] {
            let base = presets::config(preset).expect(preset);
            let error = with_flags(&base, &typed(&[flag])).expect_err(flag.0).to_string();
            let name = format!("--{} has no effect", flag.0.replace('_', "-"));
            assert!(error.contains(&name) && error.contains(needs), "{error}");
            with_flags(&base, &typed(&[flag, used])).expect(flag.0);
            // A sweep over the other setting has a run that uses it.
            let varied = vec![used.0];
            with_flags(&base, &args::Train { varied, ..typed(&[flag]) }).expect(flag.0);
        }
    }

    #[test]
    fn exploration_needs_steps_that_are_carried() {
        let base = presets::config("sudoku-4x4").expect("a preset");
        let exploration = ("halt_exploration_prob", "0.2");
        with_flags(&base, &typed(&[exploration])).expect("carried");
        let unrolled = typed(&[exploration, ("supervision", "unrolled")]);
        let error = with_flags(&base, &unrolled).expect_err("unrolled").to_string();
        assert!(error.contains("--supervision carry"), "{error}");
    }

    /// A preset states settings that it does not use, and other flags lie over it.
    #[test]
    fn only_flags_are_refused() {
        for name in presets::names() {
            let base = presets::config(name).expect(name);
            with_flags(&base, &typed(&[("max_iters", "9")])).expect(name);
        }
    }
}
