//! States of a frozen model, kept in a file as they are computed, so that no question is read
//! twice.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::f16;
use sha2::{Digest, Sha256};

use super::error::QuestionError;

/// The first bytes of a file of states.
const MAGIC: &[u8; 8] = b"trmstat1";
/// Magic and key.
const HEADER: u64 = 8 + 32;
/// Whether a row is there.
const FILLED: u8 = 1;

/// A file with the states of some rows, in half precision.
///
/// It is filled row by row. A row that was written half when the program was killed has no
/// mark and is written again.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    file: File,
    width: usize,
    /// Where each row begins, in tokens; one more for the end.
    starts: Vec<u64>,
    filled: Vec<u8>,
}

impl StateFile {
    /// Opens the file at `path`, or begins it, for rows of so many tokens of `width` numbers.
    /// A file of another `key` or other rows is begun anew.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn open(
        path: &Path,
        key: &str,
        lengths: &[usize],
        width: usize,
    ) -> Result<Self, QuestionError> {
        let failed = |error| QuestionError::states(path, &error);
        let mut digest = Sha256::new();
        digest.update(key);
        for length in lengths {
            digest.update((*length as u64).to_le_bytes());
        }
        digest.update((width as u64).to_le_bytes());
        let key: [u8; 32] = digest.finalize().into();
        let mut starts = vec![0];
        for length in lengths {
            starts.push(starts[starts.len() - 1] + *length as u64);
        }
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(path).map_err(failed)?;
        let mut found = Self {
            path: path.into(),
            filled: vec![0; lengths.len()],
            width,
            starts,
            file: file.try_clone().map_err(failed)?,
        };
        let mut header = [0; HEADER as usize];
        let whole = file.metadata().map_err(failed)?.len() == found.size();
        if whole
            && file.read_exact(&mut header).is_ok()
            && header[..8] == MAGIC[..]
            && header[8..] == key[..]
        {
            file.read_exact(&mut found.filled).map_err(failed)?;
            return Ok(found);
        }
        file.set_len(0).map_err(failed)?;
        // Without its content, so that a disk that is full says so when a row is written.
        file.set_len(found.size()).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        file.write_all(MAGIC).and_then(|()| file.write_all(&key)).map_err(failed)?;
        Ok(found)
    }

    /// The states of a row, `[tokens, width]`, where they are known.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn get(&mut self, row: usize) -> Result<Option<Vec<f32>>, QuestionError> {
        if self.filled[row] != FILLED {
            return Ok(None);
        }
        let mut bytes = vec![0; 2 * self.numbers(row)];
        let read = self.file.seek(SeekFrom::Start(self.place(row)));
        read.and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|error| QuestionError::states(&self.path, &error))?;
        let number = |pair: &[u8]| f16::from_le_bytes([pair[0], pair[1]]).to_f32();
        Ok(Some(bytes.chunks_exact(2).map(number).collect()))
    }

    /// Keeps the states of a row, `[tokens, width]`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put(&mut self, row: usize, states: &[f32]) -> Result<(), QuestionError> {
        assert_eq!(states.len(), self.numbers(row), "states of another row");
        let bytes: Vec<u8> = states.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
        let place = self.place(row);
        let write = |file: &mut File, place: u64, bytes: &[u8]| {
            file.seek(SeekFrom::Start(place)).and_then(|_| file.write_all(bytes))
        };
        write(&mut self.file, place, &bytes)
            .and_then(|()| write(&mut self.file, HEADER + row as u64, &[FILLED]))
            .map_err(|error| QuestionError::states(&self.path, &error))?;
        self.filled[row] = FILLED;
        Ok(())
    }

    fn numbers(&self, row: usize) -> usize {
        (self.starts[row + 1] - self.starts[row]) as usize * self.width
    }

    fn place(&self, row: usize) -> u64 {
        HEADER + self.filled.len() as u64 + 2 * self.starts[row] * self.width as u64
    }

    fn size(&self) -> u64 {
        self.place(self.filled.len())
    }
}

/// States as the file keeps them: rounded to half precision.
pub fn rounded(states: &[f32]) -> Vec<f32> {
    states.iter().map(|x| f16::from_f32(*x).to_f32()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_rounded_also_after_the_file_is_opened_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("states");
        let lengths = [2, 1, 3];
        let rows: Vec<Vec<f32>> =
            lengths.iter().map(|n| (0..n * 4).map(|i| i as f32 * 0.1234 - 1.0).collect()).collect();
        let open = |key: &str| StateFile::open(&path, key, &lengths, 4).expect("opened");
        let mut file = open("one");
        assert_eq!(file.get(1).expect("read"), None);
        file.put(2, &rows[2]).expect("written");
        file.put(0, &rows[0]).expect("written");
        drop(file);
        let mut file = open("one");
        assert_eq!(file.get(0).expect("read"), Some(rounded(&rows[0])));
        assert_eq!(file.get(1).expect("read"), None);
        assert_eq!(file.get(2).expect("read"), Some(rounded(&rows[2])));
        // Another base, data set or prompt begins anew.
        assert_eq!(open("two").get(0).expect("read"), None);
        // A file that was cut off too.
        open("two").put(0, &rows[0]).expect("written");
        let half = std::fs::read(&path).expect("bytes");
        std::fs::write(&path, &half[..half.len() - 5]).expect("cut");
        assert_eq!(open("two").get(0).expect("read"), None);
    }
}
