//! Puzzles under way: what one update hands to the next, also through a file.

use std::ops::Range;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use trm_core::State;
use trm_core::models::trm::DualState;
use trm_data::IGNORED;
use trm_spec::{Failure, FailureKind, TrmSpec};

use super::batch::{Puzzles, off_tape};
use crate::checkpoint::optimizer;
use crate::task::CarryOver;

/// Puzzles under way: what one update hands to the next. No part of it is on a tape.
#[derive(Clone, Debug)]
pub struct Carry {
    /// Where each row's recursion stands.
    pub state: DualState,
    /// The puzzle in each row.
    pub puzzles: Puzzles,
    /// Supervision steps that each row has run, `[rows]`.
    pub steps: Tensor<1, Int>,
    /// Rows that are done and take a new puzzle next, `[rows]`.
    pub halted: Tensor<1, Bool>,
}

impl Carry {
    /// Rows that all take a new puzzle next; `start` is the state before the first step.
    pub fn empty(start: DualState, puzzles: Puzzles) -> Self {
        let [rows] = puzzles.identifiers.dims();
        let device = puzzles.identifiers.device();
        let steps = Tensor::zeros([rows], &device);
        Self { state: off_tape(start), halted: steps.clone().equal_elem(0), steps, puzzles }
    }

    /// The carry of an optimizer file, where it holds one.
    ///
    /// # Errors
    /// If it does not fit a model of `spec` with `vocab` tokens.
    pub(super) fn restore(
        optimizer: &[u8],
        spec: &TrmSpec,
        vocab: usize,
        device: &Device,
    ) -> Result<Option<Self>, Failure> {
        let Some(steps) = optimizer::carried(optimizer, "steps")? else { return Ok(None) };
        let rows = steps.len();
        let unfit = |name: &str| {
            Failure::new(
                FailureKind::Checkpoint,
                format!("the optimizer file's `carry.{name}` does not fit this run"),
                "Use the two files of the same save, or continue without the optimizer file.",
            )
        };
        let part = |name: &str, size: usize| -> Result<Vec<f32>, Failure> {
            optimizer::carried(optimizer, name)?
                .filter(|values| values.len() == rows * size)
                .ok_or_else(|| unfit(name))
        };
        // Whole numbers of a range: each is an index of a table, or counts.
        let within = |name: &str, size: usize, range: Range<i32>| {
            let values = part(name, size)?;
            let fits = |value: &f32| value.fract() == 0.0 && range.contains(&(*value as i32));
            if values.iter().all(fits) { Ok(whole(&values)) } else { Err(unfit(name)) }
        };
        let tokens = vocab as i32;
        let tasks = match spec.puzzle_emb_ndim {
            0 => i32::MAX,
            _ => spec.num_puzzle_identifiers as i32,
        };
        let (positions, dim) = (spec.positions(), spec.hidden_size);
        let state = |name: &str| -> Result<Tensor<3>, Failure> {
            let values = part(name, positions * dim)?;
            Ok(Tensor::from_data(TensorData::new(values, [rows, positions, dim]), device))
        };
        let cells = |name: &str, range| -> Result<Tensor<2, Int>, Failure> {
            let values = within(name, spec.seq_len, range)?;
            Ok(Tensor::from_data(TensorData::new(values, [rows, spec.seq_len]), device))
        };
        let numbers = |name: &str, range| -> Result<Tensor<1, Int>, Failure> {
            Ok(Tensor::from_data(TensorData::new(within(name, 1, range)?, [rows]), device))
        };
        Ok(Some(Self {
            state: DualState { y: state("y")?, z: state("z")? },
            puzzles: Puzzles {
                inputs: cells("inputs", 0..tokens)?,
                labels: cells("labels", IGNORED as i32..tokens)?,
                identifiers: numbers("identifiers", 0..tasks)?,
            },
            steps: numbers("steps", 0..i32::MAX)?,
            halted: numbers("halted", 0..2)?.equal_elem(1),
        }))
    }
}

