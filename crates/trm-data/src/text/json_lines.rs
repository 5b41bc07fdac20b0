//! JSON lines: a file of many texts, each in a field of the object on its line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

use super::clean::clean;
use super::glance::check_lines;
use super::read_errors::{not_utf8, unreadable};
use crate::error::DataError;
use crate::json::kind;

/// The field that holds the text where nothing else is said.
pub const TEXT_FIELD: &str = "text";

/// Whether a file's name says that it holds JSON lines.
pub fn is_json_lines(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    ["jsonl", "ndjson"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The texts of a file one by one, as they stand there; only a line is in memory.
/// Empty lines and empty texts are passed over.
pub(crate) struct JsonLines<'a> {
    path: &'a Path,
    field: &'a str,
    file: BufReader<File>,
    line: Vec<u8>,
    /// Lines that were read.
    number: usize,
    /// Bytes that were read.
    pub read: usize,
}

impl<'a> JsonLines<'a> {
    pub fn open(path: &'a Path, field: &'a str) -> Result<Self, DataError> {
        check_lines(path)?;
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let file = BufReader::with_capacity(1 << 16, file);
        Ok(Self { path, field, file, line: Vec::new(), number: 0, read: 0 })
    }

    /// The text of the next line that holds one; none where the file ends.
    fn advance(&mut self) -> Result<Option<String>, DataError> {
        loop {
            self.line.clear();
            let before = self.read;
            self.read += self
                .file
                .read_until(b'\n', &mut self.line)
                .map_err(|error| unreadable(self.path, &error))?;
            if self.line.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            let line = std::str::from_utf8(&self.line)
                .map_err(|error| not_utf8(self.path, before, error))?;
            let line =
                if before == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
            // JSON's own white space, which the ends of lines belong to.
            let line = line.trim_matches([' ', '\t', '\r', '\n']);
            if line.is_empty() {
                continue;
            }
            let text = text_of(line, self.field).map_err(|reason| DataError::BadLine {
                path: self.path.display().to_string(),
                line: self.number,
                field: self.field.into(),
                reason,
            })?;
            if !clean(&text).is_empty() {
                return Ok(Some(text));
            }
        }
    }
}

impl Iterator for JsonLines<'_> {
    type Item = Result<String, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// The string in `field` of the object `line`, or what is there instead.
fn text_of(line: &str, field: &str) -> Result<String, String> {
    let value = trm_spec::read_json(line).map_err(|error| {
        // The line that it counts is always the first.
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or(&said);
        match error.is_data() {
            true => format!("{said} (column {})", error.column()),
            false => format!("it is not JSON ({said} in column {})", error.column()),
        }
    })?;
    let Value::Object(mut object) = value else {
        return Err(format!("it is {}", kind(&value)));
    };
    match object.remove(field) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(format!("the field is {}", kind(&other))),
        None => Err("it has no such field".into()),
    }
}
