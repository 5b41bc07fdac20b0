//! `metrics.jsonl`: one JSON object a line, appended as the run goes on.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::run_dir;

/// A line about training, or about validation.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Line {
    Train { step: usize, loss: f64, learning_rate: f64, depth: usize, tokens_per_second: f64 },
    Val { step: usize, val_loss: f64, depth: usize },
}

pub struct Metrics {
    path: PathBuf,
    file: File,
}

impl Metrics {
    /// The metrics of a new run.
    pub fn create(path: PathBuf) -> anyhow::Result<Self> {
        run_dir::write(&path, b"")?;
        Self::append_to(path)
    }

    /// The metrics of a run that goes on after `step`; what a killed run wrote
    /// about later steps is dropped, for they will come again.
    pub fn resume(path: PathBuf, step: usize) -> anyhow::Result<Self> {
        let text = if path.exists() { run_dir::read(&path)? } else { Vec::new() };
        run_dir::write(&path, &up_to(&text, step))?;
        Self::append_to(path)
    }

    fn append_to(path: PathBuf) -> anyhow::Result<Self> {
        let file = OpenOptions::new().append(true).open(&path).with_context(|| cannot(&path))?;
        Ok(Self { path, file })
    }

    pub fn write(&mut self, line: &Line) -> anyhow::Result<()> {
        // One write a line, so that a kill cuts no line of another step.
        let text = format!("{}\n", serde_json::to_string(line)?);
        self.file.write_all(text.as_bytes()).with_context(|| cannot(&self.path))
    }
}

fn cannot(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// The whole lines of `text` about steps up to `step`.
fn up_to(text: &[u8], step: usize) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Step {
        step: usize,
    }
    text.split_inclusive(|&byte| byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .filter(|line| serde_json::from_slice::<Step>(line).is_ok_and(|line| line.step <= step))
        .flatten()
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_on_drops_later_and_broken_lines() {
        let text = b"{\"step\":1,\"loss\":3.0}\n{\"step\":2,\"val_loss\":3.0}\n{\"step\":3}\n{\"st";
        let kept = up_to(text, 2);
        assert_eq!(kept, b"{\"step\":1,\"loss\":3.0}\n{\"step\":2,\"val_loss\":3.0}\n");
    }

    #[test]
    fn lines_are_appended_to_what_was_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let line = |step| Line::Val { step, val_loss: 2.5, depth: 2 };
        let mut metrics = Metrics::create(path.clone()).expect("created");
        for step in [1, 2, 3] {
            metrics.write(&line(step)).expect("written");
        }
        let mut metrics = Metrics::resume(path.clone(), 2).expect("taken up");
        metrics.write(&line(9)).expect("written");
        let text = std::fs::read_to_string(&path).expect("text");
        let steps: Vec<_> = text
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON")["step"].clone()
            })
            .collect();
        assert_eq!(steps, [1, 2, 9]);
    }
}
