//! Solving puzzles: with all supervision steps and a score for each, or with as many
//! as each puzzle needs.

use burn::tensor::{Int, Tensor, TensorData};
use trm_core::models::trm::{PuzzleInput, Trm};
use trm_core::sample::{argmax, softmax};
use trm_core::{Context, Recursive, State};
use trm_data::puzzles::{PuzzleDataset, PuzzleSet};
use trm_spec::{Failure, FailureKind, HaltScore, PuzzleScores, Solution, StepScore};

use super::batch::Puzzles;
use super::supervision::PuzzleTask;
use crate::checks::check_depth;
use crate::run::SolveRequest;
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

/// [`score`] on the first `puzzles` held-out puzzles (0: all).
///
/// # Errors
/// If there are none, or so many steps cannot be run.
pub(super) async fn evaluate(
    model: &Trm,
    task: &PuzzleTask,
    data: &PuzzleDataset,
    steps: usize,
    puzzles: usize,
) -> Result<PuzzleScores, Failure> {
    let (val, steps) = (&data.val, check_depth(steps)?);
    if val.is_empty() {
        return Err(Failure::new(
            FailureKind::Corpus,
            "there are no validation puzzles",
            "Start the run with num_val_puzzles above 0.",
        ));
    }
    let set = val.first(if puzzles == 0 { val.len() } else { puzzles });
    score(model, task, &set, steps).await
}

/// Accuracy of `model`, without autodiff, on `set` after each of `steps` supervision
/// steps, and with halting at several thresholds.
async fn score(
    model: &Trm,
    task: &PuzzleTask,
    set: &PuzzleSet,
    steps: usize,
) -> Result<PuzzleScores, Failure> {
    let device = model.device();
    // By step, then by puzzle.
    let mut answered: Vec<Vec<Answered>> = vec![Vec::with_capacity(set.len()); steps];
    let size = (BATCH_CELLS / set.seq_len.max(1)).max(1);
    for first in (0..set.len()).step_by(size) {
        let batch = set.gather(first..set.len().min(first + size));
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

/// Solves the puzzles of `request`, whose rows are checked. A puzzle whose probability of
/// halting exceeds the threshold leaves the batch, so that the others cost less.
pub(super) async fn solve(
    model: &Trm,
    task: &PuzzleTask,
    request: &SolveRequest,
) -> Result<Vec<Solution>, Failure> {
    let mut solutions = Vec::with_capacity(request.inputs.len());
    let length = request.inputs.first().map_or(1, Vec::len);
    let size = (BATCH_CELLS / length).max(1);
    for (number, rows) in request.inputs.chunks(size).enumerate() {
        let identifier = |row: usize| {
            request.puzzle_identifiers.get(number * size + row).copied().unwrap_or_default()
        };
        let identifiers: Vec<i32> = (0..rows.len()).map(|row| identifier(row) as i32).collect();
        solutions.extend(batch(model, task, request, rows, identifiers).await?);
    }
    Ok(solutions)
}

async fn batch(
    model: &Trm,
    task: &PuzzleTask,
    request: &SolveRequest,
    rows: &[Vec<u32>],
    identifiers: Vec<i32>,
) -> Result<Vec<Solution>, Failure> {
    let device = model.device();
    let length = rows[0].len();
    let identifiers = Tensor::from_data(TensorData::new(identifiers, [rows.len()]), &device);
    let input = PuzzleInput {
        tokens: tokens(&rows.concat(), length, &device),
        embedding: model.embedding(identifiers),
    };
    let mut context = model.encode(&input);
    let mut state = model.start(&context);
    // Which row of the request each row of the batch is.
    let mut open: Vec<usize> = (0..rows.len()).collect();
    let mut solutions: Vec<Option<Solution>> = vec![None; rows.len()];
    for step in 1..=request.max_steps {
        state = task.engine().run(model, &context, state, |_, _| ());
        let readout = model.read(&state);
        let halts = match readout.halt {
            Some(halt) => host(halt).await?.into_iter().map(sigmoid).collect(),
            None => vec![0.0; open.len()],
        };
        let wants = |row: usize| request.threshold.is_some_and(|t| f64::from(halts[row]) > t);
        let (done, left): (Vec<usize>, Vec<usize>) =
            (0..open.len()).partition(|&row| step == request.max_steps || wants(row));
        if done.is_empty() {
            continue;
        }
        let logits = take(readout.logits, &done);
        let [_, _, vocab] = logits.dims();
        let logits = host(logits).await?;
        for (&row, logits) in done.iter().zip(logits.chunks_exact(length * vocab)) {
            let cells = logits.chunks_exact(vocab);
            let answer: Vec<u32> = cells.clone().map(argmax).collect();
            let prob = cells.zip(&answer).map(|(cell, &best)| softmax(cell)[best as usize] as f32);
            solutions[open[row]] =
                Some(Solution { prob: prob.collect(), answer, steps: step, halt: halts[row] });
        }
        if left.is_empty() {
            break;
        }
        context = context.map(&mut |part| take(part, &left));
        state = state.map(&mut |part| take(part, &left));
        open = left.into_iter().map(|row| open[row]).collect();
    }
    Ok(solutions.into_iter().flatten().collect())
}

/// Some rows of a batch.
fn take(tensor: Tensor<3>, rows: &[usize]) -> Tensor<3> {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let count = rows.len();
    let index = Tensor::<1, Int>::from_data(TensorData::new(rows, [count]), &tensor.device());
    tensor.select(0, index)
}
