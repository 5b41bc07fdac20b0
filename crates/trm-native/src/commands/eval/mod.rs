//! `eval`: loss over the whole validation split at several depths; for puzzle, image and
//! question models also the accuracy.

mod baselines;
mod images;
mod load;
mod new_puzzles;
mod questions;
mod short_answers;

use pollster::block_on;
use serde::Serialize;
use trm_data::OpenedSource;
use trm_spec::{DepthLoss, Failure, Family};
use trm_train::checkpoint::Header;
use trm_train::{Chosen, Copies, CopyScoring, Evaluation, Run, Scoring};

use self::load::{weights_file, with_weights};
use crate::args;
use crate::inputs::dataset;
use crate::machine::device::{self, OpenDevice};
use crate::run_dir::own_data;
use crate::run_dir::read_checkpoint;
use crate::terminal::count::{counted, in_split, items};
use crate::terminal::output::{print, print_json};
use crate::terminal::progress::LineProgress;
use crate::terminal::report::{about_checkpoint, say, usage};

#[derive(Serialize)]
struct Document {
    /// Name of the dataset that was scored.
    corpus: String,
    /// Tokens scored per window of `block_size` tokens.
    stride: usize,
    block_size: usize,
    tokens: usize,
    characters: usize,
    bytes: usize,
    words: usize,
    depths: Vec<DepthLoss>,
}

/// Runs the command.
///
/// # Errors
/// If the checkpoint or its data cannot be read, or do not fit.
pub fn run(typed: &args::Eval) -> anyhow::Result<()> {
    let device = device::open(typed.device)?;
    let (header, bytes) = read_checkpoint(&weights_file(typed)?)?;
    let family = header.config.model.family();
    if family != Family::Puzzles {
        if typed.copies != Copies::default() {
            return Err(usage!(
                "--augmentations, --chains and --state-noise are for puzzle models"
            ));
        }
        if typed.puzzles.is_some() {
            return Err(usage!("--puzzles is for puzzle models"));
        }
    } else if typed.stride.is_some() {
        return Err(usage!("--stride is for language models"));
    }
    if typed.halt_threshold.is_some() && !scores_copies(&typed.copies) {
        return Err(usage!(
            "--halt-threshold is for several copies of a puzzle (--augmentations, --chains or --state-noise): without them eval shows several thresholds"
        ));
    }
    if family != Family::Questions && typed.depths.as_ref().is_some_and(|all| all.contains(&0)) {
        return Err(usage!("depth 0 runs no cycle; only question models answer without one"));
    }
    if family == Family::Images {
        return images::evaluate(typed, &header, &bytes, &device);
    }
    if family == Family::Questions {
        return questions::evaluate(typed, &header, &bytes, &device);
    }
    if typed.split.is_some()
        || typed.inner_steps.is_some()
        || typed.baselines
        || typed.base.is_some()
    {
        return Err(usage!(
            "--split and --inner-steps are for image classifiers, --baselines and --base for these and for question models"
        ));
    }
    let Opened { run, corpus, puzzles } = open(typed, &header, &bytes, &device)
        .map_err(|error| about_checkpoint(error, &typed.checkpoint))?;
    let summary = run.summary();
    let model = &summary.config.model;
    let split = if typed.test.is_some() { "test" } else { "validation" };
    say!(
        "{}: step {}; {corpus}: {}; {}",
        typed.checkpoint.display(),
        summary.step,
        counted(in_split(model, summary.val_tokens), &format!("{split} {}", items(model.family()))),
        device.name
    );
    match model.family() {
        Family::Language | Family::Images | Family::Questions => {
            evaluate_text(run.as_ref(), corpus, typed)
        }
        Family::Puzzles => {
            let deepest = typed.depths.as_ref().and_then(|depths| depths.iter().max().copied());
            let steps = deepest.unwrap_or(model.depth());
            evaluate_puzzles(run.as_ref(), &puzzles, steps, typed)
        }
    }
}

