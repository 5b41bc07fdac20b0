//! The configurations that are timed: language models of two sizes, two puzzle models
//! of the presets' sizes, one with token mixing (SwiGLU) and one with attention, the
//! published head of an image classifier, and a question model of the preset's size.

use serde_json::{Value, json};
use trm_spec::{RunConfig, overlay};

use crate::args::BenchPart;
use crate::presets;

/// A configuration to time.
pub struct Configuration {
    pub name: &'static str,
    pub part: BenchPart,
    /// The preset that `settings` change; `None` means the default configuration.
    preset: Option<&'static str>,
    settings: Value,
    /// Training steps per timed run.
    pub steps: usize,
}

impl Configuration {
    /// The whole configuration.
    ///
    /// # Errors
    /// If the settings do not fit together.
    pub fn config(&self) -> anyhow::Result<RunConfig> {
        let base = self.preset.map_or(Ok(RunConfig::default()), presets::config)?;
        Ok(overlay(&base, &self.settings)?)
    }
}

/// Enough puzzles for a batch; the time of a step does not depend on them.
const PUZZLES: usize = 64;

/// All configurations; `scripts/bench-torch.mjs` lists them in the same order.
pub fn all() -> [Configuration; 6] {
    [
        Configuration {
            name: "width 128, 4 heads, 2 blocks, 2 cycles, batch 12 × 64",
            part: BenchPart::Texts,
            preset: None,
            settings: json!({ "hidden_size": 128, "num_heads": 4, "block_size": 64, "batch_size": 12 }),
            steps: 10,
        },
        Configuration {
            name: "width 384, 6 heads, 2 blocks, 2 cycles, batch 8 × 256",
            part: BenchPart::Texts,
            preset: None,
            settings: json!({ "hidden_size": 384, "num_heads": 6, "block_size": 256, "batch_size": 8 }),
            steps: 2,
        },
        Configuration {
            name: "sudoku-9x9: width 128, mlp_t, 2 blocks, 2 × (3 + 1) passes, batch 64 × 81",
            part: BenchPart::Puzzles,
            preset: Some("sudoku-9x9"),
            settings: json!({ "num_puzzles": PUZZLES, "num_val_puzzles": 0 }),
            steps: 1,
        },
        Configuration {
            name: "maze-10x10: width 128, 4 heads, 2 blocks, 2 × (3 + 1) passes, batch 32 × 100",
            part: BenchPart::Puzzles,
            preset: Some("maze-10x10"),
            settings: json!({
                "num_puzzles": PUZZLES, "num_val_puzzles": 0, "mlp_t": false, "pos_encodings": "rope",
            }),
            steps: 2,
        },
        Configuration {
            name: "head: width 384, 197 positions, 6 × 4 steps, batch 16",
            part: BenchPart::Images,
            preset: Some("digits"),
            // As many positions as ViT-B/16 has at 224 px, each of 192 features.
            settings: json!({
                "image_size": 112, "patch_size": 8, "num_channels": 3, "hidden_size": 384,
                "inner_steps": 6, "outer_steps": 4, "batch_size": 16,
                "objective": "last_cycle", "ema_decay": 0,
            }),
            steps: 1,
        },
        Configuration {
            name: "cups: cut 24, window 4, 12 latents, 3 × 2 × (2 + 1) passes, batch 16",
            part: BenchPart::Questions,
            preset: Some("cups"),
            // One batch, whose states the trunk computes once.
            settings: json!({
                "num_questions": 16, "num_val_questions": 16, "min_difficulty": 6,
                "curriculum_iters": 0, "ema_decay": 0,
            }),
            steps: 1,
        },
    ]
}

#[cfg(test)]
mod tests {
    use trm_spec::{Family, VariantSpec};

    use super::*;

    #[test]
    fn names_state_the_sizes() {
        for configuration in all() {
            let config = configuration.config().expect("valid");
            let batch = config.train.batch_size;
            let name = match &config.model {
                VariantSpec::ChatTrm(model) => format!(
                    "width {}, {} heads, {} blocks, {} cycles, batch {batch} × {}",
                    model.hidden_size,
                    model.num_heads,
                    model.n_layers,
                    model.recursion_steps,
                    model.block_size
                ),
                VariantSpec::Trm(model) => format!(
                    "{}: width {}, {}, {} blocks, {} × ({} + 1) passes, batch {batch} × {}",
                    config.data.dataset,
                    model.hidden_size,
                    match model.mlp_t {
                        true => "mlp_t".to_string(),
                        false => format!("{} heads", model.num_heads),
                    },
                    model.n_layers,
                    model.h_cycles,
                    model.l_cycles,
                    model.seq_len
                ),
                VariantSpec::TrmVit(model) => format!(
                    "head: width {}, {} positions, {} × {} steps, batch {batch}",
                    model.hidden_size,
                    model.patches() + 1,
                    model.inner_steps,
                    model.outer_steps
                ),
                VariantSpec::LlmTrm(model) => format!(
                    "{}: cut {}, window {}, {} latents, {} × {} × ({} + 1) passes, batch {batch}",
                    config.data.dataset,
                    model.cut,
                    model.window,
                    model.num_latents,
                    model.supervision_steps,
                    model.h_cycles,
                    model.l_cycles
                ),
                other => panic!("{} is not timed here", other.name()),
            };
            assert_eq!(name, configuration.name);
            let part = match config.model.family() {
                Family::Language => BenchPart::Texts,
                Family::Puzzles => BenchPart::Puzzles,
                Family::Images => BenchPart::Images,
                Family::Questions => BenchPart::Questions,
            };
            assert_eq!(part, configuration.part);
        }
    }

    #[test]
    fn puzzle_steps_are_timed_with_everything_that_training_does() {
        for configuration in
            all().iter().filter(|configuration| configuration.part == BenchPart::Puzzles)
        {
            let train = configuration.config().expect("valid").train;
            assert_eq!(train.supervision, trm_spec::Supervision::Carry);
            assert_eq!(train.loss_type, trm_spec::LossType::Stablemax);
            assert_eq!(train.optimizer, trm_spec::Optimizer::AdamAtan2);
            assert!(train.ema_decay > 0.0 && train.batch_size <= PUZZLES);
        }
    }
}
