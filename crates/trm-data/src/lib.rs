//! Text or puzzles to tokens to batches, as plain vectors: no tensors, and files
//! only behind the feature `files`. A corpus lies in memory or in a token file that
//! is mapped, and gives the same batches from either.
//!
//! Everything random comes from [`draw`], a generator that is addressed rather
//! than advanced, so that a resumed run needs nothing but its step.

mod bpe;
mod corpus;
mod decoder;
mod draw;
mod epochs;
mod error;
mod extent;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "files")]
mod prepare;
pub mod puzzles;
#[cfg(feature = "shakespeare")]
mod shakespeare;
#[cfg(feature = "files")]
mod token_file;
#[cfg(feature = "files")]
mod token_writer;
mod tokens;
mod vocab;

pub use bpe::{END_OF_TEXT, GPT2_SHA256, gpt2};
pub use corpus::{Batch, Corpus, IGNORED, Split, Window};
pub use decoder::{Decoder, decode};
pub use draw::{draw, stream};
pub use error::CorpusError;
pub use extent::{Extent, Measure, extent};
#[cfg(feature = "files")]
pub use files::read_text;
#[cfg(feature = "files")]
pub use prepare::{Document, Found, Progress, find_texts, prepare};
#[cfg(feature = "shakespeare")]
pub use shakespeare::{SHAKESPEARE_SHA256, shakespeare};
#[cfg(feature = "files")]
pub use token_file::TokenFile;
#[cfg(feature = "files")]
pub use token_writer::TokenWriter;
pub use vocab::{described, encode, vocabulary};
