//! Data as plain vectors: texts, puzzles, images and questions to batches. No tensors, and
//! files only behind the feature `files`. A text lies in memory or in a mapped token
//! file, and gives the same batches from either.
//!
//! Everything random comes from [`draw`], a generator that is addressed rather
//! than advanced, so that a resumed run needs nothing but its step.

pub mod checkpoint;
mod dataset;
#[cfg(feature = "files")]
mod disk;
mod draw;
mod epochs;
mod error;
mod file_kind;
#[cfg(feature = "llm")]
pub mod gguf;
pub mod images;
mod json;
mod parallel;
#[cfg(feature = "files")]
mod pin;
pub mod puzzles;
#[cfg(feature = "llm")]
pub mod questions;
mod source;
mod split;
#[cfg(all(feature = "files", feature = "images"))]
mod tensor_file;
#[cfg(all(feature = "files", feature = "images"))]
mod tensor_writer;
mod text;

pub use dataset::Dataset;
#[cfg(feature = "files")]
pub use disk::{UNFINISHED, hex, refuse_device, sync_file, sync_folder, unfinished_in};
pub use draw::{draw, stream};
pub use error::DataError;
pub use file_kind::{FileKind, GLANCE};
pub use source::{ARC, OpenedSource, SHAKESPEARE, image_preprocessing};
pub use split::{IGNORED, Split};
pub use text::*;
