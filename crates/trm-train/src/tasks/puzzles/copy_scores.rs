//! How well answers do that are chosen among several copies of each puzzle.

use trm_core::models::trm::Trm;
use trm_data::puzzles::PuzzleSet;
use trm_spec::Failure;

use super::copies::CopySet;
use super::solve::{Batch, batch_size, host_answers};
use super::supervision::PuzzleTask;
use crate::checks::check_depth;
use crate::run::{Chosen, CopyScore, CopyScores, CopyScoring, OnProgress, SolveRequest};

/// Scores every way to choose among copies of the first `scoring.puzzles` puzzles of `set`
/// (0: all): each copy runs all steps, so that one run serves every choice.
///
/// # Errors
/// If so many steps cannot be run, or the rules of the puzzles are not known.
pub(super) async fn evaluate_copies(
    model: &Trm,
    task: &PuzzleTask,
    set: &PuzzleSet,
    scoring: &CopyScoring,
    copies: &CopySet,
    on_progress: OnProgress<'_>,
) -> Result<CopyScores, Failure> {
    let depths = &scoring.depths;
    copies.need_rules()?;
    for depth in depths {
        check_depth(*depth)?;
    }
    let deepest = depths.iter().copied().max().unwrap_or(1);
    let rows = if scoring.puzzles == 0 { set.len() } else { scoring.puzzles.min(set.len()) };
    let puzzles: Vec<Vec<u32>> =
        set.inputs.chunks_exact(set.seq_len).take(rows).map(<[u32]>::to_vec).collect();
    let request = SolveRequest { max_steps: deepest, ..SolveRequest::default() };
    let each = copies.per_puzzle();
    let mut tallies = vec![Tally::default(); depths.len()];
    let size = batch_size(set.seq_len, copies);
    for (number, puzzles) in puzzles.chunks(size).enumerate() {
        let first = number * size;
        let batch = Batch { model, task, request: &request, copies, puzzles, first };
        let (context, mut state) = batch.start();
        let rows_of_batch: Vec<usize> = (0..puzzles.len() * each).collect();
        let mut watched = vec![Watched::default(); puzzles.len()];
        for step in 1..=deepest {
            let logits;
            let halts;
            (state, logits, halts) = batch.step(&context, state, &rows_of_batch, step).await?;
            let found = host_answers(logits).await?;
            for (row, ((answer, prob), halt)) in found.into_iter().zip(halts).enumerate() {
                let (puzzle, copy) = (row / each, row % each);
                let (answer, _) = copies.undo(copy, answer, prob);
                let solved = copies.obeys(&puzzles[puzzle], &answer);
                watched[puzzle].see(step, copy, halt, solved, scoring.threshold);
            }
            for (tally, _) in tallies.iter_mut().zip(depths).filter(|(_, d)| **d == step) {
                watched.iter().for_each(|watched| tally.add(watched, step, each));
            }
            watched.iter_mut().for_each(Watched::next_step);
        }
        on_progress(first + puzzles.len(), rows);
    }
    let steps = depths.iter().zip(tallies).map(|(&step, tally)| tally.score(step, rows));
    Ok(CopyScores { puzzles: rows, copies: each, steps: steps.collect() })
}

/// What was seen of the copies of one puzzle.
#[derive(Clone, Default)]
struct Watched {
    /// Of the puzzle itself at this step.
    single: bool,
    /// Highest halting probability at this step, and whether that answer is right.
    best: Option<(f32, bool)>,
    /// Step of the first copy to halt, its probability, and whether it is right.
    halted: Option<(usize, f32, bool)>,
    /// Step of the first answer that obeys the rules.
    obeyed: Option<usize>,
}

impl Watched {
    fn see(&mut self, step: usize, copy: usize, halt: f32, solved: bool, threshold: f64) {
        if copy == 0 {
            self.single = solved;
        }
        if self.best.is_none_or(|(best, _)| halt > best) {
            self.best = Some((halt, solved));
        }
        let earlier = self.halted.is_some_and(|(at, best, _)| at < step || best >= halt);
        if f64::from(halt) > threshold && !earlier {
            self.halted = Some((step, halt, solved));
        }
        if solved && self.obeyed.is_none() {
            self.obeyed = Some(step);
        }
    }

    fn next_step(&mut self) {
        self.best = None;
    }
}

/// Sums over puzzles.
#[derive(Clone, Copy, Default)]
struct Tally {
    single: Chosen,
    halting: Chosen,
    first_to_halt: Chosen,
    rules: Chosen,
}

impl Tally {
    fn add(&mut self, watched: &Watched, step: usize, copies: usize) {
        let best = watched.best.is_some_and(|(_, solved)| solved);
        let (halted, right) = match watched.halted {
            Some((at, _, solved)) => (at, solved),
            None => (step, best),
        };
        for (sum, solved, calls) in [
            (&mut self.single, watched.single, step),
            (&mut self.halting, best, step * copies),
            (&mut self.first_to_halt, right, halted * copies),
            (&mut self.rules, watched.obeyed.is_some(), watched.obeyed.unwrap_or(step) * copies),
        ] {
            sum.solved += f64::from(u8::from(solved));
            sum.calls += calls as f64;
        }
    }

    fn score(self, step: usize, puzzles: usize) -> CopyScore {
        let mean = |sum: Chosen| Chosen {
            solved: sum.solved / puzzles.max(1) as f64,
            calls: sum.calls / puzzles.max(1) as f64,
        };
        CopyScore {
            step,
            single: mean(self.single),
            halting: mean(self.halting),
            first_to_halt: mean(self.first_to_halt),
            rules: mean(self.rules),
        }
    }
}
