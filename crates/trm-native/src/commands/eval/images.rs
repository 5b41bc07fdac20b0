//! `eval` of image classifiers: accuracy after every outer step, beside baselines that
//! are trained on the same images.

use pollster::block_on;
use serde::Serialize;
use trm_data::Dataset;
use trm_spec::{Failure, FailureKind, ImageScores, ImageSplit, RunConfig, VariantSpec};
use trm_train::checkpoint::Header;
use trm_train::{ImageScoring, Run, create_baseline};

use super::baselines;
use super::load::load_on;
use crate::args;
use crate::inputs::dataset;
use crate::inputs::features;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::machine::interrupt;
use crate::run_dir::own_data;
use crate::terminal::count::thousands;
use crate::terminal::output::{print, print_json};
use crate::terminal::progress::LineProgress;
use crate::terminal::report::{say, usage};

#[derive(Serialize)]
struct Document<'a> {
    dataset: &'a str,
    inner_steps: Option<usize>,
    #[serde(flatten)]
    scores: &'a ImageScores,
    /// The outer step that `confusion`, `mistakes` and `class_accuracy` are of.
    class_step: usize,
    /// Share of the images of each class that are classified correctly.
    class_accuracy: Vec<ClassAccuracy>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    baselines: Vec<Compared>,
}

#[derive(Serialize)]
struct ClassAccuracy {
    class: String,
    images: usize,
    accuracy: f64,
}

/// A model of the comparison.
#[derive(Serialize)]
struct Compared {
    model: String,
    parameters: usize,
    loss: f64,
    top1: f64,
    top5: f64,
}

/// Evaluates the classifier at `typed.checkpoint`.
///
/// # Errors
/// If the checkpoint, its data or its base cannot be read, or do not fit, or Ctrl-C is pressed after
/// features were computed.
pub fn evaluate(
    typed: &args::Eval,
    header: &Header,
    bytes: &[u8],
    device: &OpenDevice,
) -> anyhow::Result<()> {
    if typed.test.is_some() || typed.grade.is_some() || typed.stride.is_some() {
        return Err(usage!(
            "--test, --stride and --grade are not for image classifiers; choose a split with --split"
        ));
    }
    let config = &header.config;
    check_steps(typed, &config.model)?;
    let data = dataset::open(config, typed.data.as_deref(), typed.as_text)?;
    own_data::say_other(&data, config, &typed.checkpoint)?;
    let base = BaseOnDisk::needed(header, &typed.checkpoint, typed.base.as_deref())?;
    let file = || base.as_ref().map(BaseOnDisk::file);
    let images = data.load(config, None)?;
    dataset::say_left_out(&images);
    let images = features::cached(images, config, base.as_ref(), device)?;
    let run = load_on(typed, bytes, images.clone(), file(), device)?;
    let split = typed.split.unwrap_or(ImageSplit::Val);
    let trained = config.model.depth();
    let deepest = typed.depths.as_ref().and_then(|depths| depths.iter().max().copied());
    let scoring = ImageScoring {
        split,
        images: 0,
        inner_steps: typed.inner_steps.unwrap_or(0),
        outer_steps: deepest.unwrap_or(2 * trained),
    };
    let mut scores = scored(run.as_ref(), &scoring)?;
    // Classes and mistakes are those of the last step that is run. The steps beyond the trained
    // ones are for the table of steps only, unless they are asked for.
    let class_step = deepest.unwrap_or(trained);
    let apart = scores.steps.len() != trained && (deepest.is_none() || typed.baselines);
    let as_trained = match apart {
        true => scored(run.as_ref(), &ImageScoring { outer_steps: trained, ..scoring })?,
        false => scores.clone(),
    };
    if deepest.is_none() {
        scores.confusion.clone_from(&as_trained.confusion);
        scores.mistakes.clone_from(&as_trained.mistakes);
    }
    say!(
        "{}: step {}; {}: {} {} images; {}",
        typed.checkpoint.display(),
        run.summary().step,
        data.title(),
        thousands(scores.images as u64),
        split.name(),
        device.name
    );
    if let Some(depths) = &typed.depths {
        scores.steps.retain(|row| depths.contains(&row.step));
    }
    let names = match &header.vocab {
        trm_spec::Vocab::Classes { names } => names.as_slice(),
        _ => &[],
    };
    let classes = class_accuracy(names, &scores);
    if !typed.json {
        print_steps(&scores, trained)?;
        print_classes(&classes, class_step)?;
    }
    let compared_with = if typed.baselines {
        let mut rows = vec![compared("this model", run.as_ref(), as_trained)];
        rows.extend(train_baselines(config, &images, &base, split, device)?);
        rows
    } else {
        Vec::new()
    };
    if typed.json {
        return print_json(&Document {
            dataset: data.title(),
            inner_steps: typed.inner_steps,
            scores: &scores,
            class_step,
            class_accuracy: classes,
            baselines: compared_with,
        });
    }
    if !compared_with.is_empty() {
        print("model                  parameters    loss    top-1    top-5")?;
    }
    for row in &compared_with {
        print(&format!(
            "{:21}  {:>10}  {:6.4}  {:5.2} %  {:5.2} %",
            row.model,
            thousands(row.parameters as u64),
            row.loss,
            row.top1 * 100.0,
            row.top5 * 100.0
        ))?;
    }
    Ok(())
}

