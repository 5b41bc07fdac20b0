//! The texts that `data prepare` was given, and the split that each belongs to.

use std::path::{Path, PathBuf};

use trm_data::{Document, SHAKESPEARE, WikiText, find_texts, shakespeare};

use crate::run_dir::same_file;
use crate::terminal::report::{say, usage};

/// Texts by split.
#[derive(Default)]
pub struct Texts {
    pub train: Vec<Text>,
    pub val: Vec<Text>,
    pub test: Vec<Text>,
}

/// The built-in text or a file.
pub enum Text {
    Shakespeare,
    File(PathBuf),
}

impl Text {
    /// The text as `trm_data` tokenizes it; a file `as_text` whatever it looks like.
    pub fn document<'a>(&'a self, field: &'a str, as_text: bool) -> Document<'a> {
        match self {
            Self::Shakespeare => Document::Text(SHAKESPEARE, shakespeare()),
            Self::File(path) if as_text => Document::Insisted(path),
            Self::File(path) => Document::named(path, field),
        }
    }

    /// Whether this is the file at `other`.
    pub fn is(&self, other: &Path) -> bool {
        matches!(self, Self::File(path) if same_file(path, other))
    }
}

impl Texts {
    /// Collects the texts of `paths`. A file named `shakespeare` has precedence over the
    /// built-in text. A WikiText folder must be the only path, so that its test split
    /// is never trained on.
    ///
    /// # Errors
    /// If a path cannot be read, or is a part of a corpus.
    pub fn find(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut texts = Self::default();
        for path in paths {
            if path == Path::new(SHAKESPEARE) && !path.exists() {
                texts.train.push(Text::Shakespeare);
                continue;
            }
            if let Some(parts) = WikiText::find(path)? {
                if paths.len() > 1 {
                    return Err(usage!(
                        "{} has its own test split; prepare it alone",
                        path.display()
                    ));
                }
                return Ok(Self::from(parts));
            }
            let found = find_texts(std::slice::from_ref(path))?;
            let part = found.texts.iter().find(|text| WikiText::has_part(text));
            if let (true, Some(part)) = (path.is_dir(), part) {
                return Err(usage!(
                    "{} is one split of a corpus; give the folder that contains it",
                    part.display()
                ));
            }
            for skipped in &found.skipped {
                say!("skipped, not a text: {}", skipped.display());
            }
            texts.train.extend(found.texts.into_iter().map(Text::File));
        }
        Ok(texts)
    }

    /// The texts of all splits.
    pub fn all(&self) -> impl Iterator<Item = &Text> {
        self.train.iter().chain(&self.val).chain(&self.test)
    }
}

impl From<WikiText> for Texts {
    fn from(parts: WikiText) -> Self {
        let [train, val] = [parts.train, parts.val].map(|path| vec![Text::File(path)]);
        Self { train, val, test: parts.test.into_iter().map(Text::File).collect() }
    }
}
