//! How a command ends badly: one message, what to do next, and the exit code
//! (1 failed, 2 wrong usage).

use std::io;
use std::process::ExitCode;

use trm_data::DataError;
use trm_data::puzzles::PuzzleError;
use trm_spec::{Failure, FailureKind, SettingError};

/// What was typed cannot be done as typed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// A usage error from a formatted message.
macro_rules! usage {
    ($($argument:tt)*) => {
        anyhow::Error::new($crate::report::Usage(format!($($argument)*)))
    };
}
pub(crate) use usage;

/// Puts a line on standard error. Whoever stopped reading there must not end a
/// run of hours, which `eprintln` would.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr().lock(), $($argument)*);
    }};
}
pub(crate) use say;

/// Prints `error` and gives the exit code it stands for.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    if error.chain().any(reader_left) {
        return ExitCode::SUCCESS;
    }
    say!("error: {error:#}");
    for cause in error.chain() {
        if let Some(hint) = hint(cause) {
            say!("hint: {hint}");
            break;
        }
    }
    if error.chain().any(is_usage) { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Whoever read our output has enough of it, as `head` does.
fn reader_left(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn is_usage(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.is::<Usage>()
        || cause.is::<SettingError>()
        || cause.downcast_ref::<Failure>().is_some_and(|f| f.kind == FailureKind::Config)
}

fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
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
            "Make room on the disk and try again; a run goes on with `train --resume DIR`."
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Choose a place that you may write to, or change its permissions."
        }
        io::ErrorKind::NotFound => "Check the path.",
        _ => return None,
    };
    Some(hint.into())
}
