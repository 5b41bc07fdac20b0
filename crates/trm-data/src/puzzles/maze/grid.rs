//! A maze as a grid of tokens.

use trm_spec::{MazeKind, PUZZLE_KINDS};

use crate::puzzles::error::PuzzleError;

/// The limits that the page knows too.
const MAZE: MazeKind = PUZZLE_KINDS.maze;

/// Token `n` is character `n - 1`; 0 is the padding.
pub const CHARACTERS: [char; 5] = ['#', ' ', 'S', 'G', 'o'];

/// Tokens, the padding included.
pub const VOCAB: usize = MAZE.vocab;

/// Token of a wall.
pub const WALL: u32 = MAZE.wall;
/// Token of a free cell.
pub const FLOOR: u32 = MAZE.floor;
/// Token of the start.
pub const START: u32 = MAZE.start;
/// Token of the goal.
pub const GOAL: u32 = MAZE.goal;
/// Token of a cell on the shortest path.
pub const PATH: u32 = MAZE.path;

/// Fewest rows and columns that are made: smaller grids have too few different
/// mazes to hold some out.
pub const SMALLEST: usize = MAZE.min_side;

/// Most rows and columns.
pub const LARGEST: usize = MAZE.max_side;

/// A grid with one start and one goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maze {
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Row-major `[rows · cols]`.
    pub(super) tokens: Vec<u32>,
    pub(super) start: usize,
    pub(super) goal: usize,
}

impl Maze {
    /// # Errors
    /// If the grid is not of that shape, has other tokens, or has not one start
    /// and one goal.
    pub fn new(rows: usize, cols: usize, tokens: Vec<u32>) -> Result<Self, PuzzleError> {
        let unusable = |what: String| PuzzleError::Unusable { what };
        if tokens.is_empty() || rows.checked_mul(cols) != Some(tokens.len()) {
            let cells = tokens.len();
            return Err(unusable(format!("a maze of {rows} × {cols} cannot have {cells} cells")));
        }
        if rows > LARGEST || cols > LARGEST {
            return Err(unusable(format!(
                "a maze of {rows} × {cols} is larger than {LARGEST} × {LARGEST}"
            )));
        }
        if let Some(token) = tokens.iter().find(|token| !(WALL..=PATH).contains(token)) {
            return Err(unusable(format!("a maze has no token {token}")));
        }
        let only = |wanted: u32, what: &str| {
            let mut places = (0..tokens.len()).filter(|cell| tokens[*cell] == wanted);
            match (places.next(), places.next()) {
                (Some(place), None) => Ok(place),
                (None, _) => Err(unusable(format!("the maze has no {what}"))),
                _ => Err(unusable(format!("the maze has more than one {what}"))),
            }
        };
        let (start, goal) = (only(START, "start (S)")?, only(GOAL, "goal (G)")?);
        Ok(Self { rows, cols, tokens, start, goal })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The token of each cell, row by row.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Index of the start.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Index of the goal.
    pub fn goal(&self) -> usize {
        self.goal
    }

    /// The maze without the path that may be drawn into it.
    pub fn without_path(&self) -> Self {
        let clear = |token: &u32| if *token == PATH { FLOOR } else { *token };
        Self { tokens: self.tokens.iter().map(clear).collect(), ..*self }
    }

    /// The maze with `path` drawn between start and goal.
    pub fn with_path(&self, path: &[usize]) -> Self {
        let mut answer = self.without_path();
        for cell in path {
            if answer.tokens[*cell] == FLOOR {
                answer.tokens[*cell] = PATH;
            }
        }
        answer
    }

    /// The cells beside a cell, up to four.
    pub(super) fn beside(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        let (rows, cols) = (self.rows, self.cols);
        let (row, col) = (cell / cols, cell % cols);
        [
            (row > 0).then(|| cell - cols),
            (col > 0).then(|| cell - 1),
            (col + 1 < cols).then_some(cell + 1),
            (row + 1 < rows).then_some(cell + cols),
        ]
        .into_iter()
        .flatten()
    }
}
