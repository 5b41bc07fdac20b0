//! Checks of a configuration before anything is allocated.

use super::{MAX_DEPTH, MAX_DIFFICULTY, RunConfig};
use crate::SettingError;
use crate::check::{MAX_SIZE, in_range, require, sizes};

/// Largest seed that TOML, JSON and JavaScript all write down exactly.
const MAX_SEED: u64 = (1 << 53) - 1;

impl RunConfig {
    /// Checks everything that does not depend on the data.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn validate(&self) -> Result<(), SettingError> {
        self.model.validate(&self.train)?;
        let (parameters, most) = (self.model.parameters(0), self.model.max_parameters());
        require(
            "hidden_size",
            parameters as u64 <= most,
            format!("makes a model of {parameters} parameters, more than 2^{}", most.ilog2()),
        )?;
        let depth = self.model.depth();
        require(
            self.model.depth_key().unwrap_or("depth"),
            depth <= MAX_DEPTH,
            format!("is {depth}, but must be at most {MAX_DEPTH}"),
        )?;
        let (data, train) = (&self.data, &self.train);
        sizes(&[
            ("batch_size", train.batch_size),
            ("max_iters", train.max_iters),
            ("eval_interval", train.eval_interval),
            ("log_interval", train.log_interval),
            ("min_depth", train.min_depth),
            ("gradient_accumulation_steps", train.gradient_accumulation_steps),
            ("save_top_k", train.save_top_k),
            ("num_puzzles", data.num_puzzles),
            ("num_questions", data.num_questions),
            ("num_val_questions", data.num_val_questions),
            ("min_difficulty", data.min_difficulty),
        ])?;
        for (key, count) in [
            ("num_val_puzzles", data.num_val_puzzles),
            ("num_aug", data.num_aug),
            ("curriculum_iters", data.curriculum_iters),
            ("warmup_iters", train.warmup_iters),
            ("lr_decay_iters", train.lr_decay_iters),
            ("eval_iters", train.eval_iters),
        ] {
            let reason = format!("is {count}, which is absurdly large");
            require(key, count <= MAX_SIZE, reason)?;
        }
        require(
            "min_difficulty",
            data.min_difficulty <= data.max_difficulty,
            format!("is {}, more than max_difficulty {}", data.min_difficulty, data.max_difficulty),
        )?;
        require(
            "max_difficulty",
            data.max_difficulty <= MAX_DIFFICULTY,
            format!("is {}, but must be at most {MAX_DIFFICULTY}", data.max_difficulty),
        )?;
        require(
            "min_guesses",
            data.min_guesses <= data.max_guesses,
            format!("is {}, more than max_guesses {}", data.min_guesses, data.max_guesses),
        )?;
        require(
            "random_crop",
            data.random_crop <= MAX_SIZE,
            format!("is {}, which is absurdly large", data.random_crop),
        )?;
        for mean in &data.pixel_mean {
            in_range("pixel_mean", *mean, -10.0, 10.0)?;
        }
        for std in &data.pixel_std {
            in_range("pixel_std", *std, 1e-6, 1e6)?;
        }
        in_range("val_fraction", data.val_fraction, 0.0, 0.9)?;
        in_range("learning_rate", train.learning_rate, 0.0, 10.0)?;
        in_range("min_lr", train.min_lr, 0.0, 10.0)?;
        in_range("beta1", train.beta1, 0.0, 0.999_999)?;
        in_range("beta2", train.beta2, 0.0, 0.999_999)?;
        in_range("adam_eps", train.adam_eps, 1e-37, 1.0)?;
        in_range("weight_decay", train.weight_decay, 0.0, 10.0)?;
        in_range("halt_loss_weight", train.halt_loss_weight, 0.0, 100.0)?;
        in_range("halt_exploration_prob", train.halt_exploration_prob, 0.0, 1.0)?;
        in_range("puzzle_emb_lr", train.puzzle_emb_lr, 0.0, 10.0)?;
        in_range("puzzle_emb_weight_decay", train.puzzle_emb_weight_decay, 0.0, 10.0)?;
        in_range("muon_momentum", train.muon_momentum, 0.0, 0.999_999)?;
        in_range("ema_decay", train.ema_decay, 0.0, 0.999_999_9)?;
        in_range("grad_clip", train.grad_clip, 0.0, 1e9)?;
        require(
            "seed",
            train.seed <= MAX_SEED,
            format!("is {}, but must be below 2^53", train.seed),
        )?;
        let depth = self.model.depth();
        require(
            "cycle_weights",
            train.cycle_weights.is_empty() || train.cycle_weights.len() == depth,
            format!(
                "has {} weights for {depth} {}",
                train.cycle_weights.len(),
                self.model.depth_key().unwrap_or("readout")
            ),
        )?;
        require(
            "cycle_weights",
            train.cycle_weights.iter().all(|w| w.is_finite() && *w >= 0.0)
                && (train.cycle_weights.is_empty() || train.cycle_weights[0] > 0.0),
            "must be finite and not negative, and the first above zero".into(),
        )
    }
}
