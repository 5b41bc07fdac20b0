//! Puzzles under way: what one update hands to the next, also through a file.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use trm_core::models::trm::DualState;
use trm_spec::{Failure, FailureKind, TrmSpec};

use super::batch::{Puzzles, off_tape};
use crate::checkpoint::optimizer;

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

    /// The carry as named tensors, for the optimiser file; token numbers are exact in
    /// f32.
    pub(super) fn parts(&self) -> Vec<(&'static str, Tensor<1>)> {
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

    /// The carry of an optimiser file, where it holds one.
    ///
    /// # Errors
    /// If it does not fit a model of `spec`.
    pub(super) fn restore(
        optimizer: &[u8],
        spec: &TrmSpec,
        device: &Device,
    ) -> Result<Option<Self>, Failure> {
        let Some(steps) = optimizer::carried(optimizer, "steps")? else { return Ok(None) };
        let rows = steps.len();
        let part = |name: &str, size: usize| -> Result<Vec<f32>, Failure> {
            optimizer::carried(optimizer, name)?
                .filter(|values| values.len() == rows * size)
                .ok_or_else(|| {
                    Failure::new(
                        FailureKind::Checkpoint,
                        format!("the optimiser file's `carry.{name}` does not fit this run"),
                        "Use the two files of the same save, or continue without the optimiser file.",
                    )
                })
        };
        let (positions, dim) = (spec.positions(), spec.hidden_size);
        let state = |name: &str| -> Result<Tensor<3>, Failure> {
            let values = part(name, positions * dim)?;
            Ok(Tensor::from_data(TensorData::new(values, [rows, positions, dim]), device))
        };
        let cells = |name: &str| -> Result<Tensor<2, Int>, Failure> {
            let values = whole(&part(name, spec.seq_len)?);
            Ok(Tensor::from_data(TensorData::new(values, [rows, spec.seq_len]), device))
        };
        let numbers = |name: &str| -> Result<Tensor<1, Int>, Failure> {
            Ok(Tensor::from_data(TensorData::new(whole(&part(name, 1)?), [rows]), device))
        };
        Ok(Some(Self {
            state: DualState { y: state("y")?, z: state("z")? },
            puzzles: Puzzles {
                inputs: cells("inputs")?,
                labels: cells("labels")?,
                identifiers: numbers("identifiers")?,
            },
            steps: numbers("steps")?,
            halted: numbers("halted")?.equal_elem(1),
        }))
    }
}

fn whole(values: &[f32]) -> Vec<i32> {
    values.iter().map(|&value| value as i32).collect()
}
