//! The kinds of puzzle that are made here, by name: reading, printing and checking
//! puzzles and answers of any kind.

use trm_spec::{AnswerCheck, BrokenRule, DataSpec, PuzzleInfo, PuzzleInput, SolutionCount};

use super::augmentation::Augmentation;
use super::error::PuzzleError;
use super::lines::{parse_mazes, parse_sudokus};
use super::maze::{self, Maze, Style, Verdict};
use super::source::{PuzzleSource, refuse_other};
use super::sudoku::{self, Rule, Size, Solutions};
use crate::split::Split;

/// A kind of puzzle, as `dataset` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PuzzleKind {
    /// `sudoku-4x4`, `sudoku-6x6`, `sudoku-9x9`.
    Sudoku(Size),
    /// `maze-10x10` and others, of so many cells to a side.
    Maze(usize),
}

impl PuzzleKind {
    /// The kind called `name`, where there is one.
    pub fn named(name: &str) -> Option<Self> {
        let (kind, size) = name.split_once('-')?;
        let (rows, cols) = size.split_once('x')?;
        let side: usize = rows.parse().ok().filter(|_| rows == cols)?;
        match kind {
            "sudoku" => Size::of_cells(side.checked_mul(side)?).map(Self::Sudoku),
            "maze" if (maze::SMALLEST..=maze::LARGEST).contains(&side) => Some(Self::Maze(side)),
            _ => None,
        }
    }

    /// As [`named`](Self::named).
    ///
    /// # Errors
    /// If there is no such kind.
    pub fn require(name: &str) -> Result<Self, PuzzleError> {
        Self::named(name).ok_or_else(|| PuzzleError::Unusable {
            what: format!("there is no kind of puzzle called `{name}`"),
        })
    }

    /// The name, as `dataset` has it.
    pub fn name(self) -> String {
        match self {
            Self::Sudoku(size) => format!("sudoku-{0}x{0}", size.side()),
            Self::Maze(side) => format!("maze-{side}x{side}"),
        }
    }

    /// Where the puzzles come from that `data` asks for.
    pub fn source(self, data: &DataSpec, seed: u64) -> PuzzleSource {
        match self {
            Self::Sudoku(size) => PuzzleSource::Sudoku {
                size,
                min_guesses: data.min_guesses,
                max_guesses: data.max_guesses,
                equal_grades: data.equal_grades,
                seed,
            },
            Self::Maze(side) => PuzzleSource::Maze { side, style: Style::Scattered, seed },
        }
    }

    /// How a puzzle of this kind can be changed so that its answer changes with it.
    pub fn augmentation(self) -> Augmentation {
        match self {
            Self::Sudoku(size) => Augmentation::Sudoku(size),
            Self::Maze(side) => Augmentation::Dihedral { side },
        }
    }

    /// Rows and columns of a puzzle.
    pub fn side(self) -> usize {
        match self {
            Self::Sudoku(size) => size.side(),
            Self::Maze(side) => side,
        }
    }

    /// All puzzles of a text, as tokens, each with the line where it begins, from
    /// 1: of Sudokus one a line, of mazes with empty lines between them.
    ///
    /// # Errors
    /// If something in it is no puzzle of this kind.
    pub fn read(self, name: &str, text: &str) -> Result<Vec<(usize, Vec<u32>)>, PuzzleError> {
        refuse_other(name, text)?;
        let puzzles: Vec<_> = match self {
            Self::Sudoku(_) => parse_sudokus(name, text)?
                .into_iter()
                .map(|line| (line.number, [line.size.side(); 2], sudoku::encode(&line.board)))
                .collect(),
            Self::Maze(_) => parse_mazes(name, text)?
                .into_iter()
                .map(|maze::Entry { number, maze, .. }| {
                    (number, [maze.rows(), maze.cols()], maze.tokens().to_vec())
                })
                .collect(),
        };
        let side = self.side();
        match puzzles.iter().find(|(_, sides, _)| *sides != [side; 2]) {
            None => Ok(puzzles.into_iter().map(|(line, _, tokens)| (line, tokens)).collect()),
            Some(&(line, [rows, cols], _)) => {
                Err(PuzzleError::OtherSize { name: name.into(), line, rows, cols, side })
            }
        }
    }

    /// Tokens as people write them: a Sudoku on one line, a maze on as many as it
    /// has rows. What is none of a puzzle is a dot or a question mark.
    pub fn print(self, tokens: &[u32]) -> String {
        match self {
            Self::Sudoku(size) => {
                let digit =
                    |token: &u32| token.checked_sub(1).filter(|d| *d as usize <= size.side());
                let board: Vec<u8> = tokens.iter().map(|t| digit(t).unwrap_or(0) as u8).collect();
                sudoku::print(&board)
            }
            Self::Maze(side) => maze::print(tokens, side),
        }
    }

    /// One puzzle of this kind with what the rules say of it. Generated puzzles are
    /// held out from training.
    ///
    /// # Errors
    /// If what is given is no puzzle of this kind, or none so hard is found.
    pub fn check(self, input: &PuzzleInput) -> Result<PuzzleInfo, PuzzleError> {
        match self {
            Self::Sudoku(size) => sudoku_board(size, input).map(|board| self.sudoku(size, &board)),
            Self::Maze(side) => maze_of(side, input).map(|maze| self.maze(&maze)),
        }
    }

