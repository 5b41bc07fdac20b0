//! Runs the commands: one module per command.

mod ask;
mod bench;
mod classify;
mod convert;
mod data;
mod devices;
mod eval;
mod generate;
mod overfit;
mod solve;
mod sweep;
mod trace;
pub mod train;

use crate::args::Invocation;
use crate::launch;

/// Runs one command.
///
/// # Errors
/// Any error of the command; `report` prints it.
pub fn run(invocation: Invocation) -> anyhow::Result<()> {
    match invocation {
        Invocation::Train(typed) => match launch::processes() {
            0 | 1 => train::run(&typed),
            #[cfg(feature = "mpi")]
            processes => crate::mpi::train(&typed, processes),
            #[cfg(not(feature = "mpi"))]
            processes => Err(launch::without_mpi(processes)),
        },
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
