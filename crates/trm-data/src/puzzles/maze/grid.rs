//! A maze as a grid of tokens.

use crate::puzzles::error::PuzzleError;

/// Token `n` is character `n - 1`; 0 is the padding.
pub const CHARACTERS: [char; 5] = ['#', ' ', 'S', 'G', 'o'];

/// Tokens, the padding included.
pub const VOCAB: usize = CHARACTERS.len() + 1;

/// Token of a wall.
pub const WALL: u32 = 1;
/// Token of a free cell.
pub const FLOOR: u32 = 2;
/// Token of the start.
pub const START: u32 = 3;
/// Token of the goal.
pub const GOAL: u32 = 4;
/// Token of a cell on the shortest path.
pub const PATH: u32 = 5;

/// Fewest rows and columns that are made: smaller grids have too few different
/// mazes to hold some out.
pub const SMALLEST: usize = 4;

/// Most rows and columns.
pub const LARGEST: usize = 100;

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
