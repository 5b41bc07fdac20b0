//! Evaluation of ARC's tests: each under all augmentations whose identifiers a model
//! knows, and the vote over its predictions.

use std::collections::{BTreeMap, HashMap};

use trm_spec::KnownTask;

use super::augmentation::TaskAugmentation;
use super::build::{augmentations_of, generator, shown};
use super::encoding::{SEQ_LEN, VOCAB, crop, encode};
use super::grid::Grid;
use super::json::Task;
use super::vote::{Candidate, Prediction, vote};
use crate::puzzles::dataset::PuzzleSet;
use crate::puzzles::error::PuzzleError;

/// Tests of tasks, and the inputs by which a model is evaluated on them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArcEval {
    /// The tests.
    pub tests: Vec<Test>,
    /// Every test under every augmentation.
    pub inputs: Vec<TestInput>,
    /// Tasks that were given, but that the model has no embeddings for.
    pub unknown: Vec<String>,
    /// Number of these of which the solution to a test is known.
    pub unknown_judged: usize,
}

/// A test grid of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Name of the task.
    pub task: String,
    /// Among the task's tests, from 1.
    pub number: usize,
    /// The grid that is given.
    pub input: Grid,
    /// The right answer, where it is known.
    pub truth: Option<Grid>,
}

/// A test grid under one augmentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestInput {
    /// Its place in [`ArcEval::tests`].
    pub test: usize,
    /// The augmentation; none for the test as it is.
    pub augmentation: Option<TaskAugmentation>,
    /// Index of the puzzle embedding.
    pub identifier: u32,
    /// `[SEQ_LEN]`.
    pub tokens: Vec<u32>,
}

impl TestInput {
    /// What a model answered, turned back to the test grid as it was given; `q` is
    /// the probability of halting.
    pub fn prediction(&self, answer: &[u32], q: f64) -> Prediction {
        Prediction { answer: undone(answer, self.augmentation.as_ref()), q }
    }
}

impl ArcEval {
    /// The tests of `tasks` under all augmentations that `known` counts. `most` and `seed` are
    /// those that [`build`](super::build) had in the run that learned them: both decide which
    /// augmentations are drawn, also where a task has fewer that differ.
    ///
    /// # Errors
    /// If none of the tasks is known, or one is another task of the same name.
    pub fn new(
        tasks: &[Task],
        known: &[KnownTask],
        most: usize,
        seed: u64,
    ) -> Result<Self, PuzzleError> {
        let mut first = 1;
        let mut places = HashMap::new();
        for task in known {
            places.insert(task.name.as_str(), (first, task.augmentations));
            first += task.augmentations as u32 + 1;
        }
        let mut eval = Self::default();
        for task in tasks {
            let Some((first, augmentations)) = places.get(task.name.as_str()) else {
                eval.unknown.push(task.name.clone());
                eval.unknown_judged +=
                    usize::from(task.test.iter().any(|pair| pair.output.is_some()));
                continue;
            };
            let copies = augmentations_of(task, most, &mut generator(task, seed));
            if copies.len() != augmentations + 1 {
                return Err(PuzzleError::OtherTask { task: task.name.clone() });
            }
            for (place, pair) in task.test.iter().enumerate() {
                for (augmentation, identifier) in copies.iter().zip(*first..) {
                    eval.inputs.push(TestInput {
                        test: eval.tests.len(),
                        augmentation: augmentation.clone(),
                        identifier,
                        tokens: encode(&shown(&pair.input, augmentation.as_ref()), (0, 0)),
                    });
                }
                eval.tests.push(Test {
                    task: task.name.clone(),
                    number: place + 1,
                    input: pair.input.clone(),
                    truth: pair.output.clone(),
                });
            }
        }
        match (eval.tests.is_empty(), eval.unknown.first()) {
            (true, Some(task)) => {
                Err(PuzzleError::UnknownTask { task: task.clone(), known: known.len() })
            }
            _ => Ok(eval),
        }
    }

    /// The test part of an official ARC folder, whose `identifiers` are names of
    /// tasks and of their augmented copies.
    ///
    /// # Errors
    /// If the set is none of ARC's, or an identifier has no name.
    pub fn official(set: &PuzzleSet, identifiers: &[String]) -> Result<Self, PuzzleError> {
        let damaged = |reason: String| PuzzleError::Damaged { name: set.name.clone(), reason };
        if set.seq_len != SEQ_LEN || set.vocab != VOCAB {
            return Err(damaged(format!(
                "ARC has {SEQ_LEN} cells and {VOCAB} tokens, this has {} and {}",
                set.seq_len, set.vocab
            )));
        }
        let mut eval = Self::default();
        let mut places = HashMap::new();
        let mut counts: HashMap<String, usize> = HashMap::new();
        let rows = set.inputs.chunks_exact(SEQ_LEN).zip(set.labels.chunks_exact(SEQ_LEN));
        for ((tokens, labels), identifier) in rows.zip(&set.puzzle_identifiers) {
            let name = identifiers
                .get(*identifier as usize)
                .ok_or_else(|| damaged(format!("identifier {identifier} has no name")))?;
            let (task, augmentation) = TaskAugmentation::parse(name).map_err(damaged)?;
            let input = undone(tokens, augmentation.as_ref());
            let truth = undone(labels, augmentation.as_ref());
            let test = *places.entry((task.to_owned(), input.clone())).or_insert_with(|| {
                let number = counts.entry(task.to_owned()).or_default();
                *number += 1;
                eval.tests.push(Test {
                    task: task.to_owned(),
                    number: *number,
                    input,
                    truth: (truth.rows() > 0).then_some(truth),
                });
                eval.tests.len() - 1
            });
            let tokens = tokens.to_vec();
            eval.inputs.push(TestInput { test, augmentation, identifier: *identifier, tokens });
        }
        Ok(eval)
    }

    /// The candidates for every test, from the answers to all inputs in order:
    /// tokens and the probability of halting.
    pub fn candidates<'a>(
        &self,
        answers: impl IntoIterator<Item = (&'a [u32], f64)>,
    ) -> Vec<Vec<Candidate>> {
        let mut predictions = vec![Vec::new(); self.tests.len()];
        for (input, (answer, q)) in self.inputs.iter().zip(answers) {
            predictions[input.test].push(input.prediction(answer, q));
        }
        predictions.iter().map(|predictions| vote(predictions)).collect()
    }

    /// ARC's published score: the mean over tasks of the share of a task's tests that are
    /// solved. `solved` has an entry for every test in order, `None` where the solution is not
    /// known. An unknown task counts as 0, as one without prediction does in the official
    /// evaluation. Tests and tasks of which no solution is known do not count; `None` if none
    /// is left.
    pub fn score(&self, solved: &[Option<bool>]) -> Option<f64> {
        let mut tasks: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (test, solved) in self.tests.iter().zip(solved) {
            if let Some(solved) = solved {
                let (right, judged) = tasks.entry(test.task.as_str()).or_default();
                *right += usize::from(*solved);
                *judged += 1;
            }
        }
        let count = tasks.len() + self.unknown_judged;
        let shares = tasks.values().map(|(right, judged)| *right as f64 / *judged as f64);
        (count > 0).then(|| shares.sum::<f64>() / count as f64)
    }
}

fn undone(tokens: &[u32], augmentation: Option<&TaskAugmentation>) -> Grid {
    let grid = crop(tokens);
    augmentation.map_or_else(|| grid.clone(), |augmentation| augmentation.undo(&grid))
}
