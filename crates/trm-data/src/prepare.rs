//! Texts into a token file, piece by piece: neither the texts nor the tokens
//! are ever in memory whole.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use trm_spec::{Tokenizer, Vocab};
use walkdir::WalkDir;

use crate::bpe::{END_OF_TEXT, gpt2, last_seam};
use crate::corpus::clean;
use crate::files::{not_utf8, unreadable};
use crate::vocab::{characters, encode_named};
use crate::{CorpusError, TokenWriter};

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// Bytes of a file that are looked at to tell text from other things.
const GLANCE: u64 = 1 << 16;

/// A text to prepare.
pub enum Document<'a> {
    /// One in memory, with its name.
    Text(&'a str, &'a str),
    File(&'a Path),
}

/// What [`find_texts`] came upon.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Files of text, in the order in which they were named, folders in the
    /// order of their names.
    pub texts: Vec<PathBuf>,
    /// Files in folders that are empty or hold something else.
    pub skipped: Vec<PathBuf>,
}

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of text that were read, over all passes.
    pub done: u64,
    /// Bytes that there are to read.
    pub total: u64,
}

/// The texts that `paths` mean: files as they are, and of folders what is in
/// them: every `.txt` and `.md` file, and others that hold UTF-8 text. Hidden
/// files and folders are left out.
pub fn find_texts(paths: &[PathBuf]) -> Result<Found, CorpusError> {
    let mut found = Found::default();
    for path in paths {
        if !path.is_dir() {
            found.texts.push(path.clone());
            continue;
        }
        let before = found.texts.len();
        let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
            let entry = entry.map_err(|error| CorpusError::Unreadable {
                path: error.path().unwrap_or(path).display().to_string(),
                reason: error.to_string(),
            })?;
            if entry.file_type().is_file() {
                let is_text = is_text(entry.path())?;
                let list = if is_text { &mut found.texts } else { &mut found.skipped };
                list.push(entry.into_path());
            }
        }
        if found.texts.len() == before {
            return Err(CorpusError::NoText { path: path.display().to_string() });
        }
    }
    Ok(found)
}

/// Whether a file of a folder is meant as text, so that it is an error if it is not.
fn is_text(path: &Path) -> Result<bool, CorpusError> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(GLANCE).read_to_end(&mut start))
        .map_err(|error| unreadable(path, &error))?;
    if start.is_empty() {
        return Ok(false);
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    if ["txt", "md"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
        return Ok(true);
    }
    let cut_short = start.len() as u64 == GLANCE;
    let valid = match std::str::from_utf8(&start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && cut_short,
    };
    Ok(valid && !start.contains(&0))
}

/// Turns `documents`, one after the other, into a token file at `out` called
/// `name`. `progress` is told how far it is, and may stop it.
///
/// Where one text ends and another begins stands a line's end, or GPT-2's own
/// mark. A single text gives the tokens that training on it directly would.
pub fn prepare(
    documents: &[Document],
    tokenizer: Tokenizer,
    name: &str,
    out: &Path,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(), CorpusError> {
    let size: u64 = documents.iter().map(Document::size).sum::<Result<u64, _>>()?;
    let passes = if tokenizer == Tokenizer::Char { 2 } else { 1 };
    let mut reader = Reader { documents, tokenizer, out, done: 0, total: passes * size, progress };
    let vocab = match tokenizer {
        Tokenizer::Byte => Vocab::Byte,
        Tokenizer::Gpt2 => gpt2(),
        Tokenizer::Char => {
            let mut occurring = BTreeSet::new();
            reader.pass(&mut |part| {
                if let Part::Piece(text) = part {
                    occurring.extend(text.chars());
                }
                Ok(())
            })?;
            characters(occurring)
        }
    };
    let mut writer = TokenWriter::create(out, name, &vocab)?;
    // Text that cannot be encoded before what follows it is known.
    let mut rest = String::new();
    reader.pass(&mut |part| match part {
        Part::Piece(piece) => {
            // The last character before the piece, which a seam may follow.
            let known = rest.char_indices().next_back().map_or(0, |(at, _)| at);
            rest.push_str(piece);
            let cut = match tokenizer {
                Tokenizer::Char | Tokenizer::Byte => rest.len(),
                Tokenizer::Gpt2 => last_seam(&rest[known..]).map_or(0, |at| known + at),
            };
            let tokens = encode_named(name, &vocab, &rest[..cut])?;
            rest.drain(..cut);
            writer.push(&tokens)
        }
        Part::End { last } => {
            writer.push(&encode_named(name, &vocab, &rest)?)?;
            rest.clear();
            let mark = tokenizer == Tokenizer::Gpt2 && !last;
            if mark { writer.push(&[END_OF_TEXT]) } else { Ok(()) }
        }
    })?;
    writer.finish()
}

impl Document<'_> {
    fn size(&self) -> Result<u64, CorpusError> {
        match self {
            Self::Text(_, text) => Ok(text.len() as u64),
            Self::File(path) => {
                fs::metadata(path).map(|data| data.len()).map_err(|error| unreadable(path, &error))
            }
        }
    }
}

