//! How fast text is written by a model of 3.6 million parameters, one token at a
//! time from its cache, and whether a token's cost stays flat over the block.

use std::time::Instant;

use pollster::block_on;
use serde::Serialize;
use trm_spec::{GenerateOptions, RunConfig};

use super::{Spread, fresh, spread};
use crate::commands::print;
use crate::device::Chosen;

/// Tokens in each timed stretch of the block.
const STRETCH: usize = 32;

#[derive(Serialize)]
pub struct Generation {
    parameters: usize,
    depth: usize,
    tokens_per_second: f64,
    /// Tokens a second in each stretch of the block in turn.
    stretches: Vec<Spread>,
}

/// Writes `runs` texts of one block at depth 2.
pub fn measure(runs: usize, device: &Chosen) -> anyhow::Result<Generation> {
    let config = RunConfig::default();
    // Fresh weights: what is written does not change what it costs.
    let run = fresh(&config, device)?;
    let length = config.model.length();
    let depth = 2;
    let count = (length - 1) / STRETCH;
    let mut times = vec![Vec::new(); count];
    for seed in 0..=runs {
        let mut stream = run.writer()?.generate(&GenerateOptions {
            prompt: "\n".into(),
            depth,
            temperature: 1.0,
            top_k: 0,
            seed: seed as u32,
            max_new_tokens: length,
        })?;
        for times in &mut times {
            let start = Instant::now();
            block_on(stream.pull(STRETCH, false))?;
            // The first text warms up.
            if seed > 0 {
                times.push(STRETCH as f64 / start.elapsed().as_secs_f64());
            }
        }
    }
    let stretches: Vec<Spread> = times.into_iter().map(spread).collect();
    let seconds: f64 = stretches.iter().map(|s| STRETCH as f64 / s.median).sum();
    Ok(Generation {
        parameters: run.summary().parameters,
        depth,
        tokens_per_second: (count * STRETCH) as f64 / seconds,
        stretches,
    })
}

pub fn show(generation: &Generation) -> anyhow::Result<()> {
    let stretches: Vec<String> =
        generation.stretches.iter().map(|s| format!("{:.0}", s.median)).collect();
    print(&format!(
        "generation, {} parameters, depth {}\n  {:.0} tokens/s; in stretches of {STRETCH} tokens over the block: {}",
        generation.parameters,
        generation.depth,
        generation.tokens_per_second,
        stretches.join(" ")
    ))
}
