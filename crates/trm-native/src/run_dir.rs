//! The folder of a run: `config.toml`, `best.safetensors`, `last.safetensors`,
//! `last.optim.safetensors`, `metrics.jsonl`, `results.json` and TensorBoard event
//! files.
//!
//! All writes are atomic. `last` and `last.optim` form a pair: while the pair is
//! replaced, the old optimizer file is kept until the new model is in place, so
//! that a kill at any moment leaves a model and an optimizer of the same step.

mod best;
mod files;
mod foreign;
mod lock;
pub mod metrics_log;
mod named;
pub mod names;
pub mod own_data;
pub mod results;
mod sweep_dir;
mod tensorboard;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use anyhow::Context;
use trm_spec::{RunConfig, Saved};
use trm_train::checkpoint::{self, Header};

use files::{Move, cannot_read, cannot_write, stage, sync_folder};
pub use files::{create_folder_of, read, read_kept, same_file, write, write_named};
use lock::Lock;
pub use named::target;
use names::{BEST, CONFIG, LAST, METRICS, OPTIMIZER, PREVIOUS, RESULTS};
pub use sweep_dir::SweepDir;

use crate::machine::memory;
use crate::run_dir::results::Results;
use crate::terminal::report::usage;
use crate::terminal::shell::quoted;

/// The folder of a run.
pub struct RunDir {
    path: PathBuf,
    /// No other process writes here meanwhile.
    _lock: Arc<Lock>,
}

/// The last saved state of a run: the two files as bytes.
pub struct Last {
    pub checkpoint: Vec<u8>,
    pub optimizer: Vec<u8>,
}

impl RunDir {
    /// Refuses a folder in which a new run would overwrite something. Nothing is created.
    ///
    /// # Errors
    /// If the folder contains a run already, or one of the `inputs` or a file that is not of
    /// this program would be overwritten.
    pub fn check(path: &Path, inputs: &[PathBuf]) -> anyhow::Result<()> {
        for name in [CONFIG, METRICS, RESULTS, own_data::FILE] {
            let written = path.join(name);
            if inputs.iter().any(|input| same_file(input, &written)) {
                return Err(usage!(
                    "{} would be overwritten by the run's own {name}; choose another --out",
                    written.display()
                ));
            }
        }
        if [LAST, BEST].iter().any(|name| path.join(name).exists()) {
            return Err(usage!(
                "{} already contains a run; continue it with --resume {}, or choose another --out",
                path.display(),
                quoted(path)
            ));
        }
        foreign::refuse(path)
    }

    /// Creates the folder of a new run.
    ///
    /// # Errors
    /// As of [`check`](Self::check), and if another process writes there, or the folder cannot
    /// be created.
    pub fn create(path: &Path, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        Self::check(path, inputs)?;
        let unbegun = memory::Unbegun::of(path);
        fs::create_dir_all(path).with_context(|| cannot_write(path))?;
        let dir = Self { path: path.to_owned(), _lock: Lock::of(path)? };
        memory::begins(unbegun);
        Ok(dir)
    }

