//! `eval`: loss over the whole validation part, at several depths.

use anyhow::Context;
use pollster::block_on;
use serde::Serialize;
use trm_spec::DepthLoss;

use super::{print, print_json};
use crate::args;
use crate::device;
use crate::plan::{Text, read_checkpoint};
use crate::progress::thousands;

#[derive(Serialize)]
struct Document {
    depths: Vec<DepthLoss>,
}

pub fn run(typed: &args::Eval) -> anyhow::Result<()> {
    let (header, bytes) = read_checkpoint(&typed.checkpoint)?;
    let text = Text::choose(&header.config.data.dataset, typed.data.as_deref())?;
    let device = device::open(typed.device)?;
    let run = text
        .load(&bytes, None, &device.device)
        .with_context(|| typed.checkpoint.display().to_string())?;
    let summary = run.summary();
    eprintln!(
        "{}: step {}, {} tokens kept for validation, {}",
        typed.checkpoint.display(),
        summary.step,
        thousands(summary.val_tokens as u64),
        device.name
    );
    let depths = block_on(run.evaluate(&typed.depths, 0))?;
    if typed.json {
        return print_json(&Document { depths });
    }
    print("depth    loss  perplexity  bits/char")?;
    for row in &depths {
        print(&format!(
            "{:5}  {:6.4}  {:10.3}  {:9.4}",
            row.depth, row.loss, row.perplexity, row.bits_per_char
        ))?;
    }
    Ok(())
}
