//! The folder of a sweep, whose runs have folders of their own in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::files::cannot_write;
use super::is_in;
use super::lock::Lock;
use super::names::{BEST, LAST};
use crate::terminal::report::usage;

/// The folder of a sweep. No other process writes there meanwhile.
pub struct SweepDir {
    path: PathBuf,
    /// Always there, until the end.
    lock: Option<Arc<Lock>>,
    /// Whether there was no folder before.
    is_new: bool,
}

impl SweepDir {
    /// Takes the folder, which is created if it is missing.
    ///
    /// # Errors
    /// If it is the folder of a run, another process writes there, or it cannot be created.
    pub fn take(path: &Path) -> anyhow::Result<Self> {
        if is_in(path, LAST)? || is_in(path, BEST)? {
            return Err(usage!(
                "{} contains a run, and a sweep has a folder of its own; choose another --out",
                path.display()
            ));
        }
        let is_new = !path.exists();
        fs::create_dir_all(path).with_context(|| cannot_write(path))?;
        // A run that has not saved yet has this lock too.
        let lock = Lock::of(path)?;
        Ok(Self { path: path.to_owned(), lock: Some(lock), is_new })
    }
}

impl Drop for SweepDir {
    fn drop(&mut self) {
        drop(self.lock.take());
        if self.is_new {
            // Only if nothing was written.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_dir::write;

    #[test]
    fn the_folder_of_a_run_is_refused_and_one_of_a_sweep_is_taken_again() {
        let place = tempfile::tempdir().expect("a folder");
        for name in [LAST, BEST] {
            let run = place.path().join(name.replace('.', "-"));
            fs::create_dir(&run).expect("made");
            write(&run.join(name), b"a model").expect("written");
            let error = SweepDir::take(&run).err().expect("refused").to_string();
            assert!(error.contains("contains a run") && error.contains("--out"), "{error}");
            assert_eq!(fs::read_dir(&run).expect("a folder").count(), 1, "nothing was made");
        }
        let sweep = place.path().join("sweep");
        drop(SweepDir::take(&sweep).expect("new"));
        assert!(!sweep.exists(), "nothing was written");
        for _ in 0..2 {
            let taken = SweepDir::take(&sweep).expect("its own");
            write(&sweep.join("sweep.json"), b"{}").expect("written");
            fs::create_dir_all(sweep.join("a-run")).expect("made");
            drop(taken);
        }
        assert_eq!(fs::read_dir(&sweep).expect("a folder").count(), 2, "and no lock");
    }
}
