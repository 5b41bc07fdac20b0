//! `solve`: answers to puzzles of a file or of standard input, how sure the model
//! is and how long it took, held against the rules and against a plain solver.

use std::io::{Read, stdin};
use std::path::Path;

use anyhow::Context;
use pollster::block_on;
use serde::Serialize;
use trm_data::puzzles::sudoku::{self, Line, Size, Solutions};
use trm_spec::Solution;
use trm_train::SolveRequest;

use super::{print, print_json};
use crate::args;
use crate::device;
use crate::plan::read_checkpoint;
use crate::report::usage;

#[derive(Serialize)]
struct Document {
    puzzles: Vec<Answered>,
    solved: usize,
}

/// One puzzle and what was made of it.
#[derive(Serialize)]
struct Answered {
    /// Its line in the file, from 1.
    line: usize,
    puzzle: String,
    answer: String,
    verdict: Verdict,
    /// Probability of every cell.
    confidence: Vec<f32>,
    least_confidence: f32,
    steps: usize,
    halt: f32,
}

/// What the answer is worth, and the puzzle itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// All rules are kept and all given digits stand.
    Solved,
    Wrong,
    /// The digits that are given contradict each other, or leave no answer.
    NoSolution,
    /// The puzzle has several answers, and this is one of them.
    OneOfSeveral,
    /// The puzzle has several answers, and this is none of them.
    WrongOfSeveral,
}

impl Verdict {
    fn of(size: Size, board: &[u8], answer: Option<&[u8]>) -> Self {
        let right = answer.is_some_and(|answer| sudoku::answers(size, board, answer));
        if !sudoku::violations(size, board).is_empty() {
            return Self::NoSolution;
        }
        match (sudoku::solve(size, board).solutions, right) {
            (Solutions::None, _) => Self::NoSolution,
            (Solutions::One(_) | Solutions::Unknown, true) => Self::Solved,
            (Solutions::One(_) | Solutions::Unknown, false) => Self::Wrong,
            (Solutions::Several(_), true) => Self::OneOfSeveral,
            (Solutions::Several(_), false) => Self::WrongOfSeveral,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Wrong => "wrong: the answer breaks a rule or changes what is given",
            Self::NoSolution => "the puzzle has no solution",
            Self::OneOfSeveral => "the puzzle has several solutions; this is one of them",
            Self::WrongOfSeveral => "wrong, and the puzzle has several solutions",
        }
    }
}

pub fn run(typed: &args::Solve) -> anyhow::Result<()> {
    let (header, bytes) = read_checkpoint(&typed.checkpoint)?;
    let model = &header.config.model;
    if !model.solves_puzzles() {
        return Err(usage!(
            "{} is a language model; `generate` writes text with it, and `solve` takes a `dual` model",
            typed.checkpoint.display()
        ));
    }
    let lines = puzzles(&typed.puzzles)?;
    let cells = model.length();
    if let Some(line) = lines.iter().find(|line| line.board.len() != cells) {
        return Err(usage!(
            "line {} of {} has {} cells, but this model's puzzles have {cells}",
            line.number,
            typed.puzzles.display(),
            line.board.len()
        ));
    }
    let device = device::open(typed.device)?;
    let run = trm_train::load(&bytes, None, None, &device.device)
        .with_context(|| typed.checkpoint.display().to_string())?;
    let solutions = block_on(run.solve(&SolveRequest {
        inputs: lines.iter().map(|line| sudoku::encode(&line.board)).collect(),
        puzzle_identifiers: Vec::new(),
        threshold: typed.halt_threshold,
        max_steps: typed.max_steps.unwrap_or(model.depth()),
    }))?;
    let puzzles: Vec<_> = lines.iter().zip(&solutions).map(|(l, s)| answered(l, s)).collect();
    let solved = puzzles.iter().filter(|puzzle| puzzle.verdict == Verdict::Solved).count();
    if typed.json {
        return print_json(&Document { puzzles, solved });
    }
    for puzzle in &puzzles {
        print(&format!(
            "{}  {} steps, least sure cell {:.1} %, done {:.1} %: {}",
            puzzle.answer,
            puzzle.steps,
            puzzle.least_confidence * 100.0,
            puzzle.halt * 100.0,
            puzzle.verdict.words()
        ))?;
    }
    eprintln!("{solved} of {} solved", puzzles.len());
    Ok(())
}

/// The puzzles of a file, or of standard input.
fn puzzles(path: &Path) -> anyhow::Result<Vec<Line>> {
    if path != Path::new("-") {
        let text = trm_data::read_text(path)?;
        return Ok(sudoku::parse(&path.display().to_string(), &text)?);
    }
    let mut text = String::new();
    stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(sudoku::parse("standard input", &text)?)
}

fn answered(line: &Line, solution: &Solution) -> Answered {
    let answer = sudoku::decode(line.size, &solution.answer);
    let shown = |tokens: &[u32]| -> String {
        // A model may answer with the padding or a blank, which are no digits.
        tokens.iter().map(|t| t.checked_sub(1).filter(|d| *d > 0)).map(digit).collect()
    };
    Answered {
        line: line.number,
        puzzle: sudoku::print(&line.board),
        answer: shown(&solution.answer),
        verdict: Verdict::of(line.size, &line.board, answer.as_deref()),
        least_confidence: solution.prob.iter().copied().fold(1.0, f32::min),
        confidence: solution.prob.clone(),
        steps: solution.steps,
        halt: solution.halt,
    }
}

fn digit(digit: Option<u32>) -> char {
    digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puzzles_and_answers_are_told_apart() {
        let board = |text: &str| sudoku::parse_board(text).expect("a board").1;
        let whole = board("1234341221434321");
        let verdict =
            |puzzle: &str, answer: &[u8]| Verdict::of(Size::Four, &board(puzzle), Some(answer));
        let puzzle = "12.43412.1434.21";
        assert_eq!(verdict(puzzle, &whole), Verdict::Solved);
        assert_eq!(verdict(puzzle, &board("1224341221434321")), Verdict::Wrong);
        assert_eq!(Verdict::of(Size::Four, &board(puzzle), None), Verdict::Wrong);
        assert_eq!(verdict("11..............", &whole), Verdict::NoSolution);
        assert_eq!(verdict("................", &whole), Verdict::OneOfSeveral);
        assert_eq!(verdict("................", &[1; 16]), Verdict::WrongOfSeveral);
    }
}
