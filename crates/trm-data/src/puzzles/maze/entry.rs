//! A maze of a file.

use super::grid::Maze;

/// A maze of a text, and its answer where the text has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Line of the text where it begins, from 1.
    pub number: usize,
    /// The maze, without a path.
    pub maze: Maze,
    /// The maze with a shortest path.
    pub answer: Option<Maze>,
}
