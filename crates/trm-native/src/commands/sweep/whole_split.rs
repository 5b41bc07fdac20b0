//! The best checkpoint of a run on the whole validation split. Validations during training may
//! score a part, whose size depends on settings that a sweep varies; runs are compared by this.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use trm_data::OpenedSource;
use trm_spec::{Family, RunConfig};

use crate::inputs::dataset;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::run_dir::{self, names::BEST};
use crate::terminal::count::items;
use crate::terminal::progress::LineProgress;
use crate::terminal::report::{say, usage};
use crate::training::run_metrics::ValidationScore;
use crate::training::validation::Validation;

/// Its place in a run's folder.
const FILE: &str = "whole_split.json";

/// Refuses settings that hold nothing out. Image data without a validation split are refused when
/// they are loaded, as they may have one of their own.
///
/// # Errors
/// If they hold nothing out.
pub fn expect_held_out(config: &RunConfig) -> anyhow::Result<()> {
    let data = &config.data;
    let (setting, held_out) = match config.model.family() {
        Family::Language => ("val_fraction", data.val_fraction > 0.0),
        Family::Puzzles => ("num_val_puzzles", data.num_val_puzzles > 0),
        Family::Questions => ("num_val_questions", data.num_val_questions > 0),
        Family::Images => return Ok(()),
    };
    if held_out {
        return Ok(());
    }
    Err(usage!("a sweep compares validation losses: {setting} must be above 0"))
}

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
        let kept: Option<Self> = run_dir::read_kept(&folder.join(FILE), "evaluate the run again")?;
        Ok(kept.filter(|kept| kept.step == step))
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
        let best = folder.join(BEST);
        let bytes = run_dir::read(&best)?;
        let run = dataset::load_run(data, &bytes, None, base, device)
            .with_context(|| best.display().to_string())?;
        let lines = LineProgress::of_validation(items(run.summary().family));
        let mut on_progress = lines.callback();
        let validation = Validation::of(run.as_ref(), 0, &mut on_progress)?;
        // Rounded: the same numbers when they are read again.
        let ValidationScore { loss, exact_accuracy } = validation.score();
        let found = Self { step, loss, accuracy: exact_accuracy };
        run_dir::write(&folder.join(FILE), serde_json::to_string(&found)?.as_bytes())?;
        let share = found
            .accuracy
            .map_or(String::new(), |share| format!(", accuracy {:.2} %", share * 100.0));
        say!("best checkpoint: loss {loss:.4}{share} over the whole validation split\n");
        Ok(found)
    }
}
