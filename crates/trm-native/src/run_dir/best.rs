//! The best checkpoints of a run: `best.safetensors`, and with `save_top_k` above 1
//! the k best validations as `best-<step>.safetensors` beside it.
//!
//! There is no list of the kept files: each checkpoint's header holds its score.
//! New files are written before old ones are removed, so that a kill at any moment
//! leaves at least the k best.

use std::fs;
use std::path::Path;

use anyhow::Context;
use trm_train::checkpoint::{self, Header};

use super::RunDir;
use super::files::{self, Move, cannot_read, link};
use super::names::BEST;
use crate::training::run_metrics::{RunMetrics, ValidationScore};

/// A file among the best.
#[derive(Debug, PartialEq)]
struct Kept {
    score: ValidationScore,
    step: usize,
}

impl RunDir {
    /// Keeps the model that was validated at `step` if it is among the `k` best.
    /// `export` is called only then. Calling this twice changes nothing.
    ///
    /// # Errors
    /// If a file cannot be read or written, or if `export` fails.
    pub fn keep_best(
        &self,
        step: usize,
        metrics: &RunMetrics,
        k: usize,
        export: impl Fn() -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let is_best = metrics.best_step == Some(step);
        if is_best {
            files::write(&self.file(BEST), &export()?)?;
        }
        if k > 1 {
            self.name_best()?;
            let file = self.file(&name(step));
            let worst = ValidationScore { loss: f64::INFINITY, exact_accuracy: None };
            let score = metrics.last_score().unwrap_or(worst);
            let ahead = self.kept()?.iter().filter(|o| o.score.compare(&score).is_le()).count();
            if !is_best && !file.exists() && ahead < k {
                files::write(&file, &export()?)?;
            }
        }
        self.prune(if k > 1 { k } else { 0 })
    }

    /// Keeps averaged weights of a run that validates nothing, so that the folder opens with
    /// them.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_average(&self, checkpoint: &[u8]) -> anyhow::Result<()> {
        files::write(&self.file(BEST), checkpoint)
    }

    /// Gives the best checkpoint its numbered name too.
    fn name_best(&self) -> anyhow::Result<()> {
        let best = self.file(BEST);
        if !best.exists() {
            return Ok(());
        }
        let numbered = self.file(&name(header(&best)?.step));
        if numbered.exists() { Ok(()) } else { link(&best, &numbered) }
    }

    /// Removes all numbered files but the `k` best.
    fn prune(&self, k: usize) -> anyhow::Result<()> {
        let mut kept = self.kept()?;
        kept.sort_by(|a, b| a.score.compare(&b.score).then(a.step.cmp(&b.step)));
        for worse in kept.iter().skip(k) {
            Move::Remove(self.file(&name(worse.step))).apply()?;
        }
        Ok(())
    }

    /// The numbered files in the folder, in any order.
    fn kept(&self) -> anyhow::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(self.path()).with_context(|| cannot_read(self.path()))? {
            let entry = entry.with_context(|| cannot_read(self.path()))?;
            let Some(step) = entry.file_name().to_str().and_then(step_in) else { continue };
            // A file without a validation loss was not written by a run.
            let header = header(&entry.path()).ok();
            let score = header.and_then(|header| RunMetrics::read(&header.metrics).last_score());
            kept.extend(score.map(|score| Kept { score, step }));
        }
        Ok(kept)
    }
}

fn name(step: usize) -> String {
    format!("best-{step}.safetensors")
}

/// The step in a numbered name.
fn step_in(name: &str) -> Option<usize> {
    name.strip_prefix("best-")?.strip_suffix(".safetensors")?.parse().ok()
}

