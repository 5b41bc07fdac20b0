//! The best checkpoints of a run: `best.safetensors`, and with `save_top_k`
//! above 1 the k best validations as `best-<step>.safetensors` beside it.
//!
//! What is kept is not written down anywhere else: every file says in its own
//! header how good it is. Files are added before others are removed, so that a
//! kill at any moment leaves at least those that should be there.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::files::{self, Move, cannot_read, link};
use super::{BEST, RunDir};
use crate::facts::{Facts, Merit};

type Header = HashMap<String, String>;

/// A file among the best.
#[derive(Debug, PartialEq)]
struct Kept {
    merit: Merit,
    step: usize,
}

impl RunDir {
    /// Keeps the model that was validated at `step` as `facts` say, if it is
    /// among the `k` best; only then is `export` asked for its bytes. Doing it
    /// twice changes nothing.
    pub fn keep_best(
        &self,
        step: usize,
        facts: &Facts,
        k: usize,
        export: impl Fn() -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let is_best = facts.best_step == Some(step);
        if is_best {
            files::write(&self.file(BEST), &export()?)?;
        }
        if k > 1 {
            self.name_best()?;
            let file = self.file(&name(step));
            let merit = facts.merit().unwrap_or(Merit { loss: f64::INFINITY, exact: None });
            let ahead = self.kept()?.iter().filter(|o| o.merit.order(&merit).is_le()).count();
            if !is_best && !file.exists() && ahead < k {
                files::write(&file, &export()?)?;
            }
        }
        self.prune(if k > 1 { k } else { 0 })
    }

    /// Gives the best one its numbered name too.
    fn name_best(&self) -> anyhow::Result<()> {
        let best = self.file(BEST);
        if !best.exists() {
            return Ok(());
        }
        let step = header(&best)?.get("step").and_then(|step| step.parse().ok());
        match step.map(|step| self.file(&name(step))) {
            Some(numbered) if !numbered.exists() => link(&best, &numbered),
            _ => Ok(()),
        }
    }

    /// Removes all numbered files but the `k` best.
    fn prune(&self, k: usize) -> anyhow::Result<()> {
        let mut kept = self.kept()?;
        kept.sort_by(|a, b| a.merit.order(&b.merit).then(a.step.cmp(&b.step)));
        for worse in kept.iter().skip(k) {
            Move::Remove(self.file(&name(worse.step))).carry_out()?;
        }
        Ok(())
    }

    /// The numbered files that are there, in any order.
    fn kept(&self) -> anyhow::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(self.path()).with_context(|| cannot_read(self.path()))? {
            let entry = entry.with_context(|| cannot_read(self.path()))?;
            let Some(step) = entry.file_name().to_str().and_then(step_in) else { continue };
            // A file that tells no loss of its own was not put here by a run.
            if let Some(merit) = header(&entry.path()).ok().as_ref().and_then(merit_of) {
                kept.push(Kept { merit, step });
            }
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

/// What a safetensors file says of itself, read without its tensors.
fn header(path: &Path) -> anyhow::Result<Header> {
    #[derive(Deserialize)]
    struct Whole {
        #[serde(rename = "__metadata__", default)]
        metadata: Header,
    }
    let read = || {
        let mut file = File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let mut json = Vec::new();
        file.take(u64::from_le_bytes(length)).read_to_end(&mut json)?;
        Ok::<Whole, std::io::Error>(serde_json::from_slice(&json)?)
    };
    Ok(read().with_context(|| cannot_read(path))?.metadata)
}

fn merit_of(header: &Header) -> Option<Merit> {
    Facts::read(&serde_json::from_str(header.get("metrics")?).ok()?).merit()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    use super::*;
    use crate::run_dir::step_of;

    /// Validates a model of `loss` at `step` and keeps it.
    fn keep(dir: &RunDir, facts: &mut Facts, loss: f64, step: usize, k: usize) {
        facts.validated(Merit { loss, exact: None }, step);
        dir.keep_best(step, facts, k, || Ok(file_of(facts, step))).expect("kept");
    }

    fn file_of(facts: &Facts, step: usize) -> Vec<u8> {
        let metadata = HashMap::from([
            ("step".to_owned(), step.to_string()),
            ("metrics".to_owned(), serde_json::to_string(facts).expect("JSON")),
        ]);
        let weights = [0; 400];
        let view = TensorView::new(Dtype::F32, vec![100], &weights).expect("a tensor");
        safetensors::serialize([("w", view)], Some(metadata)).expect("a file")
    }

    fn steps(dir: &RunDir) -> BTreeSet<usize> {
        dir.kept().expect("readable").iter().map(|kept| kept.step).collect()
    }

    fn best(dir: &RunDir) -> usize {
        step_of(&files::read(&dir.best()).expect("there")).expect("a step")
    }

    fn new_run() -> (tempfile::TempDir, RunDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = RunDir::create(&folder.path().join("run")).expect("a new run");
        (folder, dir)
    }

    #[test]
    fn the_k_best_are_kept_and_the_best_is_always_best() {
        let (_folder, dir) = new_run();
        let mut facts = Facts::default();
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
            keep(&dir, &mut facts, loss, step, 3);
            assert_eq!(steps(&dir), expected.into_iter().collect(), "step {step}");
            assert_eq!(best(&dir), first, "step {step}");
        }
    }

    #[test]
    fn more_or_fewer_may_be_kept_later() {
        let (_folder, dir) = new_run();
        let mut facts = Facts::default();
        keep(&dir, &mut facts, 5.0, 1, 1);
        assert_eq!(steps(&dir), BTreeSet::new(), "the best alone needs no number");
        keep(&dir, &mut facts, 6.0, 2, 2);
        assert_eq!(steps(&dir), BTreeSet::from([1, 2]));
        keep(&dir, &mut facts, 7.0, 3, 1);
        assert_eq!((steps(&dir), best(&dir)), (BTreeSet::new(), 1));
    }

    #[test]
    fn a_kill_between_adding_and_removing_is_put_right() {
        let (_folder, dir) = new_run();
        let mut facts = Facts::default();
        keep(&dir, &mut facts, 5.0, 1, 2);
        keep(&dir, &mut facts, 4.0, 2, 2);
        facts.validated(Merit { loss: 3.0, exact: None }, 3);
        files::write(&dir.file(&name(3)), &file_of(&facts, 3)).expect("written");
        assert_eq!(steps(&dir).len(), 3, "killed before anything was removed");
        for _ in 0..2 {
            dir.keep_best(3, &facts, 2, || Ok(file_of(&facts, 3))).expect("kept");
            assert_eq!((steps(&dir), best(&dir)), (BTreeSet::from([2, 3]), 3));
        }
    }
}
