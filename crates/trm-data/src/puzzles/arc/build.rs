//! Tasks in all their guises as sets: the examples to learn from, the test
//! grids to be judged by.

use std::collections::HashSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Grid, Guise, Pair, SEQ_LEN, Task, VOCAB, encode, encode_pair};
use crate::puzzles::{Groups, PuzzleError, PuzzleSet};
use crate::{IGNORED, draw, stream};

/// What becomes of tasks. An identifier stands for a task in one guise, and is
/// the same in both sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArcSets {
    /// The examples, all but one of each guise moved about.
    pub train: PuzzleSet,
    /// The test grids; labels are [`IGNORED`] where the answer is not known.
    pub test: PuzzleSet,
    /// The name behind each identifier; 0 is blank.
    pub identifiers: Vec<String>,
}

/// Draws for each guise that is wanted, before a task counts as having no more
/// that differ.
const TRIES: usize = 5;

/// Every task as it is and in up to `guises` other ways that differ, drawn with
/// `seed`. Padding in labels does not count, as in the official code.
pub fn build(name: &str, tasks: &[Task], guises: usize, seed: u64) -> Result<ArcSets, PuzzleError> {
    let mut parts = [Part::new(name), Part::new(name)];
    let mut identifiers = vec!["<blank>".to_owned()];
    for (number, task) in tasks.iter().enumerate() {
        let mut generator = draw(seed, stream::MADE, number as u64);
        for guise in distinct(task, guises, &mut generator) {
            let identifier = identifiers.len() as u32;
            identifiers.push(guise.as_ref().map_or(task.name.clone(), |g| g.name(&task.name)));
            let shown = |grid: &Grid| guise.as_ref().map_or(grid.clone(), |g| g.apply(grid));
            let still = generator.random_range(0..task.train.len() as u32) as usize;
            for (place, pair) in task.train.iter().enumerate() {
                let moved = (place != still).then_some(&mut generator);
                parts[0].push(shown(&pair.input), pair.output.as_ref().map(shown), moved);
            }
            for pair in &task.test {
                parts[1].push(shown(&pair.input), pair.output.as_ref().map(shown), None);
            }
            parts.iter_mut().for_each(|part| part.end_puzzle(identifier));
        }
        parts.iter_mut().for_each(Part::end_group);
    }
    let [train, test] = parts.map(|part| part.finish(identifiers.len()));
    if train.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    Ok(ArcSets { train, test, identifiers })
}

/// The task as it is, and guises in which it looks different each time.
fn distinct(task: &Task, guises: usize, generator: &mut ChaCha8Rng) -> Vec<Option<Guise>> {
    let looks = |guise: Option<&Guise>| {
        let shown = |grid: &Grid| guise.map_or(grid.clone(), |guise| guise.apply(grid));
        let pair = |pair: &Pair| (shown(&pair.input), pair.output.as_ref().map(shown));
        task.train.iter().chain(&task.test).map(pair).collect::<Vec<_>>()
    };
    let mut seen = HashSet::from([looks(None)]);
    let mut chosen = vec![None];
    for _ in 0..TRIES.saturating_mul(guises) {
        if chosen.len() > guises {
            break;
        }
        let guise = Guise::draw(generator);
        if seen.insert(looks(Some(&guise))) {
            chosen.push(Some(guise));
        }
    }
    chosen
}

/// A set that grows by rows, puzzles and groups.
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

    fn push(&mut self, input: Grid, output: Option<Grid>, generator: Option<&mut ChaCha8Rng>) {
        let (inputs, labels) = match output {
            Some(output) => encode_pair(&input, &output, generator),
            None => (encode(&input, (0, 0)), vec![0; SEQ_LEN]),
        };
        let label = |token: &u32| if *token == 0 { IGNORED } else { *token };
        let labels: Vec<u32> = labels.iter().map(label).collect();
        self.set.push(&inputs, &labels);
    }

    /// What was pushed since the last end is a puzzle, unless it is nothing.
    fn end_puzzle(&mut self, identifier: u32) {
        let begin = self.puzzles[self.puzzles.len() - 1];
        if self.set.len() > begin {
            self.set.puzzle_identifiers[begin..].fill(identifier);
            self.puzzles.push(self.set.len());
        }
    }

    fn end_group(&mut self) {
        let puzzles = self.puzzles.len() - 1;
        if puzzles > self.groups[self.groups.len() - 1] {
            self.groups.push(puzzles);
        }
    }

    fn finish(mut self, num_identifiers: usize) -> PuzzleSet {
        self.set.num_identifiers = num_identifiers;
        self.set.groups = Groups::new(self.puzzles, self.groups, self.set.len());
        self.set
    }
}
