//! Texts into a token file, piece by piece: neither the texts nor the tokens
//! are ever in memory whole.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use trm_spec::{Tokenizer, Vocab};

use super::bpe::{END_OF_TEXT, gpt2, last_seam};
use super::documents::Document;
use super::reader::{Part, Progress, Reader, Visit};
use super::token_writer::TokenWriter;
use super::vocab::{characters, encode_named};
use crate::error::DataError;

/// Texts by what they are for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts<'a> {
    /// Documents to train on.
    pub train: &'a [Document<'a>],
    /// Where there are none, `val_fraction` cuts.
    pub val: &'a [Document<'a>],
    /// They go into a token file of their own, which is only scored.
    pub test: &'a [Document<'a>],
}

/// Turns `documents`, one after the other, into a token file at `out` called
/// `name`. `progress` is told how far it is, and may stop it.
///
/// Where one text ends and another begins stands a line's end, or GPT-2's own
/// mark. A single text gives the tokens that training on it directly would.
///
/// # Errors
/// If a document cannot be read or encoded, or the file cannot be written.
pub fn prepare(
    documents: &[Document],
    tokenizer: Tokenizer,
    name: &str,
    out: &Path,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(), DataError> {
    let parts = Parts { train: documents, ..Parts::default() };
    prepare_parts(&parts, tokenizer, name, out, progress)
}

/// As [`prepare`], of a corpus that comes in parts. The file at `out` says where
/// validation begins; what is to be scored goes to [`test_file`], with the same
/// vocabulary, which for characters is that of all parts.
///
/// # Errors
/// If a document cannot be read or encoded, or the file cannot be written.
pub fn prepare_parts(
    parts: &Parts,
    tokenizer: Tokenizer,
    name: &str,
    out: &Path,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(), DataError> {
    let documents = [parts.train, parts.val, parts.test].concat();
    let size: u64 = documents.iter().map(Document::size).sum::<Result<u64, _>>()?;
    let passes = if tokenizer == Tokenizer::Char { 2 } else { 1 };
    let mut reader = Reader::new(tokenizer, out, passes * size, progress);
    let vocab = match tokenizer {
        Tokenizer::Byte => Vocab::Byte,
        Tokenizer::Gpt2 => gpt2(),
        Tokenizer::Char => {
            let mut occurring = BTreeSet::new();
            parts.pass(&mut reader, &mut |part| {
                if let Part::Piece(text) = part {
                    occurring.extend(text.chars());
                }
                Ok(())
            })?;
            characters(occurring)
        }
    };
    let mut files = vec![TokenWriter::create(out, name, &vocab)?];
    if !parts.test.is_empty() {
        let mut test = TokenWriter::create(&test_file(out), &format!("{name} (test)"), &vocab)?;
        // All of it is scored and none of it trained on.
        test.begin_validation();
        files.push(test);
    }
    let mut encoder = Encoder { name, tokenizer, vocab: &vocab, rest: String::new() };
    let mut current = 0;
    parts.pass(&mut reader, &mut |part| {
        let file = &mut files[current];
        match part {
            Part::Piece(piece) => encoder.piece(piece, file)?,
            Part::Between => {
                encoder.flush(file)?;
                if tokenizer == Tokenizer::Gpt2 {
                    file.push(&[END_OF_TEXT])?;
                }
            }
            Part::Validation => file.begin_validation(),
            Part::End => {
                encoder.flush(file)?;
                current += 1;
            }
        }
        Ok(())
    })?;
    // The one that is trained on comes last: where it is, all is.
    files.into_iter().rev().try_for_each(TokenWriter::finish)
}

/// Where the part to be scored goes, beside the token file at `out`: `.test`
/// stands before the extension.
pub fn test_file(out: &Path) -> PathBuf {
    let mut name = out.file_stem().unwrap_or_default().to_owned();
    name.push(".test");
    if let Some(extension) = out.extension() {
        name.push(".");
        name.push(extension);
    }
    out.with_file_name(name)
}

impl Parts<'_> {
    /// Reads all parts once.
    fn pass(&self, reader: &mut Reader, visit: &mut Visit) -> Result<(), DataError> {
        reader.read(self.train, visit)?;
        if !self.val.is_empty() {
            reader.validation(visit)?;
            reader.read(self.val, visit)?;
        }
        reader.end(visit)?;
        if !self.test.is_empty() {
            reader.read(self.test, visit)?;
            reader.end(visit)?;
        }
        Ok(())
    }
}

/// Text on its way into tokens.
struct Encoder<'a> {
    name: &'a str,
    tokenizer: Tokenizer,
    vocab: &'a Vocab,
    /// Text that cannot be encoded before what follows it is known.
    rest: String,
}

impl Encoder<'_> {
    fn piece(&mut self, piece: &str, file: &mut TokenWriter) -> Result<(), DataError> {
        let rest = &mut self.rest;
        // The last character before the piece, which a seam may follow.
        let known = rest.char_indices().next_back().map_or(0, |(at, _)| at);
        rest.push_str(piece);
        let cut = match self.tokenizer {
            Tokenizer::Char | Tokenizer::Byte => rest.len(),
            Tokenizer::Gpt2 => last_seam(&rest[known..]).map_or(0, |at| known + at),
        };
        let tokens = encode_named(self.name, self.vocab, &rest[..cut])?;
        rest.drain(..cut);
        file.push(&tokens)
    }

    /// Writes what was held back, as nothing of this text follows.
    fn flush(&mut self, file: &mut TokenWriter) -> Result<(), DataError> {
        let tokens = encode_named(self.name, self.vocab, &self.rest)?;
        self.rest.clear();
        file.push(&tokens)
    }
}
