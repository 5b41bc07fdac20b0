//! `solve`: answers the puzzles of a file or of standard input, and checks the answers
//! by the rules and with a conventional solver.

mod arc;
mod request;
mod standard_input;

use std::path::Path;

use anyhow::Context;
use pollster::block_on;
use serde::Serialize;
use trm_data::DataError;
use trm_data::puzzles::sudoku::Size;
use trm_data::puzzles::{PuzzleError, PuzzleKind};
use trm_spec::{Failure, Family, PuzzleInput, RunConfig, Solution, SolutionCount};
use trm_train::{Choice, Copies};

use self::request::request;
use self::standard_input::{STANDARD_INPUT, is_standard_input, standard_input};
use crate::args;
use crate::commands::model_family;
use crate::machine::device;
use crate::run_dir::read_checkpoint;
use crate::terminal::count::{counted, thousands};
use crate::terminal::output::{print, print_json};
use crate::terminal::progress::LineProgress;
use crate::terminal::report::{say, usage};

#[derive(Serialize)]
struct Document {
    puzzles: Vec<Answered>,
    solved: usize,
}

/// One puzzle, its answer and the verdict.
#[derive(Serialize)]
struct Answered {
    /// A Sudoku's line in the file, or a maze's number, counted from 1.
    line: usize,
    puzzle: String,
    answer: String,
    verdict: Verdict,
    /// Rules that the answer (or an unsolvable puzzle) breaks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    broken: Vec<String>,
    /// Probability of the answer in every cell.
    confidence: Vec<f32>,
    least_confidence: f32,
    /// Supervision steps that were run.
    steps: usize,
    /// Halting probability after the last step.
    halt: f32,
    /// Which of the copies gave the answer; 0 is the puzzle itself.
    copy: usize,
    /// Supervision steps that were run on all copies together.
    calls: usize,
}

/// Whether the answer solves the puzzle, and whether the puzzle has one solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// The answer follows all rules and keeps the given cells.
    Solved,
    Wrong,
    /// The given cells break the rules or allow no solution.
    NoSolution,
    /// The puzzle has several solutions, and this is one of them.
    OneOfSeveral,
    /// The puzzle has several solutions, and this is none of them.
    WrongOfSeveral,
}

