//! Plain values in a Python pickle: numbers, texts, lists and dictionaries of them. All
//! else is refused, above all what would call a function. What was read is never larger
//! than the pickle: only numbers and texts can be referred to again.

/// A value of a pickle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i64),
    Text(String),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    /// `None`, a truth value or a number with a fraction, which nobody asks for.
    Other,
}

/// Something on the stack of the reader.
enum Item {
    Mark,
    Value(Value),
}

/// Longest text that may be referred to again, in bytes.
const LONGEST: usize = 16;

/// Codes after which a pickle is too long for the characters of a text.
const MOST: usize = 1 << 19;

/// The value of a pickle.
///
/// # Errors
/// If it ends too early or holds something else than plain values: why.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    Reader { rest: bytes, stack: Vec::new(), memo: Vec::new() }.run()
}

struct Reader<'a> {
    rest: &'a [u8],
    stack: Vec<Item>,
    memo: Vec<Option<Value>>,
}

impl Reader<'_> {
    fn run(mut self) -> Result<Value, String> {
        for _ in 0..MOST {
            let [code] = self.take()?;
            match code {
                0x80 => drop(self.take::<1>()?),
                0x95 => drop(self.take::<8>()?),
                b'(' => self.stack.push(Item::Mark),
                b'}' => self.push(Value::Dict(Vec::new())),
                b']' | b')' => self.push(Value::List(Vec::new())),
                b'N' | 0x88 | 0x89 => self.push(Value::Other),
                b'G' => {
                    self.take::<8>()?;
                    self.push(Value::Other);
                }
                b'K' => {
                    let [number] = self.take()?;
                    self.push(Value::Int(number.into()));
                }
                b'M' => {
                    let number = u16::from_le_bytes(self.take()?);
                    self.push(Value::Int(number.into()));
                }
                b'J' => {
                    let number = i32::from_le_bytes(self.take()?);
                    self.push(Value::Int(number.into()));
                }
                0x8c => {
                    let [length] = self.take()?;
                    self.text(length.into())?;
                }
                b'X' => {
                    let length = u32::from_le_bytes(self.take()?);
                    self.text(length as usize)?;
                }
                0x94 => self.remember(self.memo.len())?,
                b'q' => {
                    let [place] = self.take()?;
                    self.remember(place.into())?;
                }
                b'r' => {
                    let place = u32::from_le_bytes(self.take()?);
                    self.remember(place as usize)?;
                }
                b'h' => {
                    let [place] = self.take()?;
                    self.recall(place.into())?;
                }
                b'j' => {
                    let place = u32::from_le_bytes(self.take()?);
                    self.recall(place as usize)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.dict()?.push((key, value));
                }
                b'u' => {
                    let values = self.marked()?;
                    if !values.len().is_multiple_of(2) {
                        return Err("a key in it has no value".into());
                    }
                    let mut values = values.into_iter();
                    while let (Some(key), Some(value)) = (values.next(), values.next()) {
                        self.dict()?.push((key, value));
                    }
                }
                b'a' => {
                    let value = self.pop()?;
                    self.list()?.push(value);
                }
                b'e' => {
                    let mut values = self.marked()?;
                    self.list()?.append(&mut values);
                }
                b't' | b'l' => {
                    let values = self.marked()?;
                    self.push(Value::List(values));
                }
                b'.' => return self.pop(),
                other => {
                    return Err(format!("it holds more than plain values (code {other:#04x})"));
                }
            }
        }
        Err("it holds too many values".into())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (first, rest) = self.rest.split_first_chunk().ok_or("it ends too early")?;
        self.rest = rest;
        Ok(*first)
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let (text, rest) = self.rest.split_at_checked(length).ok_or("it ends too early")?;
        let text = std::str::from_utf8(text).map_err(|_| "a text in it is not UTF-8")?;
        self.rest = rest;
        self.push(Value::Text(text.into()));
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(Item::Value(value));
    }

    fn pop(&mut self) -> Result<Value, String> {
        match self.stack.pop() {
            Some(Item::Value(value)) => Ok(value),
            _ => Err("a value is missing in it".into()),
        }
    }

    /// The values since the last mark.
    fn marked(&mut self) -> Result<Vec<Value>, String> {
        let mut values = Vec::new();
        loop {
            match self.stack.pop() {
                Some(Item::Value(value)) => values.push(value),
                Some(Item::Mark) => {
                    values.reverse();
                    return Ok(values);
                }
                None => return Err("a mark is missing in it".into()),
            }
        }
    }

    fn dict(&mut self) -> Result<&mut Vec<(Value, Value)>, String> {
        match self.stack.last_mut() {
            Some(Item::Value(Value::Dict(entries))) => Ok(entries),
            _ => Err("an entry in it belongs to no dictionary".into()),
        }
    }

    fn list(&mut self) -> Result<&mut Vec<Value>, String> {
        match self.stack.last_mut() {
            Some(Item::Value(Value::List(values))) => Ok(values),
            _ => Err("an entry in it belongs to no list".into()),
        }
    }

    fn remember(&mut self, place: usize) -> Result<(), String> {
        // Places are counted up, in every pickle that Python writes.
        if place > self.memo.len() {
            return Err("it refers to what does not exist".into());
        }
        let value = match self.stack.last() {
            Some(Item::Value(Value::Int(number))) => Some(Value::Int(*number)),
            Some(Item::Value(Value::Text(text))) if text.len() <= LONGEST => {
                Some(Value::Text(text.clone()))
            }
            _ => None,
        };
        match self.memo.get_mut(place) {
            Some(known) => *known = value,
            None => self.memo.push(value),
        }
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), String> {
        let value = self.memo.get(place).cloned().flatten();
        self.push(value.ok_or("it refers to a value that is not plain")?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_that_python_writes_come_back() {
        // pickle.dumps({"n": 2, "itos": {0: "a", 1: "b"}, "stoi": {"a": 0, "b": 1}}), protocol 4.
        let bytes = b"\x80\x04\x95\x30\0\0\0\0\0\0\0}\x94(\x8c\x01n\x94K\x02\x8c\x04itos\x94}\x94(K\0\x8c\x01a\x94K\x01\x8c\x01b\x94u\x8c\x04stoi\x94}\x94(h\x04K\0h\x05K\x01uu.";
        let Ok(Value::Dict(entries)) = parse(bytes) else { panic!("{:?}", parse(bytes)) };
        assert_eq!(entries.len(), 3);
        let (a, b) = (Value::Text("a".into()), Value::Text("b".into()));
        let (zero, one) = (Value::Int(0), Value::Int(1));
        assert_eq!(
            entries[1],
            (
                Value::Text("itos".into()),
                Value::Dict(vec![(zero.clone(), a.clone()), (one.clone(), b.clone())])
            )
        );
        assert_eq!(entries[2].1, Value::Dict(vec![(a, zero), (b, one)]));
    }

    #[test]
    fn what_calls_functions_or_ends_early_is_refused() {
        for bytes in [
            &b"\x80\x04cos\nsystem\n\x8c\x02ls\x85R."[..],
            b"\x80\x04}",
            b"\x80\x04\x8c\xffab.",
            b"\x80\x04X\xff\xff\xff\xffab.",
            b"u.",
            b"h\0.",
            b"K\x01K\x02s.",
            b"",
        ] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn values_cannot_grow() {
        // A list that holds a list twice, again and again.
        let mut bytes = b"\x80\x04]\x94".to_vec();
        for place in 0..30_u8 {
            bytes.extend([b']', 0x94, b'(', b'h', place, b'h', place, b'e']);
        }
        bytes.push(b'.');
        assert!(parse(&bytes).is_err());
    }
}
