//! Images with one label each: handwritten digits that the program carries, and
//! batches of normalised pixels. Files are read only behind the feature `files`.

mod augment;
mod batch;
mod dataset;
#[cfg(feature = "digits")]
mod digits;
mod drawing;
mod error;
#[cfg(feature = "files")]
mod idx;
#[cfg(feature = "files")]
mod open;
mod patches;
mod preprocessing;
mod set;
mod source;
mod split;

pub use augment::{Augment, Augmentation};
pub use batch::ImageBatch;
pub use dataset::{ImageDataset, ImageOptions};
#[cfg(feature = "digits")]
pub use digits::{DIGITS_SHA256, digits};
pub use drawing::{BITMAP, draw_to_digit};
pub use error::ImageError;
#[cfg(feature = "files")]
pub use idx::{IdxImages, read_idx_images, read_idx_labels};
pub use patches::patches;
pub use preprocessing::{Filter, Preprocessing, Resize};
pub use set::{ImageSet, ImageSize};
pub use source::{ImageSource, LabelledImages};
pub use split::ImageSplit;

/// The handwritten digits that the program carries.
pub const DIGITS: &str = "digits";
