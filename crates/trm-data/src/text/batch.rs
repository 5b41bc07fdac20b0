//! Batches of windows, as a language model takes them.

use std::ops::Range;

use crate::error::DataError;
use crate::split::IGNORED;

/// Windows of equal length, one after the other: row-major `[batch_size, block_size]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Input tokens, `batch_size` × `block_size`.
    pub inputs: Vec<u32>,
    /// The token after each input, or [`IGNORED`].
    pub targets: Vec<u32>,
    /// Rows.
    pub batch_size: usize,
    /// Tokens in a row.
    pub block_size: usize,
}

impl Batch {
    /// Some of its rows, in their order.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let tokens = rows.start * self.block_size..rows.end * self.block_size;
        Self {
            inputs: self.inputs[tokens.clone()].to_vec(),
            targets: self.targets[tokens].to_vec(),
            batch_size: rows.len(),
            block_size: self.block_size,
        }
    }

    /// Rows that end after so many tokens each, padded to the block: only the token
    /// after a row's last one is a target. Nothing that stands before the padding
    /// sees it, so that it does not matter what it is.
    ///
    /// # Errors
    /// If a row is empty or longer than the block, or there are not as many lengths
    /// as rows.
    pub fn padded(mut self, lengths: &[usize]) -> Result<Self, DataError> {
        if lengths.len() != self.batch_size {
            let (lengths, rows) = (lengths.len(), self.batch_size);
            return Err(DataError::Lengths { lengths, rows });
        }
        let rows = self.inputs.chunks_exact_mut(self.block_size);
        let rows = rows.zip(self.targets.chunks_exact_mut(self.block_size)).zip(lengths);
        for (row, ((inputs, targets), &length)) in rows.enumerate() {
            if length == 0 || length > self.block_size {
                return Err(DataError::Length { row, length, most: self.block_size });
            }
            inputs[length..].fill(PADDING);
            targets[..length - 1].fill(IGNORED);
            targets[length..].fill(IGNORED);
        }
        Ok(self)
    }
}

/// What stands where a row has ended; any token would do.
const PADDING: u32 = 0;

/// A stretch of a part; [`TextDataset::gather`](crate::TextDataset::gather) reads it together with the token after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first token, counted from the beginning of the part.
    pub start: usize,
    /// Tokens in the window.
    pub length: usize,
    /// Its last positions, whose targets count; those before them are context.
    pub scored: usize,
}
