//! What all ranks must have in common before they train, and while they do.

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use trm_data::puzzles::PuzzleDataset;
use trm_data::{Dataset, OpenedSource, hex};
use trm_spec::{Failure, FailureKind, RunConfig, Saved, Vocab, differences};

use super::failure::rank_failure;
use crate::ranks::shared_run::RankCommand;

/// Program, data and settings of a rank before the first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// Of the program.
    pub version: String,
    /// Digest of the data.
    pub data: String,
    pub config: RunConfig,
}

/// A message of rank 0 to all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Execute a command on the run.
    Execute(RankCommand),
    /// Reply with the [`Fingerprint`] of the run.
    Fingerprint,
    /// Training is complete.
    Stop,
}

/// The state of a run in short: step and digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    step: usize,
    weights: String,
    optimizer: String,
}

/// Digest of the puzzles that are trained on and held out.
fn puzzles_digest(puzzles: &PuzzleDataset) -> String {
    let mut digest = Sha256::new();
    for set in [&puzzles.train, &puzzles.val] {
        for numbers in [&set.inputs, &set.labels, &set.puzzle_identifiers] {
            digest.update((numbers.len() as u64).to_le_bytes());
            numbers.iter().for_each(|number| digest.update(number.to_le_bytes()));
        }
    }
    hex(digest)
}

impl Begin {
    /// Those of this rank.
    ///
    /// # Errors
    /// If the data cannot be loaded.
    pub fn new(config: &RunConfig, data: &OpenedSource, vocab: &Vocab) -> Result<Self, Failure> {
        let data = match data.sha256() {
            // A source without a digest of its files has one of its data, once they are loaded.
            "" => match data.load(config, Some(vocab))? {
                Dataset::Images(images) => images.sha256,
                Dataset::Questions(questions) => questions.sha256,
                Dataset::Puzzles(puzzles) => puzzles_digest(&puzzles),
                Dataset::Text(_) => String::new(),
            },
            known => known.to_owned(),
        };
        Ok(Self { version: env!("CARGO_PKG_VERSION").into(), data, config: config.clone() })
    }

    /// Refuses a rank that differs from rank 0, `first`.
    ///
    /// # Errors
    /// Names the first difference.
    pub fn expect(&self, first: &Self) -> Result<(), Failure> {
        let Some((what, here, there)) = self.difference(first) else { return Ok(()) };
        Err(Failure::new(
            FailureKind::Config,
            format!("{what} is {here} here, but {there} on rank 0"),
            "Start all ranks with the same program, arguments and data.",
        ))
    }

    fn difference(&self, first: &Self) -> Option<(String, String, String)> {
        if self.version != first.version {
            return Some(("the version".into(), self.version.clone(), first.version.clone()));
        }
        if self.data != first.data {
            let short = |digest: &str| digest.get(..16).unwrap_or(digest).to_owned();
            let what = "the digest of the data".into();
            return Some((what, short(&self.data), short(&first.data)));
        }
        // Both through the same text, so that numbers are read alike.
        let [here, there] = [&self.config, &first.config]
            .map(|config| serde_json::from_str(&json(config)).unwrap_or_else(|_| config.clone()));
        let setting = differences(&here, &there).next()?;
        let of = |config: &RunConfig| {
            let config: Value = serde_json::to_value(config).unwrap_or_default();
            config[setting.section][setting.key].to_string()
        };
        Some((setting.key.into(), of(&here), of(&there)))
    }
}

fn json(config: &RunConfig) -> String {
    serde_json::to_string(config).unwrap_or_default()
}

impl Fingerprint {
    /// The fingerprint of a saved run.
    ///
    /// # Errors
    /// If a file is damaged.
    pub fn of(saved: &Saved) -> Result<Self, Failure> {
        let [weights, optimizer] = [digest(&saved.checkpoint)?, digest(&saved.optimizer)?];
        Ok(Self { step: saved.step, weights, optimizer })
    }

    /// What differs from rank 0's.
    pub fn difference(&self, first: &Self) -> Option<String> {
        if self.step != first.step {
            return Some(format!("is at step {}, rank 0 at step {}", self.step, first.step));
        }
        let what = match (self.weights == first.weights, self.optimizer == first.optimizer) {
            (false, _) => "weights",
            (_, false) => "optimizer state",
            _ => return None,
        };
        Some(format!("has other {what} than rank 0 at step {}", self.step))
    }
}

/// Digest of all tensors of a file with their names and sizes, independent of their order in the
/// file and of its metadata.
fn digest(file: &[u8]) -> Result<String, Failure> {
    let tensors =
        SafeTensors::deserialize(file).map_err(|error| rank_failure(error.to_string()))?;
    let mut tensors = tensors.tensors();
    tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut digest = Sha256::new();
    for (name, tensor) in tensors {
        digest.update(format!("{name} {:?} {:?}\n", tensor.dtype(), tensor.shape()));
        digest.update(tensor.data());
    }
    Ok(trm_data::hex(digest))
}

#[cfg(test)]
mod tests {
    use safetensors::{Dtype, serialize, tensor::TensorView};

    use super::*;

    #[test]
    fn a_rank_that_differs_is_refused_with_the_first_difference() {
        let first = Begin {
            version: "1.2.3".into(),
            data: "0123456789abcdef0123".into(),
            config: RunConfig::default(),
        };
        assert_eq!(first.expect(&first), Ok(()));
        let refused = |change: &dyn Fn(&mut Begin)| {
            let mut other = first.clone();
            change(&mut other);
            other.expect(&first).expect_err("refused").message
        };
        let message = refused(&|begin| begin.version = "1.2.4".into());
        assert_eq!(message, "the version is 1.2.4 here, but 1.2.3 on rank 0");
        let message = refused(&|begin| begin.data = "fedcba9876543210".into());
        assert!(message.contains("data is fedcba9876543210 here, but 0123456789abcdef on rank 0"));
        let message = refused(&|begin| begin.config.train.seed = 9);
        assert_eq!(message, "seed is 9 here, but 1337 on rank 0");
    }

    #[test]
    fn fingerprints_differ_by_step_weights_and_optimizer() {
        let file = |value: f32| {
            let bytes = value.to_le_bytes();
            let tensor = || TensorView::new(Dtype::F32, vec![1], &bytes).expect("fits");
            serialize([("a", tensor()), ("b", tensor())], None).expect("written")
        };
        let saved = |step, weights, optimizer| {
            let saved = Saved { checkpoint: file(weights), optimizer: file(optimizer), step };
            Fingerprint::of(&saved).expect("whole")
        };
        let first = saved(3, 1.0, 2.0);
        assert_eq!(first.difference(&saved(3, 1.0, 2.0)), None);
        let difference = |other: Fingerprint| other.difference(&first).expect("differs");
        assert!(difference(saved(4, 1.0, 2.0)).contains("is at step 4, rank 0 at step 3"));
        assert!(difference(saved(3, 1.5, 2.0)).contains("other weights"));
        assert!(difference(saved(3, 1.0, -2.0)).contains("other optimizer state"));
    }
}
