//! Several copies of each puzzle: augmented ones, and chains with noise on their latent
//! states. One copy's answer is chosen.

use burn::tensor::{Tensor, TensorData};
use rand_distr::{Distribution, StandardNormal};
use trm_core::models::trm::DualState;
use trm_data::puzzles::{AugmentedCopy, PuzzleKind};
use trm_data::{draw, stream};
use trm_spec::{Failure, FailureKind, RunConfig, Solution, Vocab};

use crate::run::{Choice, Copies};

/// The copies of every puzzle of a request.
pub(super) struct CopySet {
    settings: Copies,
    kind: Option<PuzzleKind>,
    augmented: Vec<AugmentedCopy>,
    /// Name of the dataset.
    dataset: String,
}

fn unknown_rules(dataset: &str) -> String {
    format!("the rules of `{dataset}` are not known here")
}

impl CopySet {
    /// The copies that `settings` ask for, of puzzles of a run of `config` and `vocab`.
    ///
    /// # Errors
    /// If a number is out of range, or the puzzles of this model have no known augmentations or
    /// no rules that are known here.
    pub fn new(config: &RunConfig, vocab: &Vocab, settings: Copies) -> Result<Self, Failure> {
        settings.check()?;
        let Copies { augmentations, chains, state_noise, choice, seed } = settings;
        let refuse = |message: String, hint: &str| {
            Err(Failure::new(FailureKind::Config, message, hint.to_owned()))
        };
        if !(state_noise.is_finite() && state_noise >= 0.0) {
            let message = format!("state noise is {state_noise}; it is a deviation of 0 or more");
            return refuse(message, "Try 0.1.");
        }
        if chains > 1 && state_noise == 0.0 {
            let message = format!("{chains} chains without noise would all give the same answer");
            return refuse(message, "Give a state noise above 0 too, for example 0.1.");
        }
        let kind = match vocab {
            Vocab::Arc { .. } => None,
            _ => PuzzleKind::named(&config.data.dataset)
                .filter(|kind| kind.side() * kind.side() == config.model.length()),
        };
        let dataset = &config.data.dataset;
        let augmented = match (kind, augmentations) {
            (Some(kind), _) => kind.augmentation().copies(augmentations, seed)?,
            (None, 1) => Vec::new(),
            (None, _) => {
                let message = format!("puzzles of `{dataset}` have no known augmentations");
                return refuse(
                    message,
                    "Augmented copies are for Sudokus and mazes; ARC tasks have their own.",
                );
            }
        };
        if kind.is_none() && choice == Choice::Rules {
            return refuse(unknown_rules(dataset), "Choose by the halting probability.");
        }
        Ok(Self { settings, kind, augmented, dataset: dataset.clone() })
    }

    /// Checks that answers can be judged.
    ///
    /// # Errors
    /// If the rules of the puzzles are not known.
    pub fn need_rules(&self) -> Result<(), Failure> {
        match self.kind {
            Some(_) => Ok(()),
            None => Err(Failure::new(
                FailureKind::Config,
                unknown_rules(&self.dataset),
                "Evaluate without copies, chains and noise.",
            )),
        }
    }

    /// Copies of each puzzle.
    pub fn per_puzzle(&self) -> usize {
        self.settings.per_puzzle()
    }

    /// All copies of `puzzles`, those of one puzzle after each other.
    pub fn expand(&self, puzzles: &[Vec<u32>]) -> Vec<Vec<u32>> {
        let copies = |puzzle: &Vec<u32>| -> Vec<Vec<u32>> {
            (0..self.per_puzzle())
                .map(|copy| match self.augmented(copy) {
                    Some(augmented) => augmented.apply(puzzle),
                    None => puzzle.clone(),
                })
                .collect()
        };
        puzzles.iter().flat_map(copies).collect()
    }

    /// How copy `copy` of a puzzle is changed.
    fn augmented(&self, copy: usize) -> Option<&AugmentedCopy> {
        self.augmented.get(copy / self.settings.chains)
    }

    /// What a copy's answer is to the puzzle itself.
    pub fn undo(&self, copy: usize, answer: Vec<u32>, prob: Vec<f32>) -> (Vec<u32>, Vec<f32>) {
        match self.augmented(copy) {
            Some(augmented) => (augmented.undo(&answer), augmented.undo_cells(&prob)),
            None => (answer, prob),
        }
    }

    /// Whether the answer to `puzzle` obeys the rules; false where they are not known.
    pub fn obeys(&self, puzzle: &[u32], answer: &[u32]) -> bool {
        self.kind
            .is_some_and(|kind| kind.check_answer(puzzle, answer).is_ok_and(|check| check.solved))
    }

    /// Adds noise to the latent states before supervision step `step` (from 1); `rows` says
    /// which copy of the whole request each row of the batch is. Where there are several
    /// copies, the puzzle itself stays as it is, and so does the first of several chains.
    pub fn disturb(&self, state: DualState, rows: &[usize], step: usize) -> DualState {
        let Copies { chains, state_noise, seed, .. } = self.settings;
        if state_noise == 0.0 {
            return state;
        }
        let each = self.per_puzzle();
        let undisturbed = |row: usize| {
            each > 1 && row.is_multiple_of(each) || chains > 1 && row.is_multiple_of(chains)
        };
        let [_, positions, width] = state.z.dims();
        let mut noise = Vec::with_capacity(rows.len() * positions * width);
        for &row in rows {
            let deviation = if undisturbed(row) { 0.0 } else { state_noise };
            // So many steps cannot be run, so no two draws share an address.
            let address = row as u64 * 65_536 + step as u64;
            let mut generator = draw(seed, stream::STATE_NOISE, address);
            noise.extend((0..positions * width).map(|_| {
                let value: f32 = StandardNormal.sample(&mut generator);
                value * deviation as f32
            }));
        }
        let data = TensorData::new(noise, [rows.len(), positions, width]);
        let noise = Tensor::from_data(data, &state.z.device());
        DualState { z: state.z + noise, ..state }
    }

    /// Whether a copy that stopped with this answer ends the search for its puzzle.
    pub fn settles(&self, puzzle: &[u32], solution: &Solution, halted: bool) -> bool {
        match self.settings.choice {
            Choice::Halting => false,
            Choice::FirstToHalt => halted,
            Choice::Rules => self.obeys(puzzle, &solution.answer),
        }
    }

    /// Whether the answers of copies that go on are wanted after every step.
    pub fn watches(&self) -> bool {
        self.settings.choice == Choice::Rules
    }

    /// The chosen answer among those of the copies of one puzzle.
    pub fn choose(&self, puzzle: &[u32], answers: Vec<Solution>) -> Option<Solution> {
        let by_halt = |a: &Solution, b: &Solution| a.halt.total_cmp(&b.halt);
        // Of equals the first copy, which `max_by` would not take.
        let answers = answers.into_iter().rev();
        match self.settings.choice {
            Choice::Halting => answers.max_by(by_halt),
            Choice::FirstToHalt => {
                answers.max_by(|a, b| b.steps.cmp(&a.steps).then_with(|| by_halt(a, b)))
            }
            Choice::Rules => answers
                .map(|answer| (self.obeys(puzzle, &answer.answer), answer))
                .max_by(|(a_obeys, a), (b_obeys, b)| {
                    a_obeys.cmp(b_obeys).then_with(|| by_halt(a, b))
                })
                .map(|(_, answer)| answer),
        }
    }
}
