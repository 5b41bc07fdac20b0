//! Checks of a configuration before anything is allocated.

use super::RunConfig;
use crate::SettingError;
use crate::check::require;
use crate::settings::{DATA_SETTINGS, TRAIN_SETTINGS, ranges};

impl RunConfig {
    /// Checks the configuration of a new run: as [`validate`](Self::validate), and that training
    /// reaches every parameter.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn validate_new(&self) -> Result<(), SettingError> {
        self.validate()?;
        self.model.validate_training(&self.train)
    }

    /// Checks everything that does not depend on the data.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    pub fn validate(&self) -> Result<(), SettingError> {
        let (data, train) = (&self.data, &self.train);
        ranges(DATA_SETTINGS, data)?;
        ranges(TRAIN_SETTINGS, train)?;
        self.model.validate(train)?;
        let (parameters, most) = (self.model.parameters(0), self.model.max_parameters());
        require(
            "hidden_size",
            parameters as u64 <= most,
            format!("makes a model of {parameters} parameters, more than 2^{}", most.ilog2()),
        )?;
        require(
            "min_difficulty",
            data.min_difficulty <= data.max_difficulty,
            format!("is {}, more than max_difficulty {}", data.min_difficulty, data.max_difficulty),
        )?;
        require(
            "min_guesses",
            data.min_guesses <= data.max_guesses,
            format!("is {}, more than max_guesses {}", data.min_guesses, data.max_guesses),
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
