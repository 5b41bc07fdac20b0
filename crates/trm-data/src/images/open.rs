//! Opening folders of images: the layout is recognised by their content.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::dataset::{Content, ImageDataset, ImageOptions, check_classes};
use super::error::ImageError;
use super::idx::open_idx;
use super::preprocessing::Preprocessing;
use super::set::{ImageSize, Pixels};

/// Images on disk whose layout is known.
pub(crate) struct Opened {
    /// All but the pixels; its size and levels are those before preprocessing.
    pub content: Content,
    images: Images,
}

enum Images {
    /// Read already: `[images, channels, height, width]`.
    Table(Vec<u8>),
}

impl Opened {
    /// Images that were read whole.
    pub fn table(content: Content, pixels: Vec<u8>) -> Self {
        Self { content, images: Images::Table(pixels) }
    }

    /// The images in the folder at `path`.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        std::fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
        let opened = open_idx(path)?;
        let opened = opened.ok_or_else(|| ImageError::UnknownLayout {
            path: path.display().to_string(),
            reason: "it has neither files of MNIST or CIFAR nor folders of images".into(),
        })?;
        let content = &opened.content;
        check_classes(&content.name, content.labels.len(), content.classes.len())?;
        Ok(opened)
    }

    /// Bytes of image `row` in the model's size and channels.
    fn image(&self, row: usize, preprocessing: &Preprocessing) -> Result<Vec<u8>, ImageError> {
        match &self.images {
            Images::Table(pixels) => {
                let ImageSize { height, width, .. } = self.content.size;
                let (bytes, size) = (self.content.size.bytes(), preprocessing.size);
                if [height, width] != [size, size] {
                    let path = self.content.name.clone();
                    return Err(ImageError::OtherSize { path, width, height, size });
                }
                Ok(pixels[row * bytes..][..bytes].to_vec())
            }
        }
    }
}

/// The dataset in the folder at `path`.
pub(crate) fn load(path: &Path, options: &ImageOptions) -> Result<ImageDataset, ImageError> {
    let opened = Opened::open(path)?;
    let Preprocessing { channels, size, .. } = options.preprocessing;
    let mut pixels = Vec::new();
    for row in 0..opened.content.labels.len() {
        pixels.extend(opened.image(row, &options.preprocessing)?);
    }
    let size = ImageSize { channels, height: size, width: size };
    let content = Content { size, ..opened.content };
    ImageDataset::split(content, Pixels::Memory(Arc::new(pixels)), options)
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> ImageError {
    ImageError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

pub(crate) fn damaged(path: &Path, reason: impl Display) -> ImageError {
    ImageError::Damaged { path: path.display().to_string(), reason: reason.to_string() }
}

/// What the folder at `path` is called.
pub(crate) fn folder_name(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    absolute.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
