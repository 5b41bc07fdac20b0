//! What `overfit` can train, and the settings that it does so with: for the command and for
//! its help.

use serde_json::{Value, json};
use trm_data::images::DIGITS;
use trm_data::puzzles::PuzzleKind;
use trm_spec::{Family, RunConfig};

use crate::presets;

/// Why a model on a frozen base is not trained.
pub const ON_BASE: &str = "it needs a frozen base, and `overfit` trains models without one";

/// Why the model of `config` cannot be overfitted; `None` if all that it needs comes with the
/// program.
pub fn obstacle(config: &RunConfig) -> Option<String> {
    let (family, dataset) = (config.model.family(), config.data.dataset.as_str());
    if config.model.reads_base() {
        return Some(ON_BASE.into());
    }
    let built_in = match family {
        Family::Language | Family::Questions => true,
        Family::Puzzles => PuzzleKind::named(dataset).is_some(),
        Family::Images => dataset == DIGITS,
    };
    (!built_in).then(|| {
        format!(
            "its dataset `{dataset}` does not come with the program, and `overfit` reads no files"
        )
    })
}

/// Whether the model of a preset can be overfitted.
pub fn suits(preset: &str) -> bool {
    presets::config(preset).is_ok_and(|config| obstacle(&config).is_none())
}

/// Settings that are the same whatever was typed, and why.
pub fn own_settings(family: Family) -> (&'static [&'static str], &'static str) {
    match family {
        Family::Language => (
            &["block_size", "dataset", "val_fraction"],
            "a language model is trained on one sentence (--text), and its block holds all of it",
        ),
        Family::Puzzles => (
            &["num_puzzles", "num_val_puzzles", "augment"],
            "a puzzle model is trained on one puzzle, without augmentation",
        ),
        Family::Images => (
            &["batch_size", "random_crop", "flip", "val_fraction"],
            "an image classifier is trained on one batch of eight images, without augmentation",
        ),
        Family::Questions => (&[], ""),
    }
}

/// The settings that suit overfitting a model of `base`; flags replace them.
pub fn defaults(base: &RunConfig) -> Value {
    let mut patch = json!({
        "batch_size": 1, "gradient_accumulation_steps": 1, "max_iters": 1000,
        "learning_rate": 3e-3, "lr_schedule": "constant", "warmup_iters": 10,
        "weight_decay": 0, "ema_decay": 0, "val_fraction": 0,
    });
    if base.model.dropout() > 0.0 {
        patch["dropout"] = json!(0.0);
    }
    patch
}
