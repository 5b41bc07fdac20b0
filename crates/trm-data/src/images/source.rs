//! Where images come from, and what a source holds before it is split.

#[cfg(feature = "files")]
use std::path::{Path, PathBuf};

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

/// Pictures in the folders of classes that are left out, as their type is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherPictures {
    /// How many.
    pub count: usize,
    /// Path of the first one.
    pub first: Option<String>,
}

#[cfg(feature = "files")]
impl OtherPictures {
    /// Counts the picture at `path`.
    pub(crate) fn add(&mut self, path: &Path) {
        self.count += 1;
        self.first.get_or_insert_with(|| path.display().to_string());
    }
}
