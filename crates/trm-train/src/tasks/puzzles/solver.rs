//! What a run of a puzzle solver can do beside training.

use async_trait::async_trait;
use trm_core::models::trm::Trm;
use trm_spec::{Failure, PuzzleScores, Solution};

use super::copies::CopySet;
use super::copy_scores::evaluate_copies;
use super::fit::check_rows;
use super::solve::{evaluate, held_out, scored, solve};
use super::supervision::PuzzleTask;
use crate::checks::check_depth;
use crate::run::{CopyScores, CopyScoring, OnProgress, SolveRequest, Solver};
use crate::train_run::TrainRun;

#[async_trait(?Send)]
impl Solver for TrainRun<Trm, PuzzleTask> {
    async fn evaluate_puzzles(
        &self,
        steps: usize,
        puzzles: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<PuzzleScores, Failure> {
        let data = self.data()?;
        let set = scored(data, puzzles)?;
        let model = self.optimization.inference_model();
        evaluate(&model, &self.task, &set, steps, on_progress).await
    }

    async fn evaluate_copies(
        &self,
        scoring: &CopyScoring,
        on_progress: OnProgress<'_>,
    ) -> Result<CopyScores, Failure> {
        let copies = CopySet::new(&self.config, &self.vocab, scoring.copies)?;
        let set = held_out(self.data()?)?;
        let model = self.optimization.inference_model();
        evaluate_copies(&model, &self.task, set, scoring, &copies, on_progress).await
    }

    async fn solve(&self, request: &SolveRequest) -> Result<Vec<Solution>, Failure> {
        check_depth(request.max_steps)?;
        check_rows(&self.task.spec, &self.vocab, &request.inputs, &request.puzzle_identifiers)?;
        let copies = CopySet::new(&self.config, &self.vocab, request.copies)?;
        solve(&self.optimization.inference_model(), &self.task, request, &copies).await
    }
}
