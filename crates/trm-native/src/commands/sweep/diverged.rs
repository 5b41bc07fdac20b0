//! How the runs of a sweep end. One whose loss diverges does not end the sweep, and is not trained
//! again.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trm_spec::{Failure, FailureKind};

use crate::run_dir;
use crate::sweep::vary::{VariedRun, label};
use crate::terminal::report::say;
use crate::training::trainer::TrainingEnd;

/// Name of the file in a run's folder that says why the run diverged.
const FILE: &str = "diverged.json";

/// Why a run has no result, kept in its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverged {
    /// What is no longer finite, and since which step.
    pub message: String,
}

impl Diverged {
    /// The divergence of the run in `folder`, if it is known.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        run_dir::read_kept(&folder.join(FILE), "train the run again")
    }
}

/// How a run of a sweep ended.
#[derive(Debug, PartialEq)]
pub enum RunEnd<T> {
    /// It is complete, with this result.
    Complete(T),
    /// It was stopped before its end and can be resumed.
    Stopped,
    /// Its loss diverged.
    Diverged(Diverged),
}

impl RunEnd<()> {
    /// Reads the end of a training. A divergence is written into the run's `folder`.
    ///
    /// # Errors
    /// Any other error of the training, or if the file cannot be written.
    pub fn of(ended: anyhow::Result<TrainingEnd>, folder: &Path) -> anyhow::Result<Self> {
        let error = match ended {
            Ok(TrainingEnd::Finished | TrainingEnd::EarlyStopped) => return Ok(Self::Complete(())),
            Ok(TrainingEnd::Stopped(_)) => return Ok(Self::Stopped),
            Err(error) => error,
        };
        let message = match error.downcast_ref::<Failure>() {
            Some(failure) if failure.kind == FailureKind::Diverged => failure.message.clone(),
            _ => return Err(error),
        };
        let path = folder.join(FILE);
        say!("diverged: {message}; remove {} to train the run further\n", path.display());
        let diverged = Diverged { message };
        run_dir::write(&path, serde_json::to_string(&diverged)?.as_bytes())?;
        Ok(Self::Diverged(diverged))
    }
}

/// How many runs diverged before, after the number of those that finished.
pub fn noted(count: usize) -> String {
    if count > 0 { format!(", {count} diverged") } else { String::new() }
}

/// The row of a run that diverged, of a sweep over any settings.
#[derive(Clone, Debug, Serialize)]
pub struct DivergedRow {
    /// The settings that vary, with their values.
    pub settings: Map<String, Value>,
    /// The seed of the run.
    pub seed: u64,
    /// What is no longer finite, and since which step.
    pub diverged: String,
}

impl DivergedRow {
    /// The row of `run`.
    pub fn of(run: &VariedRun, diverged: Diverged) -> Self {
        Self { settings: run.settings(), seed: run.seed, diverged: diverged.message }
    }

    /// The settings as in the rows of other runs.
    pub fn label(&self) -> String {
        label(&self.settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::stop::StopReason;

    #[test]
    fn a_training_that_ends_without_an_error_is_complete_or_stopped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let end = |end| RunEnd::of(Ok(end), folder.path()).expect("no error");
        assert_eq!(end(TrainingEnd::Finished), RunEnd::Complete(()));
        assert_eq!(end(TrainingEnd::EarlyStopped), RunEnd::Complete(()));
        assert_eq!(end(TrainingEnd::Stopped(StopReason::Interrupted)), RunEnd::Stopped);
        assert_eq!(Diverged::read(folder.path()).expect("nothing there"), None);
    }

    #[test]
    fn only_a_divergence_is_caught_and_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let ended = |kind| {
            let failure = Failure::new(kind, "the loss became NaN at step 3", "Lower it.");
            RunEnd::of(Err(anyhow::Error::from(failure).context("stopped")), folder)
        };
        assert!(ended(FailureKind::Device).is_err());
        assert_eq!(Diverged::read(folder).expect("nothing there"), None);
        let caught = Diverged { message: "the loss became NaN at step 3".into() };
        let end = ended(FailureKind::Diverged).expect("kept");
        assert_eq!(end, RunEnd::Diverged(caught.clone()));
        assert_eq!(Diverged::read(folder).expect("readable"), Some(caught));
    }

    #[test]
    fn a_row_is_labelled_as_one_that_did_not_diverge() {
        let values = vec![("learning_rate", "10.0".into()), ("optimizer", "muon".into())];
        let config = trm_spec::RunConfig::default();
        let run = VariedRun { name: "run".into(), values, seed: 1, config };
        let row = DivergedRow::of(&run, Diverged { message: "NaN".into() });
        assert_eq!(row.label(), "learning_rate 10.0, optimizer muon");
        let json = serde_json::to_value(&row).expect("JSON");
        assert_eq!(json["settings"]["learning_rate"], 10.0);
        assert_eq!(json["seed"], 1);
        assert_eq!(json["diverged"], "NaN");
    }
}
