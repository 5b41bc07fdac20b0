//! Reading token files: a safetensors file with one tensor `tokens` of U16 or
//! U32, mapped into memory, so that a corpus may be larger than that.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use trm_spec::{Vocab, read_json};

use super::bin_file;
use super::glance::file_kind;
use super::read_errors::unreadable;
use crate::disk::{explained, hex};
use crate::error::DataError;
use crate::file_kind::{FileKind, GLANCE};

/// What the header of a token file calls its format.
pub(crate) const FORMAT: &str = "trm-tokens/1";

/// The name of the one tensor.
pub(crate) const TENSOR: &str = "tokens";

/// What the header calls the number of tokens for validation, the last ones; a
/// file without it leaves that to `val_fraction`.
pub(crate) const VAL_TOKENS: &str = "val_tokens";

/// Files of up to this many bytes are checked whole when they are opened: it
/// takes less than a second. Larger ones are checked by [`TokenFile::verify`].
const CHECKED: usize = 64 << 20;

/// Tokens on disk, and what they stand for.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    name: String,
    vocab: Vocab,
    sha256: String,
    /// One, or of nanoGPT's files those to train on and those for validation.
    parts: Vec<Part>,
    width: Width,
    val_tokens: Option<usize>,
}

/// A file that is mapped.
#[derive(Debug)]
struct Part {
    map: Mmap,
    /// Where the tokens lie in it.
    data: Range<usize>,
}

impl Part {
    fn open(path: &Path) -> Result<Mmap, DataError> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        // SAFETY: the map is only read. Whoever changes the file meanwhile changes
        // what is read, which is why writers replace files instead.
        unsafe { Mmap::map(&file) }.map_err(|error| unreadable(path, &error))
    }
}

/// Bytes of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    U16,
    U32,
}

impl Width {
    /// The smallest that holds every token of `vocab`.
    pub fn of(vocab: &Vocab) -> Self {
        if vocab.size() <= 1 << 16 { Self::U16 } else { Self::U32 }
    }

    pub fn bytes(self) -> usize {
        match self {
            Self::U16 => 2,
            Self::U32 => 4,
        }
    }

    pub fn dtype(self) -> Dtype {
        match self {
            Self::U16 => Dtype::U16,
            Self::U32 => Dtype::U32,
        }
    }
}