    /// Opens the folder of an existing run. Repairs what a kill left behind.
    ///
    /// # Errors
    /// If there is no run, another process writes there, or its model and optimizer are
    /// not of the same step.
    pub fn open(path: &Path) -> anyhow::Result<(Self, Last)> {
        expect_run(path)?;
        let dir = Self { path: path.to_owned(), _lock: Lock::of(path)? };
        dir.remove_unfinished()?;
        let checkpoint = read(&dir.file(LAST))?;
        let step = checkpoint::saved_step(&checkpoint);
        // Of the newest that is there.
        let mut other = None;
        for name in [OPTIMIZER, PREVIOUS] {
            let file = dir.file(name);
            if !file.exists() {
                continue;
            }
            let optimizer = read(&file)?;
            if step.is_some() && checkpoint::saved_step(&optimizer) == step {
                if name == PREVIOUS {
                    // The process was killed between the two renames: the other
                    // optimizer belongs to a model that was never moved into place.
                    dir.apply(&[Move::Rename(file, dir.file(OPTIMIZER))])?;
                }
                return Ok((dir, Last { checkpoint, optimizer }));
            }
            other.get_or_insert((file, checkpoint::saved_step(&optimizer)));
        }
        let wrong = match other {
            None => format!("{} is missing", dir.file(OPTIMIZER).display()),
            Some((file, None)) => format!("{} is damaged", file.display()),
            Some((file, Some(_))) => {
                format!("{} is of another step than {LAST}, or of another run", file.display())
            }
        };
        anyhow::bail!(
            "{wrong}: the run cannot be continued; start a new one from its weights with --init {}",
            quoted(&dir.file(LAST))
        )
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of `metrics.jsonl`.
    pub fn metrics(&self) -> PathBuf {
        self.file(METRICS)
    }

    /// Path of the last model.
    pub fn last(&self) -> PathBuf {
        self.file(LAST)
    }

    /// Path of the best model.
    pub fn best(&self) -> PathBuf {
        self.file(BEST)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes `config.toml`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_config(&self, config: &RunConfig) -> anyhow::Result<()> {
        let text =
            toml::to_string(config).context("the configuration cannot be written as TOML")?;
        write(&self.file(CONFIG), text.as_bytes())
    }

    /// Writes `results.json`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_results(&self, results: &Results) -> anyhow::Result<()> {
        write(&self.file(RESULTS), &serde_json::to_vec_pretty(results)?)
    }

    /// Replaces the saved state.
    ///
    /// # Errors
    /// If a file cannot be written; the old state is kept then.
    pub fn save_last(&self, saved: &Saved) -> anyhow::Result<()> {
        // Both are on disk before either is renamed: a full disk changes nothing.
        let optimizer = stage(&self.file(OPTIMIZER), &saved.optimizer)?;
        let model = stage(&self.file(LAST), &saved.checkpoint)?;
        self.apply(&self.replacement(&optimizer, &model))
    }

    /// The moves that put a new pair in place. The new state is valid from the move
    /// of the model on.
    fn replacement(&self, optimizer: &Path, model: &Path) -> Vec<Move> {
        let mut moves = Vec::new();
        if self.file(OPTIMIZER).exists() {
            moves.push(Move::Rename(self.file(OPTIMIZER), self.file(PREVIOUS)));
        }
        moves.push(Move::Rename(optimizer.to_owned(), self.file(OPTIMIZER)));
        moves.push(Move::Rename(model.to_owned(), self.file(LAST)));
        moves.push(Move::Remove(self.file(PREVIOUS)));
        moves
    }

    fn apply(&self, moves: &[Move]) -> anyhow::Result<()> {
        for one in moves {
            one.apply()?;
            sync_folder(&self.path)?;
        }
        Ok(())
    }

    fn remove_unfinished(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.path).with_context(|| cannot_read(&self.path))? {
            let entry = entry.with_context(|| cannot_read(&self.path))?;
            if entry.file_name().to_string_lossy().starts_with(trm_data::UNFINISHED) {
                Move::Remove(entry.path()).apply()?;
            }
        }
        Ok(())
    }
}

/// The checkpoint file that `path` refers to: itself, or the best one of a run's folder. Whether
/// there is one is said by [`expect_checkpoint`].
pub fn checkpoint_in(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let best = path.join(BEST);
    if best.exists() { best } else { path.join(LAST) }
}

/// The last model of the run in `folder`.
pub fn last_in(folder: &Path) -> PathBuf {
    folder.join(LAST)
}

/// Refuses a folder without the last state of a run.
///
/// # Errors
/// If there is none, or the folder cannot be read.
pub fn expect_run(folder: &Path) -> anyhow::Result<()> {
    match is_in(folder, LAST)? {
        true => Ok(()),
        false => Err(usage!(
            "{} contains no run to resume ({LAST} is missing); give the folder of a run, which `train` prints as its output",
            folder.display()
        )),
    }
}

/// Whether `folder` has a file `name`. A folder that may not be read seems empty otherwise.
fn is_in(folder: &Path, name: &str) -> anyhow::Result<bool> {
    match folder.join(name).try_exists() {
        // A file is no folder with a file in it.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        found => found.with_context(|| cannot_read(folder)),
    }
}

/// The optimizer state that belongs to [`last_in`].
pub fn optimizer_in(folder: &Path) -> PathBuf {
    folder.join(OPTIMIZER)
}

/// As [`checkpoint_in`], of a folder only where it has a run.
///
/// # Errors
/// If `path` is a folder that has none, or cannot be read.
pub fn expect_checkpoint(path: &Path) -> anyhow::Result<PathBuf> {
    if path.is_dir() && !is_in(path, BEST)? && !is_in(path, LAST)? {
        return Err(usage!(
            "{} contains no run: neither {BEST} nor {LAST} is in it; give the folder of a run, or a checkpoint",
            path.display()
        ));
    }
    Ok(checkpoint_in(path))
}

/// Reads a checkpoint, or the best one of a run's folder: its header and all bytes.
///
/// # Errors
/// If the file cannot be read or is not a checkpoint.
pub fn read_checkpoint(path: &Path) -> anyhow::Result<(Header, Vec<u8>)> {
    let path = expect_checkpoint(path)?;
    let bytes = read(&path)?;
    let header = checkpoint::read_header(&bytes).with_context(|| path.display().to_string())?;
    Ok((header, bytes))
}

#[cfg(test)]
mod tests;