/// Prints the loss at each depth.
fn evaluate_text(run: &dyn Run, corpus: String, typed: &args::Eval) -> anyhow::Result<()> {
    let model = run.summary().config.model;
    let block_size = model.length();
    let depths = typed.depths.clone().unwrap_or_else(|| match model.depth_key() {
        Some(_) => (1..=8).collect(),
        None => vec![model.depth()],
    });
    let stride = typed.stride.unwrap_or(block_size);
    say!("scoring {} …", counted(run.summary().val_tokens, "tokens"));
    let scoring = Scoring { depths, max_tokens: 0, stride };
    let mut on_progress = LineProgress::new("tokens").callback();
    let Evaluation { depths, scored } = block_on(run.writer()?.score(&scoring, &mut on_progress))?;
    if typed.json {
        return print_json(&Document {
            corpus,
            stride,
            block_size,
            tokens: scored.tokens,
            characters: scored.characters,
            bytes: scored.bytes,
            words: scored.words,
            depths,
        });
    }
    let leaks = depths.iter().any(|row| row.leaking_loss.is_some());
    let leak = if leaks { "  loss with label leakage (as published)" } else { "" };
    print(&format!("depth    loss  perplexity  bits/char  bits/byte  perplexity/word{leak}"))?;
    for row in &depths {
        let leak = row.leaking_loss.map_or(String::new(), |loss| format!("  {loss:.4}"));
        print(&format!(
            "{:5}  {:6.4}  {:10.3}  {:9.4}  {:9.4}  {:15.1}{leak}",
            row.depth,
            row.loss,
            row.perplexity,
            row.bits_per_char.unwrap_or(f64::NAN),
            row.bits_per_byte.unwrap_or(f64::NAN),
            row.word_perplexity.unwrap_or(f64::NAN)
        ))?;
    }
    Ok(())
}

/// Prints how every way to choose among several copies does.
fn evaluate_copies(
    run: &dyn Run,
    puzzles: &str,
    steps: usize,
    typed: &args::Eval,
) -> anyhow::Result<()> {
    let scoring = CopyScoring {
        depths: typed.depths.clone().unwrap_or_else(|| vec![steps]),
        puzzles: 0,
        threshold: typed.halt_threshold.unwrap_or(0.5),
        copies: typed.copies,
    };
    say_scoring(run);
    let mut on_progress = LineProgress::new("puzzles").callback();
    let scores = block_on(run.solver()?.evaluate_copies(&scoring, &mut on_progress))?;
    if typed.json {
        return print_json(&scores);
    }
    print(&format!(
        "{}, {} of each; solved, judged by the rules, and \
         network calls (copies × steps) per puzzle",
        counted(scores.puzzles, puzzles),
        if scores.copies == 1 { "1 copy".into() } else { format!("{} copies", scores.copies) }
    ))?;
    print("step  one copy, calls  highest halting, calls  first to halt, calls  rules, calls")?;
    for row in &scores.steps {
        let show = |chosen: Chosen| format!("{:.1} %, {:.1}", chosen.solved * 100.0, chosen.calls);
        print(&format!(
            "{:4}  {:>15}  {:>22}  {:>20}  {:>12}",
            row.step,
            show(row.single),
            show(row.halting),
            show(row.first_to_halt),
            show(row.rules)
        ))?;
    }
    Ok(())
}

/// Says that the held-out puzzles are scored, which may take minutes.
fn say_scoring(run: &dyn Run) {
    let summary = run.summary();
    let puzzles = in_split(&summary.config.model, summary.val_tokens);
    say!("scoring {} …", counted(puzzles, "puzzles"));
}

/// Whether several copies of a puzzle are scored, or one with noise.
fn scores_copies(copies: &Copies) -> bool {
    copies.per_puzzle() > 1 || copies.state_noise > 0.0
}

