//! Finds the file of the frozen model that another one is trained on.

use std::path::{Path, PathBuf};

use anyhow::Context;
use trm_spec::{Failure, FailureKind};
use trm_train::checkpoint::Header;
use trm_train::{BaseFile, expect_reads_base};

use crate::run_dir;

/// A frozen base, read from disk.
#[derive(Clone)]
pub struct BaseOnDisk {
    name: String,
    bytes: Vec<u8>,
    /// As it was given or found: a file, or a run's folder.
    path: PathBuf,
    folder: PathBuf,
}

impl BaseOnDisk {
    /// The checkpoint at `path`, or the best one of the run in that folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = run_dir::expect_checkpoint(path)?;
        let shown = if path.is_dir() { path } else { &file };
        let name = shown.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { name, bytes: run_dir::read(&file)?, path: path.to_owned(), folder })
    }

    /// The base of a saved model: at `given`, or else under its name in the folder of
    /// the checkpoint or the two above. None if there is no such file; opening the model
    /// then says what is missing.
    ///
    /// # Errors
    /// If the given file cannot be read, or is given for a model that has no base.
    pub fn of(
        header: &Header,
        checkpoint: &Path,
        given: Option<&Path>,
    ) -> anyhow::Result<Option<Self>> {
        if let Some(path) = given {
            // Before its sizes are compared with those of a base that there is not.
            expect_reads_base(&header.config.model)
                .with_context(|| checkpoint.display().to_string())?;
            return Self::read(path).map(Some);
        }
        let Some(base) = &header.base else { return Ok(None) };
        let checkpoint = std::path::absolute(checkpoint)?;
        let folder = if checkpoint.is_dir() { Some(&*checkpoint) } else { checkpoint.parent() };
        let folders = folder.into_iter().flat_map(Path::ancestors).take(3);
        let found = folders.map(|folder| folder.join(&base.name)).find(|path| path.exists());
        found.map(|path| Self::read(&path).context(path.display().to_string())).transpose()
    }

    /// As [`of`](Self::of), for a command that cannot do without the base of a model that has
    /// one. Opening the model would refuse it too, but does not know of `--base`.
    ///
    /// # Errors
    /// If the given file cannot be read, or there is none.
    pub fn needed(
        header: &Header,
        checkpoint: &Path,
        given: Option<&Path>,
    ) -> anyhow::Result<Option<Self>> {
        let found = Self::of(header, checkpoint, given)?;
        match (&found, &header.base) {
            (None, Some(base)) => {
                let missing = missing(&base.name, &base.sha256, base.weights.is_some());
                Err(anyhow::Error::new(missing).context(checkpoint.display().to_string()))
            }
            _ => Ok(found),
        }
    }

    /// Where it is: a file, or a run's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the file, where its features are kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file, for the trainer.
    pub fn file(&self) -> BaseFile<'_> {
        BaseFile { name: &self.name, bytes: &self.bytes }
    }
}

/// The base called `name` is not there. One that is known by its weights may be another file
/// of them.
fn missing(name: &str, sha256: &str, by_weights: bool) -> Failure {
    let same = if by_weights { ", or a file of the same weights" } else { "" };
    let mut hint = format!("Give it with --base FILE (SHA-256 {sha256}{same}).");
    if name.to_lowercase().contains("smollm2") {
        hint += " `node scripts/datasets.mjs smollm2` fetches data/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf.";
    }
    Failure::new(FailureKind::Base, format!("this model needs its frozen base, {name}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_published_base_can_be_fetched() {
        let own = missing("vit.safetensors", "17bf", false);
        assert_eq!(own.message, "this model needs its frozen base, vit.safetensors");
        assert_eq!(own.hint, "Give it with --base FILE (SHA-256 17bf).");
        let published = missing("SmolLM2-135M.gguf", "17bf", true).hint;
        assert!(published.starts_with("Give it with --base FILE (SHA-256 17bf, or a file of"));
        assert!(published.contains("`node scripts/datasets.mjs smollm2` fetches"), "{published}");
    }
}
