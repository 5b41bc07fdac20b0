//! What `convert` writes, and where: over none of the files that it reads.

use std::path::{Path, PathBuf};

use trm_train::{HfVit, Peft};

use super::hf_folder::{INDEX, WEIGHTS};
use super::input;
use crate::args::{self, CheckpointFormat};
use crate::run_dir::{checkpoint_in, same_file, write_named};
use crate::terminal::report::usage;

/// A file of weights, and the files that its format puts beside it.
pub struct Converted {
    weights: Vec<u8>,
    /// Names and contents.
    beside: Vec<(&'static str, String)>,
}

impl Converted {
    /// `checkpoint` in the format that was asked for; `None` means this program's own.
    ///
    /// # Errors
    /// If that format has no such model.
    pub fn new(checkpoint: Vec<u8>, format: Option<CheckpointFormat>) -> anyhow::Result<Self> {
        Ok(match format {
            Some(CheckpointFormat::SamsungTrm) => {
                let (weights, config) = trm_train::to_samsung_trm(&checkpoint)?;
                Self { weights, beside: vec![("config.json", config)] }
            }
            Some(CheckpointFormat::HfVit) => {
                let HfVit { weights, config, preprocessor } = trm_train::to_hf_vit(&checkpoint)?;
                let beside =
                    vec![("config.json", config), ("preprocessor_config.json", preprocessor)];
                Self { weights, beside }
            }
            Some(CheckpointFormat::Peft) => {
                let Peft { weights, config } = trm_train::to_peft(&checkpoint)?;
                Self { weights, beside: vec![("adapter_config.json", config)] }
            }
            _ => Self { weights: checkpoint, beside: Vec::new() },
        })
    }

    /// Writes the weights to `path` and the other files beside it.
    ///
    /// # Errors
    /// If one of these exists with other contents, or a file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let beside = || self.beside.iter().map(|(name, text)| (path.with_file_name(name), text));
        for (path, text) in beside() {
            if std::fs::read(&path).is_ok_and(|there| there != text.as_bytes()) {
                return Err(usage!(
                    "{} already exists with other contents; choose another folder for --to",
                    path.display()
                ));
            }
        }
        for (path, text) in beside() {
            write_named(&path, text.as_bytes())?;
        }
        write_named(path, &self.weights)
    }
}

/// Files beside the weights that some format reads.
const BESIDE: [&str; 4] =
    ["config.json", "preprocessor_config.json", "adapter_config.json", "tokenizer.json"];

/// Refuses a `--to` that is read, for weights at `source`: what was converted would be lost.
///
/// # Errors
/// If it is one of the inputs, or the index of the weights cannot be read.
pub fn refuse_input(typed: &args::Convert, source: &Path) -> anyhow::Result<()> {
    // Nothing is replaced.
    if !typed.out.exists() {
        return Ok(());
    }
    match inputs(typed, source)?.iter().find(|input| same_file(input, &typed.out)) {
        None => Ok(()),
        Some(input) => {
            Err(usage!("--to: {} is one of the inputs; choose another name", input.display()))
        }
    }
}

fn inputs(typed: &args::Convert, source: &Path) -> anyhow::Result<Vec<PathBuf>> {
    // Of this format the folder itself is the source.
    let source = match typed.from {
        CheckpointFormat::HfLlama if source.is_dir() => {
            let files = [WEIGHTS, INDEX].map(|name| source.join(name));
            files.into_iter().find(|file| file.exists()).unwrap_or_else(|| source.to_owned())
        }
        _ => source.to_owned(),
    };
    let mut files = input::files_of(&source)?;
    files.extend(BESIDE.iter().map(|name| source.with_file_name(name)));
    files.extend([&typed.config, &typed.data].into_iter().flatten().cloned());
    files.extend(typed.base.as_deref().map(checkpoint_in));
    Ok(files)
}
