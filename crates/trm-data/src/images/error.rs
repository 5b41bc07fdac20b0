//! Why images cannot be used, and what to do about it.

use std::io;

use trm_spec::{Failure, FailureKind};

use crate::file_kind::FileKind;

#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "every variant has a message")]
pub enum ImageError {
    #[error("{path} cannot be read: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path} is not usable: {reason}")]
    Damaged { path: String, reason: String },
    #[error("{path} is {}, {other}", .kind.what())]
    OtherKind {
        path: String,
        kind: FileKind,
        /// What it is not.
        other: &'static str,
    },
    #[error("{path} has the label {label} at position {position}, but there are {classes} classes")]
    Label {
        path: String,
        label: u32,
        /// Counted from 0.
        position: usize,
        classes: usize,
    },
    #[error(
        "{path} is {width} × {height} pixels; up to {side} a side and {pixels} in all are read"
    )]
    TooLarge { path: String, width: u64, height: u64, side: u64, pixels: u64 },
    #[error(
        "{path} is {width} × {height} pixels: with {length} on the shorter side it would be too large ({side} a side and {pixels} in all)"
    )]
    TooNarrow { path: String, width: u64, height: u64, length: usize, side: u64, pixels: u64 },
    #[error(
        "{path} is {width} × {height} pixels, but the model takes {size} × {size} and resizing is off"
    )]
    OtherSize { path: String, width: usize, height: usize, size: usize },
    #[error("{path} has no known layout of images: {reason}")]
    UnknownLayout { path: String, reason: String },
    #[error("the class folder {path} has no images")]
    EmptyClass { path: String },
    #[error("{name} has {found} classes, and a classifier needs from 2 to {most}")]
    Classes { name: String, found: usize, most: usize },
    #[error("{name} has no images")]
    Empty { name: String },
    #[error("{name} has {images} images, too few for its {split} part")]
    TooFew { name: String, images: usize, split: &'static str },
    #[error("val_fraction is {fraction}, but must be at least 0 and below {limit}")]
    ValFraction { fraction: f64, limit: f64 },
    #[error(
        "{name} takes {megabytes} MB of memory at {size} × {size} pixels, and up to {most} MB are used"
    )]
    TooMuchMemory { name: String, megabytes: u64, size: usize, most: u64 },
    #[error("the preprocessing is not usable: {reason}")]
    Preprocessing { reason: String },
    #[error("images of {channels} channels are not read: they have 1 or 3")]
    Channels { channels: usize },
    #[error("images of the size {side} are not read: a side has from 1 to {most} pixels")]
    Size { side: usize, most: usize },
    #[error("{path} was prepared with other preprocessing: {found}, not {wanted}")]
    OtherPreprocessing { path: String, found: String, wanted: String },
    #[error("{path} holds features of another {what} ({found}, not {wanted})")]
    OtherFeatures { path: String, what: &'static str, found: String, wanted: String },
    #[error("{path} cannot be written")]
    Unwritable { path: String, source: io::Error },
    #[error("stopped before {path} was complete; nothing was written")]
    Stopped { path: String },
}

impl ImageError {
    /// What to try next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "Check the path and its permissions.",
            Self::Damaged { .. } => "Copy it again from an intact source, or leave it out.",
            Self::OtherKind { kind, .. } => kind.next_step(),
            Self::Label { .. } => "Use the label file that belongs to these images.",
            Self::TooLarge { .. } => "Make the image smaller first.",
            Self::TooNarrow { .. } => "Crop the image first.",
            Self::OtherSize { .. } if cfg!(feature = "files") => {
                "Turn resizing on (--resize true), or give images of the model's size."
            }
            Self::OtherSize { .. } => "Turn resizing on, or give images of the model's size.",
            Self::UnknownLayout { .. } => {
                "Give a folder with one folder of images for each class, the files of MNIST or CIFAR, or a file that `data prepare` wrote."
            }
            Self::EmptyClass { .. } => {
                "Put JPEG, PNG or WebP images in it (convert others to one of these), or remove the folder."
            }
            Self::Classes { .. } => "Give one folder of images for each class.",
            Self::Empty { .. } => "Give at least three images of each class.",
            Self::TooFew { .. } => "Give at least three images of each class, or raise val_fraction.",
            Self::ValFraction { .. } => "0.1 holds out every tenth image.",
            Self::TooMuchMemory { .. } => {
                "Prepare the images once (`data prepare`): they are then read from disk as they are needed."
            }
            Self::Preprocessing { .. } => {
                "Correct the model's preprocessor_config.json, or the settings pixel_mean and pixel_std."
            }
            Self::Channels { .. } if !cfg!(feature = "files") => {
                "Set num_channels to 1 (grey) or 3 (colour)."
            }
            Self::Channels { .. } => "Train a model of 1 channel (grey) or 3 (colour): --num-channels 1 or 3.",
            Self::Size { most, .. } => {
                return format!(
                    "Choose a size from 1 to {most} (--image-size N, or that of the preprocessor_config.json)."
                );
            }
            Self::OtherPreprocessing { .. } => {
                "Prepare the images again for this model (`data prepare`), or train a model of their size and channels (--image-size, --num-channels)."
            }
            Self::OtherFeatures { .. } => "Remove the file, so that the features are computed again.",
            Self::Unwritable { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => "Free some disk space and try again.",
                _ => "Choose a folder that you may write to.",
            },
            Self::Stopped { .. } => "Run the same command again to start over.",
        }
        .into()
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        let kind = match error {
            ImageError::ValFraction { .. }
            | ImageError::Preprocessing { .. }
            | ImageError::Channels { .. }
            | ImageError::Size { .. } => FailureKind::Config,
            _ => FailureKind::Data,
        };
        Self::new(kind, error.to_string(), error.hint())
    }
}
