//! Test grids as questions to a model, each in every guise whose identifier it
//! knows, and the count of its answers.

use std::collections::HashMap;

use trm_spec::KnownTask;

use super::build::{generator, guises_of, shown};
use super::{Ballot, Candidate, Grid, Guise, SEQ_LEN, Task, VOCAB, crop, encode, vote};
use crate::puzzles::{PuzzleError, PuzzleSet};

/// What a model is asked about its tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exam {
    pub tests: Vec<Test>,
    pub questions: Vec<Question>,
    /// Tasks that were given, but that the model has no embeddings for.
    pub unknown: Vec<String>,
}

/// A test grid of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    pub task: String,
    /// Among the task's tests, from 1.
    pub number: usize,
    pub input: Grid,
    /// The right answer, where it is known.
    pub truth: Option<Grid>,
}

/// A test grid in one guise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its place in [`Exam::tests`].
    pub test: usize,
    pub guise: Option<Guise>,
    pub identifier: u32,
    /// `[SEQ_LEN]`.
    pub tokens: Vec<u32>,
}

impl Question {
    /// What a model answered, turned back to the test grid as it was given; `q` is
    /// the probability of halting.
    pub fn ballot(&self, answer: &[u32], q: f64) -> Ballot {
        Ballot { answer: undone(answer, self.guise.as_ref()), q }
    }
}

impl Exam {
    /// The tests of `tasks` in all guises that `known` counts. `seed` is that of the
    /// run that learned them.
    ///
    /// # Errors
    /// If none of the tasks is known, or one is another task of the same name.
    pub fn new(tasks: &[Task], known: &[KnownTask], seed: u64) -> Result<Self, PuzzleError> {
        let mut first = 1;
        let mut places = HashMap::new();
        for task in known {
            places.insert(task.name.as_str(), (first, task.guises));
            first += task.guises as u32 + 1;
        }
        let mut exam = Self::default();
        for task in tasks {
            let Some((first, guises)) = places.get(task.name.as_str()) else {
                exam.unknown.push(task.name.clone());
                continue;
            };
            let looks = guises_of(task, *guises, &mut generator(task, seed));
            if looks.len() != guises + 1 {
                return Err(PuzzleError::OtherTask { task: task.name.clone() });
            }
            for (place, pair) in task.test.iter().enumerate() {
                for (guise, identifier) in looks.iter().zip(*first..) {
                    exam.questions.push(Question {
                        test: exam.tests.len(),
                        guise: guise.clone(),
                        identifier,
                        tokens: encode(&shown(&pair.input, guise.as_ref()), (0, 0)),
                    });
                }
                exam.tests.push(Test {
                    task: task.name.clone(),
                    number: place + 1,
                    input: pair.input.clone(),
                    truth: pair.output.clone(),
                });
            }
        }
        match (exam.tests.is_empty(), exam.unknown.first()) {
            (true, Some(task)) => {
                Err(PuzzleError::UnknownTask { task: task.clone(), known: known.len() })
            }
            _ => Ok(exam),
        }
    }

    /// The test part of an official ARC folder, whose `identifiers` are names of
    /// tasks in their guises.
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
        let mut exam = Self::default();
        let mut places = HashMap::new();
        let mut counts: HashMap<String, usize> = HashMap::new();
        let rows = set.inputs.chunks_exact(SEQ_LEN).zip(set.labels.chunks_exact(SEQ_LEN));
        for ((tokens, labels), identifier) in rows.zip(&set.puzzle_identifiers) {
            let name = identifiers
                .get(*identifier as usize)
                .ok_or_else(|| damaged(format!("identifier {identifier} has no name")))?;
            let (task, guise) = Guise::parse(name).map_err(damaged)?;
            let input = undone(tokens, guise.as_ref());
            let truth = undone(labels, guise.as_ref());
            let test = *places.entry((task.to_owned(), input.clone())).or_insert_with(|| {
                let number = counts.entry(task.to_owned()).or_default();
                *number += 1;
                exam.tests.push(Test {
                    task: task.to_owned(),
                    number: *number,
                    input,
                    truth: (truth.rows() > 0).then_some(truth),
                });
                exam.tests.len() - 1
            });
            let tokens = tokens.to_vec();
            exam.questions.push(Question { test, guise, identifier: *identifier, tokens });
        }
        Ok(exam)
    }

    /// The candidates for every test, from the answers to all questions in order:
    /// tokens and the probability of halting.
    pub fn count<'a>(
        &self,
        answers: impl IntoIterator<Item = (&'a [u32], f64)>,
    ) -> Vec<Vec<Candidate>> {
        let mut ballots = vec![Vec::new(); self.tests.len()];
        for (question, (answer, q)) in self.questions.iter().zip(answers) {
            ballots[question.test].push(question.ballot(answer, q));
        }
        ballots.iter().map(|ballots| vote(ballots)).collect()
    }
}

fn undone(tokens: &[u32], guise: Option<&Guise>) -> Grid {
    let grid = crop(tokens);
    guise.map_or_else(|| grid.clone(), |guise| guise.undo(&grid))
}
