//! Reading texts from disk.
#![cfg(feature = "files")]

use std::fs;
use std::path::Path;

use trm_data::{DataError, read_text};

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), bytes).expect("written");
    file
}

#[test]
fn text_comes_back_as_it_is() {
    let file = file("Grüße\r\n".as_bytes());
    assert_eq!(read_text(file.path()).expect("text"), "Grüße\r\n");
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_offset() {
    let file = file(b"abc\xffdef");
    let error = read_text(file.path()).expect_err("not UTF-8");
    assert!(matches!(error, DataError::NotUtf8 { offset: 3, .. }));
    let message = error.to_string();
    assert!(message.contains(&file.path().display().to_string()), "{message}");
    assert!(message.contains("offset 3"), "{message}");
    assert!(error.hint().contains("UTF-8"));
}

#[test]
fn utf16_is_recognised() {
    let error = read_text(file(b"\xff\xfea\0b\0").path()).expect_err("not UTF-8");
    assert!(error.hint().contains("UTF-16"), "{}", error.hint());
}

#[test]
fn empty_and_missing_files_are_told_apart() {
    assert!(matches!(read_text(file(b"").path()), Err(DataError::Empty { .. })));
    let error = read_text(Path::new("no/such/file.txt")).expect_err("missing");
    assert!(matches!(error, DataError::Unreadable { .. }));
    assert!(error.to_string().starts_with("no/such/file.txt cannot be read"), "{error}");
}
