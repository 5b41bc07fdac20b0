//! One module for each command; this one only picks.

mod bench;
mod convert;
mod data;
mod devices;
mod eval;
mod generate;
mod overfit;
mod solve;
mod sweep;
mod trace;
mod train;

use std::io::{Write, stdout};

use serde::Serialize;

use crate::args::Invocation;

pub fn run(invocation: Invocation) -> anyhow::Result<()> {
    match invocation {
        Invocation::Train(typed) => train::run(&typed),
        Invocation::Sweep(typed) => sweep::run(&typed),
        Invocation::Overfit(typed) => overfit::run(&typed),
        Invocation::Generate(typed) => generate::run(&typed),
        Invocation::Eval(typed) => eval::run(&typed),
        Invocation::Trace(typed) => trace::run(&typed),
        Invocation::Solve(typed) => solve::run(&typed),
        Invocation::Convert(typed) => convert::run(&typed),
        Invocation::Data(typed) => data::run(&typed),
        Invocation::Devices { json } => devices::run(json),
        Invocation::Bench(typed) => bench::run(&typed),
    }
}

/// Puts one JSON document on standard output.
fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string(document)?)
}

/// Puts a line on standard output.
fn print(text: &str) -> anyhow::Result<()> {
    writeln!(stdout().lock(), "{text}")?;
    Ok(())
}
