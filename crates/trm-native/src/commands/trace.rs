//! `trace`: the model's predictions after every cycle of the recursion.

use std::path::Path;

use anyhow::Context;
use pollster::block_on;
use serde::Deserialize;
use trm_data::decode;
use trm_data::puzzles::PuzzleKind;
use trm_spec::{Family, Trace, TraceStep};
use trm_train::TraceRequest;
use trm_train::checkpoint::Header;

use crate::args;
use crate::commands::model_family;
use crate::inputs::text_file;
use crate::machine::device;
use crate::run_dir::read_checkpoint;
use crate::terminal::output::{print, print_json};
use crate::terminal::report::usage;

/// A file of token rows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    inputs: Vec<Vec<u32>>,
    /// Lengths of the rows without padding.
    lengths: Option<Vec<usize>>,
    /// For puzzle models with puzzle embeddings.
    #[serde(default)]
    puzzle_identifiers: Vec<u32>,
}

/// Runs the command.
///
/// # Errors
/// If the checkpoint or the tokens cannot be used.
pub fn run(typed: &args::Trace) -> anyhow::Result<()> {
    let (header, bytes) = read_checkpoint(&typed.checkpoint)?;
    model_family::expect(
        &typed.checkpoint,
        &header,
        "trace",
        &[Family::Language, Family::Puzzles],
    )?;
    if typed.prompt.is_some() && header.config.model.family() != Family::Language {
        return Err(usage!(
            "--prompt is for language models; {} is a puzzle model: give its cells with --tokens FILE",
            typed.checkpoint.display()
        ));
    }
    let device = device::open(typed.device)?;
    let run = trm_train::load(&bytes, None, None, &device.device)
        .with_context(|| typed.checkpoint.display().to_string())?;
    let rows = match (&typed.prompt, &typed.tokens) {
        (Some(prompt), _) => {
            let inputs = vec![run.writer()?.encode(prompt)?];
            Tokens { inputs, lengths: None, puzzle_identifiers: Vec::new() }
        }
        (None, Some(path)) => read_tokens(path)?,
        (None, None) => return Err(usage!("--prompt or --tokens is required")),
    };
    expect_position(typed.attention, &rows.inputs)?;
    let depth = typed.depth.unwrap_or(header.config.model.depth());
    let request = TraceRequest {
        tokens: rows.inputs,
        puzzle_identifiers: rows.puzzle_identifiers,
        depth,
        logits: typed.logits,
        attention: typed.attention,
        top: 0,
    };
    let trace = if typed.draft {
        block_on(run.writer()?.draft(&request))?
    } else {
        block_on(run.trace(&request))?
    };
    if typed.json { print_json(&trace) } else { table(&trace, &header) }
}

/// Refuses a position of `--attention` that a row does not have.
fn expect_position(position: Option<usize>, rows: &[Vec<u32>]) -> anyhow::Result<()> {
    let shortest = rows.iter().map(Vec::len).min().unwrap_or(0);
    match position.filter(|position| *position >= shortest) {
        None => Ok(()),
        Some(position) => Err(usage!(
            "--attention {position}: there is no such position among {shortest} tokens; positions count from 0 to {}",
            shortest.saturating_sub(1)
        )),
    }
}

fn read_tokens(path: &Path) -> anyhow::Result<Tokens> {
    let name = path.display();
    let text = text_file::read(path)?;
    let mut tokens: Tokens = trm_spec::read_json(&text)
        .with_context(|| format!("{name} is not {{\"inputs\": [[token, …], …]}}"))?;
    anyhow::ensure!(!tokens.inputs.is_empty(), "{name} contains no tokens");
    if let Some(lengths) = &tokens.lengths {
        let rows = tokens.inputs.len();
        anyhow::ensure!(
            lengths.len() == rows,
            "{name} has {} lengths for {rows} rows",
            lengths.len()
        );
        for (row, (tokens, &length)) in tokens.inputs.iter_mut().zip(lengths).enumerate() {
            anyhow::ensure!(
                (1..=tokens.len()).contains(&length),
                "row {row} of {name} has {} tokens, so its length cannot be {length}",
                tokens.len()
            );
            tokens.truncate(length);
        }
    }
    if let Some(row) = tokens.inputs.iter().position(Vec::is_empty) {
        anyhow::bail!("row {row} of {name} is empty; every row needs a token");
    }
    Ok(tokens)
}

/// Prints a line per cycle and row: probability and entropy of the predictions, the
/// state's size and change, for puzzles the halting probability, and the predictions.
fn table(trace: &Trace, header: &Header) -> anyhow::Result<()> {
    let kind = PuzzleKind::named(&header.config.data.dataset);
    let show = |tokens: &[u32]| match kind {
        None => format!("{:?}", decode(&header.vocab, tokens)),
        // A maze has several lines.
        Some(kind @ PuzzleKind::Maze(_)) => format!("\n{}", kind.print(tokens)),
        Some(kind) => kind.print(tokens),
    };
    let halts = trace.steps.iter().any(|step| step.halt.is_some());
    for (row, tokens) in trace.tokens.iter().enumerate() {
        print(&format!("row {row}    input     {}", show(tokens)))?;
        // A draft predicts tokens after the input, so the lengths differ.
        let drafted =
            trace.steps.first().is_some_and(|step| step.argmax[row].len() != tokens.len());
        let next = if drafted { "drafted" } else { "next tokens" };
        let (halt, next) = if halts { ("    halt", "answer") } else { ("", next) };
        print(&format!("cycle  mean probability  entropy  state RMS  change{halt}  {next}"))?;
        for step in &trace.steps {
            print(&line(step, row, &show(&step.argmax[row])))?;
        }
    }
    Ok(())
}

fn line(step: &TraceStep, row: usize, answer: &str) -> String {
    let halt = step.halt.as_ref().map_or(String::new(), |halt| format!("  {:6.4}", halt[row]));
    format!(
        "{:5}  {:16.4}  {:7.4}  {:9.4}  {:6.4}{halt}  {answer}",
        step.step,
        mean(&step.prob[row]),
        mean(&step.entropy[row]),
        step.state_rms,
        step.state_change,
    )
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}
