//! What a puzzle solver is asked, and how its chosen answers score.

use serde::Serialize;
use trm_spec::{Failure, FailureKind};

/// Puzzles to solve.
#[derive(Clone, Debug, Default)]
pub struct SolveRequest {
    /// Rows of tokens, each a puzzle.
    pub inputs: Vec<Vec<u32>>,
    /// One for each puzzle, or none: then all are 0.
    pub puzzle_identifiers: Vec<u32>,
    /// Probability of halting above which a puzzle is done; without one, all
    /// steps are run.
    pub threshold: Option<f64>,
    /// Most supervision steps.
    pub max_steps: usize,
    /// How many copies of each puzzle are tried.
    pub copies: Copies,
}

/// Copies of each puzzle that a model is asked, and how one of their answers is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copies {
    /// Augmented copies, the puzzle itself included; 1 for the puzzle alone.
    pub augmentations: usize,
    /// Chains of every augmented copy, which differ in their noise; 1 without.
    pub chains: usize,
    /// Deviation of the normal noise that is added to the latent state before every
    /// supervision step; 0 for none. Of several chains the first has none.
    pub state_noise: f64,
    /// How the answer is chosen.
    pub choice: Choice,
    /// Seed of copies and noise.
    pub seed: u64,
}

impl Default for Copies {
    /// The puzzle itself, once.
    fn default() -> Self {
        Self { augmentations: 1, chains: 1, state_noise: 0.0, choice: Choice::Halting, seed: 0 }
    }
}

/// Most copies of one puzzle: its augmented copies times the chains of each.
pub const MOST_COPIES: usize = 1024;

impl Copies {
    /// Copies of one puzzle in all.
    pub fn per_puzzle(&self) -> usize {
        self.augmentations.saturating_mul(self.chains)
    }

    /// Checks that there are some copies, and not too many.
    ///
    /// # Errors
    /// Names the number that is out of range, or both where their product is.
    pub fn check(&self) -> Result<(), Failure> {
        let Self { augmentations, chains, .. } = *self;
        let refuse =
            |message: String, hint: &str| Err(Failure::new(FailureKind::Config, message, hint));
        for (name, count) in [("augmentations", augmentations), ("chains", chains)] {
            if !(1..=MOST_COPIES).contains(&count) {
                let message = format!("{name} is {count}; it must lie between 1 and {MOST_COPIES}");
                return refuse(message, "8 is a good number.");
            }
        }
        let all = self.per_puzzle();
        if all > MOST_COPIES {
            let message = format!(
                "{augmentations} augmentations with {chains} chains each are {all} copies of a \
                 puzzle, more than {MOST_COPIES}"
            );
            return refuse(message, "Lower one of the two: 8 is a good number.");
        }
        Ok(())
    }
}

/// Which copy's answer is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// That with the highest halting probability when it stops.
    #[default]
    Halting,
    /// That which halts first; the others stop then.
    FirstToHalt,
    /// The first that obeys the rules of the puzzle.
    Rules,
}

/// How to score answers that are chosen among copies.
#[derive(Clone, Debug)]
pub struct CopyScoring {
    /// Supervision steps to score after.
    pub depths: Vec<usize>,
    /// Held-out puzzles to score; 0 for all.
    pub puzzles: usize,
    /// Halting probability above which a copy counts as halted.
    pub threshold: f64,
    /// The copies; every choice is scored.
    pub copies: Copies,
}

/// How answers that are chosen among copies score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CopyScores {
    /// How many puzzles.
    pub puzzles: usize,
    /// Copies of each.
    pub copies: usize,
    /// One row for each number of supervision steps.
    pub steps: Vec<CopyScore>,
}

/// Shares of puzzles solved within so many supervision steps, judged by the rules, and the
/// mean number of network calls (copies × steps) for a puzzle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CopyScore {
    /// Most supervision steps of each copy.
    pub step: usize,
    /// The puzzle itself alone: its answer after the last step.
    pub single: Chosen,
    /// The highest halting probability after the last step.
    pub halting: Chosen,
    /// The first copy to halt; where none does, the highest halting probability.
    pub first_to_halt: Chosen,
    /// The first answer of any copy that obeys the rules.
    pub rules: Chosen,
}

/// One way to choose, scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Chosen {
    /// Share of puzzles solved, from 0 to 1.
    pub solved: f64,
    /// Mean network calls: supervision steps of all copies together.
    pub calls: f64,
}
