//! Deep supervision with halting (TRM, arXiv 2510.04871): supervision steps, their
//! losses, and which rows halt. The model never sees the answers.

use burn::tensor::{Bool, Int, Tensor, TensorData};
use rand::RngExt;
use trm_core::models::trm::{DualState, PuzzleInput, Trm};
use trm_core::{Engine, Recursive, State};
use trm_data::puzzles::PuzzleBatch;
use trm_data::{draw, stream};
use trm_spec::{LossType, TrainSpec, TrmSpec};

use super::batch::{Puzzles, off_tape, on};
use super::carry::Carry;
use super::loss::{binary, classification};

/// Deep supervision with halting.
#[derive(Clone, Debug)]
pub struct PuzzleTask {
    pub(super) spec: TrmSpec,
    engine: Engine,
    /// Most supervision steps.
    pub(super) steps: usize,
    loss: LossType,
    halt_weight: f64,
    exploration: f64,
    /// One weight per supervision step, or none for equal ones.
    weights: Vec<f64>,
    seed: u64,
}

/// The result of one supervision step.
pub struct Supervised {
    /// What is minimised, `[1]`, on the tape.
    pub objective: Tensor<1>,
    /// The rows of the puzzle embedding that the step used, where there are any, as a
    /// leaf of the tape.
    pub embedding: Option<Tensor<2>>,
    /// Where the step ended, off the tape.
    pub state: DualState,
    /// Scores of its answers.
    pub scores: Scores,
}

/// Scores of a step's answers, one for each row, `[rows]` each, off the tape.
pub struct Scores {
    /// Loss of the answer, mean over the cells that count.
    pub loss: Tensor<1>,
    /// Loss of the halting head.
    pub halt_loss: Tensor<1>,
    /// Share of the cells that are right.
    pub cells: Tensor<1>,
    /// 1 where all of them are.
    pub exact: Tensor<1>,
    /// Logit of halting.
    pub halt: Tensor<1>,
    /// 1 for a puzzle with any cell that counts.
    counted: Tensor<1>,
}

impl PuzzleTask {
    /// The task of a model of `model`'s sizes.
    pub fn new(model: &TrmSpec, train: &TrainSpec) -> Self {
        Self {
            spec: model.clone(),
            engine: Engine::truncated(model.h_cycles, train.backprop_cycles),
            steps: model.halt_max_steps,
            loss: train.loss_type,
            halt_weight: train.halt_loss_weight,
            exploration: train.halt_exploration_prob,
            weights: train.cycle_weights.clone(),
            seed: train.seed,
        }
    }

    /// One supervision step of `puzzles` from `state`, or from the beginning in
    /// rows that `fresh` names. The objective is the mean over the rows.
    pub fn supervise(
        &self,
        model: &Trm,
        puzzles: &Puzzles,
        state: Option<&DualState>,
        fresh: Option<&Tensor<1, Bool>>,
    ) -> Supervised {
        let [rows, _] = puzzles.inputs.dims();
        let device = model.device();
        let puzzles = puzzles.clone().on(&device);
        let embedding = model
            .embedding(puzzles.identifiers.clone())
            .map(|rows| if rows.is_autodiff() { rows.require_grad() } else { rows });
        let input = PuzzleInput { tokens: puzzles.inputs.clone(), embedding: embedding.clone() };
        let context = model.encode(&input);
        let start = model.start(&context);
        let state = match state {
            None => start,
            Some(state) => {
                let state = state.clone().map(&mut |part| on(part, &device));
                match fresh {
                    None => state,
                    Some(fresh) => reset(state, start, &on(fresh.clone(), &device)),
                }
            }
        };
        // Steps are detached from each other also where all cycles record gradients.
        let state = self.engine.run(model, &context, state.detach(), |_, _| ());
        let readout = model.read(&state);
        let halt = readout.halt.expect("a dual model has a halting head");
        let answer = self.answer(readout.logits, puzzles.labels);
        let halt_loss = binary(halt.clone(), answer.exact.clone());
        let objective =
            (answer.loss.clone() + halt_loss.clone().mul_scalar(self.halt_weight)).sum();
        Supervised {
            objective: objective.div_scalar(rows as f64),
            embedding,
            state: off_tape(state),
            scores: Scores {
                loss: answer.loss.without_autodiff(),
                halt_loss: halt_loss.without_autodiff(),
                cells: answer.cells.without_autodiff(),
                exact: answer.exact.without_autodiff(),
                halt: halt.without_autodiff(),
                counted: answer.counted.without_autodiff(),
            },
        }
    }

