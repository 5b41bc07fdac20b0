//! Reads the keys and values of a file, front to back.

use super::value::{List, Value};

/// Lists of lists may be nested this deep.
const DEEPEST: usize = 4;

/// A place in a file.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
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

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
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

    /// A value of type `kind`.
    pub fn value(&mut self, kind: u32, key: &str, depth: usize) -> Result<Value, String> {
        let integer = |number: i128| Ok(Value::Integer(number));
        match kind {
            0 => integer(self.array::<1>(key)?[0].into()),
            1 => integer(i8::from_le_bytes(self.array(key)?).into()),
            2 => integer(u16::from_le_bytes(self.array(key)?).into()),
            3 => integer(i16::from_le_bytes(self.array(key)?).into()),
            4 => integer(self.u32(key)?.into()),
            5 => integer(i32::from_le_bytes(self.array(key)?).into()),
            6 => Ok(Value::Float(f32::from_le_bytes(self.array(key)?).into())),
            7 => Ok(Value::Flag(self.array::<1>(key)?[0] != 0)),
            8 => self.text(key).map(Value::Text),
            9 if depth < DEEPEST => {
                let (kind, count) = (self.u32(key)?, self.u64(key)?);
                let before = self.rest;
                // Every value takes a byte at least, so that a length that is not
                // true ends with the file.
                for _ in 0..count {
                    self.value(kind, key, depth + 1)?;
                }
                let bytes = before[..before.len() - self.rest.len()].to_vec();
                Ok(Value::List(List { kind, count: count as usize, bytes }))
            }
            10 => integer(self.u64(key)?.into()),
            11 => integer(i64::from_le_bytes(self.array(key)?).into()),
            12 => Ok(Value::Float(f64::from_le_bytes(self.array(key)?))),
            other => Err(format!("the value of `{key}` has the unknown type {other}")),
        }
    }
}
