//! How well a run did so far. It travels in the header of every checkpoint, so
//! that a run that goes on knows its best validation and its patience again.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How good a validation found a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merit {
    pub loss: f64,
    /// Share of the puzzles that are solved, where there are puzzles.
    pub exact: Option<f64>,
}

impl Merit {
    /// The better one first: more puzzles solved, then, and of texts, a lower
    /// loss. A solver may grow sure of a few wrong cells, which its loss makes
    /// much of.
    pub fn order(&self, other: &Self) -> Ordering {
        let exact = |merit: &Self| merit.exact.unwrap_or(0.0);
        exact(other).total_cmp(&exact(self)).then(self.loss.total_cmp(&other.loss))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub train_loss: Option<f64>,
    /// Loss of the last validation, and the step it was at.
    pub val_loss: Option<f64>,
    pub val_step: Option<usize>,
    /// Share of the puzzles that it found solved, where there are puzzles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub val_exact_accuracy: Option<f64>,
    /// Those of the best one.
    pub best_val_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_val_exact_accuracy: Option<f64>,
    pub best_step: Option<usize>,
    /// Validations in a row since the best one.
    pub validations_since_best: usize,
}

impl Facts {
    /// The metrics in a checkpoint's header; of another program's, what is known.
    pub fn read(metrics: &Value) -> Self {
        serde_json::from_value(metrics.clone()).unwrap_or_default()
    }

    /// Takes note of a validation; whether it is the best so far.
    pub fn validated(&mut self, found: Merit, step: usize) -> bool {
        let best = self.best_val_loss;
        let best = best.map(|loss| Merit { loss, exact: self.best_val_exact_accuracy });
        let better = best.is_none_or(|best| found.order(&best).is_lt());
        self.val_loss = Some(found.loss);
        self.val_exact_accuracy = found.exact;
        self.val_step = Some(step);
        if better {
            self.best_val_loss = Some(found.loss);
            self.best_val_exact_accuracy = found.exact;
            self.best_step = Some(step);
            self.validations_since_best = 0;
        } else {
            self.validations_since_best += 1;
        }
        better
    }

    /// What the last validation found.
    pub fn merit(&self) -> Option<Merit> {
        Some(Merit { loss: self.val_loss?, exact: self.val_exact_accuracy })
    }

    /// Whether a run that waits for `patience` validations (0: for ever) has waited enough.
    pub fn out_of_patience(&self, patience: usize) -> bool {
        patience > 0 && self.validations_since_best >= patience
    }
}

/// A loss with nine decimals: JSON gives exactly that number back, so that a
/// run that goes on compares the same losses as one that never stopped.
pub fn rounded(loss: f64) -> f64 {
    let rounded = (loss * 1e9).round() / 1e9;
    if rounded.is_finite() { rounded } else { loss }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(loss: f64) -> Merit {
        Merit { loss, exact: None }
    }

    #[test]
    fn puzzles_are_judged_by_how_many_are_solved() {
        let mut facts = Facts::default();
        for (exact, loss, better) in [
            (0.5, 0.3, true),
            (0.4, 0.2, false),
            (0.6, 0.9, true),
            (0.6, 0.8, true),
            (0.6, 0.8, false),
        ] {
            let found = Merit { loss, exact: Some(exact) };
            assert_eq!(facts.validated(found, 1), better, "{found:?}");
        }
        assert_eq!(facts.best_val_exact_accuracy, Some(0.6));
    }

    #[test]
    fn patience_counts_validations_since_the_best_and_survives_a_checkpoint() {
        let mut facts = Facts::default();
        for (loss, step, better) in
            [(3.0, 1, true), (2.0, 2, true), (2.0, 3, false), (2.5, 4, false)]
        {
            assert_eq!(facts.validated(text(loss), step), better, "step {step}");
        }
        let mut facts = Facts::read(&serde_json::to_value(&facts).expect("JSON"));
        assert_eq!((facts.best_val_loss, facts.best_step), (Some(2.0), Some(2)));
        assert!(facts.out_of_patience(2) && !facts.out_of_patience(3));
        assert!(!facts.out_of_patience(0), "0 waits for ever");
        facts.validated(text(1.9), 5);
        assert!(!facts.out_of_patience(1));
    }

    #[test]
    fn foreign_metrics_are_no_error() {
        let foreign = serde_json::json!({ "val_loss": 2.5, "author": "someone" });
        assert_eq!(Facts::read(&foreign).val_loss, Some(2.5));
        assert_eq!(Facts::read(&Value::Null), Facts::default());
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
