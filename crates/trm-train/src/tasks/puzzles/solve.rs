//! Solving puzzles: with all supervision steps and a score for each, or with as many
//! as each puzzle needs.

use burn::tensor::{Int, Tensor, TensorData};
use trm_core::models::trm::{DualState, PuzzleInput, Trm};
use trm_core::sample::{argmax, softmax};
use trm_core::{Context, Embedded, Recursive, State};
use trm_data::puzzles::{PuzzleDataset, PuzzleSet};
use trm_spec::{Failure, FailureKind, HaltScore, PuzzleScores, Solution, StepScore};

use super::batch::Puzzles;
use super::copies::CopySet;
use super::supervision::PuzzleTask;
use crate::checks::check_depth;
use crate::logits::host_logits;
use crate::run::{OnProgress, SolveRequest};
use crate::transfer::{host, tokens};

/// Cells in one batch; bounds memory, not results.
const BATCH_CELLS: usize = 1 << 14;

/// One puzzle after one supervision step.
#[derive(Clone, Copy, Debug)]
struct Answered {
    loss: f32,
    /// Share of the cells that are right.
    cells: f32,
    /// 1 where all are.
    exact: f32,
    /// Probability of halting.
    halt: f32,
}

/// Thresholds at which halting is tried, from stopping early to hardly ever.
const THRESHOLDS: [f64; 9] = [0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// The first `puzzles` held-out puzzles (0: all). Those without an answer count for nothing, as
/// in the official code.
///
/// # Errors
/// If there are none, or none has an answer.
pub(super) fn scored(data: &PuzzleDataset, puzzles: usize) -> Result<PuzzleSet, Failure> {
    let val = held_out(data)?;
    let set = val.first(if puzzles == 0 { val.len() } else { puzzles }).answered();
    if set.is_empty() {
        return Err(Failure::new(
            FailureKind::Data,
            format!("the validation puzzles of {} have no answers", set.name),
            "Set num_val_puzzles to 0 to train without validation.",
        ));
    }
    Ok(set)
}

/// The held-out puzzles.
///
/// # Errors
/// If there are none.
pub(super) fn held_out(data: &PuzzleDataset) -> Result<&PuzzleSet, Failure> {
    if data.val.is_empty() {
        return Err(Failure::new(
            FailureKind::Data,
            "there are no validation puzzles",
            "Start the run with num_val_puzzles above 0.",
        ));
    }
    Ok(&data.val)
}

/// Accuracy of `model`, without autodiff, on `set` after each of `steps` supervision
/// steps, and with halting at several thresholds.
///
/// # Errors
/// If so many steps cannot be run.
pub(super) async fn evaluate(
    model: &Trm,
    task: &PuzzleTask,
    set: &PuzzleSet,
    steps: usize,
    on_progress: OnProgress<'_>,
) -> Result<PuzzleScores, Failure> {
    let steps = check_depth(steps)?;
    let device = model.device();
    // By step, then by puzzle.
    let mut answered: Vec<Vec<Answered>> = vec![Vec::with_capacity(set.len()); steps];
    let size = (BATCH_CELLS / set.seq_len.max(1)).max(1);
    for first in (0..set.len()).step_by(size) {
        let end = set.len().min(first + size);
        let batch = set.gather(first..end);
        let puzzles = Puzzles::new(&batch, &device);
        let mut state = None;
        for answered in &mut answered {
            let step = task.supervise(model, &puzzles, state.as_ref(), None);
            let scores = step.scores;
            let all =
                Tensor::stack::<2>(vec![scores.loss, scores.cells, scores.exact, scores.halt], 1);
            answered.extend(host(all).await?.chunks_exact(4).map(|row| Answered {
                loss: row[0],
                cells: row[1],
                exact: row[2],
                halt: sigmoid(row[3]),
            }));
            state = Some(step.state);
        }
        on_progress(end, set.len());
    }
    Ok(scores(set.len(), &answered))
}

fn scores(puzzles: usize, answered: &[Vec<Answered>]) -> PuzzleScores {
    let mean = |values: &mut dyn Iterator<Item = f32>| {
        values.map(f64::from).sum::<f64>() / puzzles.max(1) as f64
    };
    let steps = answered.iter().enumerate().map(|(i, answered)| StepScore {
        step: i + 1,
        loss: mean(&mut answered.iter().map(|a| a.loss)),
        cell_accuracy: mean(&mut answered.iter().map(|a| a.cells)),
        exact_accuracy: mean(&mut answered.iter().map(|a| a.exact)),
    });
    let halting = THRESHOLDS.map(|threshold| {
        let stop = |puzzle: usize| {
            let wants = answered.iter().position(|step| f64::from(step[puzzle].halt) > threshold);
            wants.unwrap_or(answered.len().saturating_sub(1))
        };
        let stops: Vec<usize> = (0..puzzles).map(stop).collect();
        let at = |pick: fn(&Answered) -> f32| {
            mean(&mut stops.iter().enumerate().map(|(puzzle, &step)| pick(&answered[step][puzzle])))
        };
        HaltScore {
            threshold,
            steps: mean(&mut stops.iter().map(|&step| step as f32 + 1.0)),
            cell_accuracy: at(|a| a.cells),
            exact_accuracy: at(|a| a.exact),
        }
    });
    PuzzleScores { puzzles, steps: steps.collect(), halting: halting.into() }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Solves the puzzles of `request`, whose rows are checked. A copy whose probability of
/// halting exceeds the threshold leaves the batch, so that the others cost less.
pub(super) async fn solve(
    model: &Trm,
    task: &PuzzleTask,
    request: &SolveRequest,
    copies: &CopySet,
) -> Result<Vec<Solution>, Failure> {
    let mut solutions = Vec::with_capacity(request.inputs.len());
    let size = batch_size(request.inputs.first().map_or(1, Vec::len), copies);
    for (number, puzzles) in request.inputs.chunks(size).enumerate() {
        let first = number * size;
        solutions.extend(Batch { model, task, request, copies, puzzles, first }.solve().await?);
    }
    Ok(solutions)
}

/// Puzzles of so many cells that are solved at once with all their copies.
pub(super) fn batch_size(cells: usize, copies: &CopySet) -> usize {
    (BATCH_CELLS / (cells.max(1) * copies.per_puzzle())).max(1)
}

/// A few puzzles of a request.
pub(super) struct Batch<'a> {
    pub model: &'a Trm,
    pub task: &'a PuzzleTask,
    pub request: &'a SolveRequest,
    pub copies: &'a CopySet,
    pub puzzles: &'a [Vec<u32>],
    /// Number of the first of them in the request.
    pub first: usize,
}

impl Batch<'_> {
    async fn solve(&self) -> Result<Vec<Solution>, Failure> {
        let Self { request, copies, puzzles, .. } = *self;
        let each = copies.per_puzzle();
        let (mut context, mut state) = self.start();
        // Which copy each row of the batch is; copies of a puzzle follow each other.
        let mut open: Vec<usize> = (0..puzzles.len() * each).collect();
        let mut answers: Vec<Vec<Solution>> = vec![Vec::with_capacity(each); puzzles.len()];
        let mut calls = vec![0; puzzles.len()];
        for step in 1..=request.max_steps {
            let logits;
            let halts;
            (state, logits, halts) = self.step(&context, state, &open, step).await?;
            open.iter().for_each(|row| calls[row / each] += 1);
            let halted = |row: usize| request.threshold.is_some_and(|t| f64::from(halts[row]) > t);
            let last = step == request.max_steps;
            let read: Vec<usize> =
                (0..open.len()).filter(|&row| last || halted(row) || copies.watches()).collect();
            if read.is_empty() {
                continue;
            }
            let mut settled = vec![false; puzzles.len()];
            let mut done = vec![false; open.len()];
            let found = host_answers(take(logits, &read)).await?;
            for (&row, (answer, prob)) in read.iter().zip(found) {
                let (puzzle, copy) = (open[row] / each, open[row] % each);
                let (answer, prob) = copies.undo(copy, answer, prob);
                let halt = halts[row];
                let solution = Solution { answer, prob, steps: step, halt, copy, calls: 0 };
                let settles = copies.settles(&puzzles[puzzle], &solution, halted(row));
                settled[puzzle] |= settles;
                done[row] = last || halted(row) || settles;
                if done[row] {
                    answers[puzzle].push(solution);
                }
            }
            let left: Vec<usize> =
                (0..open.len()).filter(|&row| !done[row] && !settled[open[row] / each]).collect();
            if left.is_empty() {
                break;
            }
            if left.len() < open.len() {
                context = context.map(&mut |part| take(part, &left));
                state = state.map(&mut |part| take(part, &left));
                open = left.into_iter().map(|row| open[row]).collect();
            }
        }
        let chosen = answers.into_iter().zip(puzzles).zip(calls);
        let chosen = chosen.map(|((answers, puzzle), calls)| {
            copies.choose(puzzle, answers).map(|solution| Solution { calls, ..solution })
        });
        Ok(chosen.flatten().collect())
    }

    /// Supervision step `step` (from 1) of the copies `rows`: the states after it, the logits
    /// `[rows, cells, vocab]`, and the probability of halting of each row.
    pub async fn step(
        &self,
        context: &Embedded,
        state: DualState,
        rows: &[usize],
        step: usize,
    ) -> Result<(DualState, Tensor<3>, Vec<f32>), Failure> {
        let Self { model, task, copies, first, .. } = *self;
        let of_request: Vec<usize> =
            rows.iter().map(|row| first * copies.per_puzzle() + row).collect();
        let state = copies.disturb(state, &of_request, step);
        let state = task.engine().run(model, context, state, |_, _| ());
        let readout = model.read(&state);
        let halts = match readout.halt {
            Some(halt) => host(halt).await?.into_iter().map(sigmoid).collect(),
            None => vec![0.0; rows.len()],
        };
        Ok((state, readout.logits, halts))
    }

    /// All copies of the puzzles, encoded.
    pub fn start(&self) -> (Embedded, DualState) {
        let Self { model, request, copies, puzzles, first, .. } = *self;
        let each = copies.per_puzzle();
        let device = model.device();
        let rows = copies.expand(puzzles);
        let identifier = |row: usize| {
            request.puzzle_identifiers.get(first + row / each).copied().unwrap_or_default() as i32
        };
        let identifiers: Vec<i32> = (0..rows.len()).map(identifier).collect();
        let identifiers = Tensor::from_data(TensorData::new(identifiers, [rows.len()]), &device);
        let input = PuzzleInput {
            tokens: tokens(&rows.concat(), rows[0].len(), &device),
            embedding: model.embedding(identifiers),
        };
        let context = model.encode(&input);
        let state = model.start(&context);
        (context, state)
    }
}

/// The most probable token of every cell and its probability, by row.
pub(super) async fn host_answers(logits: Tensor<3>) -> Result<Vec<(Vec<u32>, Vec<f32>)>, Failure> {
    let [_, cells, vocab] = logits.dims();
    let logits = host_logits(logits).await?;
    let answers = logits.chunks_exact(cells * vocab).map(|row| {
        let best = |cell: &[f32]| {
            let best = argmax(cell);
            (best, softmax(cell)[best as usize] as f32)
        };
        row.chunks_exact(vocab).map(best).unzip()
    });
    Ok(answers.collect())
}

/// Some rows of a batch.
fn take(tensor: Tensor<3>, rows: &[usize]) -> Tensor<3> {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let count = rows.len();
    let index = Tensor::<1, Int>::from_data(TensorData::new(rows, [count]), &tensor.device());
    tensor.select(0, index)
}
