//! Finds the file of the frozen model that another one is trained on.

use std::path::{Path, PathBuf};

use anyhow::Context;
use trm_train::BaseFile;
use trm_train::checkpoint::Header;

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
        let file = run_dir::checkpoint_in(path);
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
    /// If the given file cannot be read.
    pub fn of(
        header: &Header,
        checkpoint: &Path,
        given: Option<&Path>,
    ) -> anyhow::Result<Option<Self>> {
        if let Some(path) = given {
            return Self::read(path).map(Some);
        }
        let Some(base) = &header.base else { return Ok(None) };
        let checkpoint = std::path::absolute(checkpoint)?;
        let folder = if checkpoint.is_dir() { Some(&*checkpoint) } else { checkpoint.parent() };
        let folders = folder.into_iter().flat_map(Path::ancestors).take(3);
        let found = folders.map(|folder| folder.join(&base.name)).find(|path| path.exists());
        found.map(|path| Self::read(&path).context(path.display().to_string())).transpose()
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
