//! A validation of a run, at the depth that its model was trained with.

use anyhow::Context;
use pollster::block_on;
use trm_spec::ImageSplit;
use trm_train::{ImageScoring, OnProgress, QuestionSet, Run, Scoring};

use crate::training::run_metrics::{ValidationScore, rounded};

/// The result of a validation.
#[derive(Default)]
pub struct Validation {
    /// Validation loss.
    pub loss: f64,
    /// Share of puzzles that are solved completely, or of questions that are answered
    /// exactly.
    pub exact_accuracy: Option<f64>,
    /// Puzzle models: share of cells that are correct.
    pub cell_accuracy: Option<f64>,
    /// Image classifiers: share of images whose class is right.
    pub accuracy: Option<f64>,
    /// Question models: share of questions that are answered exactly, by supervision
    /// steps from 0 on.
    pub answers: Vec<f64>,
    /// Question models: share of questions after which the model writes `<think>`.
    pub think: Option<f64>,
}

impl Validation {
    /// Validates `run` on about `tokens` tokens of the validation split; 0 means all of it.
    /// `on_progress` gets how many [`items`](crate::terminal::count::items) of how many are done,
    /// after every batch.
    ///
    /// # Errors
    /// If the model cannot be scored.
    pub fn of(run: &dyn Run, tokens: usize, on_progress: OnProgress<'_>) -> anyhow::Result<Self> {
        const NONE: &str = "the validation returned no scores";
        let model = run.summary().config.model;
        let (depth, rows) = (model.depth(), tokens / model.length());
        if let Some(classifier) = run.as_classifier() {
            let scoring = ImageScoring {
                split: ImageSplit::Val,
                images: rows,
                inner_steps: 0,
                outer_steps: depth,
            };
            let scores = block_on(classifier.evaluate_images(&scoring, on_progress))?;
            let last = scores.steps.last().context(NONE)?;
            return Ok(Self {
                loss: rounded(last.loss),
                accuracy: Some(rounded(last.top1)),
                ..Self::default()
            });
        }
        if let Some(answerer) = run.as_answerer() {
            let scores =
                block_on(answerer.evaluate_questions(QuestionSet::Val, depth, rows, on_progress))?;
            let last = scores.steps.last().context(NONE)?;
            return Ok(Self {
                loss: rounded(last.loss),
                exact_accuracy: Some(rounded(last.exact)),
                answers: scores.steps.iter().map(|step| rounded(step.exact)).collect(),
                think: Some(rounded(scores.think)),
                ..Self::default()
            });
        }
        if let Some(solver) = run.as_solver() {
            let scores = block_on(solver.evaluate_puzzles(depth, rows, on_progress))?;
            let last = scores.steps.last().context(NONE)?;
            return Ok(Self {
                loss: rounded(last.loss),
                exact_accuracy: Some(rounded(last.exact_accuracy)),
                cell_accuracy: Some(rounded(last.cell_accuracy)),
                ..Self::default()
            });
        }
        let losses = match run.as_writer() {
            Some(writer) => {
                // In windows that do not overlap, as `evaluate` scores.
                let scoring = Scoring { depths: vec![depth], max_tokens: tokens, stride: 0 };
                block_on(writer.score(&scoring, on_progress))?.depths
            }
            None => block_on(run.evaluate(&[depth], tokens))?,
        };
        let loss = losses.first().context(NONE)?.loss;
        Ok(Self { loss: rounded(loss), ..Self::default() })
    }

    /// That by which checkpoints are ranked.
    pub fn score(&self) -> ValidationScore {
        let exact_accuracy = self.exact_accuracy.or(self.accuracy);
        ValidationScore { loss: self.loss, exact_accuracy }
    }

    /// The accuracies for the line that people read.
    pub fn accuracies(&self) -> String {
        if let (Some(think), [_, ..]) = (self.think, &self.answers[..]) {
            let steps = |(step, share): (usize, &f64)| format!("{step}: {:.1} %", share * 100.0);
            let steps: Vec<_> = self.answers.iter().enumerate().map(steps).collect();
            return format!(
                ", exact answers by steps {}; <think> after {:.1} %",
                steps.join(", "),
                think * 100.0
            );
        }
        match (self.exact_accuracy, self.cell_accuracy) {
            (Some(exact), Some(cells)) => format!(
                ", {:.1} % of the puzzles solved, {:.2} % of the cells correct",
                exact * 100.0,
                cells * 100.0
            ),
            _ => self
                .accuracy
                .map(|share| format!(", {:.2} % of the images correct", share * 100.0))
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use serde_json::json;
    use trm_spec::overlay;

    use super::*;
    use crate::inputs::dataset;
    use crate::presets;

    #[test]
    fn the_progress_ends_with_all_that_is_scored() {
        let few = json!({ "num_puzzles": 8, "num_val_puzzles": 6 });
        for (preset, patch, items) in [("tiny", json!({}), None), ("sudoku-4x4", few, Some(6))] {
            let config = presets::config(preset).expect(preset);
            let config = overlay(&config, &patch).expect("settings");
            let data = dataset::open(&config, None, false).expect("its own data");
            let data = dataset::load(&data, &config, None).expect("loaded");
            let run = trm_train::create(&config, data, &Device::flex()).expect("a run");
            let (tokens, mut seen) = (3000, Vec::new());
            let mut on_progress = |done: usize, all: usize| seen.push((done, all));
            let validation = Validation::of(&*run, tokens, &mut on_progress).expect("scored");
            let (done, all) = *seen.last().expect("some progress");
            assert_eq!(done, all, "{preset}");
            assert!(items.is_none_or(|items| items == all), "{preset}: {all}");
            let losses = block_on(run.evaluate(&[config.model.depth()], tokens)).expect("losses");
            if config.model.family() == trm_spec::Family::Language {
                assert_eq!(validation.loss, rounded(losses[0].loss), "as without a progress");
            }
        }
    }
}
