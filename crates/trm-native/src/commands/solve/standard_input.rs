//! Puzzles on standard input, which is given as `-`.

use std::io::{Read, stdin};
use std::path::Path;

use anyhow::Context;

/// What messages call standard input.
pub const STANDARD_INPUT: &str = "standard input";

/// Whether `path` is `-`, which is standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// All of standard input.
///
/// # Errors
/// If it cannot be read, or is not UTF-8.
pub fn standard_input() -> anyhow::Result<String> {
    let mut text = String::new();
    stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text)
}
