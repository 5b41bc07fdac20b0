//! The command line program: what was typed (`args`) becomes a plan (`plan`), a
//! command carries it out (`commands`), and `report` prints errors.

mod args;
mod commands;
mod inputs;
mod machine;
mod overfitting;
mod plan;
mod presets;
mod ranks;
mod run_dir;
mod sweep;
mod terminal;
mod training;

use std::process::ExitCode;

use self::machine::{allocator, device};
use self::terminal::report;

fn main() -> ExitCode {
    allocator::keep_memory();
    device::quiet_wayland();
    match commands::run(args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&error),
    }
}
