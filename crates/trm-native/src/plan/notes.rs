//! What one might not expect of a run that is about to start. It is said beside the plan, and
//! the run starts all the same.

use std::path::Path;

use trm_data::Dataset;
use trm_spec::{DataSpec, Family, RunConfig, Schedule};
use trm_train::learning_rate;

use super::types::Train;

/// Of a rate that is meant to fall and does not.
pub fn of_schedule(config: &RunConfig) -> Option<String> {
    let train = &config.train;
    let flat = train.lr_schedule == Schedule::Cosine && train.min_lr >= train.learning_rate;
    flat.then(|| {
        format!(
            "min_lr {} is not below learning_rate {}: the rate stays constant",
            train.min_lr, train.learning_rate
        )
    })
}

/// Of a run that continues at step `step` with another rate than it would have had.
pub fn of_resumed(trained: &RunConfig, config: &RunConfig, step: usize) -> Option<String> {
    let [before, now] = [trained, config].map(|config| learning_rate(&config.train, step));
    ((before - now).abs() > 1e-3 * before.max(now)).then(|| {
        format!(
            "the learning rate of step {step} is now {now:.2e}; with the settings before it was {before:.2e}"
        )
    })
}

/// Of weights, trained with the settings `before`, that may have seen what is now held out.
/// `listed` says of puzzles whether they are those of the user's file.
pub fn of_held_out(
    before: &RunConfig,
    config: &RunConfig,
    listed: bool,
    weights: &Path,
) -> Option<String> {
    let [theirs, ours] = [before, config].map(|config| split_of(config, listed));
    (before.data.dataset == config.data.dataset && theirs != ours).then(|| {
        format!(
            "other data are held out than when {} was trained: the validation may contain what these weights have seen",
            weights.display()
        )
    })
}

/// Of a base that was trained on images that a model on its features is validated by. Held-out
/// images are nested: a smaller fraction is a part of a larger one.
pub fn of_base(base: &RunConfig, config: &RunConfig, file: &Path) -> Option<String> {
    let [theirs, ours] = [&base.data, &config.data];
    (theirs.dataset == ours.dataset && theirs.val_fraction < ours.val_fraction).then(|| {
        format!(
            "{} was trained with val_fraction {}, and so on images that this run is validated by",
            file.display(),
            theirs.val_fraction
        )
    })
}

/// The settings that decide what is held out of the data.
fn split_of(config: &RunConfig, listed: bool) -> Vec<f64> {
    let DataSpec {
        val_fraction,
        num_val_puzzles,
        num_questions,
        num_val_questions,
        min_difficulty,
        max_difficulty,
        ..
    } = &config.data;
    match config.model.family() {
        Family::Language | Family::Images => vec![*val_fraction],
        // The last ones of a file.
        Family::Puzzles if listed => vec![*num_val_puzzles as f64],
        // Those that are made, test grids and official folders are held out whatever is set.
        Family::Puzzles => Vec::new(),
        Family::Questions => {
            let counts = [num_questions, num_val_questions, min_difficulty, max_difficulty];
            let counts = counts.into_iter().map(|count| *count as f64);
            counts.chain([config.train.seed as f64]).collect()
        }
    }
}

/// Of a file with colours that the model does not read.
pub fn of_data(plan: &Train, data: &Dataset) -> Option<String> {
    let Dataset::Images(images) = data else { return None };
    let model = plan.config.model.image()?;
    (plan.data.path().is_some() && images.source_channels > model.channels).then(|| {
        "num_channels is 1: images with colours are read in grey; --num-channels 3 keeps the colours"
            .to_owned()
    })
}
