//! Features of images: what a frozen backbone makes of each, computed once. Values are
//! of half precision, in memory or in a mapped file.

#[cfg(feature = "files")]
use std::ops::Range;

use half::f16;

use super::split::ImageSplit;

/// What features belong to; with anything else they are computed again. Digests, or
/// whatever tells two of a kind apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureKey {
    /// The backbone.
    pub base: String,
    /// The images, their split included.
    pub data: String,
    /// How they become inputs.
    pub preprocessing: String,
}

/// Features of every image of a dataset: `[images, tokens, width]` for each split.
#[derive(Debug)]
pub struct Features {
    pub(crate) store: Store,
    pub(crate) tokens: usize,
    pub(crate) width: usize,
    /// Images of each split.
    pub(crate) counts: [usize; 3],
}

#[derive(Debug)]
pub(crate) enum Store {
    /// All splits, one after the other.
    Memory(Vec<f16>),
    #[cfg(feature = "files")]
    File { file: crate::tensor_file::TensorFile, splits: [Range<usize>; 3] },
}

impl Features {
    /// Features in memory, with room for `counts` images in training, validation and
    /// test. [`push`](Self::push) fills it.
    pub fn in_memory(tokens: usize, width: usize, counts: [usize; 3]) -> Self {
        let values = counts.iter().sum::<usize>() * tokens * width;
        Self { store: Store::Memory(Vec::with_capacity(values)), tokens, width, counts }
    }

    /// Appends features of the next images, `[images, tokens, width]`: first those of
    /// training, then validation, then test.
    ///
    /// # Panics
    /// If they are in a file, or more than there is room for.
    pub fn push(&mut self, values: &[f32]) {
        let room = self.counts.iter().sum::<usize>() * self.row_len();
        match &mut self.store {
            Store::Memory(memory) => {
                assert!(memory.len() + values.len() <= room, "features of the dataset's images");
                memory.extend(values.iter().map(|value| f16::from_f32(*value)));
            }
            #[cfg(feature = "files")]
            Store::File { .. } => panic!("features in a file are complete"),
        }
    }

    /// Tokens of an image.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Values of a token.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Images of a split.
    pub fn len(&self, split: ImageSplit) -> usize {
        self.counts[split as usize]
    }

    /// Whether a split has no image.
    pub fn is_empty(&self, split: ImageSplit) -> bool {
        self.len(split) == 0
    }

    /// Features of image `i` of a split: `[tokens, width]`.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn row(&self, split: ImageSplit, i: usize) -> Vec<f32> {
        self.gather(split, [i])
    }

    /// Features of several images of a split: `[images, tokens, width]`.
    ///
    /// # Panics
    /// If there is no image of such a number.
    pub fn gather(&self, split: ImageSplit, rows: impl IntoIterator<Item = usize>) -> Vec<f32> {
        let length = self.row_len();
        let mut values = Vec::new();
        for row in rows {
            assert!(row < self.len(split), "an image of the split");
            match &self.store {
                Store::Memory(memory) => {
                    let before: usize = self.counts[..split as usize].iter().sum();
                    let row = &memory[(before + row) * length..][..length];
                    values.extend(row.iter().map(|value| value.to_f32()));
                }
                #[cfg(feature = "files")]
                Store::File { file, splits } => {
                    let row = splits[split as usize].start + 2 * row * length;
                    let bytes = file.bytes()[row..row + 2 * length].as_chunks().0;
                    values.extend(bytes.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()));
                }
            }
        }
        values
    }

    fn row_len(&self) -> usize {
        self.tokens * self.width
    }
}
