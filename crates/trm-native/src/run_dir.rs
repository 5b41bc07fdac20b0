//! A run's folder: `config.toml`, `best.safetensors`, `last.safetensors`,
//! `last.optim.safetensors`, `metrics.jsonl`, `results.json` and TensorBoard's event
//! files.
//!
//! Files appear whole or not at all. `last` and `last.optim` belong together:
//! while they are replaced, the old optimiser stays beside them until the new
//! model is in place, so that a kill at any moment leaves a pair of one step.

mod best;
mod files;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use safetensors::SafeTensors;
use trm_spec::{RunConfig, Saved};

use files::{Move, UNFINISHED, cannot_read, cannot_write, stage, sync_folder};
pub use files::{read, write};

use crate::report::usage;
use crate::results::Results;

const CONFIG: &str = "config.toml";
const BEST: &str = "best.safetensors";
const LAST: &str = "last.safetensors";
const OPTIMIZER: &str = "last.optim.safetensors";
/// The optimiser that belongs to `last` while the pair is being replaced.
const PREVIOUS: &str = "last.optim.previous.safetensors";
const METRICS: &str = "metrics.jsonl";
const RESULTS: &str = "results.json";

pub struct RunDir {
    path: PathBuf,
}

/// The state of a run as it was saved last.
pub struct Last {
    pub checkpoint: Vec<u8>,
    pub optimizer: Vec<u8>,
}

impl RunDir {
    /// A folder for a new run; one that holds a run already is not touched.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        if [LAST, BEST].iter().any(|name| path.join(name).exists()) {
            return Err(usage!(
                "{0} already holds a run; go on with `--resume {0}`, or choose another --out",
                path.display()
            ));
        }
        fs::create_dir_all(path).with_context(|| cannot_write(path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// The folder of a run that exists. Puts right what a kill left behind.
    pub fn open(path: &Path) -> anyhow::Result<(Self, Last)> {
        let dir = Self { path: path.to_owned() };
        if !dir.file(LAST).exists() {
            return Err(usage!(
                "{} holds no run to go on with ({LAST} is missing)",
                path.display()
            ));
        }
        dir.remove_unfinished()?;
        let checkpoint = read(&dir.file(LAST))?;
        let step = step_of(&checkpoint);
        for name in [OPTIMIZER, PREVIOUS] {
            let file = dir.file(name);
            if !file.exists() {
                continue;
            }
            let optimizer = read(&file)?;
            if step.is_some() && step_of(&optimizer) == step {
                if name == PREVIOUS {
                    // Killed between the two renames: the other one belongs to
                    // a model that never arrived.
                    dir.carry_out(&[Move::Rename(file, dir.file(OPTIMIZER))])?;
                }
                return Ok((dir, Last { checkpoint, optimizer }));
            }
        }
        anyhow::bail!(
            "{} has no {OPTIMIZER} of the same step; start a new run from its weights with `--init {}`",
            path.display(),
            dir.file(LAST).display()
        )
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn metrics(&self) -> PathBuf {
        self.file(METRICS)
    }

    pub fn last(&self) -> PathBuf {
        self.file(LAST)
    }

    pub fn best(&self) -> PathBuf {
        self.file(BEST)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn save_config(&self, config: &RunConfig) -> anyhow::Result<()> {
        let text =
            toml::to_string(config).context("the configuration cannot be written as TOML")?;
        write(&self.file(CONFIG), text.as_bytes())
    }

    pub fn save_results(&self, results: &Results) -> anyhow::Result<()> {
        write(&self.file(RESULTS), &serde_json::to_vec_pretty(results)?)
    }

    /// Replaces the pair that a later run goes on from.
    pub fn save_last(&self, saved: &Saved) -> anyhow::Result<()> {
        // Both are on disk before either is renamed: a full disk changes nothing.
        let optimizer = stage(&self.file(OPTIMIZER), &saved.optimizer)?;
        let model = stage(&self.file(LAST), &saved.checkpoint)?;
        self.carry_out(&self.replacement(&optimizer, &model))
    }

    /// The moves that put a new pair in place. The model's arrival is the turning point.
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

    fn carry_out(&self, moves: &[Move]) -> anyhow::Result<()> {
        for one in moves {
            one.carry_out()?;
            sync_folder(&self.path)?;
        }
        Ok(())
    }

    fn remove_unfinished(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.path).with_context(|| cannot_read(&self.path))? {
            let entry = entry.with_context(|| cannot_read(&self.path))?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                Move::Remove(entry.path()).carry_out()?;
            }
        }
        Ok(())
    }
}

/// The checkpoint that `path` means: a file, or the best one of a run's folder.
pub fn checkpoint_in(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let best = path.join(BEST);
    if best.exists() { best } else { path.join(LAST) }
}

/// What a run in `folder` goes on with: the weights, and what belongs to them.
pub fn last_in(folder: &Path) -> PathBuf {
    folder.join(LAST)
}

/// See [`last_in`].
pub fn optimizer_in(folder: &Path) -> PathBuf {
    folder.join(OPTIMIZER)
}

/// The step a safetensors file says it is of.
fn step_of(bytes: &[u8]) -> Option<usize> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    header.metadata().as_ref()?.get("step")?.parse().ok()
}

#[cfg(test)]
mod tests;
