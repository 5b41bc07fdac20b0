//! Tasks and votes as the plain data that crosses to a page, and back.

use trm_spec::{ArcCandidate, ArcPair, ArcPrediction, ArcTask};

use super::grid::Grid;
use super::json::{Pair, Task};
use super::vote::{Candidate, Prediction, vote};
use crate::puzzles::error::PuzzleError;

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
pub fn vote_plain(predictions: &[ArcPrediction]) -> Result<Vec<ArcCandidate>, PuzzleError> {
    let prediction = |prediction: &ArcPrediction| {
        let answer = match prediction.answer.is_empty() {
            true => Ok(Grid::of(0, 0, Vec::new())),
            false => Grid::new(&prediction.answer),
        };
        answer.map(|answer| Prediction { answer, q: prediction.halt })
    };
    let predictions: Result<Vec<_>, String> = predictions.iter().map(prediction).collect();
    let predictions =
        predictions.map_err(|reason| PuzzleError::Damaged { name: "an answer".into(), reason })?;
    let plain = |Candidate { answer, count, mean_q }| ArcCandidate {
        answer: Grid::to_rows(&answer),
        votes: count,
        halt: mean_q,
    };
    Ok(vote(&predictions).into_iter().map(plain).collect())
}
