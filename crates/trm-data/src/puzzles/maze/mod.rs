//! Mazes on a grid, in the official encoding: `#` wall, ` ` floor, `S` start,
//! `G` goal, `o` path become 1 to 5. A maze has one start and one goal; steps go
//! up, down, left and right.

mod entry;
mod grid;
mod make;
mod path;
mod table;
mod text;

pub use entry::Entry;
pub use grid::{CHARACTERS, FLOOR, GOAL, LARGEST, Maze, PATH, SMALLEST, START, VOCAB, WALL};
pub use make::{Style, make, split_of};
pub use path::{Verdict, check, shortest, shortest_paths};
pub use table::parse_all;
pub use text::{parse, parse_line, print};
