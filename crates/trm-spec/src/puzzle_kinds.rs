//! The kinds of puzzle and their limits, as constants: the generator of puzzles and the
//! page read the same numbers.

use serde::Serialize;
use ts_rs::TS;

use crate::ARC_TOKENS;

/// Larger than the guesses that any Sudoku needs: a limit of this many is none.
pub const NO_GUESS_LIMIT: usize = 1 << 20;

/// A difficulty of Sudokus: how many guesses a backtracking solver needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SudokuGrade {
    /// The name that people read.
    pub name: &'static str,
    /// Fewest guesses.
    pub min_guesses: usize,
    /// Most guesses.
    pub max_guesses: usize,
}

/// Every difficulty, the easiest first; they leave no gap.
pub const SUDOKU_GRADES: &[SudokuGrade] = &[
    SudokuGrade { name: "Easy", min_guesses: 0, max_guesses: 0 },
    SudokuGrade { name: "Medium", min_guesses: 1, max_guesses: 5 },
    SudokuGrade { name: "Hard", min_guesses: 6, max_guesses: 15 },
    SudokuGrade { name: "Harder", min_guesses: 16, max_guesses: 40 },
    SudokuGrade { name: "Hardest", min_guesses: 41, max_guesses: NO_GUESS_LIMIT },
];

/// Sudokus of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SudokuKind {
    /// The value of the setting `dataset`.
    pub name: &'static str,
    /// The name that people read.
    pub title: &'static str,
    /// Rows, columns and digits.
    pub side: usize,
    /// Rows of a box.
    pub box_rows: usize,
    /// Columns of a box.
    pub box_cols: usize,
    /// Tokens: the padding, the blank and the digits.
    pub vocab: usize,
    /// Difficulties in which puzzles of this size can be generated.
    pub grades: &'static [SudokuGrade],
}

/// Mazes of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MazeKind {
    /// The name that people read, before the size.
    pub title: &'static str,
    /// Fewest rows and columns: smaller grids have too few different mazes to hold some
    /// out for validation.
    pub min_side: usize,
    /// Most rows and columns.
    pub max_side: usize,
    /// Tokens: the padding and the five kinds of cell.
    pub vocab: usize,
    /// The token of a wall.
    pub wall: u32,
    /// The token of a free cell.
    pub floor: u32,
    /// The token of the start.
    pub start: u32,
    /// The token of the goal.
    pub goal: u32,
    /// The token of a cell on the path.
    pub path: u32,
}

/// Tasks of ARC-AGI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ArcKind {
    /// The value of the setting `dataset`.
    pub name: &'static str,
    /// The name that people read.
    pub title: &'static str,
    /// Most rows and columns of a grid.
    pub max_side: usize,
    /// Colours of a cell.
    pub colours: u8,
    /// Tokens: the padding, the end of the grid and the colours.
    pub vocab: usize,
    /// Answers to a test that may be given; the task counts as solved if one is right.
    pub attempts: usize,
}

/// The kinds of puzzle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PuzzleKinds {
    /// The token of a blank cell of a Sudoku; a digit is one more than itself.
    pub sudoku_blank: u32,
    /// Sudokus, the smallest first.
    pub sudoku: &'static [SudokuKind],
    /// Mazes.
    pub maze: MazeKind,
    /// ARC-AGI.
    pub arc: ArcKind,
}

/// The kinds of puzzle.
pub const PUZZLE_KINDS: PuzzleKinds = PuzzleKinds {
    sudoku_blank: 1,
    sudoku: &[
        sudoku("sudoku-4x4", "Sudoku 4×4", [2, 2], SUDOKU_GRADES.split_at(1).0),
        sudoku("sudoku-6x6", "Sudoku 6×6", [2, 3], SUDOKU_GRADES.split_at(1).0),
        sudoku("sudoku-9x9", "Sudoku 9×9", [3, 3], SUDOKU_GRADES),
    ],
    maze: MazeKind {
        title: "Maze",
        min_side: 4,
        max_side: 100,
        vocab: 6,
        wall: 1,
        floor: 2,
        start: 3,
        goal: 4,
        path: 5,
    },
    arc: ArcKind {
        name: "arc",
        title: "ARC tasks",
        max_side: 30,
        colours: 10,
        vocab: ARC_TOKENS,
        attempts: 2,
    },
};

const fn sudoku(
    name: &'static str,
    title: &'static str,
    [box_rows, box_cols]: [usize; 2],
    grades: &'static [SudokuGrade],
) -> SudokuKind {
    let side = box_rows * box_cols;
    SudokuKind { name, title, side, box_rows, box_cols, vocab: side + 2, grades }
}
