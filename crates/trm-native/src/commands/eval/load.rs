//! Opens the weights that `eval` is asked to score.

use std::path::PathBuf;

use anyhow::Context;
use trm_data::Dataset;
use trm_train::{BaseFile, Run};

use crate::args;
use crate::machine::device::OpenDevice;
use crate::run_dir;
use crate::terminal::report::usage;

/// The file with the weights that `--weights` asks for.
///
/// # Errors
/// If it asks for those of a run, and a file is given.
pub fn weights_file(typed: &args::Eval) -> anyhow::Result<PathBuf> {
    match typed.weights {
        None => Ok(typed.checkpoint.clone()),
        Some(_) if typed.checkpoint.is_dir() => Ok(run_dir::last_in(&typed.checkpoint)),
        Some(_) => Err(usage!(
            "--weights selects one of the two sets of weights of a run: give the folder of the run"
        )),
    }
}

/// A model on its frozen base, with the weights that `--weights` asks for.
///
/// # Errors
/// If a file cannot be read, or does not fit the model.
pub fn load_on(
    typed: &args::Eval,
    checkpoint: &[u8],
    data: Dataset,
    base: Option<BaseFile<'_>>,
    device: &OpenDevice,
) -> anyhow::Result<Box<dyn Run>> {
    with_weights(typed, |optimizer| {
        trm_train::load_on(checkpoint, optimizer, Some(data), base, &device.device)
            .with_context(|| typed.checkpoint.display().to_string())
    })
}

/// The model that `load` opens with an optimizer file, with the weights that `--weights`
/// asks for.
///
/// # Errors
/// If the optimizer file cannot be read or has no such weights, and those of `load`.
pub fn with_weights(
    typed: &args::Eval,
    load: impl FnOnce(Option<&[u8]>) -> anyhow::Result<Box<dyn Run>>,
) -> anyhow::Result<Box<dyn Run>> {
    let Some(weights) = typed.weights else { return load(None) };
    let optimizer = run_dir::read(&run_dir::optimizer_in(&typed.checkpoint))?;
    let mut run = load(Some(&optimizer))?;
    run.use_weights(weights)?;
    Ok(run)
}