impl TokenFile {
    /// Whether the file at `path` looks like safetensors rather than text. What
    /// is in it, [`TokenFile::open`] says.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn recognise(path: &Path) -> Result<bool, DataError> {
        Ok(file_kind(path)? == FileKind::Safetensors)
    }

    /// Opens a token file; its tokens stay on disk until they are read. The file
    /// must not be changed while it is open.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a whole token file.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let damaged =
            |reason: String| DataError::Damaged { path: path.display().to_string(), reason };
        let map = Part::open(path)?;
        let (header, metadata) =
            SafeTensors::read_metadata(&map).map_err(|error| damaged(explained(&error)))?;
        let entry = |key: &str| {
            let entries = metadata.metadata().as_ref();
            entries.and_then(|entries| entries.get(key)).map(String::as_str)
        };
        match entry("format") {
            Some(FORMAT) => {}
            Some(other) if other.starts_with("trm/") => {
                return Err(DataError::OtherTensors {
                    path: path.display().to_string(),
                    is: "a checkpoint",
                });
            }
            Some(other) => {
                return Err(damaged(format!("its format is `{other}`, not `{FORMAT}`")));
            }
            None => {
                return Err(DataError::OtherTensors {
                    path: path.display().to_string(),
                    is: "a safetensors file of another program",
                });
            }
        }
        let info =
            metadata.info(TENSOR).ok_or_else(|| damaged(format!("it has no tensor `{TENSOR}`")))?;
        let width = match info.dtype {
            Dtype::U16 => Width::U16,
            Dtype::U32 => Width::U32,
            other => return Err(damaged(format!("its tokens are {other:?}, not U16 or U32"))),
        };
        if info.shape.len() != 1 {
            return Err(damaged(format!(
                "its tokens have the shape {:?}, not one axis",
                info.shape
            )));
        }
        let required =
            |key: &str| entry(key).ok_or_else(|| damaged(format!("its header has no `{key}`")));
        let vocab = read_json(required("vocab")?)
            .map_err(|error| damaged(format!("its vocabulary cannot be read ({error})")))?;
        let start = 8 + header;
        let tokens = info.shape[0];
        let val_tokens = entry(VAL_TOKENS).map(|said| {
            said.parse().ok().filter(|val| *val <= tokens).ok_or_else(|| {
                damaged(format!(
                    "its header says that {said} of its {tokens} tokens are for validation"
                ))
            })
        });
        let file = Self {
            path: path.to_owned(),
            name: required("name")?.into(),
            sha256: required("sha256")?.into(),
            vocab,
            parts: vec![Part {
                data: start + info.data_offsets.0..start + info.data_offsets.1,
                map,
            }],
            width,
            val_tokens: val_tokens.transpose()?,
        };
        if file.is_empty() {
            return Err(DataError::Empty { name: path.display().to_string() });
        }
        if file.len() * file.width.bytes() <= CHECKED {
            file.verify()?;
        }
        Ok(file)
    }

    /// Opens nanoGPT's or llm.c's tokens; beside those to train on lie those for
    /// validation, and what they mean.
    ///
    /// # Errors
    /// If a file cannot be read, or is none of these.
    pub fn open_bin(path: &Path) -> Result<Self, DataError> {
        let val = bin_file::validation_of(path);
        let mut parts = Vec::new();
        for path in std::iter::once(path).chain(val.as_deref()) {
            let map = Part::open(path)?;
            let data = bin_file::tokens_in(path, &map[..map.len().min(GLANCE)], map.len())?;
            parts.push(Part { map, data });
        }
        let folder = path.parent().and_then(Path::file_name);
        let name = folder.or(path.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        let val_tokens = val.is_some().then(|| parts[1].data.len() / Width::U16.bytes());
        let mut file = Self {
            path: path.to_owned(),
            name,
            sha256: String::new(),
            vocab: Vocab::Byte,
            parts,
            width: Width::U16,
            val_tokens,
        };
        if file.is_empty() {
            return Err(DataError::Empty { name: path.display().to_string() });
        }
        let mut largest = 0;
        let digest = file.each_piece(|tokens, _| {
            largest = tokens.iter().copied().max().unwrap_or(0).max(largest);
        });
        (file.sha256, file.vocab) = (hex(digest), bin_file::vocab_of(path, largest)?);
        file.verify()?;
        Ok(file)
    }

    /// Shows `visit` all tokens piece by piece, each with the number of tokens before it;
    /// returns the digest of their bytes.
    fn each_piece(&self, mut visit: impl FnMut(&[u32], usize)) -> Sha256 {
        const PIECE: usize = 1 << 20;
        let mut digest = Sha256::new();
        let mut tokens = Vec::with_capacity(PIECE.min(self.len()));
        for start in (0..self.len()).step_by(PIECE) {
            let range = start..(start + PIECE).min(self.len());
            self.stretches(&range, |bytes| digest.update(bytes));
            tokens.clear();
            self.read(range, &mut tokens);
            visit(&tokens, start);
        }
        digest
    }

    /// Reads the whole file and checks that its tokens are those that were
    /// written, and all in the vocabulary.
    ///
    /// # Errors
    /// If the content does not have the digest of its header, or a token is outside of the vocabulary.
    pub fn verify(&self) -> Result<(), DataError> {
        let (mut outside, size) = (None, self.vocab.size());
        let digest = self.each_piece(|tokens, before| {
            let found = || tokens.iter().position(|token| *token as usize >= size);
            outside = outside.or_else(|| found().map(|place| (before + place, tokens[place])));
        });
        let found = hex(digest);
        if found != self.sha256 {
            return Err(DataError::Damaged {
                path: self.path.display().to_string(),
                reason: format!(
                    "its tokens have the digest {}…, but {}… were written",
                    &found[..12],
                    self.sha256.get(..12).unwrap_or(&self.sha256)
                ),
            });
        }
        match outside {
            None => Ok(()),
            Some((position, token)) => Err(DataError::Outside {
                name: self.path.display().to_string(),
                token,
                position,
                size,
            }),
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the text was called when it was prepared.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the token numbers mean.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// SHA-256 of the tokens' bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How many of its tokens, the last ones, are for validation, where the file
    /// itself says so.
    pub fn val_tokens(&self) -> Option<usize> {
        self.val_tokens
    }

    /// Whether the file says that it is only scored: it has no training part.
    pub fn is_test(&self) -> bool {
        self.val_tokens == Some(self.len())
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.data.len() / self.width.bytes()).sum()
    }

    /// Whether it has no token.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Size of the file in bytes, or of both.
    pub fn file_size(&self) -> usize {
        self.parts.iter().map(|part| part.map.len()).sum()
    }

    /// Appends the tokens of `range` to `into`; they are as the file has them,
    /// and may lie outside the vocabulary.
    ///
    /// # Panics
    /// If the range reaches beyond the tokens.
    pub fn read(&self, range: Range<usize>, into: &mut Vec<u32>) {
        self.stretches(&range, |bytes| match self.width {
            Width::U16 => {
                into.extend(bytes.as_chunks().0.iter().map(|b| u32::from(u16::from_le_bytes(*b))));
            }
            Width::U32 => into.extend(bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b))),
        });
    }

    /// The bytes of the tokens of `range`, one part after the other.
    fn stretches(&self, range: &Range<usize>, mut visit: impl FnMut(&[u8])) {
        assert!(range.start <= range.end && range.end <= self.len(), "a range of the tokens");
        let (width, mut before) = (self.width.bytes(), 0);
        for part in &self.parts {
            let tokens = part.data.len() / width;
            let inside = |token: usize| token.saturating_sub(before).min(tokens) * width;
            let (start, end) = (inside(range.start), inside(range.end));
            if start < end {
                visit(&part.map[part.data.start + start..part.data.start + end]);
            }
            before += tokens;
        }
    }
}
