//! Files of llama.cpp and its relatives (GGUF, version 3, little-endian): keys with
//! values, then tensors in several number types.
//!
//! The file stays in its own bytes; a tensor is turned into f32 when it is asked for.
//! Every size is checked against the file before anything is allocated.

mod blocks;
mod cursor;
mod value;

use std::collections::BTreeMap;

pub use blocks::NumberType;
use cursor::Cursor;
pub use value::{List, Value};

const MAGIC: &[u8] = b"GGUF";
const VERSION: u32 = 3;

/// Where tensor data begin at multiples of, unless the file says otherwise.
const ALIGNMENT: usize = 32;

/// Most dimensions of a tensor that the format allows.
const MOST_DIMENSIONS: usize = 4;

/// Where a tensor lies, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Row-major, as in PyTorch: the file lists the fastest dimension first.
    shape: Vec<usize>,
    kind: u32,
    /// From the beginning of the tensor data.
    offset: u64,
}

/// An opened file.
#[derive(Debug)]
pub struct Gguf<'a> {
    values: BTreeMap<String, Value>,
    tensors: BTreeMap<String, Entry>,
    /// Everything from the first tensor on.
    data: &'a [u8],
}

impl<'a> Gguf<'a> {
    /// Opens a file; tensors are checked to lie inside it.
    ///
    /// # Errors
    /// Says what is wrong with the file: it is foreign, of another version, ends too
    /// early, or holds a number type that is not read.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin like a GGUF file")?;
        let mut cursor = Cursor::new(rest, MAGIC.len());
        match cursor.u32("its version")? {
            VERSION => {}
            other if (1..=VERSION).contains(&other.swap_bytes()) => {
                return Err("its numbers are big-endian, and little-endian ones are read".into());
            }
            other => {
                return Err(format!(
                    "its version is {other}, and {VERSION} is read; llama.cpp's converter writes that"
                ));
            }
        }
        let (tensors, values) = (cursor.u64("its counts")?, cursor.u64("its counts")?);
        let mut found = BTreeMap::new();
        for _ in 0..values {
            let key = cursor.text("a key")?;
            let kind = cursor.u32(&key)?;
            let value = cursor.value(kind, &key, 0)?;
            if found.insert(key.clone(), value).is_some() {
                return Err(format!("it has two keys `{key}`"));
            }
        }
        let mut entries = BTreeMap::new();
        for _ in 0..tensors {
            let name = cursor.text("the name of a tensor")?;
            let entry = entry(&mut cursor, &name)?;
            if entries.insert(name.clone(), entry).is_some() {
                return Err(format!("it has two tensors `{name}`"));
            }
        }
        let alignment = match found.get("general.alignment") {
            None => ALIGNMENT,
            Some(Value::Integer(size)) if (1..=1 << 20).contains(size) => *size as usize,
            Some(other) => return Err(format!("its alignment is {other:?}")),
        };
        let start = cursor.position().next_multiple_of(alignment);
        let data = bytes.get(start..).unwrap_or_default();
        let file = Self { values: found, tensors: entries, data };
        // What is made of a tensor may be large: each has bytes of its own.
        let mut all = 0;
        for (name, entry) in &file.tensors {
            all += file.bytes(name, entry)?.1.len();
        }
        if all > data.len() {
            return Err(format!("its tensors take {all} bytes, and it holds {}", data.len()));
        }
        Ok(file)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number from 0.
    pub fn integer(&self, key: &str) -> Option<usize> {
        match self.get(key)? {
            Value::Integer(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Any number.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// A list.
    pub fn list(&self, key: &str) -> Option<&List> {
        match self.get(key)? {
            Value::List(values) => Some(values),
            _ => None,
        }
    }

    /// Names of the tensors, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor, row-major.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|entry| entry.shape.as_slice())
    }

    /// The numbers of a tensor as f32, in row-major order.
    ///
    /// # Errors
    /// If there is no such tensor.
    pub fn tensor(&self, name: &str) -> Result<Vec<f32>, String> {
        let entry = self.tensors.get(name).ok_or_else(|| format!("tensor `{name}` is missing"))?;
        let (kind, bytes) = self.bytes(name, entry)?;
        Ok(kind.numbers(bytes))
    }

    /// The bytes of a tensor and their type.
    fn bytes(&self, name: &str, entry: &Entry) -> Result<(NumberType, &'a [u8]), String> {
        let kind = NumberType::find(entry.kind).map_err(|kind| {
            format!("tensor `{name}` holds {kind}, but only {} are read", NumberType::names())
        })?;
        let row = entry.shape.last().copied().unwrap_or(1);
        if row % kind.block() != 0 {
            return Err(format!(
                "rows of tensor `{name}` have {row} numbers, but {} comes in blocks of {}",
                kind.name(),
                kind.block()
            ));
        }
        let numbers = entry.shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
        let range = numbers.and_then(|numbers| {
            let length = (numbers / kind.block()).checked_mul(kind.bytes())?;
            let start = usize::try_from(entry.offset).ok()?;
            Some(start..start.checked_add(length)?)
        });
        let bytes = range
            .and_then(|range| self.data.get(range))
            .ok_or_else(|| format!("it is truncated: it ends before the end of tensor `{name}`"))?;
        Ok((kind, bytes))
    }
}

fn entry(cursor: &mut Cursor<'_>, name: &str) -> Result<Entry, String> {
    let dimensions = cursor.u32(name)? as usize;
    if dimensions > MOST_DIMENSIONS {
        return Err(format!("tensor `{name}` has {dimensions} dimensions"));
    }
    let mut shape = (0..dimensions)
        .map(|_| {
            let size = cursor.u64(name)?;
            usize::try_from(size).map_err(|_| format!("tensor `{name}` has a size of {size}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    shape.reverse();
    Ok(Entry { shape, kind: cursor.u32(name)?, offset: cursor.u64(name)? })
}
