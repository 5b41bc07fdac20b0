//! The images of one split: bytes that several splits share, in memory or in a
//! mapped file.

use std::sync::Arc;

use super::preprocessing::Preprocessing;
pub use super::size::ImageSize;

/// A mapped file of images.
#[cfg(feature = "files")]
pub(crate) trait MappedPixels: std::fmt::Debug + Send + Sync {
    /// `[images, channels, height, width]`.
    fn pixels(&self) -> &[u8];
}

/// Where the bytes of all images lie.
#[derive(Clone, Debug)]
pub(crate) enum Pixels {
    Memory(Arc<Vec<u8>>),
    #[cfg(feature = "files")]
    Mapped(Arc<dyn MappedPixels>),
}

impl Pixels {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            #[cfg(feature = "files")]
            Self::Mapped(file) => file.pixels(),
        }
    }
}

/// The images of one split, and their labels. A clone shares the images.
#[derive(Clone, Debug)]
pub struct ImageSet {
    pub(crate) pixels: Pixels,
    /// Labels of all images of the dataset, of which `rows` are in this split.
    pub(crate) labels: Arc<[u16]>,
    pub(crate) rows: Vec<u32>,
    pub(crate) size: ImageSize,
    pub(crate) levels: u8,
}

impl ImageSet {
    /// Images in the set.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no image.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Size of every image.
    pub fn size(&self) -> ImageSize {
        self.size
    }

    /// The byte that stands for full brightness: 255, or 16 for the digits.
    pub fn levels(&self) -> u8 {
        self.levels
    }

    /// Where the images stand in the dataset's own order.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Class of image `i`.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn label(&self, i: usize) -> u32 {
        self.labels[self.rows[i] as usize].into()
    }

    /// Bytes of image `i`: `[channels, height, width]`, from 0 to
    /// [`levels`](Self::levels).
    ///
    /// # Panics
    /// If there is no such image.
    pub fn image(&self, i: usize) -> &[u8] {
        let bytes = self.size.bytes();
        let start = self.rows[i] as usize * bytes;
        &self.pixels.bytes()[start..start + bytes]
    }

    /// Image `i` as the model takes it: `[channels, height, width]`.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn normalised(&self, i: usize, preprocessing: &Preprocessing) -> Vec<f32> {
        preprocessing.normalised(self.image(i), self.levels)
    }

    /// Images of each of `classes` classes.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for row in &self.rows {
            counts[usize::from(self.labels[*row as usize])] += 1;
        }
        counts
    }
}
