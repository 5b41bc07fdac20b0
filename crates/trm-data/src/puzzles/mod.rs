//! Puzzles as rows of tokens: made by seed, or read from lines, from the
//! official data folders and from ARC's JSON. Here are the rules of each kind,
//! its encoding (that of the official TRM code), its augmentations and its
//! checks. Not for models: nothing here knows how a puzzle gets solved by one.
//!
//! What is made here is as hard as it is rated here; it is neither
//! Sudoku-Extreme nor Maze-Hard.

pub mod arc;
mod augmentation;
mod counted;
mod dataset;
pub mod dihedral;
mod error;
#[cfg(feature = "files")]
mod files;
mod kind;
mod lines;
pub mod maze;
pub mod npy;
pub mod official;
mod order;
mod source;
pub mod sudoku;

pub use augmentation::{Augmentation, AugmentedCopy};
pub use dataset::{PuzzleBatch, PuzzleDataset, PuzzleSet};
pub use error::PuzzleError;
#[cfg(feature = "files")]
pub use files::{is_official, task_files};
pub use kind::PuzzleKind;
pub use order::Groups;
pub use source::{PuzzleSource, Seen, TaskFile, TextSource};
