//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Files that are still being written; whoever opens the run removes old ones.
pub const UNFINISHED: &str = ".unfinished-";

/// A change of names. Each happens whole or not at all.
pub enum Move {
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Move {
    pub fn carry_out(&self) -> anyhow::Result<()> {
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
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| cannot_read(path))
}

/// Writes a file that appears whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let staged = stage(path, bytes)?;
    Move::Rename(staged.to_path_buf(), path.to_owned()).carry_out()?;
    sync_folder(folder_of(path))
}

/// Gives the file `from` a second name, or a copy where the disk has no links.
pub fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    if fs::hard_link(from, to).is_ok() {
        return sync_folder(folder_of(to));
    }
    write(to, &read(from)?)
}

/// Writes `bytes` to disk under a name of its own beside `path`; removed again if it is not renamed.
pub fn stage(path: &Path, bytes: &[u8]) -> anyhow::Result<tempfile::TempPath> {
    let attempt = || -> io::Result<tempfile::TempPath> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED);
        #[cfg(unix)]
        {
            // As any other new file: readable to whom the user's mask allows it.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder_of(path))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file.into_temp_path())
    };
    attempt().with_context(|| cannot_write(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes renames in a folder durable, where the system can.
pub fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    if cfg!(unix) {
        File::open(folder).and_then(|f| f.sync_all()).with_context(|| cannot_write(folder))?;
    }
    Ok(())
}

pub fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

pub fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}
