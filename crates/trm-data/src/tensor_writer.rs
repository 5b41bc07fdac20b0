//! Writing safetensors files tensor after tensor: neither is ever in memory whole.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::disk::{hex, persist, unnamed};

/// What the header calls the digest of all tensors' bytes.
pub(crate) const SHA256: &str = "sha256";

/// Hexadecimal digits of it.
const DIGITS: usize = 64;

/// One tensor of a file: name, type and shape.
pub(crate) type TensorShape<'a> = (&'a str, Dtype, &'a [usize]);

/// A safetensors file of tensors whose shapes are known before. Their bytes are pushed
/// in order; the digest is filled in at the end. The file is removed again unless
/// [`finish`](Self::finish) is reached.
pub(crate) struct TensorWriter {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    digest: Sha256,
    /// Where the digest goes in the file.
    digest_at: u64,
    /// Bytes that are still to come.
    left: u64,
}

impl TensorWriter {
    /// Starts a file that will be at `path`, with `metadata` in its header.
    pub fn create(
        path: &Path,
        metadata: &[(&str, String)],
        tensors: &[TensorShape],
    ) -> io::Result<Self> {
        let zeros = "0".repeat(DIGITS);
        let mut entries: BTreeMap<&str, &str> =
            metadata.iter().map(|(key, value)| (*key, value.as_str())).collect();
        entries.insert(SHA256, &zeros);
        let mut header = Map::from_iter([("__metadata__".to_owned(), json!(entries))]);
        let mut end = 0_u64;
        for (name, dtype, shape) in tensors {
            let values = shape.iter().try_fold(1_u64, |size, axis| size.checked_mul(*axis as u64));
            let bytes = values.and_then(|values| values.checked_mul(dtype.bitsize() as u64 / 8));
            let start = end;
            end = bytes
                .and_then(|bytes| start.checked_add(bytes))
                .ok_or(io::ErrorKind::FileTooLarge)?;
            header.insert(
                (*name).into(),
                json!({ "dtype": format!("{dtype:?}"), "shape": shape, "data_offsets": [start, end] }),
            );
        }
        let mut header = serde_json::to_string(&Value::Object(header))?;
        // No other text has these quotation marks: within a value they are escaped.
        let mark = format!("\"{SHA256}\":\"{zeros}\"");
        let place = header.find(&mark).ok_or(io::ErrorKind::InvalidData)? + mark.len() - 1 - DIGITS;
        // Spaces after the header belong to the format; tensors are aligned by them.
        header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        let mut file = BufWriter::with_capacity(1 << 20, unnamed(path)?);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        let (path, digest_at) = (path.to_owned(), 8 + place as u64);
        Ok(Self { path, file, digest: Sha256::new(), digest_at, left: end })
    }

    /// Writes the next bytes of the tensors.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(io::ErrorKind::InvalidInput)?;
        self.digest.update(bytes);
        self.file.write_all(bytes)
    }

    /// Fills in the digest and gives the file its name.
    pub fn finish(mut self) -> io::Result<()> {
        if self.left > 0 {
            let message = format!("{} bytes are missing", self.left);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.file.seek(SeekFrom::Start(self.digest_at))?;
        self.file.write_all(hex(self.digest).as_bytes())?;
        persist(self.file, &self.path)
    }
}
