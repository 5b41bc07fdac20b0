//! Reads the keys and values of a file, front to back.

/// A place in a file.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of `rest`, which lies at `position` of the file.
    pub fn new(rest: &'a [u8], position: usize) -> Self {
        Self { rest, position }
    }

    /// Bytes from the beginning of the file.
    pub fn position(&self) -> usize {
        self.position
    }

    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| format!("it is truncated: it ends within {what}"))?;
        self.rest = rest;
        self.position += length;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N, what)?);
        Ok(bytes)
    }

    pub fn u32(&mut self, what: &str) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub fn u64(&mut self, what: &str) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A text, which is its length and its bytes.
    pub fn text(&mut self, what: &str) -> Result<String, String> {
        let length = usize::try_from(self.u64(what)?).unwrap_or(usize::MAX);
        let bytes = self.take(length, what)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| format!("{what} is not UTF-8"))
    }
}
