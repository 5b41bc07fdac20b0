//! Features of a whole dataset, computed once, so that training need not run the frozen
//! base again.

use std::ops::ControlFlow;

use burn::tensor::Device;
use sha2::{Digest, Sha256};
use trm_data::images::{FeatureKey, ImageDataset, ImageSplit};
use trm_spec::{Failure, ImageShape};

use super::base::FrozenBase;
use super::batch::Inputs;
use crate::transfer::host;

/// Called with the features of a few images and their sizes, `[images, positions,
/// width]`; a break ends the computation.
pub type OnFeatures<'a, E> = &'a mut dyn FnMut([usize; 3], &[f32]) -> Result<ControlFlow<()>, E>;

/// Digest of the images and of the split that each belongs to: features are stored in the
/// order of the splits.
fn split_digest(data: &ImageDataset) -> String {
    let mut hasher = Sha256::new_with_prefix(data.sha256.as_bytes());
    for split in ImageSplit::ALL {
        let rows = data.set(split).rows();
        hasher.update((rows.len() as u64).to_le_bytes());
        rows.iter().for_each(|row| hasher.update(row.to_le_bytes()));
    }
    format!("{:x}", hasher.finalize())
}

/// Images whose features are computed at once.
const BATCH: usize = 32;

impl FrozenBase {
    /// What cached features belong to: this base, so many of its blocks, these images in
    /// these splits, and how they become inputs.
    pub fn key(&self, data: &ImageDataset, shape: ImageShape) -> FeatureKey {
        FeatureKey {
            base: format!("{}:{}", self.identity().sha256, shape.vit_depth),
            data: split_digest(data),
            // A digest, as messages and the name of a file show it.
            preprocessing: format!(
                "{:x}",
                Sha256::digest(format!("{:?}", data.preprocessing).as_bytes())
            ),
        }
    }

    /// Computes the features of every image of `data`, training, validation and test
    /// images in this order, and hands those of a few images at a time to `rows`, with
    /// their sizes `[images, positions, width]`, until it breaks.
    ///
    /// # Errors
    /// If the device is lost, or `rows` fails.
    pub async fn features_of<E: From<Failure>>(
        &self,
        data: &ImageDataset,
        shape: ImageShape,
        device: &Device,
        rows: OnFeatures<'_, E>,
    ) -> Result<(), E> {
        let device = device.clone().without_autodiff();
        let inputs = Inputs { shape, base: Some(self), device };
        for split in ImageSplit::ALL {
            let set = data.set(split);
            for first in (0..set.len()).step_by(BATCH) {
                let batch = set.gather(first..(first + BATCH).min(set.len()), &data.preprocessing);
                let features = inputs.of_pixels(&batch.pixels, batch.len())?;
                if rows(features.dims(), &host(features).await?)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