/// The header of the checkpoint at `path`.
fn header(path: &Path) -> anyhow::Result<Header> {
    checkpoint::read_header(&files::read(path)?).with_context(|| cannot_read(path))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use safetensors::Dtype;
    use safetensors::tensor::TensorView;
    use trm_spec::{RunConfig, Vocab};

    use super::*;

    fn score(loss: f64) -> ValidationScore {
        ValidationScore { loss, exact_accuracy: None }
    }

    fn json(value: &impl serde::Serialize) -> String {
        serde_json::to_string(value).expect("JSON")
    }

    /// Validates a model of `loss` at `step` and keeps it.
    fn keep(dir: &RunDir, metrics: &mut RunMetrics, loss: f64, step: usize, k: usize) {
        metrics.record_validation(score(loss), step);
        dir.keep_best(step, metrics, k, || Ok(file_of(metrics, step))).expect("kept");
    }

    fn file_of(metrics: &RunMetrics, step: usize) -> Vec<u8> {
        let metadata = HashMap::from([
            ("format".to_owned(), "trm/1".to_owned()),
            ("config".to_owned(), json(&RunConfig::default())),
            ("vocab".to_owned(), json(&Vocab::Byte)),
            ("step".to_owned(), step.to_string()),
            ("metrics".to_owned(), json(metrics)),
        ]);
        let weights = [0; 400];
        let view = TensorView::new(Dtype::F32, vec![100], &weights).expect("a tensor");
        safetensors::serialize([("w", view)], Some(metadata)).expect("a file")
    }

    fn steps(dir: &RunDir) -> BTreeSet<usize> {
        dir.kept().expect("readable").iter().map(|kept| kept.step).collect()
    }

    fn best(dir: &RunDir) -> usize {
        header(&dir.best()).expect("readable").step
    }

    fn new_run() -> (tempfile::TempDir, RunDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = RunDir::create(&folder.path().join("run"), &[]).expect("a new run");
        (folder, dir)
    }

    #[test]
    fn the_k_best_are_kept_and_the_best_is_always_best() {
        let (_folder, dir) = new_run();
        let mut metrics = RunMetrics::default();
        for (loss, step, expected, first) in [
            (5.0, 1, vec![1], 1),
            (6.0, 2, vec![1, 2], 1),
            (4.0, 3, vec![1, 2, 3], 3),
            (5.5, 4, vec![1, 3, 4], 3),
            (9.0, 5, vec![1, 3, 4], 3),
            // An equal one comes too late.
            (5.5, 6, vec![1, 3, 4], 3),
            (1.0, 7, vec![1, 3, 7], 7),
        ] {
            keep(&dir, &mut metrics, loss, step, 3);
            assert_eq!(steps(&dir), expected.into_iter().collect(), "step {step}");
            assert_eq!(best(&dir), first, "step {step}");
        }
    }

    #[test]
    fn more_or_fewer_may_be_kept_later() {
        let (_folder, dir) = new_run();
        let mut metrics = RunMetrics::default();
        keep(&dir, &mut metrics, 5.0, 1, 1);
        assert_eq!(steps(&dir), BTreeSet::new(), "the best alone needs no number");
        keep(&dir, &mut metrics, 6.0, 2, 2);
        assert_eq!(steps(&dir), BTreeSet::from([1, 2]));
        keep(&dir, &mut metrics, 7.0, 3, 1);
        assert_eq!((steps(&dir), best(&dir)), (BTreeSet::new(), 1));
    }

    #[test]
    fn a_kill_between_adding_and_removing_is_put_right() {
        let (_folder, dir) = new_run();
        let mut metrics = RunMetrics::default();
        keep(&dir, &mut metrics, 5.0, 1, 2);
        keep(&dir, &mut metrics, 4.0, 2, 2);
        metrics.record_validation(score(3.0), 3);
        files::write(&dir.file(&name(3)), &file_of(&metrics, 3)).expect("written");
        assert_eq!(steps(&dir).len(), 3, "killed before anything was removed");
        for _ in 0..2 {
            dir.keep_best(3, &metrics, 2, || Ok(file_of(&metrics, 3))).expect("kept");
            assert_eq!((steps(&dir), best(&dir)), (BTreeSet::from([2, 3]), 3));
        }
    }
}
