//! `generate`: writes text to standard output while it is generated.

use std::io::{Write, stdout};
use std::time::Instant;

use anyhow::Context;
use pollster::block_on;
use trm_spec::{Failure, FailureKind, Family, GenerateOptions};
use trm_train::Run;

use crate::args;
use crate::commands::model_family;
use crate::machine::device;
use crate::run_dir::read_checkpoint;
use crate::terminal::count::thousands;
use crate::terminal::report::say;
use crate::training::trainer::default_prompt;

/// Tokens generated between two writes.
const CHUNK: usize = 4;

/// The line between two samples.
const RULE: &str = "---------------";

/// Runs the command.
///
/// # Errors
/// If the checkpoint is not a language model's, or the prompt cannot be encoded.
pub fn run(typed: &args::Generate) -> anyhow::Result<()> {
    let (header, bytes) = read_checkpoint(&typed.checkpoint)?;
    model_family::expect(&typed.checkpoint, &header, "generate", &[Family::Language])?;
    let device = device::open(typed.device)?;
    let run = trm_train::load(&bytes, None, None, &device.device)
        .with_context(|| typed.checkpoint.display().to_string())?;
    let prompt = typed.prompt.clone().unwrap_or_else(|| default_prompt(&header.vocab));
    check_prompt(run.as_ref(), &prompt)?;
    for sample in 0..typed.num_samples {
        if sample > 0 {
            writeln!(stdout().lock(), "{RULE}")?;
        }
        write_sample(
            run.as_ref(),
            &GenerateOptions {
                prompt: prompt.clone(),
                depth: typed.depth.unwrap_or(header.config.model.depth()),
                draft_depth: typed.draft_depth.unwrap_or(0),
                temperature: typed.temperature,
                top_k: typed.top_k,
                seed: typed.seed.wrapping_add(sample as u32),
                max_new_tokens: typed.max_new_tokens,
            },
        )?;
    }
    Ok(())
}

/// Refuses a prompt with characters that are not in the model's vocabulary.
fn check_prompt(run: &dyn Run, prompt: &str) -> anyhow::Result<()> {
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
            let speed = thousands((written as f64 / seconds) as u64);
            let kept = match stream.drafted() {
                (0, _) => String::new(),
                (all, kept) => {
                    let share = 100.0 * kept as f64 / all as f64;
                    format!("; {share:.0} % of {} drafted tokens kept", thousands(all as u64))
                }
            };
            say!("{written} tokens in {seconds:.2} s, {speed} tokens/s{kept}");
            return Ok(());
        }
    }
}