/// Prints the accuracy after each supervision step, and with early stopping.
fn evaluate_puzzles(
    run: &dyn Run,
    puzzles: &str,
    steps: usize,
    typed: &args::Eval,
) -> anyhow::Result<()> {
    if scores_copies(&typed.copies) {
        return evaluate_copies(run, puzzles, steps, typed);
    }
    say_scoring(run);
    let mut on_progress = LineProgress::new("puzzles").callback();
    let mut scores = block_on(run.solver()?.evaluate_puzzles(steps, 0, &mut on_progress))?;
    if let Some(depths) = &typed.depths {
        scores.steps.retain(|row| depths.contains(&row.step));
    }
    if typed.json {
        return print_json(&scores);
    }
    print(&counted(scores.puzzles, puzzles))?;
    print("step    loss  correct cells  solved puzzles")?;
    for row in &scores.steps {
        print(&format!(
            "{:4}  {:6.4}  {:11.2} %  {:12.1} %",
            row.step,
            row.loss,
            row.cell_accuracy * 100.0,
            row.exact_accuracy * 100.0
        ))?;
    }
    print("halting above  mean steps  correct cells  solved puzzles")?;
    for row in &scores.halting {
        print(&format!(
            "{:13}  {:10.2}  {:11.2} %  {:12.1} %",
            row.threshold,
            row.steps,
            row.cell_accuracy * 100.0,
            row.exact_accuracy * 100.0
        ))?;
    }
    Ok(())
}

/// Weights with the data that they are scored by.
struct Opened {
    run: Box<dyn Run>,
    /// Name of the data.
    corpus: String,
    /// What the puzzles are, after their number.
    puzzles: String,
}

/// Loads the requested weights with their data.
fn open(
    typed: &args::Eval,
    header: &Header,
    bytes: &[u8],
    device: &OpenDevice,
) -> anyhow::Result<Opened> {
    let folder = &typed.checkpoint;
    if let Some(path) = &typed.test {
        if header.config.model.family() != Family::Language {
            return Err(usage!(
                "--test is for language and question models; {} is a puzzle model",
                folder.display()
            ));
        }
        let data = match typed.as_text {
            true => OpenedSource::open_test_as_text(path)?,
            false => OpenedSource::open_test(path)?,
        };
        let text = data.test_text(&header.vocab).map_err(Failure::from)?;
        let run = trm_train::load_with(bytes, None, Some(text.into()), &device.device)?;
        return Ok(Opened { run, corpus: data.title().into(), puzzles: String::new() });
    }
    let of_new = new_puzzles::asked_for(typed, header)?;
    let mut data = dataset::open(&header.config, typed.data.as_deref(), typed.as_text)?;
    if let Some(config) = of_new {
        let puzzles = new_puzzles::called(folder)?;
        new_puzzles::announce(typed, &config);
        let new = dataset::load(&data, &config, None)?;
        let run = trm_train::load_with(bytes, None, Some(new), &device.device)?;
        return Ok(Opened { run, corpus: data.title().into(), puzzles });
    }
    let own = header.config.data.dataset.as_str();
    let corpus = match data.other_than(own) {
        None => data.title().to_owned(),
        Some(other) => {
            say!("scored is {other}, which is not the text that the run was trained on ({own})");
            data = data.called(other.clone());
            other
        }
    };
    let is_own = own_data::say_other(&data, &header.config, folder)?;
    if header.config.model.family() == Family::Puzzles && data.path().is_none() {
        say!("generating the puzzles of {} …", data.title());
    }
    let mut loaded = dataset::load(&data, &header.config, Some(&header.vocab))?;
    dataset::say_left_out(&loaded);
    let single = typed.data.is_some() && dataset::score_single_puzzle(&mut loaded);
    let name = data.path().map_or_else(|| corpus.clone(), |path| path.display().to_string());
    let puzzles = match (single, is_own) {
        (true, _) => format!("puzzles of {name}"),
        (false, true) => new_puzzles::HELD_OUT.into(),
        (false, false) => format!("puzzles held out of {name}"),
    };
    let run = with_weights(typed, |optimizer| {
        Ok(trm_train::load_with(bytes, optimizer, Some(loaded), &device.device)?)
    })?;
    Ok(Opened { run, corpus, puzzles })
}
