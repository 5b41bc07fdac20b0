//! Tasks with their augmented copies as sets: the examples to learn from, the test
//! grids to be judged by.

use std::collections::HashSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use trm_spec::KnownTask;

use super::augmentation::TaskAugmentation;
use super::encoding::{SEQ_LEN, VOCAB, encode_pair};
use super::grid::Grid;
use super::json::{Pair, Task};
use crate::draw::{draw, stream};
use crate::epochs::mix;
use crate::puzzles::dataset::PuzzleSet;
use crate::puzzles::error::PuzzleError;
use crate::puzzles::order::Groups;
use crate::split::IGNORED;

/// What becomes of tasks. An identifier stands for one copy of a task, and is
/// the same in both sets; 0 is blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArcSets {
    /// The examples, all but one of each copy moved about.
    pub train: PuzzleSet,
    /// The test grids whose answer is known: those of the tasks as they are, then
    /// those of their augmented copies.
    pub test: PuzzleSet,
    /// Whose the identifiers from 1 on are, in this order.
    pub tasks: Vec<KnownTask>,
}

/// Draws for each augmented copy that is wanted, before a task counts as having no more
/// that differ.
const TRIES: usize = 5;

/// Every task as it is and up to `augmentations` augmented copies that differ, drawn with
/// `seed`. Padding in labels does not count, as in the official code.
///
/// # Errors
/// If there are no tasks, or two of one name.
pub fn build(
    name: &str,
    tasks: &[Task],
    augmentations: usize,
    seed: u64,
) -> Result<ArcSets, PuzzleError> {
    let mut names = HashSet::new();
    if let Some(twice) = tasks.iter().find(|task| !names.insert(&task.name)) {
        let reason = format!("two tasks are called {}", twice.name);
        return Err(PuzzleError::Damaged { name: name.into(), reason });
    }
    let mut train = Part::new(name);
    let [mut test, mut augmented] = [(); 2].map(|()| PuzzleSet::empty(name.into(), SEQ_LEN, VOCAB));
    let mut known = Vec::new();
    let mut identifier = 0;
    for task in tasks {
        let mut generator = generator(task, seed);
        let copies = augmentations_of(task, augmentations, &mut generator);
        known.push(KnownTask { name: task.name.clone(), augmentations: copies.len() - 1 });
        for augmentation in copies {
            identifier += 1;
            let shown = |grid: &Grid| shown(grid, augmentation.as_ref());
            let still = generator.random_range(0..task.train.len() as u32) as usize;
            for (place, Pair { input, output }) in task.train.iter().enumerate() {
                let Some(output) = output else { continue };
                let moved = (place != still).then_some(&mut generator);
                push(&mut train.set, identifier, &shown(input), &shown(output), moved);
            }
            train.end_puzzle();
            let tests = if augmentation.is_none() { &mut test } else { &mut augmented };
            for Pair { input, output } in &task.test {
                let Some(output) = output else { continue };
                push(tests, identifier, &shown(input), &shown(output), None);
            }
        }
        train.end_group();
    }
    test.inputs.append(&mut augmented.inputs);
    test.labels.append(&mut augmented.labels);
    test.puzzle_identifiers.append(&mut augmented.puzzle_identifiers);
    test.num_identifiers = identifier as usize + 1;
    let train = train.finish(test.num_identifiers);
    if train.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    Ok(ArcSets { train, test, tasks: known })
}

/// Draws of a task are its own, whatever other tasks there are.
pub(super) fn generator(task: &Task, seed: u64) -> ChaCha8Rng {
    let number = task.name.bytes().fold(0, |sum, byte| mix(sum ^ u64::from(byte)));
    draw(seed, stream::MADE, number)
}

/// The task as it is (`None`), and up to `most` augmentations that give different copies.
pub(super) fn augmentations_of(
    task: &Task,
    most: usize,
    generator: &mut ChaCha8Rng,
) -> Vec<Option<TaskAugmentation>> {
    let copies = |augmentation: Option<&TaskAugmentation>| {
        let inputs =
            task.train.iter().chain(&task.test).map(|pair| shown(&pair.input, augmentation));
        let outputs = task.train.iter().filter_map(|pair| pair.output.as_ref());
        inputs.chain(outputs.map(|grid| shown(grid, augmentation))).collect::<Vec<_>>()
    };
    let mut seen = HashSet::from([copies(None)]);
    let mut chosen = vec![None];
    for _ in 0..TRIES.saturating_mul(most) {
        if chosen.len() > most {
            break;
        }
        let augmentation = TaskAugmentation::draw(generator);
        if seen.insert(copies(Some(&augmentation))) {
            chosen.push(Some(augmentation));
        }
    }
    chosen
}

pub(super) fn shown(grid: &Grid, augmentation: Option<&TaskAugmentation>) -> Grid {
    augmentation.map_or_else(|| grid.clone(), |augmentation| augmentation.apply(grid))
}

fn push(
    set: &mut PuzzleSet,
    identifier: u32,
    input: &Grid,
    output: &Grid,
    moved: Option<&mut ChaCha8Rng>,
) {
    let (inputs, outputs) = encode_pair(input, output, moved);
    let label = |token: &u32| if *token == 0 { IGNORED } else { *token };
    set.push(&inputs, &outputs.iter().map(label).collect::<Vec<_>>());
    if let Some(last) = set.puzzle_identifiers.last_mut() {
        *last = identifier;
    }
}

/// A set to learn from, which grows by rows, puzzles and groups.
struct Part {
    set: PuzzleSet,
    puzzles: Vec<usize>,
    groups: Vec<usize>,
}

impl Part {
    fn new(name: &str) -> Self {
        let set = PuzzleSet::empty(name.into(), SEQ_LEN, VOCAB);
        Self { set, puzzles: vec![0], groups: vec![0] }
    }

    /// What was pushed since the last end is a puzzle.
    fn end_puzzle(&mut self) {
        self.puzzles.push(self.set.len());
    }

    /// And the puzzles since the last end are a group.
    fn end_group(&mut self) {
        self.groups.push(self.puzzles.len() - 1);
    }

    fn finish(mut self, num_identifiers: usize) -> PuzzleSet {
        self.set.num_identifiers = num_identifiers;
        self.set.groups = Groups::new(self.puzzles, self.groups, self.set.len());
        self.set
    }
}
