//! A sweep over depths: the same model trained at each, with several seeds,
//! under equal settings and under equal compute.
//!
//! Equal settings means the same number of steps, so that a deeper model
//! computes more. Equal compute means that all spend what the deepest spends in
//! that number of steps, so that a shallower model takes more of them. A member
//! that both ask for, as the deepest always is, is trained once.

pub mod outcome;
pub mod picture;

use serde::Serialize;
use trm_spec::RunConfig;

/// What is kept equal between depths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Equal {
    Settings,
    Compute,
}

/// One training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub depth: usize,
    pub seed: u64,
    pub config: RunConfig,
}

impl Member {
    /// Name of its folder: what sets it apart from the others.
    pub fn name(&self) -> String {
        format!("depth-{}-seed-{}-steps-{}", self.depth, self.seed, self.config.train.max_iters)
    }
}

/// Depths under one regime, each with the numbers of its members, seed by seed.
#[derive(Debug)]
pub struct Regime {
    pub equal: Equal,
    pub rows: Vec<(usize, Vec<usize>)>,
}

#[derive(Debug)]
pub struct Plan {
    pub members: Vec<Member>,
    pub regimes: Vec<Regime>,
}

impl Plan {
    /// What `depths` and `seeds` make of `base` with a vocabulary of `vocab_size`.
    ///
    /// # Errors
    /// A setting that does not go with one of the depths.
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
        let cost = |depth: usize| at(base, depth).training_flops_per_token(vocab_size);
        let deepest = depths.last().map_or(0.0, |depth| cost(*depth));
        let mut plan = Self { members: Vec::new(), regimes: Vec::new() };
        for &equal in equal {
            let mut rows = Vec::new();
            for &depth in &depths {
                let share = match equal {
                    Equal::Settings => 1.0,
                    Equal::Compute => deepest / cost(depth),
                };
                let mut numbers = Vec::new();
                for &seed in &seeds {
                    numbers.push(plan.member(scaled(base, depth, seed, share))?);
                }
                rows.push((depth, numbers));
            }
            plan.regimes.push(Regime { equal, rows });
        }
        Ok(plan)
    }

    /// The number of this member, which is taken in if it is new.
    fn member(&mut self, member: Member) -> anyhow::Result<usize> {
        if let Some(number) = self.members.iter().position(|known| *known == member) {
            return Ok(number);
        }
        member.config.validate()?;
        self.members.push(member);
        Ok(self.members.len() - 1)
    }
}

fn at(base: &RunConfig, depth: usize) -> RunConfig {
    let mut config = base.clone();
    config.model.set_depth(depth);
    config
}

/// A member that takes `share` times the steps of `base`; its schedule is
/// stretched with it.
fn scaled(base: &RunConfig, depth: usize, seed: u64, share: f64) -> Member {
    let mut config = at(base, depth);
    let stretched = |steps: usize| (steps as f64 * share).round() as usize;
    config.train.seed = seed;
    config.train.max_iters = stretched(base.train.max_iters).max(1);
    config.train.lr_decay_iters = stretched(base.train.lr_decay_iters);
    Member { depth, seed, config }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Equal; 2] = [Equal::Settings, Equal::Compute];

    #[test]
    fn equal_compute_spends_what_the_deepest_spends() {
        let mut base = RunConfig::default();
        base.train.max_iters = 3000;
        let plan = Plan::new(&base, &[3, 1, 2], &[5, 6], &BOTH, 65).expect("a plan");
        // Three depths under equal settings, two more under equal compute.
        assert_eq!(plan.members.len(), (3 + 2) * 2);
        let [settings, compute] = &plan.regimes[..] else { panic!("two regimes") };
        assert_eq!(settings.rows[2], compute.rows[2], "the deepest is the same in both");
        let budget = |regime: &Regime, row: usize| {
            let config = &plan.members[regime.rows[row].1[0]].config;
            config.training_flops_per_token(65) * config.train.max_iters as f64
        };
        for row in 0..3 {
            assert_eq!(settings.rows[row].0, row + 1, "shallowest first");
            assert!((budget(compute, row) / budget(compute, 2) - 1.0).abs() < 1e-3);
        }
        assert!(budget(settings, 0) < 0.4 * budget(settings, 2));
    }

    #[test]
    fn every_member_has_a_folder_of_its_own() {
        let plan =
            Plan::new(&RunConfig::default(), &[1, 2], &[1, 2, 1], &BOTH, 65).expect("a plan");
        let names: std::collections::BTreeSet<_> = plan.members.iter().map(Member::name).collect();
        assert_eq!((names.len(), plan.members.len()), (6, 6));
        assert!(names.contains("depth-2-seed-1-steps-5000"), "{names:?}");
    }

    #[test]
    fn settings_that_do_not_go_with_a_depth_are_refused() {
        let mut base = RunConfig::default();
        base.train.min_depth = 2;
        let error = Plan::new(&base, &[1, 2], &[1], &BOTH, 65).expect_err("refused").to_string();
        assert!(error.contains("min_depth"), "{error}");
    }
}
