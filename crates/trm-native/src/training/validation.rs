//! A validation of a run, at the depth that its model was trained with.

use anyhow::Context;
use pollster::block_on;
use trm_spec::ImageSplit;
use trm_train::{ImageScoring, QuestionSet, Run};

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
    ///
    /// # Errors
    /// If the model cannot be scored.
    pub fn of(run: &dyn Run, tokens: usize) -> anyhow::Result<Self> {
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
            let scores = block_on(classifier.evaluate_images(&scoring, &mut |_, _| ()))?;
            let last = scores.steps.last().context(NONE)?;
            return Ok(Self {
                loss: rounded(last.loss),
                accuracy: Some(rounded(last.top1)),
                ..Self::default()
            });
        }
        if let Some(answerer) = run.as_answerer() {
            let scores = block_on(answerer.evaluate_questions(
                QuestionSet::Val,
                depth,
                rows,
                &mut |_, _| (),
            ))?;
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
            let scores = block_on(solver.evaluate_puzzles(depth, rows, &mut |_, _| ()))?;
            let last = scores.steps.last().context(NONE)?;
            return Ok(Self {
                loss: rounded(last.loss),
                exact_accuracy: Some(rounded(last.exact_accuracy)),
                cell_accuracy: Some(rounded(last.cell_accuracy)),
                ..Self::default()
            });
        }
        let losses = block_on(run.evaluate(&[depth], tokens))?;
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
