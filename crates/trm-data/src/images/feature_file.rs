//! Files of features: a safetensors file with one F16 tensor for each split.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::Dtype;

use super::error::ImageError;
use super::features::{FeatureKey, Features, Store};
use super::prepared::of_file;
use super::split::ImageSplit;
use crate::tensor_file::TensorFile;
use crate::tensor_writer::TensorWriter;

/// What the header calls the format.
const FORMAT: &str = "trm-features/1";

impl FeatureKey {
    /// What the header calls each part, and what it is in a message.
    fn parts(&self) -> [(&'static str, &'static str, &str); 3] {
        [
            ("base", "base model", &self.base),
            ("data", "dataset", &self.data),
            ("preprocessing", "preprocessing", &self.preprocessing),
        ]
    }
}

impl Features {
    /// Opens the file at `path`, which must belong to `key`. The features stay on disk
    /// until they are read; the file must not be changed while it is open.
    ///
    /// # Errors
    /// If it cannot be read, is not a whole file of features, or belongs to another base
    /// model, dataset or preprocessing.
    pub fn open(path: &Path, key: &FeatureKey) -> Result<Self, ImageError> {
        let failed = |error| of_file(path, error);
        let file = TensorFile::open(path, FORMAT).map_err(failed)?;
        for (entry, what, wanted) in key.parts() {
            let found = file.entry(entry).map_err(failed)?;
            if found != wanted {
                return Err(ImageError::OtherFeatures {
                    path: path.display().to_string(),
                    what,
                    found: found.into(),
                    wanted: wanted.into(),
                });
            }
        }
        let tensor = |split: ImageSplit| file.tensor(split.name(), Dtype::F16, 3).map_err(failed);
        let [train, val, test] = ImageSplit::ALL.map(tensor);
        let splits = [train?, val?, test?];
        let [counts, tokens, width] =
            [0, 1, 2].map(|axis| splits.each_ref().map(|(shape, _)| shape[axis]));
        if [tokens, width].iter().any(|sizes| sizes.iter().any(|size| *size != sizes[0])) {
            return Err(super::open::damaged(path, "its splits have different shapes"));
        }
        let splits = splits.map(|(_, range)| range);
        let (tokens, width) = (tokens[0], width[0]);
        Ok(Self { store: Store::File { file, splits }, tokens, width, counts })
    }
}

/// Features on their way into a file. It is removed again unless
/// [`finish`](Self::finish) is reached.
pub struct FeatureWriter {
    path: PathBuf,
    file: TensorWriter,
    row: usize,
    done: usize,
    total: usize,
}

impl FeatureWriter {
    /// Starts a file that will be at `path`, of `[tokens, width]` for each of `counts`
    /// images in training, validation and test.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(
        path: &Path,
        key: &FeatureKey,
        tokens: usize,
        width: usize,
        counts: [usize; 3],
    ) -> Result<Self, ImageError> {
        let mut metadata = vec![("format", FORMAT.to_owned())];
        metadata.extend(key.parts().map(|(entry, _, value)| (entry, value.to_owned())));
        let shapes = counts.map(|count| [count, tokens, width]);
        let tensors: Vec<(&str, Dtype, &[usize])> = ImageSplit::ALL
            .iter()
            .zip(&shapes)
            .map(|(split, shape)| (split.name(), Dtype::F16, shape.as_slice()))
            .collect();
        let file = TensorWriter::create(path, &metadata, &tensors)
            .map_err(|error| unwritable(path, error))?;
        let (row, total) = (tokens * width, counts.iter().sum());
        Ok(Self { path: path.into(), file, row, done: 0, total })
    }

    /// Writes features of the next images, `[images, tokens, width]`: first those of
    /// training, then validation, then test. `progress` is told how many images are done
    /// and how many there are, and may stop it.
    ///
    /// # Errors
    /// If they cannot be written, are more than the file has room for, or it is stopped.
    pub fn push(
        &mut self,
        values: &[f32],
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<(), ImageError> {
        let bytes: Vec<u8> =
            values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        self.file.push(&bytes).map_err(|error| unwritable(&self.path, error))?;
        self.done += values.len() / self.row.max(1);
        match progress(self.done, self.total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                Err(ImageError::Stopped { path: self.path.display().to_string() })
            }
        }
    }

    /// Completes the file and gives it its name, replacing an older one.
    ///
    /// # Errors
    /// If features are missing, or the file cannot be moved into place.
    pub fn finish(self) -> Result<(), ImageError> {
        let path = self.path;
        self.file.finish().map_err(|error| unwritable(&path, error))
    }
}

fn unwritable(path: &Path, source: std::io::Error) -> ImageError {
    ImageError::Unwritable { path: path.display().to_string(), source }
}
