//! Atomic file writes: a file appears completely or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::de::DeserializeOwned;
use trm_data::{refuse_device, sync_file, unfinished_in};

use super::named::target;

/// A rename or a removal; the file system applies each atomically.
pub enum Move {
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Move {
    /// Applies the change.
    pub fn apply(&self) -> anyhow::Result<()> {
        match self {
            Self::Rename(from, to) => fs::rename(from, to).with_context(|| cannot_write(to)),
            Self::Remove(path) => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(error).with_context(|| format!("cannot remove {}", path.display()))
                }
                _ => Ok(()),
            },
        }
    }
}

/// The bytes of the file at `path`.
///
/// # Errors
/// If the file cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    refuse_device(path).and_then(|()| fs::read(path)).with_context(|| cannot_read(path))
}

/// What is kept as JSON in the file at `path`; `None` if there is none. Of a damaged file the
/// error says what comes of removing it: to `redo` something.
///
/// # Errors
/// If the file cannot be read.
pub fn read_kept<T: DeserializeOwned>(path: &Path, redo: &str) -> anyhow::Result<Option<T>> {
    if !path.exists() {
        return Ok(None);
    }
    let kept = serde_json::from_slice(&read(path)?).map(Some);
    kept.with_context(|| format!("{} cannot be read; remove it to {redo}", path.display()))
}

/// Writes a file atomically.
///
/// # Errors
/// If the file cannot be written; an older file of that name is kept then.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let staged = stage(path, bytes)?;
    Move::Rename(staged.to_path_buf(), path.to_owned()).apply()?;
    sync_folder(folder_of(path))
}

/// As [`write`], but creates the folder too: for a file that the user named. The files of a run
/// are written without, so that a folder that was removed does not come back.
///
/// # Errors
/// As of [`write`] and [`target`], and if the folder cannot be created.
pub fn write_named(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let path = target(path)?;
    create_folder_of(&path)?;
    write(&path, bytes)
}

/// Creates the folder of the file `path`, if it is missing.
///
/// # Errors
/// If it cannot be created.
pub fn create_folder_of(path: &Path) -> anyhow::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder).with_context(|| cannot_write(path))
}

/// Hard-links the file `from` as `to`, or copies it if the file system has no links.
pub fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    if fs::hard_link(from, to).is_ok() {
        return sync_folder(folder_of(to));
    }
    write(to, &read(from)?)
}

/// Writes `bytes` to a temporary file beside `path`, which is removed unless it is renamed.
pub fn stage(path: &Path, bytes: &[u8]) -> anyhow::Result<tempfile::TempPath> {
    let attempt = || -> io::Result<tempfile::TempPath> {
        let mut file = unfinished_in(folder_of(path))?;
        file.write_all(bytes)?;
        sync_file(file.as_file())?;
        Ok(file.into_temp_path())
    };
    attempt().with_context(|| cannot_write(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes renames in a folder durable, if the system can.
pub fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    trm_data::sync_folder(folder).with_context(|| cannot_write(folder))
}

/// The context of a failed write.
pub fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// The context of a failed read.
pub fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

/// Whether two paths name one file.
pub fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
