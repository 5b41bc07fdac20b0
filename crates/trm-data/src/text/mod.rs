//! Texts as tokens: tokenizers, token files, and the batches and windows that are
//! taken from them. Files are read only behind the feature `files`.

mod batch;
#[cfg(feature = "files")]
mod bin_file;
mod bpe;
mod check;
mod clean;
mod dataset;
mod decoder;
#[cfg(feature = "files")]
mod documents;
mod extent;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "files")]
mod glance;
#[cfg(feature = "files")]
mod json_lines;
#[cfg(feature = "files")]
mod pickle;
#[cfg(feature = "files")]
mod prepare;
#[cfg(feature = "files")]
mod read_errors;
#[cfg(feature = "files")]
mod reader;
#[cfg(feature = "shakespeare")]
mod shakespeare;
#[cfg(feature = "llm")]
mod subword;
#[cfg(feature = "files")]
mod token_file;
#[cfg(feature = "files")]
mod token_writer;
mod tokens;
mod vocab;
#[cfg(feature = "files")]
mod wikitext;

pub use batch::{Batch, Window};
#[cfg(feature = "files")]
pub(crate) use bin_file::{in_folder, is_bin};
pub use bpe::{END_OF_TEXT, GPT2_SHA256, gpt2};
pub(crate) use check::check;
#[cfg(feature = "files")]
pub(crate) use clean::clean;
pub use dataset::TextDataset;
pub use decoder::{Decoder, decode};
#[cfg(feature = "files")]
pub use documents::{Document, Found, find_texts};
pub use extent::{Extent, Measure, extent};
#[cfg(feature = "files")]
pub use files::{read_as_text, read_text, read_texts, read_utf8};
#[cfg(feature = "files")]
pub use glance::file_kind;
#[cfg(feature = "files")]
pub use json_lines::{TEXT_FIELD, is_json_lines};
#[cfg(feature = "files")]
pub use prepare::{Parts, prepare, prepare_parts, test_file};
#[cfg(feature = "files")]
pub use reader::Progress;
#[cfg(feature = "shakespeare")]
pub use shakespeare::{SHAKESPEARE_SHA256, shakespeare};
#[cfg(feature = "llm")]
pub use subword::{SubwordTokenizer, subwords_of_gguf, subwords_of_json};
#[cfg(feature = "files")]
pub use token_file::TokenFile;
#[cfg(feature = "files")]
pub use token_writer::TokenWriter;
pub use vocab::{describe, encode, tokenizer, vocabulary};
#[cfg(feature = "files")]
pub use wikitext::WikiText;
