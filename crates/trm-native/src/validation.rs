//! The result of a validation during training.

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
