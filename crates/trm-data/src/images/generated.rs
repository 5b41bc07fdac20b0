//! Generated images, for timing.

use super::dataset::{ImageDataset, ImageOptions};
use super::error::ImageError;
use super::preprocessing::Preprocessing;
use super::size::ImageSize;
use super::source::{ImageSource, LabelledImages};

impl ImageDataset {
    /// `images` generated images of `classes` classes to train on, and one each for
    /// validation and test, in the size that `preprocessing` asks for.
    ///
    /// # Errors
    /// If there are fewer than two classes, or the preprocessing makes no sense.
    pub fn generated(
        preprocessing: Preprocessing,
        classes: usize,
        images: usize,
    ) -> Result<Self, ImageError> {
        let (channels, side) = (preprocessing.channels, preprocessing.size);
        let all = images + 2;
        let data = LabelledImages {
            name: "benchmark".into(),
            classes: (0..classes).map(|class| class.to_string()).collect(),
            size: ImageSize { channels, height: side, width: side },
            levels: u8::MAX,
            pixels: (0..all * channels * side * side).map(|i| (i * 31 % 251) as u8).collect(),
            labels: (0..all).map(|i| (i % classes) as u16).collect(),
            counts: [images, 1, 1],
            sha256: String::new(),
        };
        let options = ImageOptions { preprocessing, val_fraction: 0.0 };
        Self::load(&ImageSource::Memory(data), &options)
    }
}
