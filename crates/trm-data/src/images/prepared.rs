//! Files of prepared images: a safetensors file with the tensors `labels`, U16, and
//! `pixels`, U8, mapped into memory, so that there may be more images than fit into it.

use std::ops::Range;
use std::path::Path;

use safetensors::Dtype;

use super::dataset::{Content, check_classes, check_labels};
use super::error::ImageError;
use super::open::{damaged, unreadable};
use super::preprocessing::{Preprocessing, Resize};
use super::set::MappedPixels;
use super::size::ImageSize;
use crate::tensor_file::{TensorFile, TensorFileError};

/// What the header calls the format.
pub(crate) const FORMAT: &str = "trm-images/1";

/// Names of the tensors, in their order.
pub(crate) const LABELS: &str = "labels";
pub(crate) const PIXELS: &str = "pixels";

/// Images that `prepare_images` wrote.
#[derive(Debug)]
pub struct PreparedImages {
    file: TensorFile,
    pixels: Range<usize>,
    content: Content,
    preprocessing: Preprocessing,
}

impl PreparedImages {
    /// Opens the file at `path`; its images stay on disk until they are read. It must
    /// not be changed while it is open.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a whole file of prepared images.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let failed = |error| of_file(path, error);
        let file = TensorFile::open(path, FORMAT).map_err(failed)?;
        let entry = |key: &str| file.entry(key).map_err(failed);
        fn parsed<T: serde::de::DeserializeOwned>(
            path: &Path,
            key: &str,
            text: &str,
        ) -> Result<T, ImageError> {
            trm_spec::read_json(text)
                .map_err(|error| damaged(path, format!("its `{key}` cannot be read ({error})")))
        }
        let preprocessing: Preprocessing = parsed(path, "preprocessing", entry("preprocessing")?)?;
        let classes: Vec<String> = parsed(path, "classes", entry("classes")?)?;
        let counts: [usize; 3] = parsed(path, "counts", entry("counts")?)?;
        let (_, labels) = file.tensor(LABELS, Dtype::U16, 1).map_err(failed)?;
        let labels: Vec<u16> =
            file.bytes()[labels].as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        let (shape, pixels) = file.tensor(PIXELS, Dtype::U8, 4).map_err(failed)?;
        let size = ImageSize { channels: shape[1], height: shape[2], width: shape[3] };
        let side = preprocessing.size;
        if shape != [labels.len(), preprocessing.channels, side, side]
            || counts.iter().try_fold(0_usize, |sum, count| sum.checked_add(*count))
                != Some(labels.len())
        {
            return Err(damaged(
                path,
                format!("its pixels {shape:?}, {} labels and {counts:?} disagree", labels.len()),
            ));
        }
        check_classes(&path.display().to_string(), labels.len(), classes.len())?;
        check_labels(&path.display().to_string(), &labels, classes.len())?;
        let (name, sha256) = (entry("name")?.into(), file.sha256().map_err(failed)?.into());
        let content = Content { name, classes, sha256, size, levels: 255, labels, counts };
        Ok(Self { pixels, content, preprocessing, file })
    }

    /// Reads the whole file and compares its digest; files of up to 64 MiB were
    /// checked when they were opened.
    ///
    /// # Errors
    /// If its content is not what was written.
    pub fn verify(&self) -> Result<(), ImageError> {
        self.file.verify().map_err(|error| of_file(self.file.path(), error))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// What the images were called when they were prepared.
    pub fn name(&self) -> &str {
        &self.content.name
    }

    /// Name of each class, by label.
    pub fn classes(&self) -> &[String] {
        &self.content.classes
    }

    /// Images for training, validation and test, as their source had them.
    pub fn counts(&self) -> [usize; 3] {
        self.content.counts
    }

    /// Size of every image.
    pub fn size(&self) -> ImageSize {
        self.content.size
    }

    /// SHA-256 of labels and pixels, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.content.sha256
    }

    /// How the images were prepared.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Refuses images that were prepared in another way than `wanted`; without resizing
    /// only their size and channels matter. Normalisation comes later, and may differ.
    pub(crate) fn expect(&self, wanted: &Preprocessing) -> Result<(), ImageError> {
        let same = (wanted.size, wanted.channels)
            == (self.preprocessing.size, self.preprocessing.channels);
        let (found, given) = (self.preprocessing.geometry(), wanted.resize == Resize::Off);
        let wanted = wanted.geometry();
        if found == wanted || same && given {
            return Ok(());
        }
        let path = self.path().display().to_string();
        Err(ImageError::OtherPreprocessing { path, found, wanted })
    }

    pub(crate) fn content(&self) -> Content {
        self.content.clone()
    }
}

impl MappedPixels for PreparedImages {
    fn pixels(&self) -> &[u8] {
        &self.file.bytes()[self.pixels.clone()]
    }
}

/// The error of a file in the words of images.
pub(crate) fn of_file(path: &Path, error: TensorFileError) -> ImageError {
    match error {
        TensorFileError::Unreadable(error) => unreadable(path, &error),
        TensorFileError::Damaged(reason) => damaged(path, reason),
    }
}
