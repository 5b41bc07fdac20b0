//! The metrics of a run over time: `metrics.jsonl`, one JSON object per line, and
//! the same scalars as TensorBoard event files.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use trm_spec::Solved;

use crate::run_dir::tensorboard::EventWriter;
use crate::run_dir::{self, RunDir};

/// One line of `metrics.jsonl`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum LogLine {
    Train {
        step: usize,
        loss: f64,
        learning_rate: f64,
        depth: usize,
        tokens_per_second: f64,
        /// Time in training steps since the run began, over all processes.
        seconds: f64,
        /// Puzzle models: accuracy of the puzzles that halted in this step.
        #[serde(skip_serializing_if = "Option::is_none")]
        solved: Option<Solved>,
        /// Question models: share of the batch's questions that are answered exactly.
        #[serde(skip_serializing_if = "Option::is_none")]
        exact: Option<f64>,
    },
    Val {
        step: usize,
        val_loss: f64,
        depth: usize,
        /// Share of puzzles that are solved completely, or of questions that are answered
        /// exactly.
        #[serde(skip_serializing_if = "Option::is_none")]
        exact_accuracy: Option<f64>,
        /// Puzzle models: share of cells that are correct.
        #[serde(skip_serializing_if = "Option::is_none")]
        cell_accuracy: Option<f64>,
        /// Image classifiers: share of images whose class is right.
        #[serde(skip_serializing_if = "Option::is_none")]
        accuracy: Option<f64>,
        /// Question models: share of questions that are answered exactly, by supervision
        /// steps from 0 on.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        exact_by_step: Vec<f64>,
        /// Question models: share of questions after which the model writes `<think>`.
        #[serde(skip_serializing_if = "Option::is_none")]
        think: Option<f64>,
    },
}

/// Appends to a run's `metrics.jsonl` and TensorBoard files.
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    events: EventWriter,
    /// Seconds of training in earlier processes.
    seconds_before: f64,
}

impl MetricsLog {
    /// Starts the log of a new run.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn create(dir: &RunDir) -> anyhow::Result<Self> {
        Self::append_to(dir, b"", 0)
    }

    /// Continues the log of a run after `step`. Lines about later steps, written
    /// before the process was killed, are dropped because those steps run again.
    ///
    /// # Errors
    /// If the files cannot be read or written.
    pub fn resume(dir: &RunDir, step: usize) -> anyhow::Result<Self> {
        let path = dir.metrics();
        let text = if path.exists() { run_dir::read(&path)? } else { Vec::new() };
        Self::append_to(dir, &up_to(&text, step), step)
    }

    /// Writes `text`, which covers the steps up to `step`, and appends to it.
    fn append_to(dir: &RunDir, text: &[u8], step: usize) -> anyhow::Result<Self> {
        let path = dir.metrics();
        run_dir::write(&path, text)?;
        let cannot = || format!("cannot write {}", path.display());
        let file = OpenOptions::new().append(true).open(&path).with_context(cannot)?;
        let events = EventWriter::create(dir.path(), step + 1)
            .with_context(|| format!("cannot write event files in {}", dir.path().display()))?;
        Ok(Self { file, events, seconds_before: seconds(text), path })
    }

    /// Seconds of training in earlier processes of this run.
    pub fn seconds_before(&self) -> f64 {
        self.seconds_before
    }

    /// Writes one line.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn write(&mut self, line: &LogLine) -> anyhow::Result<()> {
        // One system call per line: a kill can cut only the last line.
        let text = format!("{}\n", serde_json::to_string(line)?);
        let events = &mut self.events;
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| match line {
                LogLine::Train {
                    step,
                    loss,
                    learning_rate,
                    tokens_per_second,
                    solved,
                    exact,
                    ..
                } => {
                    let mut scalars = vec![
                        ("train/loss", *loss),
                        ("train/learning_rate", *learning_rate),
                        ("train/tokens_per_second", *tokens_per_second),
                    ];
                    if let Some(solved) = solved {
                        scalars.push(("train/exact_accuracy", solved.exact_accuracy));
                        scalars.push(("train/steps", solved.steps));
                    }
                    scalars.extend(exact.map(|exact| ("train/exact_answers", exact)));
                    events.scalars(*step, &scalars)
                }
                LogLine::Val {
                    step,
                    val_loss,
                    exact_accuracy,
                    cell_accuracy,
                    accuracy,
                    think,
                    ..
                } => {
                    let mut scalars = vec![("val/loss", *val_loss)];
                    let others = [
                        ("val/exact_accuracy", exact_accuracy),
                        ("val/cell_accuracy", cell_accuracy),
                        ("val/accuracy", accuracy),
                        ("val/think", think),
                    ];
                    scalars.extend(others.into_iter().filter_map(|(of, x)| Some((of, (*x)?))));
                    events.scalars(*step, &scalars)
                }
            })
            .with_context(|| format!("cannot write {} and its events", self.path.display()))
    }
}

/// The fields that are read back from a line.
#[derive(Deserialize)]
struct Read {
    step: usize,
    seconds: Option<f64>,
}

/// The complete lines of `text` about steps up to `step`.
fn up_to(text: &[u8], step: usize) -> Vec<u8> {
    text.split_inclusive(|&byte| byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .filter(|line| serde_json::from_slice::<Read>(line).is_ok_and(|line| line.step <= step))
        .flatten()
        .copied()
        .collect()
}

/// Seconds of training by the last line of `text` that has them.
pub fn seconds(text: &[u8]) -> f64 {
    text.split(|&byte| byte == b'\n')
        .rev()
        .find_map(|line| serde_json::from_slice::<Read>(line).ok()?.seconds)
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resuming_drops_later_and_broken_lines() {
        let text = b"{\"step\":1,\"loss\":3.0}\n{\"step\":2,\"val_loss\":3.0}\n{\"step\":3}\n{\"st";
        let kept = up_to(text, 2);
        assert_eq!(kept, b"{\"step\":1,\"loss\":3.0}\n{\"step\":2,\"val_loss\":3.0}\n");
    }

    #[test]
    fn lines_are_appended_to_what_was_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = RunDir::create(&folder.path().join("run"), &[]).expect("a new run");
        let val = |step| LogLine::Val {
            step,
            val_loss: 2.5,
            depth: 2,
            exact_accuracy: None,
            cell_accuracy: None,
            accuracy: None,
            exact_by_step: Vec::new(),
            think: None,
        };
        let train = |step: usize| LogLine::Train {
            step,
            loss: 2.5,
            learning_rate: 1e-3,
            depth: 2,
            tokens_per_second: 100.0,
            seconds: step as f64 * 1.5,
            solved: None,
            exact: None,
        };
        let mut metrics = MetricsLog::create(&dir).expect("created");
        assert_eq!(metrics.seconds_before(), 0.0);
        for line in [train(1), train(2), val(2), train(3)] {
            metrics.write(&line).expect("written");
        }
        let mut metrics = MetricsLog::resume(&dir, 2).expect("resumed");
        assert_eq!(metrics.seconds_before(), 3.0);
        metrics.write(&val(9)).expect("written");
        let text = std::fs::read_to_string(dir.metrics()).expect("text");
        let steps: Vec<_> = text
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON")["step"].clone()
            })
            .collect();
        assert_eq!(steps, [1, 2, 2, 9]);
    }
}
