//! What the task needs of a model beyond the recursion.

use burn::tensor::Tensor;
use trm_core::Recursive;
use trm_core::models::trm::DualState;
use trm_core::models::trm_vit::TrmVit;
use trm_core::models::vit::Vit;

/// A model that classifies images, given as features of patches `[batch, patches,
/// features]`. Its readout has one position.
pub trait ImageModel: Recursive<Input = Tensor<3>> + 'static {
    /// The same weights with `steps` inner steps in every outer step; a model without
    /// recursion stays as it is.
    fn with_inner_steps(self, steps: usize) -> Self {
        let _ = steps;
        self
    }

    /// A state of the answer `y` and the latent `z`, `[batch, positions, dim]`; none
    /// where the model has no such states.
    fn state_of(&self, y: Tensor<3>, z: Tensor<3>) -> Option<Self::State> {
        let _ = (y, z);
        None
    }
}

impl ImageModel for Vit {}

impl ImageModel for TrmVit {
    fn with_inner_steps(self, steps: usize) -> Self {
        TrmVit::with_inner_steps(&self, steps)
    }

    fn state_of(&self, y: Tensor<3>, z: Tensor<3>) -> Option<DualState> {
        Some(DualState { y, z })
    }
}
