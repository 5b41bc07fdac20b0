//! The best checkpoint of a run on the whole validation split. Validations during training may
//! score a part, whose size depends on settings that a sweep varies; runs are compared by this.

use std::path::Path;

use anyhow::Context;
use pollster::block_on;
use serde::{Deserialize, Serialize};
use trm_data::OpenedSource;
use trm_spec::ImageSplit;
use trm_train::{ImageScoring, QuestionSet, Run};

use crate::dataset;
use crate::device::OpenDevice;
use crate::frozen_base::BaseOnDisk;
use crate::report::say;
use crate::run_dir;
use crate::run_metrics::rounded;

/// Its place in a run's folder.
const FILE: &str = "whole_split.json";

/// Scores of the best checkpoint of a run, kept in its folder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WholeSplit {
    /// Step of the checkpoint.
    step: u64,
    /// Validation loss at the trained depth.
    pub loss: f64,
    /// Share of solved puzzles, right images or exact answers.
    pub accuracy: Option<f64>,
}

impl WholeSplit {
    /// The scores that are kept in `folder` of the best checkpoint, which is of step `step`;
    /// `None` if there are none, or of another checkpoint.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(folder: &Path, step: u64) -> anyhow::Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let read: serde_json::Result<Self> = serde_json::from_slice(&run_dir::read(&path)?);
        let read = read.with_context(|| {
            format!("{} cannot be read; remove it to evaluate the run again", path.display())
        })?;
        Ok(Some(read).filter(|read| read.step == step))
    }

    /// Scores the best checkpoint in `folder`, of step `step`, and keeps the result there.
    ///
    /// # Errors
    /// If a file cannot be read or written, or the checkpoint does not fit the data.
    pub fn evaluate(
        folder: &Path,
        step: u64,
        data: &OpenedSource,
        base: Option<&BaseOnDisk>,
        device: &OpenDevice,
    ) -> anyhow::Result<Self> {
        let best = folder.join("best.safetensors");
        let bytes = run_dir::read(&best)?;
        let run = dataset::load_run(data, &bytes, None, base, device)
            .with_context(|| best.display().to_string())?;
        let (loss, accuracy) = scored(run.as_ref())?;
        // The same numbers when they are read again.
        let found = Self { step, loss: rounded(loss), accuracy: accuracy.map(rounded) };
        run_dir::write(&folder.join(FILE), serde_json::to_string(&found)?.as_bytes())?;
        let share = found
            .accuracy
            .map_or(String::new(), |share| format!(", accuracy {:.2} %", share * 100.0));
        say!("best checkpoint: loss {loss:.4}{share} over the whole validation split\n");
        Ok(found)
    }
}

/// Loss and accuracy on the whole validation split at the trained depth. Language models have
/// no accuracy.
fn scored(run: &dyn Run) -> anyhow::Result<(f64, Option<f64>)> {
    const NONE: &str = "the evaluation returned no scores";
    let depth = run.summary().config.model.depth();
    if let Some(classifier) = run.as_classifier() {
        let split = ImageSplit::Val;
        let scoring = ImageScoring { split, images: 0, inner_steps: 0, outer_steps: depth };
        let scores = block_on(classifier.evaluate_images(&scoring))?;
        let last = scores.steps.last().context(NONE)?;
        return Ok((last.loss, Some(last.top1)));
    }
    if let Some(answerer) = run.as_answerer() {
        let scores = block_on(answerer.evaluate_questions(QuestionSet::Val, depth, 0))?;
        let last = scores.steps.last().context(NONE)?;
        return Ok((last.loss, Some(last.exact)));
    }
    if let Some(solver) = run.as_solver() {
        let scores = block_on(solver.evaluate_puzzles(depth, 0))?;
        let last = scores.steps.last().context(NONE)?;
        return Ok((last.loss, Some(last.exact_accuracy)));
    }
    let losses = block_on(run.evaluate(&[depth], 0))?;
    Ok((losses.first().context(NONE)?.loss, None))
}
