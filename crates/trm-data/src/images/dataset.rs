//! A loaded dataset of images: training, validation and test, and its classes.

use std::sync::Arc;

use super::augment::Augment;
use super::batch::ImageBatch;
use super::error::ImageError;
use super::features::Features;
use super::picture::{Picture, check_shape};
use super::preprocessing::Preprocessing;
use super::set::{ImageSet, ImageSize, Pixels};
use super::source::{LabelledImages, OtherPictures};
use super::split::{ImageSplit, TEST_FRACTION, stratified};

/// How images are loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageOptions {
    /// How images become inputs.
    pub preprocessing: Preprocessing,
    /// Part of the training images, of each class alike, that is held out for
    /// validation where the source has no such part of its own.
    pub val_fraction: f64,
}

/// Labels are 16 bits wide.
const MOST_CLASSES: usize = 1 << 16;

/// What an image classifier learns from and is judged by.
#[derive(Clone, Debug)]
pub struct ImageDataset {
    /// What it is called.
    pub name: String,
    /// Name of each class, by label.
    pub classes: Vec<String>,
    /// SHA-256 of its content, in hexadecimal; empty for images in memory.
    pub sha256: String,
    /// Channels of its images before they became inputs; 3 for files, which may be grey.
    pub source_channels: usize,
    /// Pictures of its folder that are not read.
    pub other_pictures: OtherPictures,
    /// How its images become inputs.
    pub preprocessing: Preprocessing,
    /// Images to train on.
    pub train: ImageSet,
    /// Held-out images for validation.
    pub val: ImageSet,
    /// Held-out images for the final score.
    pub test: ImageSet,
    /// What a frozen base makes of the images, where it was computed before.
    pub features: Option<Arc<Features>>,
}

impl ImageDataset {
    /// The dataset of images in memory.
    pub(crate) fn of_images(
        images: LabelledImages,
        options: &ImageOptions,
    ) -> Result<Self, ImageError> {
        let images = images.checked()?;
        let source_channels = images.size.channels;
        let images = images.preprocessed(&options.preprocessing)?;
        let LabelledImages { name, classes, size, levels, pixels, labels, counts, sha256 } = images;
        let content = Content { name, classes, sha256, size, levels, labels, counts };
        let dataset = Self::split(content, Pixels::Memory(Arc::new(pixels)), options)?;
        Ok(Self { source_channels, ..dataset })
    }

    /// Splits `content`, whose images lie in `pixels`.
    pub(crate) fn split(
        content: Content,
        pixels: Pixels,
        options: &ImageOptions,
    ) -> Result<Self, ImageError> {
        let Content { name, classes, sha256, size, levels, labels, counts } = content;
        let [train, val, test] = counts;
        let fraction = if val > 0 { 0.0 } else { options.val_fraction };
        let test_fraction = if test > 0 { 0.0 } else { TEST_FRACTION };
        let limit = 1.0 - test_fraction;
        if !(0.0..limit).contains(&fraction) {
            return Err(ImageError::ValFraction { fraction, limit });
        }
        let mut parts = stratified(&labels, 0..train as u32, fraction, test_fraction);
        parts[1].extend(train as u32..(train + val) as u32);
        parts[2].extend((train + val) as u32..(train + val + test) as u32);
        for (split, rows) in ImageSplit::ALL.iter().zip(&parts) {
            if rows.is_empty() {
                let images = train + val + test;
                return Err(ImageError::TooFew { name, images, split: split.name() });
            }
        }
        let labels: Arc<[u16]> = labels.into();
        let [train, val, test] = parts.map(|rows| {
            let (pixels, labels) = (pixels.clone(), Arc::clone(&labels));
            ImageSet { pixels, labels, rows, size, levels }
        });
        let preprocessing = options.preprocessing.clone();
        let source_channels = size.channels;
        let features = None;
        Ok(Self {
            name,
            classes,
            sha256,
            source_channels,
            other_pictures: OtherPictures::default(),
            preprocessing,
            train,
            val,
            test,
            features,
        })
    }

    /// The images of a split.
    pub fn set(&self, split: ImageSplit) -> &ImageSet {
        match split {
            ImageSplit::Train => &self.train,
            ImageSplit::Val => &self.val,
            ImageSplit::Test => &self.test,
        }
    }

    /// Batch `number` of the run seeded with `seed`: every training image once in an
    /// epoch, changed as `augment` draws it. A function of its arguments alone.
    pub fn batch(&self, seed: u64, number: u64, size: usize, augment: Augment) -> ImageBatch {
        self.train.batch(seed, number, size, &self.preprocessing, augment)
    }
}

/// All of a dataset but its pixels, before it is split.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub name: String,
    pub classes: Vec<String>,
    pub sha256: String,
    pub size: ImageSize,
    pub levels: u8,
    pub labels: Vec<u16>,
    pub counts: [usize; 3],
}

/// Refuses what no classifier can learn: no images, a single class, or too many.
pub(crate) fn check_classes(name: &str, images: usize, classes: usize) -> Result<(), ImageError> {
    if images == 0 {
        return Err(ImageError::Empty { name: name.into() });
    }
    if !(2..=MOST_CLASSES).contains(&classes) {
        return Err(ImageError::Classes { name: name.into(), found: classes, most: MOST_CLASSES });
    }
    Ok(())
}

impl LabelledImages {
    fn checked(self) -> Result<Self, ImageError> {
        check_classes(&self.name, self.labels.len(), self.classes.len())?;
        let damaged = |reason: String| ImageError::Damaged { path: self.name.clone(), reason };
        let images = self.labels.len();
        if self.counts.iter().sum::<usize>() != images {
            return Err(damaged(format!("it has {images} labels for {:?} images", self.counts)));
        }
        if ![1, 3].contains(&self.size.channels)
            || self.levels == 0
            || self.size.bytes() == 0
            || self.pixels.len() != images * self.size.bytes()
        {
            return Err(damaged(format!(
                "it has {} bytes for {images} images of {:?}",
                self.pixels.len(),
                self.size
            )));
        }
        check_labels(&self.name, &self.labels, self.classes.len())?;
        Ok(self)
    }

    /// The same images in the model's size and channels. What changes has full
    /// brightness at 255.
    fn preprocessed(self, preprocessing: &Preprocessing) -> Result<Self, ImageError> {
        let ImageSize { channels, height, width } = self.size;
        let size = preprocessing.size;
        if [height, width] == [size, size] && channels == preprocessing.channels {
            return Ok(self);
        }
        check_shape(&self.name, height, width, preprocessing)?;
        let levels = u32::from(self.levels);
        let bright = |byte: &u8| ((u32::from(*byte) * 255 + levels / 2) / levels).min(255) as u8;
        let mut pixels = Vec::new();
        for image in self.pixels.chunks_exact(self.size.bytes()) {
            let picture = Picture { size: self.size, pixels: image.iter().map(bright).collect() };
            pixels.extend(picture.fit(&self.name, preprocessing)?);
        }
        let size = ImageSize { channels: preprocessing.channels, height: size, width: size };
        Ok(Self { size, levels: 255, pixels, ..self })
    }
}

/// Refuses labels that are no class.
pub(crate) fn check_labels(path: &str, labels: &[u16], classes: usize) -> Result<(), ImageError> {
    match labels.iter().position(|label| usize::from(*label) >= classes) {
        None => Ok(()),
        Some(position) => Err(ImageError::Label {
            path: path.into(),
            label: labels[position].into(),
            position,
            classes,
        }),
    }
}
