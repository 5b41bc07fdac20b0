//! Reading safetensors files that [`TensorWriter`](crate::tensor_writer::TensorWriter)
//! wrote: mapped into memory, so that they may be larger than that.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use crate::disk::{explained, hex};
use crate::tensor_writer::SHA256;

/// Files of up to this many bytes are checked whole when they are opened: it
/// takes less than a second.
const CHECKED: usize = 64 << 20;

/// A mapped file of the format that was asked for.
#[derive(Debug)]
pub(crate) struct TensorFile {
    path: PathBuf,
    map: Mmap,
    metadata: Metadata,
    /// Where the tensors begin in the file.
    start: usize,
}

/// Why a file cannot be used: it cannot be read, or is not such a file.
pub(crate) enum TensorFileError {
    Unreadable(io::Error),
    Damaged(String),
}

impl TensorFile {
    /// Opens the file at `path`, whose header must call its format `format`. It must
    /// not be changed while it is open.
    pub fn open(path: &Path, format: &str) -> Result<Self, TensorFileError> {
        let damaged = TensorFileError::Damaged;
        let file = File::open(path).map_err(TensorFileError::Unreadable)?;
        // SAFETY: the map is only read. Whoever changes the file meanwhile changes
        // what is read, which is why writers replace files instead.
        let map = unsafe { Mmap::map(&file) }.map_err(TensorFileError::Unreadable)?;
        let (header, metadata) =
            SafeTensors::read_metadata(&map).map_err(|error| damaged(explained(&error)))?;
        let file = Self { path: path.to_owned(), map, metadata, start: 8 + header };
        match file.entry("format") {
            Ok(found) if found == format => {}
            Ok(other) => {
                return Err(damaged(format!("its format is `{other}`, not `{format}`")));
            }
            Err(_) => return Err(damaged(format!("its header does not say `{format}`"))),
        }
        if file.map.len() <= CHECKED {
            file.verify()?;
        }
        Ok(file)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the header says of `key`.
    pub fn entry(&self, key: &str) -> Result<&str, TensorFileError> {
        let entries = self.metadata.metadata().as_ref();
        let found = entries.and_then(|entries| entries.get(key)).map(String::as_str);
        found.ok_or_else(|| TensorFileError::Damaged(format!("its header has no `{key}`")))
    }

    /// SHA-256 of all tensors' bytes, as the header has it.
    pub fn sha256(&self) -> Result<&str, TensorFileError> {
        self.entry(SHA256)
    }

    /// Shape and bytes of the tensor `name`, of the type `dtype` with `axes` axes.
    pub fn tensor(
        &self,
        name: &str,
        dtype: Dtype,
        axes: usize,
    ) -> Result<(Vec<usize>, Range<usize>), TensorFileError> {
        let damaged = TensorFileError::Damaged;
        let info = self.metadata.info(name);
        let info = info.ok_or_else(|| damaged(format!("it has no tensor `{name}`")))?;
        if info.dtype != dtype || info.shape.len() != axes {
            return Err(damaged(format!(
                "its tensor `{name}` is {:?} {:?}, not {dtype:?} with {axes} axes",
                info.dtype, info.shape
            )));
        }
        let (from, to) = info.data_offsets;
        Ok((info.shape.clone(), self.start + from..self.start + to))
    }

    /// The bytes of the whole file, in which tensors have their ranges.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Reads the whole file and compares its digest.
    pub fn verify(&self) -> Result<(), TensorFileError> {
        let (wanted, mut digest) = (self.sha256()?, Sha256::new());
        digest.update(&self.map[self.start..]);
        let found = hex(digest);
        if found == wanted {
            return Ok(());
        }
        Err(TensorFileError::Damaged(format!(
            "its content has the digest {}…, but {}… was written",
            &found[..12],
            wanted.get(..12).unwrap_or(wanted)
        )))
    }
}
