//! Puzzles with their answers, and batches of them by address.

use std::ops::Range;

use trm_spec::{KnownTask, Vocab};

use super::augmentation::Augmentation;
use super::order::{Groups, row_at};
use crate::draw::{draw, stream};
use crate::split::IGNORED;

/// Puzzles with their answers; every list is row after row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PuzzleSet {
    /// What they are, for messages.
    pub name: String,
    /// `[puzzles, seq_len]`, below `vocab`.
    pub inputs: Vec<u32>,
    /// The answers, `[puzzles, seq_len]`; [`IGNORED`](crate::IGNORED) where a
    /// cell does not count.
    pub labels: Vec<u32>,
    /// `[puzzles]`, below `num_identifiers`; 0 where a kind of puzzle has none.
    pub puzzle_identifiers: Vec<u32>,
    /// Cells of a puzzle.
    pub seq_len: usize,
    /// Different tokens, the padding 0 included.
    pub vocab: usize,
    /// Different identifiers, the blank 0 included.
    pub num_identifiers: usize,
    /// Which rows are augmented copies of one puzzle; without it, none are.
    pub groups: Option<Groups>,
}

impl PuzzleSet {
    /// Puzzles in the set.
    pub fn len(&self) -> usize {
        self.puzzle_identifiers.len()
    }

    /// Whether it has no puzzle.
    pub fn is_empty(&self) -> bool {
        self.puzzle_identifiers.is_empty()
    }

    /// The first `count` puzzles, or all; groups are forgotten.
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let PuzzleBatch { inputs, labels, puzzle_identifiers, seq_len } = self.gather(0..count);
        let (name, groups) = (self.name.clone(), None);
        Self { name, inputs, labels, puzzle_identifiers, seq_len, groups, ..*self }
    }

    /// The puzzles of which any cell has an answer.
    pub fn answered(&self) -> Self {
        let has_answer = |labels: &[u32]| labels.iter().any(|label| *label != IGNORED);
        let rows = self.labels.chunks(self.seq_len).enumerate();
        let rows = rows.filter(|(_, labels)| has_answer(labels)).map(|(row, _)| row);
        let PuzzleBatch { inputs, labels, puzzle_identifiers, seq_len } = self.gather(rows);
        let (name, groups) = (self.name.clone(), None);
        Self { name, inputs, labels, puzzle_identifiers, seq_len, groups, ..*self }
    }

    /// The puzzles numbered `rows`, as they are.
    ///
    /// # Panics
    /// If there is no puzzle of such a number.
    pub fn gather(&self, rows: impl IntoIterator<Item = usize>) -> PuzzleBatch {
        let mut batch = PuzzleBatch { seq_len: self.seq_len, ..PuzzleBatch::default() };
        for row in rows {
            let cells = row * self.seq_len..(row + 1) * self.seq_len;
            batch.inputs.extend_from_slice(&self.inputs[cells.clone()]);
            batch.labels.extend_from_slice(&self.labels[cells]);
            batch.puzzle_identifiers.push(self.puzzle_identifiers[row]);
        }
        batch
    }

    /// Adds a puzzle without an identifier.
    pub(crate) fn push(&mut self, input: &[u32], label: &[u32]) {
        debug_assert_eq!((input.len(), label.len()), (self.seq_len, self.seq_len));
        self.inputs.extend_from_slice(input);
        self.labels.extend_from_slice(label);
        self.puzzle_identifiers.push(0);
    }

    pub(crate) fn empty(name: String, seq_len: usize, vocab: usize) -> Self {
        Self {
            name,
            inputs: Vec::new(),
            labels: Vec::new(),
            puzzle_identifiers: Vec::new(),
            seq_len,
            vocab,
            num_identifiers: 1,
            groups: None,
        }
    }
}

/// A few puzzles, row after row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PuzzleBatch {
    /// `[rows, seq_len]`.
    pub inputs: Vec<u32>,
    /// `[rows, seq_len]`; [`IGNORED`](crate::IGNORED) where a cell does not count.
    pub labels: Vec<u32>,
    /// `[rows]`.
    pub puzzle_identifiers: Vec<u32>,
    /// Tokens in a row.
    pub seq_len: usize,
}

impl PuzzleBatch {
    /// Puzzles in the batch.
    pub fn rows(&self) -> usize {
        self.puzzle_identifiers.len()
    }

    /// Some of its puzzles, in their order.
    #[must_use]
    pub fn part(&self, rows: Range<usize>) -> Self {
        let cells = rows.start * self.seq_len..rows.end * self.seq_len;
        Self {
            inputs: self.inputs[cells.clone()].to_vec(),
            labels: self.labels[cells].to_vec(),
            puzzle_identifiers: self.puzzle_identifiers[rows].to_vec(),
            seq_len: self.seq_len,
        }
    }
}

/// What a puzzle solver learns from and is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PuzzleDataset {
    /// Puzzles to train on.
    pub train: PuzzleSet,
    /// Held-out puzzles.
    pub val: PuzzleSet,
    /// How training puzzles are augmented, where they are.
    pub augmentation: Option<Augmentation>,
    /// Whose the identifiers are, where they are ARC's tasks.
    pub tasks: Option<Vec<KnownTask>>,
    /// Puzzles or tasks of a file that are left out: they come twice, or are held out too.
    pub copies: usize,
    /// Further puzzles of a file that could be learned from, beyond the number that is asked
    /// for.
    pub unused: usize,
}

impl PuzzleDataset {
    /// What the tokens and the identifiers stand for.
    pub fn vocab(&self) -> Vocab {
        match &self.tasks {
            Some(tasks) => Vocab::Arc { tasks: tasks.clone() },
            None => Vocab::Plain { size: self.train.vocab },
        }
    }

    /// Batch `number` of the run seeded with `seed`: every group of puzzles
    /// once in an epoch, each puzzle augmented anew. A function of its
    /// arguments alone, so that a resumed run needs only its step.
    ///
    /// # Panics
    /// If there is nothing to learn from.
    pub fn batch(&self, seed: u64, number: u64, size: usize) -> PuzzleBatch {
        assert!(!self.train.is_empty(), "a set to learn from has puzzles");
        let first = u128::from(number) * size as u128;
        let numbers = || first..first + size as u128;
        let (groups, rows) = (self.train.groups.as_ref(), self.train.len());
        let mut batch =
            self.train.gather(numbers().map(|number| row_at(groups, rows, seed, number)));
        if let Some(augmentation) = self.augmentation {
            let cells = batch.inputs.chunks_exact_mut(batch.seq_len);
            let cells = cells.zip(batch.labels.chunks_exact_mut(batch.seq_len));
            for (number, (inputs, labels)) in numbers().zip(cells) {
                augmentation.apply(
                    &mut draw(seed, stream::AUGMENTATIONS, number as u64),
                    inputs,
                    labels,
                );
            }
        }
        batch
    }
}
