//! Where a file is written that the user named.

use std::fs::{self, FileType};
use std::path::{Path, PathBuf};

use super::names::{BEST, CONFIG, LAST, METRICS, OPTIMIZER, PREVIOUS, RESULTS};
use crate::terminal::report::usage;

/// The file that is written when the user names `path`: itself, or the one that it links to. A
/// finished file replaces what has its name, so a device or a link must not be there. Called
/// before the work, so that none is lost.
///
/// # Errors
/// If something else than a file is there, or a file of a run, which its training replaces; and of
/// `-`, which other programs write to standard output.
pub fn target(path: &Path) -> anyhow::Result<PathBuf> {
    if path == Path::new("-") {
        return Err(usage!(
            "- is not a file; give the path of a file to write (./- is a file of that name)"
        ));
    }
    let link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let file = match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let what = described(found.file_type());
            return Err(usage!(
                "{} is {what}, not a file; give the path of a file to write",
                path.display()
            ));
        }
        Ok(_) if link => path.canonicalize().unwrap_or_else(|_| path.to_owned()),
        Err(_) if link => {
            return Err(usage!(
                "{} is a link to nothing that can be opened; remove it, or give another path",
                path.display()
            ));
        }
        // What else is wrong with it is said when it is written.
        _ => path.to_owned(),
    };
    if is_of_run(&file) {
        return Err(usage!(
            "{} is a file of the run in its folder, whose training would go on from it or replace it; choose another path",
            path.display()
        ));
    }
    Ok(file)
}

fn is_of_run(file: &Path) -> bool {
    let of_run = [BEST, LAST, OPTIMIZER, PREVIOUS, CONFIG, METRICS, RESULTS];
    let named = of_run.iter().any(|name| file.file_name().is_some_and(|own| own == *name));
    let there = |name: &str| file.with_file_name(name).exists();
    // A single `best.safetensors` may be a copy, or what `convert` wrote.
    named && (there(LAST) || there(BEST)) && (there(OPTIMIZER) || there(METRICS))
}

#[cfg(unix)]
fn described(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn described(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "a device" }
}
