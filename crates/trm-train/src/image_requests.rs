//! What an image classifier is asked.

use trm_spec::ImageSplit;

/// Images to classify, as a model takes them.
#[derive(Clone, Debug)]
pub enum ClassifyRequest {
    /// Normalised pixels.
    Pixels {
        /// `[images, channels, size, size]`.
        values: Vec<f32>,
        /// Images.
        images: usize,
    },
    /// Features of patches, in place of a frozen base's.
    Features {
        /// `[images, positions, width]`.
        values: Vec<f32>,
        /// Their sizes.
        dims: [usize; 3],
        /// Initial states of answer and latent, `[images, positions + 1, hidden size]`
        /// each, in place of the model's own.
        start: Option<[Vec<f32>; 2]>,
    },
}

/// What an image classifier is scored on.
#[derive(Clone, Debug)]
pub struct ImageScoring {
    /// The split.
    pub split: ImageSplit,
    /// Images that are scored; 0 means all.
    pub images: usize,
    /// Inner steps; 0 takes the model's.
    pub inner_steps: usize,
    /// Outer steps; 0 takes the model's.
    pub outer_steps: usize,
}
