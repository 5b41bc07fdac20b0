//! The best checkpoints of a run: `best.safetensors`, and with `save_top_k`
//! above 1 the k best validations as `best-<step>.safetensors` beside it.
//!
//! What is kept is not written down anywhere else: every file says in its own
//! header how good it is. Files are added before others are removed, so that a
//! kill at any moment leaves at least those that should be there.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use safetensors::SafeTensors;
use trm_spec::Saved;

use super::files::{self, Move, cannot_read, link};
use super::{BEST, RunDir, step_of};
use crate::facts::Facts;

/// A file among the best.
#[derive(Debug, PartialEq)]
struct Kept {
    loss: f64,
    step: usize,
}

impl RunDir {
    /// Keeps a model that was just validated as `facts` say, if it is among the
    /// `k` best. Doing it twice changes nothing.
    pub fn keep_best(&self, saved: &Saved, facts: &Facts, k: usize) -> anyhow::Result<()> {
        if facts.best_step == Some(saved.step) {
            files::write(&self.file(BEST), &saved.checkpoint)?;
        }
        if k > 1 {
            self.name_best()?;
            let file = self.file(&name(saved.step));
            let loss = facts.val_loss.unwrap_or(f64::INFINITY);
            let ahead = self.kept()?.iter().filter(|other| other.loss <= loss).count();
            if !file.exists() && ahead < k {
                files::write(&file, &saved.checkpoint)?;
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
        match step_of(&header(&best)?).map(|step| self.file(&name(step))) {
            Some(numbered) if !numbered.exists() => link(&best, &numbered),
            _ => Ok(()),
        }
    }

    /// Removes all numbered files but the `k` best.
    fn prune(&self, k: usize) -> anyhow::Result<()> {
        let mut kept = self.kept()?;
        kept.sort_by(|a, b| a.loss.total_cmp(&b.loss).then(a.step.cmp(&b.step)));
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
            if let Some(loss) = header(&entry.path()).ok().as_deref().and_then(loss_of) {
                kept.push(Kept { loss, step });
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

/// The beginning of a safetensors file, up to where its tensors start.
fn header(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = || {
        let mut file = File::open(path)?;
        let mut bytes = vec![0; 8];
        file.read_exact(&mut bytes)?;
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        file.take(length).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    read().with_context(|| cannot_read(path))
}

fn loss_of(header: &[u8]) -> Option<f64> {
    let (_, header) = SafeTensors::read_metadata(header).ok()?;
    let metrics = header.metadata().as_ref()?.get("metrics")?.clone();
    Facts::read(&serde_json::from_str(&metrics).ok()?).val_loss
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use safetensors::tensor::TensorView;

    use super::*;

    /// Validates a model of `loss` at `step` and keeps it.
    fn keep(dir: &RunDir, facts: &mut Facts, loss: f64, step: usize, k: usize) {
        facts.validated(loss, step);
        dir.keep_best(&saved(facts, step), facts, k).expect("kept");
    }

    fn saved(facts: &Facts, step: usize) -> Saved {
        let metadata = HashMap::from([
            ("step".to_owned(), step.to_string()),
            ("metrics".to_owned(), serde_json::to_string(facts).expect("JSON")),
        ]);
        let checkpoint =
            safetensors::serialize(Vec::<(String, TensorView<'_>)>::new(), Some(metadata))
                .expect("an empty file is writable");
        Saved { checkpoint, optimizer: Vec::new(), step }
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
        facts.validated(3.0, 3);
        files::write(&dir.file(&name(3)), &saved(&facts, 3).checkpoint).expect("written");
        assert_eq!(steps(&dir).len(), 3, "killed before anything was removed");
        dir.keep_best(&saved(&facts, 3), &facts, 2).expect("kept");
        assert_eq!((steps(&dir), best(&dir)), (BTreeSet::from([2, 3]), 3));
        dir.keep_best(&saved(&facts, 3), &facts, 2).expect("kept again");
        assert_eq!((steps(&dir), best(&dir)), (BTreeSet::from([2, 3]), 3));
    }
}
