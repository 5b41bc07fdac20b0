//! Which texts there are: files as they are named, and what is in folders.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::glance::glance;
use super::json_lines::is_json_lines;
use super::read_errors::unreadable;
use crate::error::DataError;
use crate::file_kind::FileKind;

/// Something to prepare.
#[derive(Clone, Copy, Debug)]
pub enum Document<'a> {
    /// A text in memory, with its name.
    Text(&'a str, &'a str),
    /// A text.
    File(&'a Path),
    /// A text, whatever it looks like.
    Insisted(&'a Path),
    /// Many texts: each line is an object that has one in the field of this name.
    JsonLines(&'a Path, &'a str),
}

/// What [`find_texts`] came upon.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Files of text, in the order in which they were named, folders in the
    /// order of their names.
    pub texts: Vec<PathBuf>,
    /// Files in folders that are empty or hold something else.
    pub skipped: Vec<PathBuf>,
}

impl<'a> Document<'a> {
    /// A file as its name says: JSON lines, with their texts in `field`, or a text.
    pub fn named(path: &'a Path, field: &'a str) -> Self {
        if is_json_lines(path) { Self::JsonLines(path, field) } else { Self::File(path) }
    }

    /// In bytes.
    pub(crate) fn size(&self) -> Result<u64, DataError> {
        match self {
            Self::Text(_, text) => Ok(text.len() as u64),
            Self::File(path) | Self::Insisted(path) | Self::JsonLines(path, _) => {
                fs::metadata(path).map(|data| data.len()).map_err(|error| unreadable(path, &error))
            }
        }
    }
}

/// The texts that `paths` mean: files as they are, and of folders what is in
/// them: every `.txt`, `.md`, `.jsonl` and `.ndjson` file, and others that hold
/// UTF-8 text. Hidden files and folders are left out.
///
/// # Errors
/// If a path does not exist or cannot be read.
pub fn find_texts(paths: &[PathBuf]) -> Result<Found, DataError> {
    let mut found = Found::default();
    for path in paths {
        if !path.is_dir() {
            found.texts.push(path.clone());
            continue;
        }
        let before = [found.texts.len(), found.skipped.len()];
        let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
            let entry = entry.map_err(|error| DataError::Unreadable {
                path: error.path().unwrap_or(path).display().to_string(),
                reason: error.to_string(),
            })?;
            if entry.file_type().is_file() {
                let is_text = is_text(entry.path())?;
                let list = if is_text { &mut found.texts } else { &mut found.skipped };
                list.push(entry.into_path());
            }
        }
        if found.texts.len() == before[0] {
            let pictures = found.skipped[before[1]..].iter().any(|path| is_picture(path));
            return Err(DataError::NoText { path: path.display().to_string(), pictures });
        }
    }
    Ok(found)
}

/// Whether a file of a folder is a picture.
fn is_picture(path: &Path) -> bool {
    use FileKind::{Bmp, Gif, Heif, Jpeg, Png, Tiff, Webp};
    glance(path).is_ok_and(|start| {
        matches!(FileKind::of(&start), Png | Jpeg | Webp | Gif | Bmp | Tiff | Heif)
    })
}

/// Whether a file of a folder is meant as text, so that it is an error if it is not.
fn is_text(path: &Path) -> Result<bool, DataError> {
    let start = glance(path)?;
    if start.is_empty() {
        return Ok(false);
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let known = ["txt", "md"].iter().any(|known| extension.eq_ignore_ascii_case(known));
    Ok(known || is_json_lines(path) || FileKind::of(&start) == FileKind::Text)
}
