//! Times text generation with a key-value cache by a model of 3.6 million parameters,
//! in several segments of the block: the time per token should not grow with the context.

use std::time::Instant;

use pollster::block_on;
use serde::Serialize;
use trm_spec::{GenerateOptions, RunConfig};

use super::common::{Spread, fresh};
use crate::machine::device::OpenDevice;
use crate::terminal::output::print;

/// Tokens per timed segment of the block.
const SEGMENT: usize = 32;

/// The speed of text generation.
#[derive(Serialize)]
pub struct Generation {
    parameters: usize,
    depth: usize,
    tokens_per_second: f64,
    /// Tokens per second in each segment of the block.
    stretches: Vec<Spread>,
}

/// Times `runs` texts of one block at depth 2.
///
/// # Errors
/// If generation fails.
pub fn measure(runs: usize, device: &OpenDevice) -> anyhow::Result<Generation> {
    let config = RunConfig::default();
    // Random weights: the time does not depend on the text.
    let run = fresh(&config, device)?;
    let length = config.model.length();
    let depth = 2;
    let count = (length - 1) / SEGMENT;
    let mut times = vec![Vec::new(); count];
    for seed in 0..=runs {
        let mut stream = run.writer()?.generate(&GenerateOptions {
            prompt: "\n".into(),
            depth,
            draft_depth: 0,
            temperature: 1.0,
            top_k: 0,
            seed: seed as u32,
            max_new_tokens: length,
        })?;
        for times in &mut times {
            let start = Instant::now();
            block_on(stream.pull(SEGMENT, false))?;
            // The first text is a warm-up.
            if seed > 0 {
                times.push(SEGMENT as f64 / start.elapsed().as_secs_f64());
            }
        }
    }
    let stretches: Vec<Spread> = times.into_iter().map(Spread::of).collect();
    let seconds: f64 = stretches.iter().map(|s| SEGMENT as f64 / s.median).sum();
    Ok(Generation {
        parameters: run.summary().parameters,
        depth,
        tokens_per_second: (count * SEGMENT) as f64 / seconds,
        stretches,
    })
}

/// Prints the speed.
///
/// # Errors
/// If standard output cannot be written.
pub fn show(generation: &Generation) -> anyhow::Result<()> {
    let stretches: Vec<String> =
        generation.stretches.iter().map(|s| format!("{:.0}", s.median)).collect();
    print(&format!(
        "generation, {} parameters, depth {}\n  {:.0} tokens/s; in successive segments of {SEGMENT} tokens: {}",
        generation.parameters,
        generation.depth,
        generation.tokens_per_second,
        stretches.join(" ")
    ))
}
