//! Runs the commands: one module per command.

mod ask;
mod bench;
mod classify;
mod convert;
mod data;
mod devices;
mod eval;
mod generate;
mod model_family;
mod overfit;
mod solve;
mod sweep;
mod trace;
pub mod train;

use crate::args::{self, Invocation};
use crate::ranks::launch;
use crate::terminal::report::usage;

/// Runs one command.
///
/// # Errors
/// Any error of the command; `report` prints it.
pub fn run(invocation: Invocation) -> anyhow::Result<()> {
    match invocation {
        Invocation::Train(typed) => train(&typed),
        Invocation::Sweep(typed) => sweep::run(&typed),
        Invocation::Overfit(typed) => overfit::run(&typed),
        Invocation::Generate(typed) => generate::run(&typed),
        Invocation::Eval(typed) => eval::run(&typed),
        Invocation::Trace(typed) => trace::run(&typed),
        Invocation::Solve(typed) => solve::run(&typed),
        Invocation::Classify(typed) => classify::run(&typed),
        Invocation::Ask(typed) => ask::run(&typed),
        Invocation::Convert(typed) => convert::run(&typed),
        Invocation::Data(typed) => data::run(&typed),
        Invocation::Devices { json } => devices::run(json),
        Invocation::Bench(typed) => bench::run(&typed),
    }
}

/// `train`: alone, or as one of the processes that a launcher started.
fn train(typed: &args::Train) -> anyhow::Result<()> {
    // One process that `mpirun -n 1` started may have it: scripts vary the number.
    if typed.rank_timeout.is_some() && !launch::is_launched() {
        return Err(usage!(
            "--rank-timeout is for several processes, and this one was started alone; start them with `mpirun -n N`, or leave it out"
        ));
    }
    match launch::processes() {
        0 | 1 => train::run(typed),
        #[cfg(feature = "mpi")]
        processes => crate::ranks::mpi::train(typed, processes),
        #[cfg(not(feature = "mpi"))]
        processes => Err(launch::without_mpi(processes)),
    }
}
