//! Values of the keys of a GGUF file.

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
    List(Vec<Value>),
}
