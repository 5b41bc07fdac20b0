//! Which texts `data prepare` was given, and what each of them is for.

use std::path::{Path, PathBuf};

use trm_data::{Document, SHAKESPEARE, WikiText, find_texts, shakespeare};

use crate::report::usage;

/// The texts that were named, by what they are for.
#[derive(Default)]
pub struct Texts {
    pub train: Vec<Text>,
    pub val: Vec<Text>,
    pub test: Vec<Text>,
}

pub enum Text {
    Shakespeare,
    File(PathBuf),
}

impl Text {
    pub fn document<'a>(&'a self, field: &'a str) -> Document<'a> {
        match self {
            Self::Shakespeare => Document::Text(SHAKESPEARE, shakespeare()),
            Self::File(path) => Document::named(path, field),
        }
    }

    pub fn is(&self, other: &Path) -> bool {
        match (self, other.canonicalize()) {
            (Self::File(path), Ok(other)) => path.canonicalize().is_ok_and(|path| path == other),
            _ => false,
        }
    }
}

impl Texts {
    /// A file called as the program's own text comes before that. A corpus that
    /// comes in parts stands alone, lest what is to be scored be trained on.
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
                        "{} has a part to be scored; prepare it by itself",
                        path.display()
                    ));
                }
                return Ok(Self::from(parts));
            }
            let found = find_texts(std::slice::from_ref(path))?;
            let part = found.texts.iter().find(|text| WikiText::has_part(text));
            if let (true, Some(part)) = (path.is_dir(), part) {
                return Err(usage!(
                    "{} is one part of a corpus; name the folder that it lies in",
                    part.display()
                ));
            }
            for skipped in &found.skipped {
                eprintln!("left out, for it is no text: {}", skipped.display());
            }
            texts.train.extend(found.texts.into_iter().map(Text::File));
        }
        Ok(texts)
    }

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
