//! Why a text cannot be used, and what to do about it.

use std::io;

use trm_spec::{Failure, FailureKind};

use crate::file_kind::FileKind;

/// How many foreign characters a message shows.
const SHOWN: usize = 10;

#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "every variant has a message")]
pub enum DataError {
    #[error("{name} is empty")]
    Empty { name: String },
    #[error("the model does not know these characters of {name}: {} (the first is character {position})", shown(.missing))]
    Foreign {
        name: String,
        /// Each foreign character once, in order of appearance.
        missing: Vec<char>,
        /// Where the first one stands, from 1.
        position: usize,
        /// How many characters the vocabulary has.
        known: usize,
    },
    #[error("the model's vocabulary has no characters, so text cannot be turned into its tokens")]
    NoCharacters,
    #[error(
        "the {split} part of {name} has {tokens} {unit}, but block_size {block_size} needs at least {}",
        .block_size + 1
    )]
    TooShort {
        name: String,
        split: &'static str,
        /// What the tokens are.
        unit: &'static str,
        tokens: usize,
        block_size: usize,
    },
    #[error(
        "this program is built without the encoding {name}, so it cannot turn text into its tokens"
    )]
    NoEncoding { name: String },
    #[error("{name} is not a known encoding, or its ranks differ")]
    UnknownEncoding { name: String },
    #[cfg(feature = "llm")]
    #[error("the tokenizer of this model cannot be used: {reason}")]
    Tokenizer { reason: String },
    #[error("{name} has the token {token} at position {position}, but its vocabulary ends at {}", .size - 1)]
    Outside { name: String, token: u32, position: usize, size: usize },
    #[error("row {row} is {length} tokens long, but must have from 1 to {most}")]
    Length {
        /// Counted from 0.
        row: usize,
        length: usize,
        most: usize,
    },
    #[error("there are {lengths} lengths for {rows} rows")]
    Lengths { lengths: usize, rows: usize },
    #[error("{path} is not a usable token file: {reason}")]
    Damaged { path: String, reason: String },
    #[error("{name} has no training split; it can only be evaluated")]
    NoTraining { name: String },
    #[error("line {line} of {path} is not an object with a text in its field `{field}`: {reason}")]
    BadLine {
        path: String,
        /// From 1.
        line: usize,
        field: String,
        reason: String,
    },
    #[error("{path} is an incomplete WikiText folder: {reason}")]
    Incomplete { path: String, reason: String },
    #[error("{name} was prepared with another vocabulary ({found}) than the model's ({wanted})")]
    OtherVocab { name: String, found: String, wanted: String },
    #[error("there is no text in {path}")]
    NoText {
        path: String,
        /// Whether there are pictures in it.
        pictures: bool,
    },
    #[error("{path} cannot be written")]
    Unwritable { path: String, source: io::Error },
    #[error("stopped before {path} was complete; nothing was written")]
    Stopped { path: String },
    #[error("{path} is not UTF-8 text: invalid byte at offset {offset}")]
    NotUtf8 { path: String, offset: usize },
    #[error("{path} is {}{}", .kind.what(), control(.offset))]
    NotAText {
        path: String,
        kind: FileKind,
        /// Where a control character shows it.
        offset: Option<usize>,
    },
    #[error("{path} cannot be read as tokens: {reason}")]
    NotTokens { path: String, reason: String },
    #[error("{path} is {is}, not a token file")]
    OtherTensors { path: String, is: &'static str },
    #[error("{path} is a folder, and a text is wanted")]
    Folder { path: String },
    #[error("{path} cannot be read: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("the dataset `{name}` does not come with the program")]
    NotCarried { name: String },
    #[error("ARC's tasks do not come with the program")]
    NoTasks,
    #[error("this program is built without files")]
    NoFiles,
    #[error("{path} is a text to be scored and has no training part")]
    OnlyScored { path: String },
    #[error("{path} holds {found}, which the setting tokenizer does not give")]
    OtherTokenizer {
        path: String,
        /// What its tokens are.
        found: String,
    },
    #[error(
        "this is not the text that the run was trained on: {name} had the digest {wanted}…, this one has {found}…"
    )]
    OtherText {
        name: String,
        /// First digits of the SHA-256 that the run keeps.
        wanted: String,
        found: String,
    },
    #[cfg(feature = "llm")]
    #[error(
        "these are not the questions that the run was trained on: {name} had the digest {wanted}…, these have {found}…"
    )]
    OtherQuestions {
        name: String,
        /// First digits of the SHA-256 that the run keeps.
        wanted: String,
        found: String,
    },
    #[error("`{name}` is not a text, and a language model reads nothing else")]
    NotText { name: String },
}

fn control(offset: &Option<usize>) -> String {
    offset
        .map_or_else(String::new, |offset| format!(": byte {offset} is a NUL or control character"))
}

