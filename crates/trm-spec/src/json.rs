//! JSON as people bring it: a name that comes twice in an object is refused, since readers
//! otherwise keep the last of the two and say nothing.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess};

/// What `text` holds.
///
/// # Errors
/// If it is not JSON, a name comes twice in one of its objects, or it is no `T`. An error
/// of JSON's grammar has another [`classify`](serde_json::Error::classify) than the others.
pub fn read_json<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    names_come_once(&mut serde_json::Deserializer::from_str(text))?;
    serde_json::from_str(text)
}

/// As [`read_json`], from bytes.
///
/// # Errors
/// As [`read_json`].
pub fn read_json_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    names_come_once(&mut serde_json::Deserializer::from_slice(bytes))?;
    serde_json::from_slice(bytes)
}

fn names_come_once<'de, R: serde_json::de::Read<'de>>(
    reader: &mut serde_json::Deserializer<R>,
) -> Result<(), serde_json::Error> {
    Once.deserialize(reader)
}

/// Any value whose objects have no name twice; nothing of it is kept.
#[derive(Clone, Copy)]
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Once {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            if names.contains(&name) {
                let reason = format!("the name {name:?} comes twice in one object");
                return Err(A::Error::custom(reason));
            }
            names.insert(name);
            entries.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_serde_json_reads_is_read_unless_a_name_comes_twice() {
        let text = r#"{"a": [1, -2, 0.5, null, true, "b", {"a": {}}], "b": {"a": "a"}}"#;
        let read: Value = read_json(text).expect("read");
        assert_eq!(read, json!({"a": [1, -2, 0.5, null, true, "b", {"a": {}}], "b": {"a": "a"}}));
        assert_eq!(read_json_bytes::<Value>(text.as_bytes()).expect("read"), read);
        for (text, line, column) in
            [("{\"a\": 1,\n \"a\": 1}", 2, 4), ("[{}, {\"b\": {\"\\u0061\": 1, \"a\": 2}}]", 1, 28)]
        {
            let error = read_json::<Value>(text).expect_err("twice");
            assert!(error.is_data(), "{error}");
            assert!(error.to_string().contains("\"a\" comes twice in one object"), "{error}");
            assert_eq!((error.line(), error.column()), (line, column), "{text}");
        }
        for text in ["", "{", "[1,]", "{\"a\":1} x", "nan", "\"\u{1}\""] {
            let (own, serde) = (read_json::<Value>(text), serde_json::from_str::<Value>(text));
            let [own, serde] = [own, serde].map(|read| read.expect_err("no JSON").to_string());
            assert_eq!(own, serde, "{text}");
        }
    }
}
