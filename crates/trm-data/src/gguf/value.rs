//! Values of the keys of a GGUF file.

use super::cursor::Cursor;

/// Lists of lists may be nested this deep.
const DEEPEST: usize = 4;

/// A value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any whole number.
    Integer(i128),
    /// A number of 32 or 64 bits.
    Float(f64),
    /// `true` or `false`.
    Flag(bool),
    /// UTF-8 text.
    Text(String),
    /// Values of one type.
    List(List),
}

/// Values of one type as the file has them: each is read when it is asked for, since one of
/// a byte would take many as a [`Value`].
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The number of their type.
    pub(super) kind: u32,
    pub(super) count: usize,
    /// Known to hold so many values of the type.
    pub(super) bytes: Vec<u8>,
}

impl List {
    /// Values in the list.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values, in their order.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        let mut cursor = Cursor::new(&self.bytes, 0);
        (0..self.count).map_while(move |_| cursor.value(self.kind, "a list", 0).ok())
    }
}

impl Cursor<'_> {
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
