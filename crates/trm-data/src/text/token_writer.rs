//! Writing token files as the tokens come. The header, which tells their number
//! and digest, is filled in at the end; the file gets its name when it is whole.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use trm_spec::Vocab;

use super::token_file::{FORMAT, TENSOR, VAL_TOKENS, Width};
use crate::disk::{hex, persist, unnamed};
use crate::error::DataError;

/// A token file that is being written. It is removed again unless
/// [`TokenWriter::finish`] is reached.
pub struct TokenWriter {
    path: PathBuf,
    name: String,
    vocab: String,
    width: Width,
    file: BufWriter<NamedTempFile>,
    digest: Sha256,
    tokens: u64,
    /// How many tokens come before those for validation.
    boundary: Option<u64>,
    /// Bytes kept free for the header.
    header: usize,
}

impl TokenWriter {
    /// Starts a file that will be at `path`, of tokens of `vocab`.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(path: &Path, name: &str, vocab: &Vocab) -> Result<Self, DataError> {
        let attempt = || -> io::Result<Self> {
            let mut writer = Self {
                path: path.to_owned(),
                name: name.into(),
                vocab: serde_json::to_string(vocab)?,
                width: Width::of(vocab),
                file: BufWriter::with_capacity(1 << 20, unnamed(path)?),
                digest: Sha256::new(),
                tokens: 0,
                boundary: None,
                header: 0,
            };
            // The longest header there can be, so that the tokens after it are aligned.
            writer.header = writer.header_of(u64::MAX / 8, &"0".repeat(64), Some(u64::MAX))?.len();
            writer.header = writer.header.next_multiple_of(8);
            writer.file.write_all(&vec![b' '; 8 + writer.header])?;
            Ok(writer)
        };
        attempt().map_err(|error| unwritable(path, error))
    }

    /// Writes the next tokens, which are all in the vocabulary.
    ///
    /// # Errors
    /// If the tokens cannot be written.
    pub fn push(&mut self, tokens: &[u32]) -> Result<(), DataError> {
        let bytes: Vec<u8> = match self.width {
            Width::U16 => tokens.iter().flat_map(|&t| (t as u16).to_le_bytes()).collect(),
            Width::U32 => tokens.iter().flat_map(|&t| t.to_le_bytes()).collect(),
        };
        self.digest.update(&bytes);
        self.tokens += tokens.len() as u64;
        self.file.write_all(&bytes).map_err(|error| unwritable(&self.path, error))
    }

    /// The tokens from here on are for validation.
    pub fn begin_validation(&mut self) {
        self.boundary = Some(self.tokens);
    }

    /// Fills in the header and gives the file its name, replacing an older one.
    /// A file without tokens is not made, nor one that has a validation part
    /// without any.
    ///
    /// # Errors
    /// If the file cannot be completed and moved into place.
    pub fn finish(mut self) -> Result<(), DataError> {
        if self.tokens == 0 {
            return Err(DataError::Empty { name: self.name });
        }
        let val_tokens = self.boundary.map(|boundary| self.tokens - boundary);
        if val_tokens == Some(0) {
            return Err(DataError::Empty { name: format!("the validation part of {}", self.name) });
        }
        let digest = hex(self.digest.clone());
        let path = self.path.clone();
        let attempt = || -> io::Result<()> {
            let mut header = self.header_of(self.tokens, &digest, val_tokens)?;
            // Spaces after the header belong to the format.
            header.resize(self.header, b' ');
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&(self.header as u64).to_le_bytes())?;
            self.file.write_all(&header)?;
            persist(self.file, &self.path)
        };
        attempt().map_err(|error| unwritable(&path, error))
    }

    fn header_of(&self, tokens: u64, sha256: &str, val_tokens: Option<u64>) -> io::Result<Vec<u8>> {
        let mut metadata = BTreeMap::from([
            ("format", FORMAT),
            ("name", &self.name),
            ("sha256", sha256),
            ("vocab", &self.vocab),
        ]);
        let val_tokens = val_tokens.map(|tokens| tokens.to_string());
        if let Some(tokens) = &val_tokens {
            metadata.insert(VAL_TOKENS, tokens);
        }
        Ok(serde_json::to_vec(&json!({
            "__metadata__": metadata,
            TENSOR: {
                "dtype": format!("{:?}", self.width.dtype()),
                "shape": [tokens],
                "data_offsets": [0, tokens * self.width.bytes() as u64],
            },
        }))?)
    }
}

fn unwritable(path: &Path, source: io::Error) -> DataError {
    DataError::Unwritable { path: path.display().to_string(), source }
}
