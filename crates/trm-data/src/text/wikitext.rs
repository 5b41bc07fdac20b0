//! The folders in which WikiText-2 and WikiText-103 come: a file for each part,
//! raw or already cut into words. The text is taken as it is; what the corpus is
//! called is up to whoever has it, since any text can lie in such files.

use std::path::{Path, PathBuf};

use crate::error::DataError;

/// How the files of the two layouts end.
const LAYOUTS: [&str; 2] = ["raw", "tokens"];

const PARTS: [&str; 3] = ["train", "valid", "test"];

/// The files of one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WikiText {
    /// The file to train on.
    pub train: PathBuf,
    /// The file for validation.
    pub val: PathBuf,
    /// The file for the test, where there is one.
    pub test: Option<PathBuf>,
}

impl WikiText {
    /// The parts in `folder`, or nothing where it is another kind of folder. Parts
    /// of both layouts together, or one to train on without one for validation,
    /// are an error.
    ///
    /// # Errors
    /// If there are parts of both layouts, or one to train on without one for validation.
    pub fn find(folder: &Path) -> Result<Option<Self>, DataError> {
        let part = |name: &str, layout: &str| {
            Some(folder.join(format!("wiki.{name}.{layout}"))).filter(|path| path.is_file())
        };
        let [raw, tokens] = LAYOUTS.map(|layout| {
            let parts = PARTS.map(|name| part(name, layout));
            parts.iter().any(Option::is_some).then_some(parts)
        });
        let incomplete =
            |reason: String| DataError::Incomplete { path: folder.display().to_string(), reason };
        let (layout, parts) = match (raw, tokens) {
            (None, None) => return Ok(None),
            (Some(parts), None) => (LAYOUTS[0], parts),
            (None, Some(parts)) => (LAYOUTS[1], parts),
            (Some(_), Some(_)) => {
                return Err(incomplete("it has `.raw` and `.tokens` files together".into()));
            }
        };
        let [train, val, test] = parts;
        let required = |part: Option<PathBuf>, name: &str| {
            part.ok_or_else(|| incomplete(format!("there is no `wiki.{name}.{layout}`")))
        };
        Ok(Some(Self { train: required(train, "train")?, val: required(val, "valid")?, test }))
    }

    /// Whether a file is called as a part of such a folder.
    pub fn has_part(path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let called = |part, layout| name == format!("wiki.{part}.{layout}");
        LAYOUTS.iter().any(|layout| PARTS.iter().any(|part| called(part, layout)))
    }
}
