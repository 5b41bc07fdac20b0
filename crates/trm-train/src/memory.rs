//! The memory of a training step on the CPU, estimated before it is needed.

use trm_spec::{Failure, FailureKind, Family, RunConfig};

/// The program and its data, in bytes.
const PROGRAM: f64 = 40e6;

/// Weights, gradients, both moments of the optimizer, averaged weights and what an update
/// writes beside them: bytes of a parameter.
const PARAMETER: f64 = 24.0;

/// Share of the estimate that a run needs at least: it is refused only if there is less.
const CERTAIN: f64 = 0.75;

/// Share of the memory that a batch which is proposed may take.
const COMFORTABLE: f64 = 0.8;

/// What a training step needs, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct StepMemory {
    /// Whatever the batch.
    fixed: f64,
    /// For each row of a batch.
    row: f64,
}

impl StepMemory {
    /// The memory of a step of `config`, whose model has a vocabulary of so many tokens.
    ///
    /// A row keeps what the backward pass needs: nearly as many bytes as the operations of
    /// its training divided by the width, as measured (docs/robustness.md).
    pub fn of(config: &RunConfig, vocab_size: usize) -> Self {
        let parameters = config.model.parameters(vocab_size) as f64;
        let sizes = config.model.sizes();
        let width =
            sizes.iter().find(|(key, _)| *key == "hidden_size").map_or(1, |(_, size)| *size);
        let operations = config.training_flops_per_token(vocab_size) * config.model.length() as f64;
        let family = match config.model.family() {
            Family::Puzzles => 0.6,
            Family::Language => 1.0,
            // Much of these is frozen, or read from features.
            Family::Images | Family::Questions => 0.4,
        };
        let kept = if config.train.gradient_checkpointing { 0.3 } else { 1.0 };
        let row = operations / width.max(1) as f64 * family * kept;
        Self { fixed: PROGRAM + PARAMETER * parameters, row }
    }

    /// Bytes of a step of so many `rows`.
    pub fn rows(&self, rows: usize) -> f64 {
        self.fixed + self.row * rows as f64
    }
}

/// Refuses a run that cannot fit into the `available` bytes with `ranks` that train it
/// there, and says which setting to lower.
///
/// # Errors
/// If much more memory is needed than there is.
pub fn check_memory(
    config: &RunConfig,
    vocab_size: usize,
    ranks: usize,
    available: u64,
) -> Result<(), Failure> {
    let (memory, train, ranks) =
        (StepMemory::of(config, vocab_size), &config.train, ranks.max(1) as f64);
    let (needed, available) = (memory.rows(train.batch_size) * ranks, available as f64);
    if needed * CERTAIN <= available {
        return Ok(());
    }
    let fitting = (available * COMFORTABLE / ranks - memory.fixed) / memory.row;
    let hint = if fitting >= 1.0 {
        let language = config.model.family() == Family::Language;
        let keep_less = match language && !train.gradient_checkpointing {
            true => ", or keep less of a step (--gradient-checkpointing true)",
            false => "",
        };
        let fitting = (fitting as usize).min(train.batch_size.saturating_sub(1)).max(1);
        format!("Lower batch_size (--batch-size {fitting} should fit){keep_less}.")
    } else {
        "Choose a smaller model (hidden_size, n_layers) or shorter rows, or a machine with more memory."
            .into()
    };
    let message = format!(
        "a step of {} rows needs about {} of memory, and {} are available",
        train.batch_size,
        shown_bytes(needed),
        shown_bytes(available)
    );
    Err(Failure::new(FailureKind::Config, message, hint))
}

/// An amount of memory in bytes, for people to read.
pub fn shown_bytes(bytes: f64) -> String {
    match bytes {
        _ if bytes >= 1e12 => format!("{:.1} TB", bytes / 1e12),
        _ if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        _ => format!("{:.0} MB", bytes / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_rows_need_more_memory_and_a_batch_that_fits_is_named() {
        let mut config = RunConfig::default();
        let memory = StepMemory::of(&config, 256);
        assert!(memory.rows(1) < 1e9 && memory.rows(1_000_000) > 1e12);
        config.train.batch_size = 1_000_000;
        check_memory(&config, 256, 1, u64::MAX).expect("there is no more");
        let failure = check_memory(&config, 256, 1, 4 << 30).expect_err("too much");
        assert!(
            failure.message.contains("TB") && failure.message.contains("4.3 GB"),
            "{failure:?}"
        );
        let fitting = failure.hint.split_once("--batch-size ").expect("named").1;
        let fitting: usize =
            fitting.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
        config.train.batch_size = fitting;
        check_memory(&config, 256, 1, 4 << 30).expect("it fits");
        assert!(check_memory(&config, 256, 2, 2 << 30).is_err(), "two ranks need twice as much");
        let failure = check_memory(&config, 256, 1, 1 << 20).expect_err("not even one row");
        assert!(failure.hint.contains("smaller model"), "{failure:?}");
    }
}
