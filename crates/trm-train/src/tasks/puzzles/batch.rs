//! A batch of puzzles on its device.

use burn::tensor::kind::Autodiff;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use trm_core::State;
use trm_core::models::trm::DualState;
use trm_data::IGNORED;
use trm_data::puzzles::PuzzleBatch;

use crate::transfer::tokens;

/// Puzzles on a device, with their answers.
#[derive(Clone, Debug)]
pub struct Puzzles {
    /// `[rows, seq]`.
    pub inputs: Tensor<2, Int>,
    /// `[rows, seq]`; negative where a cell does not count.
    pub labels: Tensor<2, Int>,
    /// `[rows]`.
    pub identifiers: Tensor<1, Int>,
}

impl Puzzles {
    /// Moves a batch to `device`.
    pub fn new(batch: &PuzzleBatch, device: &Device) -> Self {
        let identifiers: Vec<i32> = batch.puzzle_identifiers.iter().map(|&id| id as i32).collect();
        let rows = identifiers.len();
        // `IGNORED` is −1 in 32 bits.
        const { assert!(IGNORED as i32 == -1) };
        Self {
            inputs: tokens(&batch.inputs, batch.seq_len, device),
            labels: tokens(&batch.labels, batch.seq_len, device),
            identifiers: Tensor::from_data(TensorData::new(identifiers, [rows]), device),
        }
    }

    /// The same with autodiff if `device` has it.
    pub(super) fn on(self, device: &Device) -> Self {
        Self {
            inputs: on(self.inputs, device),
            labels: on(self.labels, device),
            identifiers: on(self.identifiers, device),
        }
    }

    /// These, and those of `new` where `replaced`.
    pub(super) fn replaced(self, replaced: &Tensor<1, Bool>, new: Self) -> Self {
        let [rows, seq] = self.inputs.dims();
        let cells = replaced.clone().reshape([rows, 1]).expand([rows, seq]);
        Self {
            inputs: self.inputs.mask_where(cells.clone(), new.inputs),
            labels: self.labels.mask_where(cells, new.labels),
            identifiers: self.identifiers.mask_where(replaced.clone(), new.identifiers),
        }
    }
}

/// The tensor with autodiff if `device` has it, and no gradient.
pub(super) fn on<const D: usize, K: Autodiff>(
    tensor: Tensor<D, K>,
    device: &Device,
) -> Tensor<D, K> {
    if device.is_autodiff() { Tensor::from_inner(tensor) } else { tensor }
}

/// The same numbers on the plain device.
pub(super) fn off_tape(state: DualState) -> DualState {
    state.map(&mut Tensor::without_autodiff)
}
