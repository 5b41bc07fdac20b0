//! Where images come from, and what a source holds before it is split.

#[cfg(feature = "files")]
use std::path::PathBuf;

use super::set::ImageSize;

/// Where images come from.
#[derive(Clone, Debug)]
pub enum ImageSource {
    /// The handwritten digits that the program carries.
    #[cfg(feature = "digits")]
    Digits,
    /// Images in memory.
    Memory(LabelledImages),
    /// A folder of one of the known layouts, or a prepared file.
    #[cfg(feature = "files")]
    Files(PathBuf),
}

/// Images of one size in memory with their labels, in the order training,
/// validation, test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImages {
    /// What they are called.
    pub name: String,
    /// Name of each class, by label.
    pub classes: Vec<String>,
    /// Size of every image.
    pub size: ImageSize,
    /// The byte that stands for full brightness.
    pub levels: u8,
    /// `[images, channels, height, width]`.
    pub pixels: Vec<u8>,
    /// `[images]`, below the number of classes.
    pub labels: Vec<u16>,
    /// Images for training, validation and test. Where one of the last two is 0, a
    /// part of the training images is held out.
    pub counts: [usize; 3],
    /// SHA-256 of the content, or empty where none is known.
    pub sha256: String,
}
