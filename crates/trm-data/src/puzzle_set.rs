//! Puzzles as rows of tokens, and batches of them by address.

use std::fmt;
use std::sync::Arc;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{draw, stream};

/// Puzzles with their answers; every list is row after row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PuzzleSet {
    /// `[puzzles · seq_len]`.
    pub inputs: Vec<u32>,
    /// The answers; [`IGNORED`](crate::IGNORED) where a cell does not count.
    pub labels: Vec<u32>,
    /// One for each puzzle, below `num_identifiers`.
    pub puzzle_identifiers: Vec<u32>,
    /// Cells of a puzzle.
    pub seq_len: usize,
    /// Different tokens.
    pub vocab: usize,
    pub num_identifiers: usize,
}

impl PuzzleSet {
    /// Puzzles in the set.
    pub fn len(&self) -> usize {
        self.puzzle_identifiers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.puzzle_identifiers.is_empty()
    }

    /// The first `count` puzzles, or all.
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let PuzzleBatch { inputs, labels, puzzle_identifiers, seq_len } = self.gather(0..count);
        Self { inputs, labels, puzzle_identifiers, seq_len, ..*self }
    }

    /// The puzzles numbered `rows`, as they are.
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
}

/// A few puzzles, row after row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PuzzleBatch {
    /// `[rows · seq_len]`.
    pub inputs: Vec<u32>,
    /// [`IGNORED`](crate::IGNORED) where a cell does not count.
    pub labels: Vec<u32>,
    pub puzzle_identifiers: Vec<u32>,
    pub seq_len: usize,
}

impl PuzzleBatch {
    /// Puzzles in the batch.
    pub fn rows(&self) -> usize {
        self.puzzle_identifiers.len()
    }
}

/// Shows one puzzle, cells and answers, in another guise.
pub type Disguise = Arc<dyn Fn(&mut ChaCha8Rng, &mut [u32], &mut [u32]) + Send + Sync>;

/// What a puzzle solver learns from and is judged by.
#[derive(Clone)]
pub struct PuzzleData {
    pub train: PuzzleSet,
    pub val: PuzzleSet,
    /// How training puzzles are augmented, where they are.
    pub disguise: Option<Disguise>,
}

impl PuzzleData {
    /// Batch `number` of the run seeded with `seed`: puzzles drawn with
    /// replacement, each in a guise of its own.
    pub fn batch(&self, seed: u64, number: u64, size: usize) -> PuzzleBatch {
        let mut generator = draw(seed, stream::PUZZLES, number);
        let rows: Vec<usize> = (0..size)
            .map(|_| generator.random_range(0..self.train.len() as u64) as usize)
            .collect();
        let mut batch = self.train.gather(rows);
        if let Some(disguise) = &self.disguise {
            let cells = batch.inputs.chunks_exact_mut(batch.seq_len);
            for (inputs, labels) in cells.zip(batch.labels.chunks_exact_mut(batch.seq_len)) {
                disguise(&mut generator, inputs, labels);
            }
        }
        batch
    }
}

impl fmt::Debug for PuzzleData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} puzzles to learn from, {} to be judged by", self.train.len(), self.val.len())
    }
}
