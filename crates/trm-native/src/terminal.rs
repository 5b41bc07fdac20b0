//! What is printed: results on standard output; progress, notes and errors on standard error.

pub mod count;
pub mod output;
pub mod progress;
pub mod report;
pub mod shell;