    /// What the rules say of `answer`, the token of each cell, to `puzzle`.
    ///
    /// # Errors
    /// If `puzzle` is no puzzle of this kind. Whatever a model answers can be
    /// judged.
    pub fn check_answer(self, puzzle: &[u32], answer: &[u32]) -> Result<AnswerCheck, PuzzleError> {
        match self {
            Self::Sudoku(size) => {
                let board = board(size, puzzle)?;
                // The padding is no digit; to the rules it is a blank.
                let shown: Vec<u32> = answer.iter().map(|token| (*token).max(1)).collect();
                let Some(answer) = sudoku::decode(size, &shown) else {
                    return Ok(AnswerCheck { solved: false, broken: Vec::new() });
                };
                let changed: Vec<usize> = (0..board.len())
                    .filter(|cell| board[*cell] != 0 && board[*cell] != answer[*cell])
                    .collect();
                let mut broken = violated(size, &answer);
                if !changed.is_empty() {
                    broken.push(BrokenRule { rule: "given digits stay".into(), cells: changed });
                }
                let solved = sudoku::solves(size, &board, &answer);
                Ok(AnswerCheck { solved, broken })
            }
            Self::Maze(side) => {
                let maze = Maze::new(side, side, puzzle.to_vec())?.without_path();
                Ok(match maze::check(&maze, answer) {
                    Verdict::Optimal { .. } => AnswerCheck { solved: true, broken: Vec::new() },
                    Verdict::Longer { marked, needed } => unsolved(
                        format!("{marked} cells are marked where {needed} are enough"),
                        Vec::new(),
                    ),
                    Verdict::Broken => unsolved("start and goal are not connected", Vec::new()),
                    Verdict::Changed { cell } => unsolved("walls, start and goal stay", vec![cell]),
                    Verdict::Impossible => unsolved("there is no path in this maze", Vec::new()),
                })
            }
        }
    }

    fn sudoku(self, size: Size, board: &[u8]) -> PuzzleInfo {
        let broken = violated(size, board);
        let solved = sudoku::solve(size, board);
        let (solutions, solution) = match solved.solutions {
            Solutions::None => (SolutionCount::None, None),
            Solutions::One(solution) => (SolutionCount::One, Some(sudoku::encode(&solution))),
            Solutions::Several(_) => (SolutionCount::Several, None),
            Solutions::Unknown => (SolutionCount::Unknown, None),
        };
        PuzzleInfo {
            kind: self.name(),
            rows: size.side(),
            cols: size.side(),
            tokens: sudoku::encode(board),
            text: sudoku::print(board),
            guesses: (solutions == SolutionCount::One).then_some(solved.guesses),
            solutions,
            solution,
            broken,
        }
    }

    fn maze(self, maze: &Maze) -> PuzzleInfo {
        let path = maze::shortest(maze);
        let solution = path.map(|path| maze.with_path(&path).tokens().to_vec());
        PuzzleInfo {
            kind: self.name(),
            rows: maze.rows(),
            cols: maze.cols(),
            tokens: maze.tokens().to_vec(),
            text: maze::print(maze.tokens(), maze.cols()),
            solutions: match solution {
                Some(_) => SolutionCount::One,
                None => SolutionCount::None,
            },
            solution,
            guesses: None,
            broken: Vec::new(),
        }
    }
}

fn unsolved(rule: impl Into<String>, cells: Vec<usize>) -> AnswerCheck {
    AnswerCheck { solved: false, broken: vec![BrokenRule { rule: rule.into(), cells }] }
}

/// The broken rules of a board in words; rows and columns count from 1.
fn violated(size: Size, board: &[u8]) -> Vec<BrokenRule> {
    let words = |violation: sudoku::Violation| {
        let place = match violation.rule {
            Rule::Row(row) => format!("row {}", row + 1),
            Rule::Column(column) => format!("column {}", column + 1),
            Rule::Box(number) => format!("box {}", number + 1),
        };
        let times = match violation.cells.len() {
            2 => "two".to_owned(),
            3 => "three".to_owned(),
            4 => "four".to_owned(),
            more => more.to_string(),
        };
        let rule = format!("{place} has {times} {}s", violation.digit);
        BrokenRule { rule, cells: violation.cells }
    };
    sudoku::violations(size, board).into_iter().map(words).collect()
}

fn sudoku_board(size: Size, input: &PuzzleInput) -> Result<Vec<u8>, PuzzleError> {
    let unusable = |what: String| PuzzleError::Unusable { what };
    match input {
        PuzzleInput::Made { min_guesses, max_guesses, seed } => {
            let guesses = *min_guesses..=*max_guesses;
            let side = size.side();
            sudoku::make(size, &guesses, Split::Val, u64::from(*seed), 0)
                .map(|puzzle| puzzle.board)
                .ok_or_else(|| {
                    unusable(format!(
                        "no {side}×{side} Sudoku was found that needs {min_guesses} to {max_guesses} guesses"
                    ))
                })
        }
        PuzzleInput::Text { text } => {
            let (found, board) = sudoku::parse_one("the text", text)?;
            if found != size {
                let (is, wanted) = (found.side(), size.side());
                return Err(unusable(format!(
                    "this is a {is}×{is} Sudoku, not a {wanted}×{wanted}"
                )));
            }
            Ok(board)
        }
        PuzzleInput::Drawn { tokens } => board(size, tokens),
    }
}

