//! What a run of a puzzle solver can do beside training.

use async_trait::async_trait;
use trm_core::models::trm::Trm;
use trm_spec::{Failure, PuzzleScores, Solution};

use super::fit::check_rows;
use super::solve::{evaluate, solve};
use super::supervision::PuzzleTask;
use crate::checks::check_depth;
use crate::run::{SolveRequest, Solver};
use crate::train_run::TrainRun;

#[async_trait(?Send)]
impl Solver for TrainRun<Trm, PuzzleTask> {
    async fn evaluate_puzzles(
        &self,
        steps: usize,
        puzzles: usize,
    ) -> Result<PuzzleScores, Failure> {
        let data = self.data()?;
        evaluate(&self.optimization.inference_model(), &self.task, data, steps, puzzles).await
    }

    async fn solve(&self, request: &SolveRequest) -> Result<Vec<Solution>, Failure> {
        check_depth(request.max_steps)?;
        check_rows(&self.task.spec, &self.vocab, &request.inputs, &request.puzzle_identifiers)?;
        solve(&self.optimization.inference_model(), &self.task, request).await
    }
}
