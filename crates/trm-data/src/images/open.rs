//! Opening images on disk: the layout is recognised by the content of the folder.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use sha2::{Digest, Sha256};

use super::cifar::open_cifar;
use super::dataset::{Content, ImageDataset, ImageOptions, check_classes};
use super::decode::decode_image;
use super::error::ImageError;
use super::folder::open_folder;
use super::idx::open_idx;
use super::picture::{Picture, check_shape};
use super::prepared::PreparedImages;
use super::preprocessing::Preprocessing;
use super::set::{ImageSize, Pixels};
use crate::disk::hex;

/// Most bytes of images that are held in memory.
const MOST_BYTES: u64 = 2 << 30;

/// Images that one thread reads before they are passed on.
const AT_ONCE: usize = 16;

/// Images on disk whose layout is known.
pub(crate) struct Opened {
    /// All but the pixels; its size is that before preprocessing, where there is one.
    pub content: Content,
    images: Images,
}

enum Images {
    /// Read already: `[images, channels, height, width]`.
    Table(Vec<u8>),
    /// One file each.
    Files(Vec<PathBuf>),
}

impl Opened {
    /// Images that were read whole.
    pub fn table(content: Content, pixels: Vec<u8>) -> Self {
        Self { content, images: Images::Table(pixels) }
    }

    /// Images of which only the paths are known.
    pub fn files(content: Content, paths: Vec<PathBuf>) -> Self {
        Self { content, images: Images::Files(paths) }
    }

    /// The images in the folder at `path`.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
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

    /// Bytes of image `row` in the model's size and channels.
    fn image(&self, row: usize, preprocessing: &Preprocessing) -> Result<Vec<u8>, ImageError> {
        match &self.images {
            Images::Table(pixels) => {
                let (name, size) = (&self.content.name, self.content.size);
                check_shape(name, size.height, size.width, preprocessing)?;
                let pixels = pixels[row * size.bytes()..][..size.bytes()].to_vec();
                Picture { size, pixels }.fit(name, preprocessing)
            }
            Images::Files(paths) => {
                let path = &paths[row];
                let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
                decode_image(&path.display().to_string(), &bytes, preprocessing)
            }
        }
    }

    /// Hands all images to `visit` in their order, read by as many threads as there are
    /// processors.
    pub fn each(
        &self,
        preprocessing: &Preprocessing,
        visit: &mut dyn FnMut(Vec<u8>) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let images = self.content.labels.len();
        let threads = thread::available_parallelism().map_or(1, |count| count.get());
        for start in (0..images).step_by(threads * AT_ONCE) {
            let rows: Vec<usize> = (start..images.min(start + threads * AT_ONCE)).collect();
            let read: Vec<Result<Vec<u8>, ImageError>> = thread::scope(|scope| {
                let tasks: Vec<_> = rows
                    .chunks(AT_ONCE)
                    .map(|rows| {
                        let read = || {
                            rows.iter()
                                .map(|row| self.image(*row, preprocessing))
                                .collect::<Vec<_>>()
                        };
                        scope.spawn(read)
                    })
                    .collect();
                tasks.into_iter().flat_map(|task| task.join().unwrap_or_default()).collect()
            });
            if read.len() != rows.len() {
                return Err(ImageError::Damaged {
                    path: self.content.name.clone(),
                    reason: "the decoder of an image has failed".into(),
                });
            }
            read.into_iter().try_for_each(|image| visit(image?))?;
        }
        Ok(())
    }
}

/// The dataset at `path`: a folder, or a file of prepared images.
pub(crate) fn load(path: &Path, options: &ImageOptions) -> Result<ImageDataset, ImageError> {
    if path.is_file() {
        let file = PreparedImages::open(path)?;
        file.expect(&options.preprocessing)?;
        return ImageDataset::split(file.content(), Pixels::Mapped(Arc::new(file)), options);
    }
    let opened = Opened::open(path)?;
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
    // In the order of a prepared file, which has the same digest.
    let mut digest = Sha256::new();
    content.labels.iter().for_each(|label| digest.update(label.to_le_bytes()));
    digest.update(&pixels);
    let content = Content { size, sha256: hex(digest), ..opened.content };
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