fn shown(missing: &[char]) -> String {
    let mut words: Vec<_> = missing.iter().take(SHOWN).map(|c| format!("{c:?}")).collect();
    if missing.len() > SHOWN {
        words.push(format!("and {} more", missing.len() - SHOWN));
    }
    words.join(", ")
}

impl DataError {
    /// What to try next.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty { .. } => "Give a text of at least a few thousand characters.".into(),
            Self::Foreign { known, .. } => format!(
                "This model knows {known} characters. Remove the others, or train a model on a text that contains them."
            ),
            Self::NoCharacters => {
                "Give token numbers instead, or use a checkpoint that was trained on a text.".into()
            }
            Self::NoEncoding { .. } => "Use the command-line program for this model.".into(),
            Self::UnknownEncoding { .. } => {
                "Give token numbers instead, or use the version of the program that wrote the file."
                    .into()
            }
            #[cfg(feature = "llm")]
            Self::Tokenizer { .. } => "Convert the model again (trm-native convert).".into(),
            Self::Outside { .. } | Self::Damaged { .. } => {
                "Prepare it again from its text (`data prepare`), or copy it again from an intact source."
                    .into()
            }
            Self::OtherVocab { .. } => {
                "Prepare the text with the model's tokenizer, or give it as a text.".into()
            }
            Self::Length { .. } | Self::Lengths { .. } => {
                "Give each row a length, from 1 to its number of tokens.".into()
            }
            Self::NoTraining { .. } => {
                "Train on another text, or prepare this one as a text to train on.".into()
            }
            Self::BadLine { field, .. } => format!(
                "Every line must be like {{\"{field}\": \"…\"}}; `data prepare --field NAME` reads another field."
            ),
            Self::Incomplete { .. } => {
                "Keep wiki.train, wiki.valid and wiki.test of one layout, all .raw or all .tokens, in a folder of their own."
                    .into()
            }
            Self::NoText { pictures: true, .. } => {
                "There are pictures in it: to prepare these, give --image-size N, their height and width in pixels.".into()
            }
            Self::NoText { .. } => {
                "Give text files, or folders that contain .txt, .md, .jsonl or other UTF-8 files.".into()
            }
            Self::Unwritable { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => "Free some disk space and try again.".into(),
                _ => "Choose a folder that you may write to.".into(),
            },
            Self::Stopped { .. } => "Run the same command again to start over.".into(),
            Self::TooShort { .. } => "Give a longer text, or lower block_size.".into(),
            Self::NotUtf8 { .. } => FileKind::OtherEncoding.next_step().into(),
            Self::NotAText { kind, .. } if kind.is_utf8() && cfg!(feature = "files") => {
                format!("{} Or insist on reading it as a text (--as-text).", kind.next_step())
            }
            Self::NotAText { kind, .. } => kind.next_step().into(),
            Self::NotTokens { .. } => {
                "Give nanoGPT's train.bin with its meta.pkl beside it, or prepare the text (trm-native data prepare)."
                    .into()
            }
            Self::OtherTensors { .. } => format!(
                "{} To train on a text, prepare it again (trm-native data prepare).",
                FileKind::Safetensors.next_step()
            ),
            Self::Folder { path } => format!(
                "Make one file of the texts in it: trm-native data prepare {path} --out NEW.safetensors, and give that."
            ),
            Self::Unreadable { .. } => "Check the path and its permissions.".into(),
            Self::NotCarried { .. } => "Give its file or folder (--data FILE).".into(),
            Self::NoTasks => "Give a JSON file, or a folder of them (--data PATH).".into(),
            Self::NoFiles => "Give the data itself.".into(),
            Self::OnlyScored { .. } => {
                "Train on the file that was prepared with it (--data FILE).".into()
            }
            Self::OtherTokenizer { .. } => {
                "Leave the setting (--tokenizer) out, or prepare the text again.".into()
            }
            Self::OtherText { .. } => {
                "Give that text, or start a new run from the weights (--init FILE).".into()
            }
            #[cfg(feature = "llm")]
            Self::OtherQuestions { .. } => {
                "Give those questions, or start a new run from the weights (--init FILE).".into()
            }
            Self::NotText { .. } => "Give a text, or open a model for this data.".into(),
        }
    }
}

impl DataError {
    /// Whether the command line asked for the wrong thing, whatever the data. A page
    /// has no command line.
    fn is_usage(&self) -> bool {
        #[cfg(feature = "llm")]
        if let Self::OtherQuestions { .. } = self {
            return cfg!(feature = "files");
        }
        cfg!(feature = "files")
            && matches!(
                self,
                Self::NotCarried { .. }
                    | Self::NoTasks
                    | Self::NoFiles
                    | Self::OnlyScored { .. }
                    | Self::OtherTokenizer { .. }
                    | Self::OtherText { .. }
                    | Self::NotText { .. }
            )
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let kind = if error.is_usage() { FailureKind::Config } else { FailureKind::Data };
        Self::new(kind, error.to_string(), error.hint())
    }
}
