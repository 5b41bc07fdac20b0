//! Text or puzzles to tokens to batches, as plain vectors: no tensors, and files
//! only behind the feature `files`. A corpus lies in memory or in a token file that
//! is mapped, and gives the same batches from either.
//!
//! Everything random comes from [`draw`], a generator that is addressed rather
//! than advanced, so that a resumed run needs nothing but its step.

mod bpe;
mod corpus;
mod decoder;
#[cfg(feature = "files")]
mod documents;
mod draw;
mod epochs;
mod error;
mod extent;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "files")]
mod json_lines;
#[cfg(feature = "files")]
mod prepare;
pub mod puzzles;
#[cfg(feature = "files")]
mod reader;
#[cfg(feature = "shakespeare")]
mod shakespeare;
#[cfg(feature = "files")]
mod token_file;
#[cfg(feature = "files")]
mod token_writer;
mod tokens;
mod vocab;
#[cfg(feature = "files")]
mod wikitext;

pub use bpe::{END_OF_TEXT, GPT2_SHA256, gpt2};
pub use corpus::{Batch, Corpus, IGNORED, Split, Window};
pub use decoder::{Decoder, decode};
#[cfg(feature = "files")]
pub use documents::{Document, Found, find_texts};
pub use draw::{draw, stream};
pub use error::CorpusError;
pub use extent::{Extent, Measure, extent};
#[cfg(feature = "files")]
pub use files::{read_text, read_texts};
#[cfg(feature = "files")]
pub use json_lines::{TEXT_FIELD, is_json_lines};
#[cfg(feature = "files")]
pub use prepare::{Parts, prepare, prepare_parts, test_file};
#[cfg(feature = "files")]
pub use reader::Progress;
#[cfg(feature = "shakespeare")]
pub use shakespeare::{SHAKESPEARE_SHA256, shakespeare};
#[cfg(feature = "files")]
pub use token_file::TokenFile;
#[cfg(feature = "files")]
pub use token_writer::TokenWriter;
pub use vocab::{described, encode, vocabulary};
#[cfg(feature = "files")]
pub use wikitext::WikiText;
