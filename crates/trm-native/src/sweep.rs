//! Sweeps: over any settings ([`vary`]), or over depths.
//!
//! A depth sweep: the same model is trained at several depths and with several
//! seeds, once with equal settings and once with equal compute.
//!
//! Equal settings means the same number of steps at every depth, so that a deeper
//! model uses more compute. Equal compute means that every depth spends the training
//! FLOPs of the deepest, so that a shallower model makes more steps. A run that
//! belongs to both, as the deepest always does, is trained once.

pub mod bars;
pub mod chart;
pub mod outcome;
pub mod vary;

use serde::Serialize;
use trm_spec::RunConfig;

use crate::terminal::report::usage;

/// What all depths of a comparison share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Equal {
    /// The number of steps.
    Settings,
    /// The training FLOPs.
    Compute,
}

/// One training run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRun {
    pub depth: usize,
    pub seed: u64,
    pub config: RunConfig,
}

impl SweepRun {
    /// Name of the run's folder, unique within the sweep.
    pub fn name(&self) -> String {
        format!("depth-{}-seed-{}-steps-{}", self.depth, self.seed, self.config.train.max_iters)
    }
}

/// One comparison: every depth with the numbers of its runs, one per seed.
#[derive(Debug)]
pub struct Comparison {
    pub equal: Equal,
    pub rows: Vec<(usize, Vec<usize>)>,
}

/// All runs of a sweep, and the comparisons that are made of them.
#[derive(Debug)]
pub struct SweepPlan {
    pub runs: Vec<SweepRun>,
    pub comparisons: Vec<Comparison>,
}

impl SweepPlan {
    /// Plans a sweep over `depths` and `seeds`; all other settings are those of
    /// `base`, whose vocabulary has `vocab_size` tokens.
    ///
    /// # Errors
    /// If a setting does not fit one of the depths.
    pub fn new(
        base: &RunConfig,
        depths: &[usize],
        seeds: &[u64],
        equal: &[Equal],
        vocab_size: usize,
    ) -> anyhow::Result<Self> {
        let (mut depths, mut seeds) = (depths.to_vec(), seeds.to_vec());
        depths.sort_unstable();
        depths.dedup();
        let mut known = std::collections::BTreeSet::new();
        seeds.retain(|seed| known.insert(*seed));
        if base.model.depth_key().is_none() && depths.iter().any(|depth| *depth != 1) {
            return Err(usage!("a `{}` model has no recursion to sweep over", base.model.name()));
        }
        let configs: Vec<_> = depths.iter().map(|&depth| at_depth(base, depth)).collect();
        let cost = |config: &RunConfig| config.training_flops_per_token(vocab_size);
        let deepest = configs.last().map_or(0.0, cost);
        let mut plan = Self { runs: Vec::new(), comparisons: Vec::new() };
        for &equal in equal {
            let mut rows = Vec::new();
            for (&depth, config) in depths.iter().zip(&configs) {
                let factor = match equal {
                    Equal::Settings => 1.0,
                    Equal::Compute => deepest / cost(config),
                };
                let runs =
                    seeds.iter().map(|&seed| plan.add(stretched(config, depth, seed, factor)));
                let runs = runs.collect::<anyhow::Result<_>>()?;
                rows.push((depth, runs));
            }
            plan.comparisons.push(Comparison { equal, rows });
        }
        Ok(plan)
    }

    /// Adds a run unless it is there already; returns its number.
    fn add(&mut self, run: SweepRun) -> anyhow::Result<usize> {
        if let Some(number) = self.runs.iter().position(|known| *known == run) {
            return Ok(number);
        }
        run.config.validate()?;
        self.runs.push(run);
        Ok(self.runs.len() - 1)
    }
}

/// `base` with another recursion depth.
fn at_depth(base: &RunConfig, depth: usize) -> RunConfig {
    let mut config = base.clone();
    config.model.set_depth(depth);
    config
}

/// A run with about `factor` times the steps of `config`. Its learning rate schedule, the warmup
/// included, and the interval between validations are stretched accordingly, so that every run
/// chooses its best checkpoint among as many.
fn stretched(config: &RunConfig, depth: usize, seed: u64, factor: f64) -> SweepRun {
    let mut config = config.clone();
    let train = &mut config.train;
    let max_iters = ((train.max_iters as f64 * factor).round() as usize).max(1);
    // Of the whole steps that are made: runs of equally many steps, which share a folder, have
    // equal settings.
    let ratio = max_iters as f64 / train.max_iters.max(1) as f64;
    // 0 has a meaning of its own, and stays.
    let steps = |steps: usize| ((steps as f64 * ratio).round() as usize).max(steps.min(1));
    train.seed = seed;
    train.max_iters = max_iters;
    train.warmup_iters = steps(train.warmup_iters);
    train.lr_decay_iters = steps(train.lr_decay_iters);
    train.eval_interval = steps(train.eval_interval);
    SweepRun { depth, seed, config }
}

