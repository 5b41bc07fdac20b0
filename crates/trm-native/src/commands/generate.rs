//! `generate`: text on standard output, as it comes.

use std::io::{Write, stdout};
use std::time::Instant;

use anyhow::Context;
use pollster::block_on;
use trm_spec::{Failure, FailureKind, Family, GenerateOptions};
use trm_train::Run;

use crate::args;
use crate::device;
use crate::plan::read_checkpoint;
use crate::progress::thousands;
use crate::report::usage;
use crate::training::opening;

/// Tokens pulled at a time: few enough to see the text grow.
const CHUNK: usize = 4;

/// Between two samples.
const RULE: &str = "---------------";

pub fn run(typed: &args::Generate) -> anyhow::Result<()> {
    let (header, bytes) = read_checkpoint(&typed.checkpoint)?;
    if header.config.model.family() == Family::Puzzles {
        return Err(usage!(
            "{} solves puzzles and writes no text; give it puzzles with `solve`",
            typed.checkpoint.display()
        ));
    }
    let device = device::open(typed.device)?;
    let run = trm_train::load(&bytes, None, None, &device.device)
        .with_context(|| typed.checkpoint.display().to_string())?;
    let prompt = typed.prompt.clone().unwrap_or_else(|| opening(&header.vocab));
    known(run.as_ref(), &prompt)?;
    for sample in 0..typed.num_samples {
        if sample > 0 {
            writeln!(stdout().lock(), "{RULE}")?;
        }
        write_sample(
            run.as_ref(),
            &GenerateOptions {
                prompt: prompt.clone(),
                depth: typed.depth.unwrap_or(header.config.model.depth()),
                temperature: typed.temperature,
                top_k: typed.top_k,
                seed: typed.seed.wrapping_add(sample as u32),
                max_new_tokens: typed.max_new_tokens,
            },
        )?;
    }
    Ok(())
}

/// Refuses a prompt with characters that the model never saw.
fn known(run: &dyn Run, prompt: &str) -> anyhow::Result<()> {
    let encoded = run.writer().and_then(|writer| writer.encode(prompt));
    encoded.map(drop).map_err(|failure| {
        let message = format!("--prompt: {}", failure.message);
        Failure::new(FailureKind::Prompt, message, failure.hint).into()
    })
}

fn write_sample(run: &dyn Run, options: &GenerateOptions) -> anyhow::Result<()> {
    let mut stream = run.writer()?.generate(options)?;
    let (start, mut written) = (Instant::now(), 0);
    let mut out = stdout().lock();
    write!(out, "{}", options.prompt)?;
    loop {
        let piece = block_on(stream.pull(CHUNK, false))?;
        write!(out, "{}", piece.text)?;
        out.flush()?;
        written += piece.tokens.len();
        if piece.done {
            writeln!(out)?;
            let seconds = start.elapsed().as_secs_f64();
            let pace = thousands((written as f64 / seconds) as u64);
            eprintln!("{written} tokens in {seconds:.2} s, {pace} tokens/s");
            return Ok(());
        }
    }
}
