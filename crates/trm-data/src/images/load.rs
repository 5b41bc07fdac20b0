//! Loads a dataset of images: from memory, from a folder whose layout is recognised by
//! its content, or from a prepared file.

#[cfg(feature = "files")]
use std::path::Path;
#[cfg(feature = "files")]
use std::sync::Arc;

#[cfg(feature = "files")]
use sha2::{Digest, Sha256};

#[cfg(feature = "files")]
use super::cifar::open_cifar;
#[cfg(feature = "files")]
use super::dataset::{Content, check_classes};
use super::dataset::{ImageDataset, ImageOptions};
use super::error::ImageError;
#[cfg(feature = "files")]
use super::folder::open_folder;
#[cfg(feature = "files")]
use super::idx::open_idx;
#[cfg(feature = "files")]
use super::open::{Opened, unreadable};
#[cfg(feature = "files")]
use super::prepared::PreparedImages;
#[cfg(feature = "files")]
use super::preprocessing::Preprocessing;
#[cfg(feature = "files")]
use super::set::{ImageSize, Pixels};
use super::source::ImageSource;
#[cfg(feature = "files")]
use super::source::LabelledImages;
#[cfg(feature = "files")]
use super::table::read_table;
#[cfg(feature = "files")]
use crate::disk::{first_bytes, hex};
#[cfg(feature = "files")]
use crate::file_kind::FileKind;

/// Most bytes of images that are held in memory.
#[cfg(feature = "files")]
const MOST_BYTES: u64 = 2 << 30;

impl ImageDataset {
    /// Loads the images of `source`. A source without a test set gives a fifth of its
    /// images for one. Which images are held out is fixed, not drawn.
    ///
    /// # Errors
    /// If the source cannot be read, its images do not fit the preprocessing, or there
    /// are too few.
    pub fn load(source: &ImageSource, options: &ImageOptions) -> Result<Self, ImageError> {
        options.preprocessing.validate()?;
        match source {
            #[cfg(feature = "digits")]
            ImageSource::Digits => Self::of_images(super::digits::digits(), options),
            ImageSource::Memory(images) => Self::of_images(images.clone(), options),
            #[cfg(feature = "files")]
            ImageSource::Files(path) => load_files(path, options),
        }
    }
}

#[cfg(feature = "files")]
/// The dataset at `path`: a folder, or a file of prepared images.
fn load_files(path: &Path, options: &ImageOptions) -> Result<ImageDataset, ImageError> {
    if path.is_file() {
        let start = first_bytes(path).map_err(|error| unreadable(path, &error))?;
        match FileKind::of(&start) {
            FileKind::Text => return load_table(path, options),
            FileKind::Safetensors | FileKind::Binary | FileKind::OtherEncoding => {}
            kind => {
                let path = path.display().to_string();
                let other =
                    "neither a folder of images, a table of pixels nor a file of `data prepare`";
                return Err(ImageError::OtherKind { path, kind, other });
            }
        }
        let file = PreparedImages::open(path)?;
        file.expect(&options.preprocessing)?;
        return ImageDataset::split(file.content(), Pixels::Mapped(Arc::new(file)), options);
    }
    let opened = open_layout(path)?;
    let Preprocessing { channels, size, .. } = options.preprocessing;
    let content = &opened.content;
    let size = ImageSize { channels, height: size, width: size };
    let bytes = content.labels.len() as u64 * size.bytes() as u64;
    if bytes > MOST_BYTES {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        return Err(ImageError::TooMuchMemory {
            name: content.name.clone(),
            megabytes: megabytes(bytes),
            size: size.height,
            most: megabytes(MOST_BYTES),
        });
    }
    let mut pixels = Vec::with_capacity(bytes as usize);
    opened.each(&options.preprocessing, &mut |image| {
        pixels.extend(image);
        Ok(())
    })?;
    let sha256 = digest_of(&content.labels, &pixels);
    let source_channels = content.size.channels;
    let content = Content { size, sha256, ..opened.content };
    let dataset = ImageDataset::split(content, Pixels::Memory(Arc::new(pixels)), options)?;
    Ok(ImageDataset { source_channels, other_pictures: opened.other, ..dataset })
}

#[cfg(feature = "files")]
/// SHA-256 of images, in the order of a prepared file, which has the same one.
fn digest_of(labels: &[u16], pixels: &[u8]) -> String {
    let mut digest = Sha256::new();
    labels.iter().for_each(|label| digest.update(label.to_le_bytes()));
    digest.update(pixels);
    hex(digest)
}

#[cfg(feature = "files")]
/// The images of a table of pixels and labels.
fn load_table(path: &Path, options: &ImageOptions) -> Result<ImageDataset, ImageError> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let images = read_table(&path.display().to_string(), &text)?;
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
    let sha256 = digest_of(&images.labels, &images.pixels);
    ImageDataset::of_images(LabelledImages { name, sha256, ..images }, options)
}

#[cfg(feature = "files")]
/// The images in the folder at `path`.
pub(crate) fn open_layout(path: &Path) -> Result<Opened, ImageError> {
    if path.is_file() {
        let start = first_bytes(path).map_err(|error| unreadable(path, &error))?;
        let (path, kind) = (path.display().to_string(), FileKind::of(&start));
        return Err(ImageError::OtherKind {
            path,
            kind,
            other: "and a folder of images is wanted",
        });
    }
    std::fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
    let layouts = [open_idx, open_cifar, open_folder];
    let opened = layouts.iter().find_map(|open| open(path).transpose()).transpose()?;
    let opened = opened.ok_or_else(|| ImageError::UnknownLayout {
        path: path.display().to_string(),
        reason: "it has neither the files of MNIST or CIFAR nor a folder for each class".into(),
    })?;
    let content = &opened.content;
    check_classes(&content.name, content.labels.len(), content.classes.len())?;
    Ok(opened)
}
