//! Images on their device: patches, or features of a frozen base.

use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_data::images::patches;
use trm_spec::{Failure, FailureKind, ImageShape};

use super::base::FrozenBase;
use crate::base::refused;

/// Turns pixels into what a model reads.
pub(super) struct Inputs<'a> {
    pub shape: ImageShape,
    pub base: Option<&'a FrozenBase>,
    /// The model's device.
    pub device: Device,
}

impl Inputs<'_> {
    /// Normalised pixels `[images, channels, size, size]` as features `[images,
    /// positions, features]`.
    ///
    /// # Errors
    /// If the model needs a frozen base that was not given.
    pub fn of_pixels(&self, pixels: &[f32], images: usize) -> Result<Tensor<3>, Failure> {
        let ImageShape { size, channels, patch_size, vit_depth, .. } = self.shape;
        let wanted = images * channels * size * size;
        if images == 0 || pixels.len() != wanted {
            return Err(unreadable(format!(
                "{images} images of {channels} × {size} × {size} have {wanted} pixels, not {}",
                pixels.len()
            )));
        }
        let values = patches(pixels, images, channels, size, patch_size);
        let dims = [images, self.shape.patches(), self.shape.patch_features()];
        let data = TensorData::new(values, dims);
        if vit_depth == 0 {
            return Ok(Tensor::from_data(data, &self.device));
        }
        let base = self.base.ok_or_else(no_base)?;
        let plain = self.device.clone().without_autodiff();
        let features = base.features(Tensor::from_data(data, &plain));
        Ok(if self.device.is_autodiff() { Tensor::from_inner(features) } else { features })
    }

    /// Features that are known already, `[images, positions, features]`.
    ///
    /// # Errors
    /// If the model reads others.
    pub fn of_features(&self, values: Vec<f32>, dims: [usize; 3]) -> Result<Tensor<3>, Failure> {
        let [images, found @ ..] = dims;
        if images == 0 || found != self.shape.input {
            let [positions, width] = self.shape.input;
            return Err(unreadable(format!(
                "this model reads {positions} positions of {width} features, not {} of {}",
                found[0], found[1]
            )));
        }
        Ok(Tensor::from_data(TensorData::new(values, dims), &self.device))
    }

    /// Classes, `[images]`.
    pub fn labels(&self, labels: &[u32]) -> Tensor<1, Int> {
        let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
        let images = labels.len();
        Tensor::from_data(TensorData::new(labels, [images]), &self.device)
    }
}

/// Input of a wrong shape.
pub(super) fn unreadable(message: String) -> Failure {
    Failure::new(FailureKind::Image, message, "Give inputs of the model's shape.")
}

/// The model reads features of a ViT that is not there.
pub(super) fn no_base() -> Failure {
    refused("this model reads features of a frozen ViT, which was not given".into())
}