#[cfg(test)]
mod tests {
    use trm_spec::{Family, MODELS};

    use super::*;

    const BOTH: [Equal; 2] = [Equal::Settings, Equal::Compute];

    #[test]
    fn equal_compute_spends_the_flops_of_the_deepest() {
        let mut base = RunConfig::default();
        base.train.max_iters = 3000;
        let plan = SweepPlan::new(&base, &[3, 1, 2], &[5, 6], &BOTH, 65).expect("a plan");
        // Three depths under equal settings, two more under equal compute.
        assert_eq!(plan.runs.len(), (3 + 2) * 2);
        let [settings, compute] = &plan.comparisons[..] else { panic!("two comparisons") };
        assert_eq!(settings.rows[2], compute.rows[2], "the deepest is the same in both");
        let budget = |comparison: &Comparison, row: usize| {
            let config = &plan.runs[comparison.rows[row].1[0]].config;
            config.training_flops_per_token(65) * config.train.max_iters as f64
        };
        for row in 0..3 {
            assert_eq!(settings.rows[row].0, row + 1, "shallowest first");
            assert!((budget(compute, row) / budget(compute, 2) - 1.0).abs() < 1e-3);
        }
        assert!(budget(settings, 0) < 0.4 * budget(settings, 2));
    }

    #[test]
    fn the_schedule_and_the_validations_are_stretched_with_the_steps() {
        let mut base = RunConfig::default();
        (base.train.max_iters, base.train.lr_decay_iters) = (3000, 2500);
        (base.train.warmup_iters, base.train.eval_interval) = (100, 250);
        let plan = SweepPlan::new(&base, &[1, 2, 3], &[5], &BOTH, 65).expect("a plan");
        let [settings, compute] = &plan.comparisons[..] else { panic!("two comparisons") };
        let train = |comparison: &Comparison, row: usize| {
            plan.runs[comparison.rows[row].1[0]].config.train.clone()
        };
        for row in 0..3 {
            let same = train(settings, row);
            assert_eq!((same.max_iters, same.lr_decay_iters), (3000, 2500));
            assert_eq!((same.warmup_iters, same.eval_interval), (100, 250));
            let longer = train(compute, row);
            let ratio = longer.max_iters as f64 / 3000.0;
            assert_eq!(ratio > 1.0, row < 2, "the deepest is the longest already");
            for (now, before) in [
                (longer.lr_decay_iters, 2500.0),
                (longer.warmup_iters, 100.0),
                (longer.eval_interval, 250.0),
            ] {
                assert!((now as f64 - before * ratio).abs() <= 0.5, "{now} of {before}");
            }
        }
        // Without a warmup there is none in longer runs; an interval is one step at least.
        base.train.warmup_iters = 0;
        base.train.eval_interval = 1;
        let short = stretched(&base, 3, 5, 0.1).config.train;
        assert_eq!((short.max_iters, short.warmup_iters, short.eval_interval), (300, 0, 1));
    }

    #[test]
    fn every_language_model_is_swept_by_its_own_depth() {
        for model in MODELS.iter().filter(|model| model.family == Family::Language) {
            if model.depth_key.is_none() {
                assert!(
                    SweepPlan::new(
                        &RunConfig::of(model.name).expect("a model"),
                        &[1, 3],
                        &[1],
                        &BOTH,
                        65
                    )
                    .is_err()
                );
                continue;
            }
            let base = RunConfig::of(model.name).expect("a model");
            let plan = SweepPlan::new(&base, &[1, 3], &[1], &BOTH, 65).expect("a plan");
            for run in &plan.runs {
                assert_eq!(run.config.model.depth(), run.depth, "{}", model.name);
            }
        }
    }

    #[test]
    fn every_run_has_its_own_folder() {
        let plan =
            SweepPlan::new(&RunConfig::default(), &[1, 2], &[1, 2, 1], &BOTH, 65).expect("a plan");
        let names: std::collections::BTreeSet<_> = plan.runs.iter().map(SweepRun::name).collect();
        assert_eq!((names.len(), plan.runs.len()), (6, 6));
        assert!(names.contains("depth-2-seed-1-steps-5000"), "{names:?}");
    }

    #[test]
    fn settings_that_do_not_go_with_a_depth_are_refused() {
        let mut base = RunConfig::default();
        base.train.min_depth = 2;
        let error =
            SweepPlan::new(&base, &[1, 2], &[1], &BOTH, 65).expect_err("refused").to_string();
        assert!(error.contains("min_depth"), "{error}");
    }
}
