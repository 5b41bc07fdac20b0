//! The command line program: what was typed (`args`) becomes a plan (`plan`), a
//! command carries it out (`commands`), and `report` prints errors.

mod allocator;
mod args;
mod commands;
mod dataset;
mod depths;
mod device;
mod features;
mod frozen_base;
mod hf_folder;
mod interrupt;
mod launch;
mod memory;
mod metrics_log;
mod model_family;
#[cfg(feature = "mpi")]
mod mpi;
mod output;
mod overfitting;
mod own_data;
mod plan;
mod presets;
mod progress;
mod replicas;
mod report;
mod results;
mod run_dir;
mod run_metrics;
mod shared_run;
mod shell;
mod stop;
mod sweep;
mod tensorboard;
mod text_file;
mod trainer;
mod validation;

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::keep_memory();
    device::quiet_wayland();
    match commands::run(args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&error),
    }
}
