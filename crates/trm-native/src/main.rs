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
mod puzzles;
mod pytorch;
mod report;
mod run_dir;
mod sweep;
mod text;
mod training;

use std::ffi::{c_int, c_long};
use std::process::ExitCode;

/// Tensors come and go at every step; a pooling allocator spares the system that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
}

/// Lets the allocator keep what is freed: the next step wants it again, and the
/// system would clear every page of it first.
fn keep_memory() {
    /// `mi_option_purge_delay` of mimalloc.h: milliseconds until freed memory goes
    /// back to the system; below 0 it never does.
    const PURGE_DELAY: c_int = 15;
    // SAFETY: the allocator above brings this function, and takes it at any time.
    unsafe { mi_option_set(PURGE_DELAY, -1) }
}

fn main() -> ExitCode {
    keep_memory();
    match commands::run(args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&error),
    }
}
