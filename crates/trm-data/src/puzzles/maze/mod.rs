//! Mazes on a square grid, in the official encoding: `#` wall, ` ` floor, `S`
//! start, `G` goal, `o` path.

/// How a maze is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Walls strewn at random; start and goal are connected.
    Scattered,
    /// Corridors carved in depth, and a few walls between them broken, so that
    /// there is more than one way.
    Corridors,
}