fn board(size: Size, tokens: &[u32]) -> Result<Vec<u8>, PuzzleError> {
    // Blanks are 1; the padding has no place on a board.
    sudoku::decode(size, tokens).ok_or_else(|| PuzzleError::Unusable {
        what: format!(
            "a {0}×{0} Sudoku has {1} cells with digits up to {0}",
            size.side(),
            size.cells()
        ),
    })
}

fn maze_of(side: usize, input: &PuzzleInput) -> Result<Maze, PuzzleError> {
    let maze = match input {
        PuzzleInput::Made { seed, .. } => {
            maze::make(side, Style::Scattered, Split::Val, u64::from(*seed), 0).ok_or_else(
                || PuzzleError::Unusable { what: format!("no {side}×{side} maze was found") },
            )?
        }
        PuzzleInput::Text { text } => maze::parse("the maze", text)?,
        PuzzleInput::Drawn { tokens } => Maze::new(side, side, tokens.clone())?,
    };
    if (maze.rows(), maze.cols()) != (side, side) {
        let (rows, cols) = (maze.rows(), maze.cols());
        let what = format!("this is a {rows}×{cols} maze, not a {side}×{side}");
        return Err(PuzzleError::Unusable { what });
    }
    Ok(maze.without_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_name() {
        for kind in
            [PuzzleKind::Sudoku(Size::Nine), PuzzleKind::Sudoku(Size::Six), PuzzleKind::Maze(10)]
        {
            assert_eq!(PuzzleKind::named(&kind.name()), Some(kind));
        }
        for name in ["sudoku-5x5", "sudoku-9x8", "maze-1x1", "maze-10", "shakespeare", ""] {
            assert_eq!(PuzzleKind::named(name), None, "{name}");
        }
        assert!(PuzzleKind::require("poem").is_err());
    }

    #[test]
    fn what_is_made_is_held_out_has_one_solution_and_reads_back() {
        for seed in 0..5 {
            for name in ["sudoku-4x4", "sudoku-9x9", "maze-10x10"] {
                let kind = PuzzleKind::named(name).expect("a kind");
                let input = PuzzleInput::Made { min_guesses: 0, max_guesses: 0, seed };
                let puzzle = kind.check(&input).expect("a puzzle");
                assert_eq!(puzzle.solutions, SolutionCount::One);
                let solution = puzzle.solution.clone().expect("a solution");
                assert!(kind.check_answer(&puzzle.tokens, &solution).expect("judged").solved);
                assert!(!kind.check_answer(&puzzle.tokens, &puzzle.tokens).expect("judged").solved);
                let text = PuzzleInput::Text { text: puzzle.text.clone() };
                assert_eq!(kind.check(&text).expect("the same"), puzzle);
                let drawn = PuzzleInput::Drawn { tokens: puzzle.tokens.clone() };
                assert_eq!(kind.check(&drawn).expect("the same"), puzzle);
            }
        }
    }

    #[test]
    fn broken_rules_are_said_with_their_cells() {
        let kind = PuzzleKind::Sudoku(Size::Four);
        let input = PuzzleInput::Text { text: "11..\n....\n....\n....".into() };
        let puzzle = kind.check(&input).expect("a board");
        assert_eq!(puzzle.solutions, SolutionCount::None);
        assert_eq!(puzzle.broken.len(), 2, "the row and the box: {:?}", puzzle.broken);
        assert_eq!(puzzle.broken[0].cells, [0, 1]);
        let empty = PuzzleInput::Text { text: ".".repeat(16) };
        assert_eq!(kind.check(&empty).expect("a board").solutions, SolutionCount::Several);
        for text in ["", "1234", "5..............."] {
            assert!(kind.check(&PuzzleInput::Text { text: text.into() }).is_err(), "{text}");
        }
        let nine = PuzzleInput::Text { text: ".".repeat(81) };
        let error = kind.check(&nine).expect_err("another size").to_string();
        assert!(error.contains("9×9"), "{error}");
    }

    #[test]
    fn any_answer_of_a_model_can_be_judged() {
        let four = PuzzleKind::Sudoku(Size::Four);
        let maze = PuzzleKind::Maze(4);
        let board = vec![1; 16];
        let question = maze
            .check(&PuzzleInput::Made { min_guesses: 0, max_guesses: 0, seed: 1 })
            .expect("a maze")
            .tokens;
        for token in 0..8 {
            assert!(!four.check_answer(&board, &[token; 16]).expect("judged").solved);
            assert!(!maze.check_answer(&question, &[token; 16]).expect("judged").solved);
        }
        assert!(!four.check_answer(&board, &[]).expect("judged").solved);
    }
}
