//! The memory of a training step on the CPU, estimated before it is needed.

use trm_spec::{Failure, FailureKind, Family, RunConfig};

#[cfg(feature = "llm")]
use trm_spec::LlamaSpec;

/// The program, in bytes.
const PROGRAM: f64 = 45e6;

/// A text with its tokens, and puzzles with their answers: bytes of usual data.
const TEXT: f64 = 24e6;
const PUZZLES: f64 = 12e6;

/// Weights, gradients, both moments of the optimizer and averaged weights: bytes of a
/// parameter.
const PARAMETER: f64 = 16.0;

/// Share of the memory that a batch which is proposed may take.
const COMFORTABLE: f64 = 0.8;

/// What a training step needs, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct StepMemory {
    /// Whatever the batch.
    fixed: f64,
    /// For each row of a batch.
    row: f64,
    /// Of the largest tensor, for each row.
    largest: f64,
}

impl StepMemory {
    /// The memory of a step of `config`, whose model has a vocabulary of so many tokens. It
    /// is within 15 % of what was measured (docs/robustness.md), which the tests check.
    pub fn of(config: &RunConfig, vocab_size: usize) -> Self {
        let (model, train) = (&config.model, &config.train);
        let data = match model.family() {
            Family::Language => TEXT,
            Family::Puzzles => PUZZLES,
            Family::Images | Family::Questions => 0.0,
        };
        let sizes = model.sizes();
        let width = sizes.iter().find(|(key, _)| *key == "hidden_size").map_or(1, |size| size.1);
        // Readouts, and the gated inner features of a block.
        let widest = vocab_size.max(8 * width);
        Self {
            fixed: PROGRAM
                + data
                + PARAMETER * model.parameters(vocab_size) as f64
                + model.held_bytes(vocab_size)
                + model.table_bytes() as f64,
            row: model.kept_bytes(train, vocab_size),
            largest: 4.0 * model.length() as f64 * widest as f64,
        }
    }

    /// Bytes of a step of so many `rows`.
    pub fn rows(&self, rows: usize) -> f64 {
        self.fixed + self.row * rows as f64
    }
}

/// Refuses a run that does not fit into the `available` bytes with `ranks` that train it
/// there, and says which setting to lower.
///
/// # Errors
/// If more memory is needed than there is.
pub fn check_memory(
    config: &RunConfig,
    vocab_size: usize,
    ranks: usize,
    available: u64,
) -> Result<(), Failure> {
    let (memory, rows, ranks) =
        (StepMemory::of(config, vocab_size), config.train.batch_size, ranks.max(1) as f64);
    let (needed, available) = (memory.rows(rows) * ranks, available as f64);
    if needed <= available {
        return Ok(());
    }
    let fitting = (available * COMFORTABLE / ranks - memory.fixed) / memory.row;
    let message = format!(
        "a step of {rows} rows needs about {} of memory, and {} are available",
        shown_bytes(needed),
        shown_bytes(available)
    );
    Err(too_large(config, message, fitting))
}

/// Refuses a run whose largest tensor is beyond `buffer`, the bytes that a GPU gives to
/// one at most. How much memory it has in all is not known.
///
/// # Errors
/// If a larger buffer is needed.
pub fn check_buffer(config: &RunConfig, vocab_size: usize, buffer: u64) -> Result<(), Failure> {
    let (memory, rows) = (StepMemory::of(config, vocab_size), config.train.batch_size);
    let (needed, buffer) = (memory.largest * rows as f64, buffer as f64);
    if needed <= buffer {
        return Ok(());
    }
    let message = format!(
        "a step of {rows} rows needs a tensor of {}, and this GPU holds at most {} in one",
        shown_bytes(needed),
        shown_bytes(buffer)
    );
    Err(too_large(config, message, buffer / memory.largest))
}

/// Refuses a decoder of `sizes` with `vocab_size` tokens whose largest weight, in f32, is
/// beyond `buffer`, the bytes that a GPU gives to one tensor at most.
///
/// # Errors
/// If a larger buffer is needed.
#[cfg(feature = "llm")]
pub(crate) fn check_weights(
    sizes: &LlamaSpec,
    vocab_size: usize,
    buffer: u64,
) -> Result<(), Failure> {
    let attention = (sizes.num_heads + 2 * sizes.num_kv_heads) * sizes.head_dim();
    let rows = vocab_size.max(2 * sizes.intermediate_size).max(attention);
    let needed = 4.0 * rows as f64 * sizes.hidden_size as f64;
    if needed <= buffer as f64 {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::Base,
        format!(
            "the base model has a tensor of {}, and this GPU holds at most {} in one",
            shown_bytes(needed),
            shown_bytes(buffer as f64)
        ),
        "Use the CPU (device=cpu in the address), or a smaller base model.",
    ))
}

/// That `config` is too large, and which batch size fits.
fn too_large(config: &RunConfig, message: String, fitting: f64) -> Failure {
    let train = &config.train;
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
    Failure::new(FailureKind::Config, message, hint)
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
