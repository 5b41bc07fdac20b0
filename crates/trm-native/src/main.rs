//! The command line: what was typed becomes a plan, the plan is carried out,
//! and whatever went wrong is said once, here.

mod args;
mod commands;
mod depths;
mod device;
mod events;
mod facts;
mod finite;
mod interrupt;
mod limits;
mod metrics;
mod plan;
mod presets;
mod program;
mod progress;
mod pytorch;
mod report;
mod results;
mod run_dir;
mod sweep;
mod training;

use std::process::ExitCode;

/// Tensors come and go at every step; a pooling allocator spares the system that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&error),
    }
}
