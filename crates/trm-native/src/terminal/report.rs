//! Errors: one message, a hint, and the exit code (1 failure, 2 wrong usage). Also
//! the macro that writes to standard error.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use trm_data::DataError;
use trm_data::puzzles::PuzzleError;
use trm_spec::{Failure, FailureKind, SettingError};

/// The command line or a setting cannot be used as typed (exit code 2).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Makes a usage error from a formatted message.
macro_rules! usage {
    ($($argument:tt)*) => {
        anyhow::Error::new($crate::terminal::report::Usage(format!($($argument)*)))
    };
}
pub(crate) use usage;

/// Prints a line on standard error. Unlike `eprintln!`, it does not end the process
/// if nobody reads standard error any more.
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::terminal::report::line(format_args!($($argument)*))
    };
}
pub(crate) use say;

/// Whether nothing is printed.
static SILENT: AtomicBool = AtomicBool::new(false);

/// From now on prints nothing, or again.
#[cfg(feature = "mpi")]
pub fn silence(silent: bool) {
    SILENT.store(silent, Ordering::Relaxed);
}

/// Prints a line on standard error; see [`say`].
pub fn line(text: Arguments<'_>) {
    if !SILENT.load(Ordering::Relaxed) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Prints `error` with a hint and returns the exit code.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(is_closed_pipe) {
        return ExitCode::SUCCESS;
    }
    say!("error: {error:#}");
    if let Some(hint) = hint(error) {
        say!("hint: {hint}");
    }
    ExitCode::from(code(error))
}

/// `error` with the checkpoint at `path` before it, unless it is about the data or the
/// settings, which name their own file.
pub fn about_checkpoint(error: anyhow::Error, path: &Path) -> anyhow::Error {
    let other = error.downcast_ref::<Failure>().is_some_and(|failure| {
        matches!(failure.kind, FailureKind::Data | FailureKind::Config | FailureKind::Puzzle)
    });
    let usage = error.is::<Usage>();
    if other || usage { error } else { error.context(path.display().to_string()) }
}

/// The exit code for `error`.
pub fn code(error: &anyhow::Error) -> u8 {
    if error.chain().any(is_usage) { 2 } else { 1 }
}

/// What to do about `error`.
pub fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(hint_of)
}

/// The reader of our output has closed it, as `head` does; that is no error.
fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn is_usage(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.is::<Usage>()
        || cause.is::<SettingError>()
        || cause.downcast_ref::<Failure>().is_some_and(is_usage_kind)
}

/// A setting that cannot be used, or --base: it is missing, or names another model than the base.
fn is_usage_kind(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Config | FailureKind::Base)
}

fn hint_of(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(failure.hint.clone()).filter(|hint| !hint.is_empty());
    }
    if let Some(error) = cause.downcast_ref::<DataError>() {
        return Some(error.hint());
    }
    if let Some(error) = cause.downcast_ref::<PuzzleError>() {
        return Some(error.hint());
    }
    let hint = match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "Free some disk space and try again; `train --resume DIR` continues a run."
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Change its permissions, or choose a file that you may read or a folder that you may write to."
        }
        io::ErrorKind::NotFound => "Check the path.",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "There is a file where a folder is needed. Choose another path."
        }
        io::ErrorKind::IsADirectory => "It is a folder. Give the path of a file.",
        // Of devices and pipes.
        io::ErrorKind::Unsupported => "Give the path of a file.",
        io::ErrorKind::InvalidFilename => "Choose a shorter name.",
        _ => return None,
    };
    Some(hint.into())
}
