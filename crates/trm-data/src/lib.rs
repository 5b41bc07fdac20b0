//! Text to tokens to batches, as plain vectors: no tensors, and files only
//! behind the feature `files`.
//!
//! Everything random comes from [`draw`], a generator that is addressed rather
//! than advanced, so that a resumed run needs nothing but its step.

mod corpus;
mod draw;
mod error;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "shakespeare")]
mod shakespeare;
mod vocab;

pub use corpus::{Batch, Corpus, IGNORED, Split, Window};
pub use draw::{draw, stream};
pub use error::CorpusError;
#[cfg(feature = "files")]
pub use files::read_text;
#[cfg(feature = "shakespeare")]
pub use shakespeare::{SHAKESPEARE_SHA256, shakespeare};
pub use vocab::{decode, encode};
