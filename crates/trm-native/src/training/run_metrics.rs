//! The metrics of a run so far. They are stored in the header of every
//! checkpoint, so that a resumed run knows its best validation and its patience.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The result of one validation, by which checkpoints are ranked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValidationScore {
    /// Validation loss in nats per token.
    pub loss: f64,
    /// Share of puzzles that are solved completely, or of images whose class is right.
    pub exact_accuracy: Option<f64>,
}

impl ValidationScore {
    /// Orders scores from best to worst: first by solved puzzles or right images, then by
    /// lower loss. Accuracy comes first because a puzzle model that is very sure of
    /// a few wrong cells has a high loss although it solves more puzzles.
    pub fn compare(&self, other: &Self) -> Ordering {
        let exact = |score: &Self| score.exact_accuracy.unwrap_or(0.0);
        exact(other).total_cmp(&exact(self)).then(self.loss.total_cmp(&other.loss))
    }
}

/// Metrics of a run so far, as stored under `metrics` in a checkpoint's header.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunMetrics {
    /// Loss of the last training step.
    pub train_loss: Option<f64>,
    /// Loss of the last validation.
    pub val_loss: Option<f64>,
    /// Step of the last validation.
    pub val_step: Option<usize>,
    /// Share of puzzles solved, or of images classified correctly, in the last validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub val_exact_accuracy: Option<f64>,
    /// Loss of the best validation.
    pub best_val_loss: Option<f64>,
    /// The same in the best validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_val_exact_accuracy: Option<f64>,
    /// Step of the best validation.
    pub best_step: Option<usize>,
    /// Number of validations since the best one.
    pub validations_since_best: usize,
}

impl RunMetrics {
    /// Reads the metrics of a checkpoint's header; unknown entries of another
    /// program are ignored.
    pub fn read(metrics: &Value) -> Self {
        serde_json::from_value(metrics.clone()).unwrap_or_default()
    }

    /// Records a validation at `step`. Returns whether it is the best so far.
    pub fn record_validation(&mut self, score: ValidationScore, step: usize) -> bool {
        let best = self
            .best_val_loss
            .map(|loss| ValidationScore { loss, exact_accuracy: self.best_val_exact_accuracy });
        let better = best.is_none_or(|best| score.compare(&best).is_lt());
        self.val_loss = Some(score.loss);
        self.val_exact_accuracy = score.exact_accuracy;
        self.val_step = Some(step);
        if better {
            self.best_val_loss = Some(score.loss);
            self.best_val_exact_accuracy = score.exact_accuracy;
            self.best_step = Some(step);
            self.validations_since_best = 0;
        } else {
            self.validations_since_best += 1;
        }
        better
    }

    /// The score of the last validation, if there was one.
    pub fn last_score(&self) -> Option<ValidationScore> {
        Some(ValidationScore { loss: self.val_loss?, exact_accuracy: self.val_exact_accuracy })
    }

    /// Whether `patience` validations have passed without a new best; a patience
    /// of 0 never runs out.
    pub fn out_of_patience(&self, patience: usize) -> bool {
        patience > 0 && self.validations_since_best >= patience
    }
}

/// A loss rounded to nine decimals. JSON returns exactly this number, so that a
/// resumed run compares the same losses as an uninterrupted one.
pub fn rounded(loss: f64) -> f64 {
    let rounded = (loss * 1e9).round() / 1e9;
    if rounded.is_finite() { rounded } else { loss }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(loss: f64) -> ValidationScore {
        ValidationScore { loss, exact_accuracy: None }
    }

    #[test]
    fn puzzle_models_are_ranked_by_solved_puzzles_first() {
        let mut metrics = RunMetrics::default();
        for (exact, loss, better) in [
            (0.5, 0.3, true),
            (0.4, 0.2, false),
            (0.6, 0.9, true),
            (0.6, 0.8, true),
            (0.6, 0.8, false),
        ] {
            let score = ValidationScore { loss, exact_accuracy: Some(exact) };
            assert_eq!(metrics.record_validation(score, 1), better, "{score:?}");
        }
        assert_eq!(metrics.best_val_exact_accuracy, Some(0.6));
    }

    #[test]
    fn patience_counts_validations_since_the_best_and_survives_a_checkpoint() {
        let mut metrics = RunMetrics::default();
        for (loss, step, better) in
            [(3.0, 1, true), (2.0, 2, true), (2.0, 3, false), (2.5, 4, false)]
        {
            assert_eq!(metrics.record_validation(text(loss), step), better, "step {step}");
        }
        let mut metrics = RunMetrics::read(&serde_json::to_value(&metrics).expect("JSON"));
        assert_eq!((metrics.best_val_loss, metrics.best_step), (Some(2.0), Some(2)));
        assert!(metrics.out_of_patience(2) && !metrics.out_of_patience(3));
        assert!(!metrics.out_of_patience(0), "0 never stops");
        metrics.record_validation(text(1.9), 5);
        assert!(!metrics.out_of_patience(1));
    }

    #[test]
    fn foreign_metrics_are_no_error() {
        let foreign = serde_json::json!({ "val_loss": 2.5, "author": "someone" });
        assert_eq!(RunMetrics::read(&foreign).val_loss, Some(2.5));
        assert_eq!(RunMetrics::read(&Value::Null), RunMetrics::default());
    }

    #[test]
    fn a_rounded_loss_is_read_back_exactly() {
        for i in 1..20_000 {
            let loss = rounded(f64::from(i) * 0.000_713_927_331_77);
            let text = serde_json::to_string(&loss).expect("JSON");
            assert_eq!(serde_json::from_str::<f64>(&text).expect("a number"), loss, "{text}");
        }
        assert!(rounded(f64::INFINITY).is_infinite());
    }
}