impl Verdict {
    fn of(solutions: SolutionCount, right: bool) -> Self {
        match (solutions, right) {
            (SolutionCount::None, _) => Self::NoSolution,
            (SolutionCount::One | SolutionCount::Unknown, true) => Self::Solved,
            (SolutionCount::One | SolutionCount::Unknown, false) => Self::Wrong,
            (SolutionCount::Several, true) => Self::OneOfSeveral,
            (SolutionCount::Several, false) => Self::WrongOfSeveral,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Wrong => "wrong: the answer breaks a rule or changes a given cell",
            Self::NoSolution => "the puzzle has no solution",
            Self::OneOfSeveral => "the puzzle has several solutions; the answer is one of them",
            Self::WrongOfSeveral => "wrong; the puzzle has several solutions",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// If the checkpoint is not a puzzle model's, or the puzzles cannot be read.
pub fn run(typed: &args::Solve) -> anyhow::Result<()> {
    let (header, bytes) = read_checkpoint(&typed.checkpoint)?;
    let model = &header.config.model;
    model_family::expect(&typed.checkpoint, &header, "solve", &[Family::Puzzles])?;
    let solver = || {
        let device = device::open(typed.device)?;
        trm_train::load(&bytes, None, None, &device.device)
            .with_context(|| typed.checkpoint.display().to_string())
    };
    expect_a_choice(typed)?;
    if let Some(eval) = arc::open(&typed.puzzles, &header)? {
        return arc::evaluate(&eval, &*solver()?, typed, model.depth());
    }
    let kind = kind(&header.config)?;
    let (name, text) = text(&typed.puzzles)?;
    let puzzles = kind.read(&name, &text).map_err(Failure::from)?;
    let run = solver()?;
    let solver = run.solver()?;
    let mut progress = LineProgress::new("puzzles");
    let (mut answers, mut done, mut solved) = (Vec::new(), 0, 0);
    if puzzles.len() * typed.copies.per_puzzle() > ROWS_AT_ONCE {
        say!("solving {} …", counted(puzzles.len(), "puzzles"));
    }
    for some in puzzles.chunks(at_once(&typed.copies)) {
        let inputs = some.iter().map(|(_, tokens)| tokens.clone()).collect();
        let request = request(typed, model.depth(), inputs, Vec::new());
        let solutions = block_on(solver.solve(&request))?;
        for ((line, puzzle), solution) in some.iter().zip(&solutions) {
            let answered = answered(kind, *line, puzzle, solution)?;
            solved += usize::from(answered.verdict == Verdict::Solved);
            if typed.json {
                answers.push(answered);
            } else {
                answered.print()?;
            }
        }
        done += some.len();
        progress.at(done, puzzles.len(), &format!(", {} solved", thousands(solved as u64)));
    }
    if typed.json {
        return print_json(&Document { puzzles: answers, solved });
    }
    say!("{solved} of {} solved", puzzles.len());
    Ok(())
}

/// Refuses `--choose first` where it would change nothing.
fn expect_a_choice(typed: &args::Solve) -> anyhow::Result<()> {
    let copies = typed.copies;
    if copies.choice != Choice::FirstToHalt {
        return Ok(());
    }
    if typed.halt_threshold.is_none() {
        return Err(usage!("`--choose first` needs a halting probability: --halt-threshold 0.9"));
    }
    if copies.per_puzzle() == 1 {
        return Err(usage!(
            "`--choose first` is for several copies of a puzzle: --augmentations (Sudokus and mazes), or --chains with --state-noise"
        ));
    }
    Ok(())
}

/// Rows of the model, which are copies of puzzles, between two looks at the progress.
const ROWS_AT_ONCE: usize = 64;

/// Puzzles that are solved at once. Answers do not depend on it, except with noise: that of a
/// puzzle is drawn by its place among them, so with noise their number never changes.
fn at_once(copies: &Copies) -> usize {
    match copies.state_noise > 0.0 {
        true => ROWS_AT_ONCE,
        false => (ROWS_AT_ONCE / copies.per_puzzle()).max(1),
    }
}

impl Answered {
    fn print(&self) -> anyhow::Result<()> {
        // A maze has several lines.
        let gap = if self.answer.ends_with('\n') { "" } else { "  " };
        let copy = match self.copy {
            0 => String::new(),
            copy => format!(" (augmented copy {})", copy + 1),
        };
        print(&format!(
            "{}{gap}{}{copy}, lowest cell probability {:.1} %, halting probability {:.1} %: {}",
            self.answer,
            counted(self.steps, "steps"),
            self.least_confidence * 100.0,
            self.halt * 100.0,
            self.verdict.description()
        ))?;
        for rule in &self.broken {
            print(&format!("  {rule}"))?;
        }
        Ok(())
    }
}

/// The kind of puzzle that a model was trained on, by the name of its dataset or, for
/// Sudokus of another name, by its size.
fn kind(config: &RunConfig) -> anyhow::Result<PuzzleKind> {
    let (dataset, cells) = (&config.data.dataset, config.model.length());
    PuzzleKind::named(dataset).or_else(|| Size::of_cells(cells).map(PuzzleKind::Sudoku)).ok_or_else(
        || usage!("`solve` does not know puzzles of the dataset `{dataset}` with {cells} cells"),
    )
}

/// The name and the contents of a file or of standard input.
fn text(path: &Path) -> anyhow::Result<(String, String)> {
    if is_standard_input(path) {
        return Ok((STANDARD_INPUT.into(), standard_input()?));
    }
    let name = path.display().to_string();
    match trm_data::read_utf8(path) {
        Ok(text) => Ok((name, text)),
        Err(DataError::Empty { name }) => Err(Failure::from(PuzzleError::Empty { name }).into()),
        Err(error) => Err(error.into()),
    }
}

fn answered(
    kind: PuzzleKind,
    line: usize,
    puzzle: &[u32],
    solution: &Solution,
) -> Result<Answered, PuzzleError> {
    let info = kind.check(&PuzzleInput::Drawn { tokens: puzzle.to_vec() })?;
    let check = kind.check_answer(puzzle, &solution.answer)?;
    let verdict = Verdict::of(info.solutions, check.solved);
    let broken = if verdict == Verdict::NoSolution { info.broken } else { check.broken };
    Ok(Answered {
        line,
        puzzle: info.text,
        answer: kind.print(&solution.answer),
        verdict,
        broken: broken.into_iter().map(|broken| broken.rule).collect(),
        least_confidence: solution.prob.iter().copied().fold(1.0, f32::min),
        confidence: solution.prob.clone(),
        steps: solution.steps,
        halt: solution.halt,
        copy: solution.copy,
        calls: solution.calls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_count_among_the_rows_unless_noise_is_drawn_by_place() {
        let with = |augmentations, chains, state_noise| {
            at_once(&Copies { augmentations, chains, state_noise, ..Copies::default() })
        };
        assert_eq!([1, 3, 8, 1024].map(|copies| with(copies, 1, 0.0)), [64, 21, 8, 1]);
        assert_eq!([with(1, 1, 0.1), with(4, 32, 0.1)], [64, 64]);
    }
}
