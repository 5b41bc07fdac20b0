//! Images on disk whose layout is known, read by several threads.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use super::dataset::Content;
use super::decode::decode_image;
use super::error::ImageError;
use super::picture::{Picture, check_shape};
use super::preprocessing::Preprocessing;
use super::source::OtherPictures;

/// Images that one thread reads before they are passed on.
const AT_ONCE: usize = 16;

/// Images on disk whose layout is known.
pub(crate) struct Opened {
    /// All but the pixels; its size is that before preprocessing, where there is one.
    pub content: Content,
    /// Pictures that are left out.
    pub other: OtherPictures,
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
        Self { content, other: OtherPictures::default(), images: Images::Table(pixels) }
    }

    /// Images of which only the paths are known, beside `other` pictures.
    pub fn files(content: Content, paths: Vec<PathBuf>, other: OtherPictures) -> Self {
        Self { content, other, images: Images::Files(paths) }
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
