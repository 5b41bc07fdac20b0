//! Reading texts from beginning to end, piece by piece.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use trm_spec::Tokenizer;

use super::check::check;
use super::clean::clean;
use super::documents::Document;
use super::json_lines::JsonLines;
use super::read_errors::{not_utf8, unreadable};
use crate::disk::refuse_device;
use crate::error::DataError;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of text that were read, over all passes.
    pub done: u64,
    /// Bytes that there are to read.
    pub total: u64,
}

/// What reading comes upon.
pub(crate) enum Part<'a> {
    /// Text, cleaned; one text may come in several pieces.
    Piece(&'a str),
    /// Where one text ends and another begins.
    Between,
    /// From here on the texts are for validation.
    Validation,
    /// The end of a token file.
    End,
}

pub(crate) type Visit<'a> = dyn FnMut(Part) -> Result<(), DataError> + 'a;

pub(crate) struct Reader<'a> {
    tokenizer: Tokenizer,
    out: &'a Path,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    /// Whether the next text follows another one.
    begun: bool,
    /// Whether the last line has no end yet.
    open_line: bool,
}

impl<'a> Reader<'a> {
    /// Is about to read `total` bytes for a file at `out`.
    pub fn new(
        tokenizer: Tokenizer,
        out: &'a Path,
        total: u64,
        progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Self {
        Self { tokenizer, out, done: 0, total, progress, begun: false, open_line: false }
    }

    /// Reads `documents`, one after the other.
    pub fn read(&mut self, documents: &[Document], visit: &mut Visit) -> Result<(), DataError> {
        for document in documents {
            match document {
                Document::Text(name, "") => {
                    return Err(DataError::Empty { name: (*name).into() });
                }
                Document::Text(_, text) => {
                    self.separate(visit)?;
                    self.piece(&clean(text), visit)?;
                    self.advance(text.len())?;
                }
                Document::File(path) => {
                    self.separate(visit)?;
                    self.file(path, false, visit)?;
                }
                Document::Insisted(path) => {
                    self.separate(visit)?;
                    self.file(path, true, visit)?;
                }
                Document::JsonLines(path, field) => self.json_lines(path, field, visit)?,
            }
        }
        Ok(())
    }

    /// What follows is for validation; the mark between two texts comes before it.
    pub fn validation(&mut self, visit: &mut Visit) -> Result<(), DataError> {
        self.separate(visit)?;
        self.begun = false;
        visit(Part::Validation)
    }

    /// Another token file begins with what follows.
    pub fn end(&mut self, visit: &mut Visit) -> Result<(), DataError> {
        self.begun = false;
        visit(Part::End)
    }

    /// Puts what stands between two texts before all but the first.
    fn separate(&mut self, visit: &mut Visit) -> Result<(), DataError> {
        let open_line = std::mem::take(&mut self.open_line);
        if !std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        if open_line && self.tokenizer != Tokenizer::Gpt2 {
            visit(Part::Piece("\n"))?;
        }
        visit(Part::Between)
    }

    fn piece(&mut self, text: &str, visit: &mut Visit) -> Result<(), DataError> {
        if !text.is_empty() {
            self.open_line = !text.ends_with('\n');
        }
        visit(Part::Piece(text))
    }

    /// Reads a file in pieces, cleaned as a text that is read at once. What is no text is
    /// refused, unless it is `insisted` on.
    fn file(&mut self, path: &Path, insisted: bool, visit: &mut Visit) -> Result<(), DataError> {
        let file = refuse_device(path).and_then(|()| File::open(path));
        let mut file = file.map_err(|error| unreadable(path, &error))?;
        let (mut bytes, mut before) = (Vec::with_capacity(PIECE), 0);
        loop {
            let read = (&mut file)
                .take((PIECE - bytes.len()) as u64)
                .read_to_end(&mut bytes)
                .map_err(|error: io::Error| unreadable(path, &error))?;
            let ended = read == 0;
            if ended && before == 0 && bytes.is_empty() {
                return Err(DataError::Empty { name: path.display().to_string() });
            }
            if !insisted && (before == 0 || bytes.contains(&0)) {
                check(&path.display().to_string(), &bytes)?;
            }
            let mut whole = match std::str::from_utf8(&bytes) {
                Ok(text) => text.len(),
                Err(error) if error.error_len().is_none() && !ended => error.valid_up_to(),
                Err(error) => return Err(not_utf8(path, before, error)),
            };
            // A line's end may have two halves.
            if !ended && bytes[..whole].ends_with(b"\r") {
                whole -= 1;
            }
            let text = std::str::from_utf8(&bytes[..whole])
                .map_err(|error| not_utf8(path, before, error))?;
            if before == 0 {
                self.piece(&clean(text), visit)?;
            } else {
                self.piece(&text.replace("\r\n", "\n"), visit)?;
            }
            bytes.drain(..whole);
            before += whole;
            self.advance(whole)?;
            if ended {
                return Ok(());
            }
        }
    }

    /// Reads a file of many texts.
    fn json_lines(&mut self, path: &Path, field: &str, visit: &mut Visit) -> Result<(), DataError> {
        let (mut lines, mut told, mut empty) = (JsonLines::open(path, field)?, 0, true);
        while let Some(text) = lines.next() {
            empty = false;
            self.separate(visit)?;
            self.piece(&clean(&text?), visit)?;
            // Lines can be short, and telling takes time.
            if lines.read - told >= PIECE {
                self.advance(lines.read - told)?;
                told = lines.read;
            }
        }
        if empty {
            return Err(DataError::Empty { name: path.display().to_string() });
        }
        self.advance(lines.read - told)
    }

    fn advance(&mut self, bytes: usize) -> Result<(), DataError> {
        self.done += bytes as u64;
        match (self.progress)(Progress { done: self.done, total: self.total }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                Err(DataError::Stopped { path: self.out.display().to_string() })
            }
        }
    }
}
