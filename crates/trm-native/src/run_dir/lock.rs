//! The lock of a run's folder: a file with the number of the process that writes there.
//! The system releases it with that process, however it ends, so that none is left over.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::Context;

use super::files::cannot_write;
use crate::terminal::report::usage;

const LOCK: &str = ".lock";

/// Tries to lock a file that its owner removes at the same moment.
const TRIES: usize = 10;

/// The folder is this process's own as long as this exists.
pub struct Lock {
    path: PathBuf,
    file: File,
}

/// The locks of this process, which may open a folder twice.
static HELD: Mutex<Vec<(PathBuf, Weak<Lock>)>> = Mutex::new(Vec::new());

impl Lock {
    /// Locks `folder`, which exists.
    ///
    /// # Errors
    /// If another process has locked it, or it cannot be written to.
    pub fn of(folder: &Path) -> anyhow::Result<Arc<Self>> {
        let folder = folder.canonicalize().with_context(|| cannot_write(folder))?;
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(_, lock)| lock.strong_count() > 0);
        let known = held.iter().find(|(path, _)| *path == folder);
        if let Some(lock) = known.and_then(|(_, lock)| lock.upgrade()) {
            return Ok(lock);
        }
        let lock = Arc::new(Self::take(&folder)?);
        held.push((folder, Arc::downgrade(&lock)));
        Ok(lock)
    }

    fn take(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(LOCK);
        for _ in 0..TRIES {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .with_context(|| cannot_write(&path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(taken(folder, &mut file)),
                // Some network file systems have no locks.
                Err(TryLockError::Error(_)) => return Ok(Self { path, file }),
            }
            if !is_at(&file, &path) {
                continue;
            }
            let write = |file: &mut File| -> std::io::Result<()> {
                file.set_len(0)?;
                file.write_all(std::process::id().to_string().as_bytes())
            };
            write(&mut file).with_context(|| cannot_write(&path))?;
            return Ok(Self { path, file });
        }
        Err(usage!("{} is being opened by other processes", folder.display()))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Before it is released: whoever locks it afterwards sees that it is gone.
        if is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn taken(folder: &Path, file: &mut File) -> anyhow::Error {
    let mut owner = String::new();
    let read = file.read_to_string(&mut owner).is_ok();
    let owner = match owner.trim().parse::<u32>() {
        Ok(process) if read => format!("process {process}"),
        _ => "another process".into(),
    };
    usage!(
        "{0} is in use: {owner} is training in it; wait for its end or stop it (it saves the run), or choose another --out",
        folder.display()
    )
}

/// Whether the file is still the one at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
