//! Values of the keys of a GGUF file.

use super::cursor::Cursor;

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
