//! Questions with their answers, for language models that answer them: generated
//! tasks with a dial of difficulty, or a JSON file.

mod dataset;
mod error;
mod file;
mod generate;
mod kind;
mod numbered;
mod plan;
mod question;
mod source;
#[cfg(feature = "files")]
mod states;
mod words;

pub use dataset::QuestionDataset;
#[cfg(feature = "files")]
pub use dataset::digest_of;
pub use error::{QuestionError, QuestionPart};
pub use generate::generate;
pub use kind::QuestionKind;
pub use question::Question;
pub use source::QuestionSource;
#[cfg(feature = "files")]
pub use states::{StateFile, rounded};
