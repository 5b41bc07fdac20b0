//! Questions to train on and to be judged by, and batches of them by address.

use rand::RngExt;
use sha2::{Digest, Sha256};
use trm_spec::DataSpec;

use super::error::QuestionError;
use super::generate::{made, mixed, order};
use super::plan::{HELD_OUT, plan};
use super::question::Question;
use super::source::QuestionSource;
use crate::draw::{draw, stream};
use crate::epochs::Permutation;

/// What a model that answers questions learns from and is judged by. No two of its
/// sets have a question in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionDataset {
    /// What it is called.
    pub name: String,
    /// SHA-256 of all questions and answers, in hexadecimal: of a file in its order, of
    /// generated ones set after set.
    pub sha256: String,
    /// Questions to train on, in ascending order of their difficulty.
    pub train: Vec<Question>,
    /// Held-out questions of the same difficulties, in a random order: the first ones
    /// are a sample.
    pub val: Vec<Question>,
    /// Generated questions that are harder than all others, in a random order; of a
    /// file none.
    pub harder: Vec<Question>,
    /// Folder in which the frozen model's states of the training questions are kept, where
    /// they are.
    #[cfg(feature = "files")]
    pub states_in: Option<std::path::PathBuf>,
}

impl QuestionDataset {
    /// The questions of `source` that `spec` asks for, drawn by `seed`. Generated ones
    /// have the difficulties `min_difficulty..=max_difficulty`, the harder set those
    /// from there to twice that. Of a file `num_val_questions` are held out, at most a
    /// fifth, and all others are trained on.
    ///
    /// # Errors
    /// If there are too few different questions.
    pub fn load(
        source: &QuestionSource,
        spec: &DataSpec,
        seed: u64,
    ) -> Result<Self, QuestionError> {
        let (name, [mut train, val, harder], sha256) = match source {
            QuestionSource::Generated(kind) => {
                let plan = plan(*kind, spec)?;
                let train = made(*kind, &plan.train, seed);
                let val = mixed(made(*kind, &plan.val, seed), seed);
                let harder = mixed(made(*kind, &plan.harder, seed), seed);
                let sha256 = digest_of([&train, &val, &harder].into_iter().flatten());
                (kind.name(), [train, val, harder], sha256)
            }
            QuestionSource::Given { name, questions } => {
                let (found, most) = (questions.len(), questions.len() / HELD_OUT);
                let (Some(order), 1..) = (order(found, seed), most) else {
                    return Err(QuestionError::TooFewToSplit { name: name.clone(), found });
                };
                let held_out = spec.num_val_questions.min(most) as u64;
                let row = |place| questions[order.at(place) as usize].clone();
                let val = (0..held_out).map(row).collect();
                let train = (held_out..found as u64).map(row).collect();
                (name.as_str(), [train, val, Vec::new()], digest_of(questions.iter()))
            }
        };
        // What is not harder than some limit comes first.
        train.sort_by_key(|question| question.difficulty);
        Ok(Self {
            name: name.into(),
            sha256,
            train,
            val,
            harder,
            #[cfg(feature = "files")]
            states_in: None,
        })
    }

    /// The questions of a file, all of them to be scored and none to be trained on; `None` of
    /// generated ones.
    pub fn for_test(source: &QuestionSource) -> Option<Self> {
        let QuestionSource::Given { name, questions } = source else { return None };
        Some(Self {
            name: name.clone(),
            sha256: digest_of(questions.iter()),
            train: Vec::new(),
            val: questions.to_vec(),
            harder: Vec::new(),
            #[cfg(feature = "files")]
            states_in: None,
        })
    }

    /// The rows of training batch `number` of the run seeded with `seed`, among the
    /// questions whose difficulty is at most `hardest` or not known, or else among the
    /// easiest. A function of its arguments alone: question `k` of a run, the batches
    /// one after another, has place `k % n` in epoch `k / n` of the `n` questions within
    /// the limit, and each of them comes once in an epoch. With another limit there are
    /// other epochs.
    ///
    /// # Panics
    /// If there is nothing to train on.
    pub fn train_rows(&self, seed: u64, number: u64, size: usize, hardest: usize) -> Vec<usize> {
        let easiest = self.train.first().expect("a set to train on has questions").difficulty;
        let limit = hardest.max(easiest);
        let within = self.train.partition_point(|question| question.difficulty <= limit) as u64;
        let mut current: Option<(u64, Permutation)> = None;
        let first = u128::from(number) * size as u128;
        (first..first + size as u128)
            .map(|number| {
                let epoch = (number / u128::from(within)) as u64;
                let place = (number % u128::from(within)) as u64;
                let (_, order) = match current.take().filter(|(known, _)| *known == epoch) {
                    Some(known) => current.insert(known),
                    None => {
                        let keys = draw(seed, stream::QUESTIONS, epoch).random();
                        current.insert((epoch, Permutation { keys, size: within }))
                    }
                };
                order.at(place) as usize
            })
            .collect()
    }

    /// The limit of the curriculum at `step`: it rises linearly from `min_difficulty`
    /// to the most difficult training question, which it reaches after
    /// `curriculum_iters` updates; 0 of them mean that there is no limit from the
    /// start.
    pub fn hardest(&self, step: u64, spec: &DataSpec) -> usize {
        let top = self.train.last().map_or(0, |question| question.difficulty);
        let bottom = spec.min_difficulty.min(top);
        let (step, iters) = (u128::from(step), spec.curriculum_iters as u128);
        if step >= iters {
            return top;
        }
        bottom + ((top - bottom) as u128 * step / iters) as usize
    }
}

/// SHA-256 of `questions` and their answers, whatever file they are from.
pub fn digest_of<'a>(questions: impl Iterator<Item = &'a Question>) -> String {
    let mut digest = Sha256::new();
    for question in questions {
        for text in [&question.question, &question.answer] {
            digest.update(text);
            // No text has this byte in it.
            digest.update([0xff]);
        }
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
