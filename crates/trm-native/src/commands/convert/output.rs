//! Where `convert` writes: over none of the files that it reads.

use std::path::{Path, PathBuf};

use super::input;
use crate::args::{self, CheckpointFormat};
use crate::run_dir::{checkpoint_in, same_file};
use crate::terminal::report::usage;

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
            let names = ["model.safetensors", "model.safetensors.index.json"];
            let files = names.map(|name| source.join(name));
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