    /// Scores `logits [rows, seq, classes]` by `labels [rows, seq]`.
    fn answer(&self, logits: Tensor<3>, labels: Tensor<2, Int>) -> Answer {
        let [rows, seq, classes] = logits.dims();
        let counts = labels.clone().greater_equal_elem(0).float();
        let per_row = |cells: Tensor<2>| cells.sum_dim(1).reshape([rows]);
        let total = per_row(counts);
        let divisor = total.clone().clamp_min(1.0);
        let best = logits.clone().detach().argmax(2).reshape([rows, seq]);
        // A cell that does not count has no right answer.
        let right = per_row(best.equal(labels.clone()).float());
        let loss = classification(
            self.loss,
            logits.reshape([rows * seq, classes]),
            labels.reshape([rows * seq]),
        );
        Answer {
            loss: per_row(loss.reshape([rows, seq])) / divisor.clone(),
            exact: right.clone().equal(total.clone()).float(),
            cells: right / divisor,
            counted: total.greater_elem(0.5).float(),
        }
    }

    /// One update's worth of deep supervision: rows that halted take the puzzles
    /// of `batch`, all run one supervision step, and some halt. `call` is the
    /// number of the batch.
    pub fn advance(
        &self,
        model: &Trm,
        carry: Carry,
        batch: &PuzzleBatch,
        call: u64,
    ) -> (Supervised, Carry) {
        self.advance_rows(model, carry, batch, self.least_steps(batch.rows(), call))
    }

    /// [`advance`](Self::advance) for some rows of a batch, which must run `least` steps
    /// before they may halt.
    pub(super) fn advance_rows(
        &self,
        model: &Trm,
        carry: Carry,
        batch: &PuzzleBatch,
        least: Vec<i32>,
    ) -> (Supervised, Carry) {
        let device = model.device().without_autodiff();
        let fresh = carry.halted;
        let puzzles = carry.puzzles.replaced(&fresh, Puzzles::new(batch, &device));
        let step = self.supervise(model, &puzzles, Some(&carry.state), Some(&fresh));
        let steps = carry.steps.mask_fill(fresh, 0).add_scalar(1);
        let last = steps.clone().greater_equal_elem(self.steps as i64);
        let mut halted = last.clone();
        if self.steps > 1 {
            let least = Tensor::from_data(TensorData::new(least, [batch.rows()]), &device);
            let explored = steps.clone().greater_equal(least);
            halted = step.scores.halt.clone().greater_elem(0.0).bool_or(last).bool_and(explored);
        }
        let carry = Carry { state: step.state.clone(), puzzles, steps, halted };
        (step, carry)
    }

    /// Steps that each row must run before it may halt; a function of the seed
    /// and the batch alone.
    pub(super) fn least_steps(&self, rows: usize, call: u64) -> Vec<i32> {
        let mut generator = draw(self.seed, stream::EXPLORATION, call);
        (0..rows)
            .map(|_| {
                let explores = generator.random_bool(self.exploration);
                let least = generator.random_range(2..=self.steps.max(2) as i32);
                if explores { least } else { 0 }
            })
            .collect()
    }

    /// The weight of each supervision step's loss under `unrolled`, with sum one; steps
    /// beyond the listed weights have the last one.
    pub(super) fn step_weights(&self) -> Vec<f64> {
        let weight = |step| self.weights.get(step).or(self.weights.last()).copied().unwrap_or(1.0);
        let total: f64 = (0..self.steps).map(weight).sum();
        (0..self.steps).map(|step| weight(step) / total).collect()
    }

    /// The engine of one supervision step.
    pub(super) fn engine(&self) -> Engine {
        self.engine
    }
}

/// Scores of an answer, `[rows]` each; only the loss is on the tape.
struct Answer {
    loss: Tensor<1>,
    cells: Tensor<1>,
    exact: Tensor<1>,
    counted: Tensor<1>,
}

/// `state`, and `start` in the rows that are `fresh`.
fn reset(state: DualState, start: DualState, fresh: &Tensor<1, Bool>) -> DualState {
    let dims = state.y.dims();
    let fresh = fresh.clone().reshape([dims[0], 1, 1]).expand(dims);
    DualState {
        y: state.y.mask_where(fresh.clone(), start.y),
        z: state.z.mask_where(fresh, start.z),
    }
}

impl Scores {
    /// The original's metrics, `[7]`: of the rows that halted their number, and
    /// the sums of cell accuracy, exact accuracy, of halting logits that say what
    /// is so, and of steps; of all rows the sums of both losses.
    pub fn summary(&self, carry: &Carry) -> Tensor<1> {
        self.sums(carry.halted.clone().float(), carry.steps.clone().float())
    }

    /// The same where all rows are done, after `steps`.
    pub(super) fn done(&self, steps: usize) -> Tensor<1> {
        let all = self.exact.ones_like();
        self.sums(all.clone(), all.mul_scalar(steps as f64))
    }

    fn sums(&self, halted: Tensor<1>, steps: Tensor<1>) -> Tensor<1> {
        let done = halted * self.counted.clone();
        let says = self.halt.clone().greater_equal_elem(0.0).float();
        let agrees = says.equal(self.exact.clone()).float();
        let sum = |values: Tensor<1>| (values * done.clone()).sum();
        Tensor::cat(
            vec![
                done.clone().sum(),
                sum(self.cells.clone()),
                sum(self.exact.clone()),
                sum(agrees),
                sum(steps),
                self.loss.clone().sum(),
                self.halt_loss.clone().sum(),
            ],
            0,
        )
    }
}
