//! Where a dataset comes from, as plain data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where a dataset comes from. What is made of it depends on the configuration too:
/// its `data` says how a text is tokenized and how many puzzles are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DataSource {
    /// What `data.dataset` of the configuration names: puzzles or questions that are
    /// generated, or a text that the program carries.
    Named,
    /// A text, and what it is called; for models that answer questions the JSON of
    /// questions, for image classifiers a table of pixels and labels.
    Text {
        /// Name, for messages and summaries.
        name: String,
        /// The content.
        text: String,
    },
    /// A JSON text of ARC tasks. A single task is called by `name`.
    #[cfg(feature = "puzzles")]
    ArcTasks {
        /// Name, for messages and summaries.
        name: String,
        /// The content.
        text: String,
    },
    /// A file or folder, which only the native program can read. `data.dataset` and
    /// the family of the model say what it holds.
    Files {
        /// The file or folder.
        path: PathBuf,
    },
}
