//! Lays configuration files and flags over a base configuration.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use trm_spec::{RunConfig, overlay};

use crate::args;
use crate::report::usage;

/// `base` with the settings that were given as flags.
///
/// # Errors
/// If the settings do not fit together.
pub fn with_flags(base: &RunConfig, typed: &args::Train) -> anyhow::Result<RunConfig> {
    // Flags have no sections: setting names are unique.
    let flags = typed.settings.iter().map(|(s, value)| (s.key.to_owned(), value.clone())).collect();
    Ok(overlay(base, &Value::Object(flags))?)
}

/// `base` with the settings of a TOML file.
///
/// # Errors
/// If the file cannot be read, or contains something else than settings that fit
/// together.
pub fn config_file(base: &RunConfig, path: &Path) -> anyhow::Result<RunConfig> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let patch = toml::from_str(&text)
        .map_err(|error| usage!("{} is not valid TOML: {error}", path.display()))?;
    overlay(base, &patch).with_context(|| path.display().to_string())
}
