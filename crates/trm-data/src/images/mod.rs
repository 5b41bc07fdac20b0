//! Images with one label each, for classifiers: where they come from, how they are
//! preprocessed, split and augmented, and batches of them. Files are read only behind
//! the feature `files`; the browser decodes its images itself.

mod augment;
mod batch;
#[cfg(feature = "files")]
mod cifar;
mod dataset;
#[cfg(feature = "files")]
mod decode;
#[cfg(feature = "digits")]
mod digits;
mod drawing;
mod error;
#[cfg(feature = "files")]
mod feature_file;
mod features;
#[cfg(feature = "files")]
mod folder;
mod generated;
#[cfg(feature = "files")]
mod idx;
mod load;
#[cfg(feature = "files")]
mod open;
mod patches;
mod picture;
#[cfg(feature = "files")]
mod prepare;
#[cfg(feature = "files")]
mod prepared;
mod preprocessing;
mod preprocessor_config;
mod resize;
mod set;
mod size;
mod source;
mod split;
mod table;

pub use augment::{Augment, Augmentation};
pub use batch::ImageBatch;
pub use dataset::{ImageDataset, ImageOptions};
#[cfg(feature = "files")]
pub use decode::decode_image;
#[cfg(feature = "digits")]
pub use digits::{DIGITS_SHA256, digits};
pub use drawing::{BITMAP, draw_to_digit, fit_drawing};
pub use error::ImageError;
#[cfg(feature = "files")]
pub use feature_file::FeatureWriter;
pub use features::{FeatureKey, Features};
#[cfg(feature = "files")]
pub use idx::{IdxImages, read_idx_images, read_idx_labels};
pub use patches::patches;
pub use picture::from_rgba;
#[cfg(feature = "files")]
pub use prepare::prepare_images;
#[cfg(feature = "files")]
pub use prepared::PreparedImages;
pub use preprocessing::{Filter, Preprocessing, Resize};
pub use set::{ImageSet, ImageSize};
pub use source::{ImageSource, LabelledImages, OtherPictures};
pub use split::ImageSplit;
pub use table::read_table;

/// The handwritten digits that the program carries.
pub const DIGITS: &str = "digits";