impl CarryOver for Carry {
    fn join(parts: Vec<Self>) -> Self {
        let each = |part: fn(&Self) -> Tensor<3>| Tensor::cat(parts.iter().map(part).collect(), 0);
        let cells =
            |part: fn(&Self) -> Tensor<2, Int>| Tensor::cat(parts.iter().map(part).collect(), 0);
        let rows =
            |part: fn(&Self) -> Tensor<1, Int>| Tensor::cat(parts.iter().map(part).collect(), 0);
        Self {
            state: DualState {
                y: each(|carry| carry.state.y.clone()),
                z: each(|carry| carry.state.z.clone()),
            },
            puzzles: Puzzles {
                inputs: cells(|carry| carry.puzzles.inputs.clone()),
                labels: cells(|carry| carry.puzzles.labels.clone()),
                identifiers: rows(|carry| carry.puzzles.identifiers.clone()),
            },
            steps: rows(|carry| carry.steps.clone()),
            halted: rows(|carry| carry.halted.clone().int()).equal_elem(1),
        }
    }

    fn cut(self, count: usize) -> Option<Vec<Self>> {
        let [rows] = self.steps.dims();
        if count == 0 || !rows.is_multiple_of(count) {
            return None;
        }
        let size = rows / count;
        let parts = (0..count).map(|part| {
            let first = part * size;
            let Self { state, puzzles, steps, halted } = self.clone();
            Self {
                state: state.map(&mut |part| part.narrow(0, first, size)),
                puzzles: Puzzles {
                    inputs: puzzles.inputs.narrow(0, first, size),
                    labels: puzzles.labels.narrow(0, first, size),
                    identifiers: puzzles.identifiers.narrow(0, first, size),
                },
                steps: steps.narrow(0, first, size),
                halted: halted.narrow(0, first, size),
            }
        });
        Some(parts.collect())
    }

    /// Token numbers are exact in f32.
    fn numbers(&self) -> Vec<(&'static str, Tensor<1>)> {
        let carry = self.clone();
        let flat = |t: Tensor<3>| t.flatten(0, 2);
        let cells = |t: Tensor<2, Int>| t.float().flatten(0, 1);
        vec![
            ("y", flat(carry.state.y)),
            ("z", flat(carry.state.z)),
            ("inputs", cells(carry.puzzles.inputs)),
            ("labels", cells(carry.puzzles.labels)),
            ("identifiers", carry.puzzles.identifiers.float()),
            ("steps", carry.steps.float()),
            ("halted", carry.halted.float()),
        ]
    }

    fn with_numbers(&self, mut numbers: &[f32]) -> Self {
        let device = self.steps.device();
        let mut take = |count: usize| {
            let values;
            (values, numbers) = numbers.split_at(count);
            values
        };
        let mut state = |old: &Tensor<3>| {
            let dims = old.dims();
            let values = take(dims.iter().product()).to_vec();
            Tensor::<3>::from_data(TensorData::new(values, dims), &device)
        };
        let state = DualState { y: state(&self.state.y), z: state(&self.state.z) };
        let mut cells = |old: &Tensor<2, Int>| {
            let dims = old.dims();
            let values = whole(take(dims.iter().product()));
            Tensor::<2, Int>::from_data(TensorData::new(values, dims), &device)
        };
        let (inputs, labels) = (cells(&self.puzzles.inputs), cells(&self.puzzles.labels));
        let rows = self.steps.dims();
        let mut row =
            || Tensor::<1, Int>::from_data(TensorData::new(whole(take(rows[0])), rows), &device);
        let puzzles = Puzzles { inputs, labels, identifiers: row() };
        Self { state, puzzles, steps: row(), halted: row().equal_elem(1) }
    }
}

fn whole(values: &[f32]) -> Vec<i32> {
    values.iter().map(|&value| value as i32).collect()
}
