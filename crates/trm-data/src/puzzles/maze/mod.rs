//! Mazes on a grid, in the official encoding: `#` wall, ` ` floor, `S` start,
//! `G` goal, `o` path become 1 to 5. A maze has one start and one goal; steps go
//! up, down, left and right.

mod make;
mod path;

use super::PuzzleError;

pub use make::{Style, make, part};
pub use path::{Verdict, check, shortest, shortest_paths};

/// Token `n` is character `n - 1`; 0 is the padding.
pub const CHARACTERS: [char; 5] = ['#', ' ', 'S', 'G', 'o'];

/// Tokens, the padding included.
pub const VOCAB: usize = CHARACTERS.len() + 1;

pub const WALL: u32 = 1;
pub const FLOOR: u32 = 2;
pub const START: u32 = 3;
pub const GOAL: u32 = 4;
pub const PATH: u32 = 5;

/// A grid with one start and one goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maze {
    rows: usize,
    cols: usize,
    /// Row-major `[rows · cols]`.
    tokens: Vec<u32>,
    start: usize,
    goal: usize,
}

impl Maze {
    /// # Errors
    /// If the grid is not of that shape, has other tokens, or has not one start
    /// and one goal.
    pub fn new(rows: usize, cols: usize, tokens: Vec<u32>) -> Result<Self, PuzzleError> {
        let unusable = |what: String| PuzzleError::Unusable { what };
        if tokens.is_empty() || rows.checked_mul(cols) != Some(tokens.len()) {
            let cells = tokens.len();
            return Err(unusable(format!("a maze of {rows} × {cols} has not {cells} cells")));
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

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    pub fn start(&self) -> usize {
        self.start
    }

    pub fn goal(&self) -> usize {
        self.goal
    }

    /// The maze without the path that may be drawn into it.
    pub fn question(&self) -> Self {
        let clear = |token: &u32| if *token == PATH { FLOOR } else { *token };
        Self { tokens: self.tokens.iter().map(clear).collect(), ..*self }
    }

    /// The maze with `path` drawn between start and goal.
    pub fn with_path(&self, path: &[usize]) -> Self {
        let mut answer = self.question();
        for cell in path {
            if answer.tokens[*cell] == FLOOR {
                answer.tokens[*cell] = PATH;
            }
        }
        answer
    }

    /// The cells beside a cell, up to four.
    fn beside(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
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

/// A maze as lines of its characters, `.` being floor as well. Rows that ended
/// in floor may have lost it: they are filled up. Lines of nothing before and
/// after are dropped.
pub fn parse(name: &str, text: &str) -> Result<Maze, PuzzleError> {
    let mut lines: Vec<(usize, &str)> = text.lines().enumerate().collect();
    while lines.last().is_some_and(|(_, line)| line.trim().is_empty()) {
        lines.pop();
    }
    let first = lines.iter().position(|(_, line)| !line.trim().is_empty());
    lines.drain(..first.unwrap_or(lines.len()));
    if lines.is_empty() {
        return Err(PuzzleError::Empty { name: name.into() });
    }
    let cols = lines.iter().map(|(_, line)| line.chars().count()).max().unwrap_or(0);
    let mut tokens = Vec::with_capacity(lines.len() * cols);
    for (index, line) in &lines {
        for character in line.chars() {
            tokens.push(token(character).ok_or_else(|| PuzzleError::Line {
                name: name.into(),
                line: index + 1,
                reason: format!("{character:?} is none of # (wall), space (floor), S, G, o (path)"),
            })?);
        }
        tokens.resize(tokens.len().next_multiple_of(cols), FLOOR);
    }
    Maze::new(lines.len(), cols, tokens)
}

/// A square maze as one line of its characters, as in the official CSV.
pub fn parse_line(line: &str) -> Result<Maze, PuzzleError> {
    let cells = line.chars().count();
    let side = cells.isqrt();
    let unusable = |what: String| PuzzleError::Unusable { what };
    if cells == 0 || side * side != cells {
        return Err(unusable(format!("{cells} characters are no square maze")));
    }
    let token = |character| {
        token(character).ok_or_else(|| unusable(format!("a maze has no character {character:?}")))
    };
    Maze::new(side, side, line.chars().map(token).collect::<Result<_, _>>()?)
}

fn token(character: char) -> Option<u32> {
    let character = if character == '.' { ' ' } else { character };
    CHARACTERS.iter().position(|known| *known == character).map(|place| place as u32 + 1)
}

/// Tokens as lines of characters; what is no token of a maze is shown as `?`.
///
/// # Panics
/// If `cols` is 0.
pub fn print(tokens: &[u32], cols: usize) -> String {
    let character = |token: &u32| {
        let place = (*token as usize).wrapping_sub(1);
        CHARACTERS.get(place).copied().unwrap_or('?')
    };
    let line = |row: &[u32]| row.iter().map(character).chain(['\n']).collect::<String>();
    tokens.chunks(cols).map(line).collect()
}
