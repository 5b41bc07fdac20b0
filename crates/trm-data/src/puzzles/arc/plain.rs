//! Tasks and votes as the plain data that crosses to a page, and back.

use trm_spec::{ArcBallot, ArcCandidate, ArcPair, ArcTask};

use super::{Ballot, Candidate, Grid, Pair, Task, vote};
use crate::puzzles::PuzzleError;

impl From<&Task> for ArcTask {
    fn from(task: &Task) -> Self {
        let pair = |pair: &Pair| ArcPair {
            input: pair.input.to_rows(),
            output: pair.output.as_ref().map(Grid::to_rows),
        };
        Self {
            name: task.name.clone(),
            train: task.train.iter().map(pair).collect(),
            test: task.test.iter().map(pair).collect(),
        }
    }
}

impl Task {
    /// # Errors
    /// If a grid is none.
    pub fn from_plain(task: &ArcTask) -> Result<Self, PuzzleError> {
        let damaged = |reason| PuzzleError::Damaged { name: task.name.clone(), reason };
        let pair = |pair: &ArcPair| {
            let output = pair.output.as_ref().map(|rows| Grid::new(rows)).transpose();
            Ok(Pair { input: Grid::new(&pair.input)?, output: output? })
        };
        let pairs = |pairs: &[ArcPair]| {
            pairs.iter().map(pair).collect::<Result<Vec<_>, String>>().map_err(damaged)
        };
        Ok(Self { name: task.name.clone(), train: pairs(&task.train)?, test: pairs(&task.test)? })
    }
}

/// The candidates of [`vote`], from plain data; an answer without rows counts as
/// the grid that has none.
///
/// # Errors
/// If an answer is no grid.
pub fn vote_plain(ballots: &[ArcBallot]) -> Result<Vec<ArcCandidate>, PuzzleError> {
    let ballot = |ballot: &ArcBallot| {
        let answer = match ballot.answer.is_empty() {
            true => Ok(Grid::of(0, 0, Vec::new())),
            false => Grid::new(&ballot.answer),
        };
        answer.map(|answer| Ballot { answer, q: ballot.halt })
    };
    let ballots: Result<Vec<_>, String> = ballots.iter().map(ballot).collect();
    let ballots =
        ballots.map_err(|reason| PuzzleError::Damaged { name: "an answer".into(), reason })?;
    let plain = |Candidate { answer, count, mean_q }| ArcCandidate {
        answer: Grid::to_rows(&answer),
        votes: count,
        halt: mean_q,
    };
    Ok(vote(&ballots).into_iter().map(plain).collect())
}
