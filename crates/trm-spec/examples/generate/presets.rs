//! The files of `configs/`, resolved and in the order they are offered.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Serialize;
use trm_spec::{RunConfig, overlay};

/// A file of `configs/`, resolved.
#[derive(Serialize)]
pub struct Preset {
    pub name: String,
    /// The comment line the file begins with.
    pub description: String,
    pub config: RunConfig,
}

/// The folder of presets.
fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

/// Every preset, cheapest run first.
pub fn all() -> Result<Vec<Preset>, Box<dyn Error>> {
    let mut presets = Vec::new();
    for entry in std::fs::read_dir(configs())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            presets.push(preset(&path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    presets.sort_by_key(|preset| (cost(&preset.config), preset.name.clone()));
    Ok(presets)
}

fn preset(path: &Path) -> Result<Preset, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("has no name")?;
    let description = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# "))
        .ok_or("must begin with a comment line that describes it")?;
    let config = overlay(&RunConfig::default(), &toml::from_str(&text)?)?;
    Ok(Preset { name: name.to_owned(), description: description.to_owned(), config })
}

/// Parameters touched over the whole run, per token and cycle.
fn cost(config: &RunConfig) -> usize {
    let (model, train) = (&config.model, &config.train);
    let tokens = train.batch_size * model.length() * train.max_iters;
    tokens.saturating_mul(model.parameters(0) * model.depth())
}
