//! Training of the models that `eval --baselines` compares with, the same for every family.

use anyhow::Context;
use pollster::block_on;
use trm_spec::TrainSpec;
use trm_train::Run;

use crate::machine::interrupt;
use crate::terminal::report::say;
use crate::training::run_metrics::ValidationScore;
use crate::training::validation::Validation;

/// Most steps between two looks whether Ctrl-C was pressed.
const PART: usize = 16;

/// Trains `run` to its last step and validates it at every evaluation interval. Returns what
/// `scored` gives for the weights of the best validation, which is chosen as the best checkpoint
/// of a run is. In the lines that show the progress `what` follows the validation accuracy.
///
/// # Errors
/// If the loss diverges, the model cannot be scored, or Ctrl-C is pressed after something in this
/// process began to listen for it.
pub fn train<S>(
    (name, what): (&str, &str),
    run: &mut dyn Run,
    settings: &TrainSpec,
    scored: impl Fn(&dyn Run, &ValidationScore) -> anyhow::Result<S>,
) -> anyhow::Result<S> {
    let (steps, interval) = (settings.max_iters, settings.eval_interval);
    let mut best: Option<(ValidationScore, S)> = None;
    for first in (0..steps).step_by(interval) {
        let end = steps.min(first + interval);
        for first in (first..end).step_by(PART) {
            interrupt::check()?;
            block_on(run.steps(PART.min(end - first)))?;
        }
        interrupt::check()?;
        let score = Validation::of(&*run, 0, &mut |_, _| ())?.score();
        // The weights are not kept, so that they are scored now.
        if best.as_ref().is_none_or(|(best, _)| score.compare(best).is_lt()) {
            best = Some((score, scored(&*run, &score)?));
        }
        let share = score.exact_accuracy.unwrap_or(0.0) * 100.0;
        say!("{name}: step {}/{steps}, {share:.2} % {what}", run.summary().step);
    }
    let (_, scores) = best.context("the run has no steps")?;
    Ok(scores)
}
