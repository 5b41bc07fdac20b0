//! The presets of `configs/`, compiled into the binary so that it works in any folder.

use anyhow::Context;
use trm_spec::{RunConfig, overlay};

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../configs/", $name, ".toml")))),*]
    };
}

/// Name and text of every file in `configs/`.
const PRESETS: &[(&str, &str)] = presets![
    "tiny",
    "digits",
    "vit-mnist",
    "trm-vit-mnist",
    "cups",
    "cups-5",
    "sudoku-4x4",
    "maze-10x10",
    "sudoku-9x9",
    "sudoku-paper",
    "arc",
    "page-tiny",
    "page-small",
    "page-chunk",
    "page-leak",
    "shakespeare-chunk",
    "shakespeare-trm-lm",
    "chunk-wikitext",
    "trm-lm-wikitext",
    "shakespeare-char-cpu",
    "shakespeare-elastic",
    "shakespeare-best",
    "shakespeare-char",
];

/// The default preset of `train` without a GPU.
pub const ON_CPU: &str = "shakespeare-char-cpu";
/// The default preset of `train` with a GPU.
pub const ON_GPU: &str = "shakespeare-char";

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// Name and one-line description of all presets.
pub fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    PRESETS.iter().map(|(name, text)| {
        (*name, text.lines().next().unwrap_or_default().trim_start_matches("# "))
    })
}

/// The configuration of the preset called `name`.
///
/// # Errors
/// If there is no such preset.
pub fn config(name: &str) -> anyhow::Result<RunConfig> {
    let (_, text) = PRESETS
        .iter()
        .find(|(known, _)| *known == name)
        .with_context(|| format!("there is no preset `{name}`"))?;
    let patch = toml::from_str(text).with_context(|| format!("preset {name}"))?;
    Ok(overlay(&RunConfig::default(), &patch)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_configs_is_a_preset_and_resolves() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder of presets")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .collect();
        assert_eq!(files, names().map(str::to_owned).collect());
        for name in names() {
            config(name).expect(name);
        }
        assert!(names().any(|name| name == ON_CPU) && names().any(|name| name == ON_GPU));
    }
}
