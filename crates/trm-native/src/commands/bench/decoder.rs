//! Times a pretrained decoder: how fast it reads a prompt and writes after it.

use std::time::Instant;

use pollster::block_on;
use serde::Serialize;
use trm_spec::GenerateOptions;

use super::common::Spread;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::terminal::output::print;

/// What is read, again and again.
const SENTENCE: &str = "The history of the small town by the river. ";
/// Times that it is read.
const SENTENCES: usize = 24;
/// Tokens that are written in one run.
const WRITTEN: usize = 64;

/// The speed of a decoder, one sequence at a time.
#[derive(Serialize)]
pub struct Decoding {
    name: String,
    parameters: usize,
    prompt: String,
    prompt_tokens: usize,
    read_tokens_per_second: Spread,
    written_tokens: usize,
    written_tokens_per_second: Spread,
}

/// Times `runs` texts of `base`.
///
/// # Errors
/// If the base is no decoder, or generation fails.
pub fn measure(runs: usize, base: &BaseOnDisk, device: &OpenDevice) -> anyhow::Result<Decoding> {
    let file = base.file();
    let run = trm_train::load(file.bytes, None, None, &device.device)?;
    let writer = run.writer()?;
    let prompt = SENTENCE.repeat(SENTENCES);
    let prompt_tokens = writer.encode(&prompt)?.len();
    let (mut read, mut written) = (Vec::new(), Vec::new());
    // The first text is a warm-up.
    for run in 0..=runs {
        let start = Instant::now();
        let mut stream = writer.generate(&GenerateOptions {
            prompt: prompt.clone(),
            depth: 1,
            draft_depth: 0,
            temperature: 0.0,
            top_k: 0,
            seed: 0,
            max_new_tokens: WRITTEN + 1,
        })?;
        block_on(stream.pull(1, false))?;
        let middle = Instant::now();
        let tokens = block_on(stream.pull(WRITTEN, false))?.tokens.len();
        if run > 0 {
            read.push(prompt_tokens as f64 / (middle - start).as_secs_f64());
            written.push(tokens as f64 / middle.elapsed().as_secs_f64());
        }
    }
    Ok(Decoding {
        name: file.name.into(),
        parameters: run.summary().parameters,
        prompt,
        prompt_tokens,
        read_tokens_per_second: Spread::of(read),
        written_tokens: WRITTEN,
        written_tokens_per_second: Spread::of(written),
    })
}

/// Prints the speed.
///
/// # Errors
/// If standard output cannot be written.
pub fn show(decoding: &Decoding) -> anyhow::Result<()> {
    let rate = |Spread { median, min, max }| format!("{median:.0} ({min:.0} to {max:.0}) tokens/s");
    print(&format!(
        "{}, {} parameters\n  {} tokens read with {}; {} written with {}",
        decoding.name,
        decoding.parameters,
        decoding.prompt_tokens,
        rate(decoding.read_tokens_per_second),
        decoding.written_tokens,
        rate(decoding.written_tokens_per_second)
    ))
}