/// What a pass over the texts comes upon.
enum Part<'a> {
    /// Text, cleaned; a document may come in several pieces.
    Piece(&'a str),
    /// A document's end, and whether it is the last one.
    End { last: bool },
}

type Visit<'a> = dyn FnMut(Part) -> Result<(), CorpusError> + 'a;

struct Reader<'a> {
    documents: &'a [Document<'a>],
    tokenizer: Tokenizer,
    out: &'a Path,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl Reader<'_> {
    /// Reads all documents once.
    fn pass(&mut self, visit: &mut Visit) -> Result<(), CorpusError> {
        for (number, document) in self.documents.iter().enumerate() {
            let last = number + 1 == self.documents.len();
            let mut open_line = false;
            let mut piece = |text: &str| {
                open_line = if text.is_empty() { open_line } else { !text.ends_with('\n') };
                visit(Part::Piece(text))
            };
            match document {
                Document::Text(name, "") => {
                    return Err(CorpusError::Empty { name: (*name).into() });
                }
                Document::Text(_, text) => {
                    piece(&clean(text))?;
                    self.advance(text.len() as u64)?;
                }
                Document::File(path) => self.file(path, &mut piece)?,
            }
            if open_line && !last && self.tokenizer != Tokenizer::Gpt2 {
                visit(Part::Piece("\n"))?;
            }
            visit(Part::End { last })?;
        }
        Ok(())
    }

    /// Reads a file in pieces, cleaned as a text that is read at once.
    fn file(
        &mut self,
        path: &Path,
        piece: &mut dyn FnMut(&str) -> Result<(), CorpusError>,
    ) -> Result<(), CorpusError> {
        let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let (mut bytes, mut before) = (Vec::with_capacity(PIECE), 0);
        loop {
            let read = (&mut file)
                .take((PIECE - bytes.len()) as u64)
                .read_to_end(&mut bytes)
                .map_err(|error: io::Error| unreadable(path, &error))?;
            let ended = read == 0;
            if ended && before == 0 && bytes.is_empty() {
                return Err(CorpusError::Empty { name: path.display().to_string() });
            }
            let mut whole = match std::str::from_utf8(&bytes) {
                Ok(text) => text.len(),
                Err(error) if error.error_len().is_none() && !ended => error.valid_up_to(),
                Err(error) => return Err(not_utf8(path, &bytes, before, error)),
            };
            // A line's end may have two halves.
            if !ended && bytes[..whole].ends_with(b"\r") {
                whole -= 1;
            }
            let text = std::str::from_utf8(&bytes[..whole])
                .map_err(|error| not_utf8(path, &bytes, before, error))?;
            if before == 0 {
                piece(&clean(text))?;
            } else {
                piece(&text.replace("\r\n", "\n"))?;
            }
            bytes.drain(..whole);
            before += whole;
            self.advance(whole as u64)?;
            if ended {
                return Ok(());
            }
        }
    }

    fn advance(&mut self, bytes: u64) -> Result<(), CorpusError> {
        self.done += bytes;
        match (self.progress)(Progress { done: self.done, total: self.total }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                Err(CorpusError::Stopped { path: self.out.display().to_string() })
            }
        }
    }
}
