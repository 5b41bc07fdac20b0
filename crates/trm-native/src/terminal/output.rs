//! Standard output: results for people, or one JSON document.

use std::io::{Write, stdout};

use serde::Serialize;

/// Prints one JSON document.
///
/// # Errors
/// If standard output cannot be written.
pub fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string(document)?)
}

/// Prints a line.
///
/// # Errors
/// If standard output cannot be written.
pub fn print(text: &str) -> anyhow::Result<()> {
    writeln!(stdout().lock(), "{text}")?;
    Ok(())
}
