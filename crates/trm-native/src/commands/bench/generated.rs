//! Generated images for timing.

use trm_data::Dataset;
use trm_data::images::{ImageDataset, ImageOptions, ImageSize, ImageSource, LabelledImages};
use trm_spec::{Failure, RunConfig};

/// Classes of the generated images.
const CLASSES: usize = 100;

/// Generated images of the size that `config` is trained on.
///
/// # Errors
/// If it describes no image classifier.
pub fn images(config: &RunConfig) -> Result<Dataset, Failure> {
    let preprocessing = trm_data::image_preprocessing(config)?;
    let (channels, side) = (preprocessing.channels, preprocessing.size);
    let images = CLASSES + 2;
    let data = LabelledImages {
        name: "benchmark".into(),
        classes: (0..CLASSES).map(|class| class.to_string()).collect(),
        size: ImageSize { channels, height: side, width: side },
        levels: u8::MAX,
        pixels: (0..images * channels * side * side).map(|i| (i * 31 % 251) as u8).collect(),
        labels: (0..images).map(|i| (i % CLASSES) as u16).collect(),
        counts: [CLASSES, 1, 1],
        sha256: String::new(),
    };
    let options = ImageOptions { preprocessing, val_fraction: 0.0 };
    Ok(ImageDataset::load(&ImageSource::Memory(data), &options)?.into())
}
