//! What each family of models is trained and evaluated on.

pub(crate) mod images;
pub(crate) mod language;
pub(crate) mod puzzles;
#[cfg(feature = "llm")]
pub(crate) mod questions;
mod weights;
