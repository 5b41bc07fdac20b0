//! The folder of a pretrained model of Hugging Face: `config.json`, weights in one file
//! or several, and a tokenizer.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::input::refuse_own;
use super::parts::parts;
use crate::inputs::text_file;
use crate::run_dir;
use crate::terminal::report::usage;

pub const WEIGHTS: &str = "model.safetensors";
pub const INDEX: &str = "model.safetensors.index.json";

/// A pretrained model, read.
pub struct HfFolder {
    /// The files of its weights.
    pub weights: Vec<Vec<u8>>,
    /// `config.json`.
    pub config: String,
    /// `tokenizer.json`, where there is one.
    pub tokenizer: Option<String>,
}

impl HfFolder {
    /// Reads the folder at `input`, or the one of the weights or the index at `input`.
    /// `config` may name another configuration.
    ///
    /// # Errors
    /// If a file is missing or cannot be read.
    pub fn read(input: &Path, config: Option<&Path>) -> anyhow::Result<Self> {
        let given = match input.is_dir() {
            false => input.to_owned(),
            true if input.join(WEIGHTS).exists() => input.join(WEIGHTS),
            true => input.join(INDEX),
        };
        let beside = |name: &str| given.with_file_name(name);
        if !given.exists() && input.is_dir() {
            let own = run_dir::checkpoint_in(input);
            if own.is_file() {
                refuse_own(&own, &run_dir::read(&own)?)?;
            }
            return Err(usage!(
                "{} has neither {WEIGHTS} nor {INDEX}; give the folder of a model",
                input.display()
            ));
        }
        let files: Vec<PathBuf> = match given.extension().is_some_and(|end| end == "json") {
            true => parts(&given)?.iter().map(|name| beside(name)).collect(),
            false => vec![given.clone()],
        };
        let read = |file: &PathBuf| {
            let bytes = run_dir::read(file)?;
            refuse_own(file, &bytes).map(|()| bytes)
        };
        let weights = files.iter().map(read).collect::<anyhow::Result<_>>()?;
        let config = config.map_or_else(|| beside("config.json"), Path::to_owned);
        let config = text_file::read(&config)
            .with_context(|| format!("{}; give its path with --config", config.display()))?;
        let tokenizer = beside("tokenizer.json");
        let tokenizer = match tokenizer.exists() {
            false => None,
            true => Some(text_file::read(&tokenizer)?),
        };
        Ok(Self { weights, config, tokenizer })
    }
}
