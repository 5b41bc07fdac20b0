//! Opens the weights that `eval` is asked to score.

use std::path::PathBuf;

use anyhow::Context;
use trm_data::Dataset;
use trm_train::{BaseFile, Run};

use crate::args;
use crate::device::OpenDevice;
use crate::report::usage;
use crate::run_dir;

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
    let named = || typed.checkpoint.display().to_string();
    let optimizer = match typed.weights {
        Some(_) => Some(run_dir::read(&run_dir::optimizer_in(&typed.checkpoint))?),
        None => None,
    };
    let mut run =
        trm_train::load_on(checkpoint, optimizer.as_deref(), Some(data), base, &device.device)
            .with_context(named)?;
    if let Some(weights) = typed.weights {
        run.use_weights(weights)?;
    }
    Ok(run)
}