/// Refuses steps of a recursion that the model does not have: an evaluation would leave them out.
fn check_steps(typed: &args::Eval, model: &VariantSpec) -> anyhow::Result<()> {
    if model.depth_key().is_some() {
        return Ok(());
    }
    if typed.inner_steps.is_some() {
        return Err(usage!("--inner-steps: a `{}` model has no recursion", model.name()));
    }
    let own = model.depth();
    let Some(other) = typed.depths.iter().flatten().find(|depth| **depth != own) else {
        return Ok(());
    };
    let message = format!(
        "a `{}` model has no recursion, so that its depth is {own}, not {other}",
        model.name()
    );
    Err(Failure::new(FailureKind::Config, message, "Leave the depth out.").into())
}

fn scored(run: &dyn Run, scoring: &ImageScoring) -> anyhow::Result<ImageScores> {
    // Whoever computes features has caught Ctrl-C, which no longer ends the process.
    interrupt::check()?;
    let mut on_progress = LineProgress::new("images").callback();
    let scores = block_on(run.classifier()?.evaluate_images(scoring, &mut on_progress))?;
    interrupt::check()?;
    Ok(scores)
}

/// Scores of all images of a split at the depth of the model.
fn scored_on(run: &dyn Run, split: ImageSplit) -> anyhow::Result<ImageScores> {
    scored(run, &ImageScoring { split, images: 0, inner_steps: 0, outer_steps: 0 })
}

fn compared(model: &str, run: &dyn Run, scores: ImageScores) -> Compared {
    let last = scores.steps.last();
    Compared {
        model: model.into(),
        parameters: run.summary().parameters,
        loss: last.map_or(f64::NAN, |row| row.loss),
        top1: last.map_or(f64::NAN, |row| row.top1),
        top5: last.map_or(f64::NAN, |row| row.top5),
    }
}

/// Trains the baselines with the settings of the run; each is scored with the weights of its
/// best validation, as the run is.
fn train_baselines(
    config: &RunConfig,
    images: &Dataset,
    base: &Option<BaseOnDisk>,
    split: ImageSplit,
    device: &OpenDevice,
) -> anyhow::Result<Vec<Compared>> {
    let classes = match images {
        Dataset::Images(images) => images.classes.len(),
        Dataset::Text(_) | Dataset::Puzzles(_) | Dataset::Questions(_) => 0,
    };
    let all = trm_train::baselines(&config.model, classes)?;
    let mut rows = Vec::with_capacity(all.len());
    for baseline in &all {
        interrupt::check()?;
        let file = base.as_ref().map(BaseOnDisk::file);
        let mut run = create_baseline(baseline, config, images.clone(), file, &device.device)?;
        let scores = baselines::train(
            (baseline.name(), "of the validation images correct"),
            &mut *run,
            &config.train,
            |run, _| scored_on(run, split),
        )?;
        let row = compared(baseline.name(), run.as_ref(), scores);
        // The next one may take long.
        say!("{}: {:.2} % of the {} images correct", row.model, row.top1 * 100.0, split.name());
        rows.push(row);
    }
    Ok(rows)
}

fn class_accuracy(names: &[String], scores: &ImageScores) -> Vec<ClassAccuracy> {
    (names.iter().zip(&scores.confusion).enumerate())
        .map(|(class, (name, row))| {
            let images: usize = row.iter().sum();
            let accuracy = row[class] as f64 / images.max(1) as f64;
            ClassAccuracy { class: name.clone(), images, accuracy }
        })
        .collect()
}

fn print_steps(scores: &ImageScores, trained: usize) -> anyhow::Result<()> {
    print("outer step    loss    top-1    top-5")?;
    for row in &scores.steps {
        let mark = if row.step == trained { "  (as trained)" } else { "" };
        print(&format!(
            "{:10}  {:6.4}  {:5.2} %  {:5.2} %{mark}",
            row.step,
            row.loss,
            row.top1 * 100.0,
            row.top5 * 100.0
        ))?;
    }
    Ok(())
}

/// Classes shown in a table for people; `--json` has all of them.
const SHOWN: usize = 20;

fn print_classes(classes: &[ClassAccuracy], step: usize) -> anyhow::Result<()> {
    print(&format!("class accuracy after outer step {step}"))?;
    print("class             images  accuracy")?;
    for class in classes.iter().take(SHOWN) {
        print(&format!(
            "{:16}  {:6}  {:6.2} %",
            class.class,
            class.images,
            class.accuracy * 100.0
        ))?;
    }
    if classes.len() > SHOWN {
        print(&format!("… {} more (--json)", classes.len() - SHOWN))?;
    }
    Ok(())
}
