//! The frozen vision transformer that turns patches into features.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use trm_core::Init;
use trm_core::models::vit::Vit;
use trm_spec::{Failure, ImageShape, VitSpec};

use crate::base::{BaseFile, refused};
use crate::checkpoint::{Base, Checkpoint};

/// A ViT that is never trained, of which the first blocks are run.
pub struct FrozenBase {
    vit: Vit,
    depth: usize,
    identity: Base,
}

impl FrozenBase {
    /// Opens `file`, which holds a ViT of `spec`, for a model that takes images of `shape` and features of
    /// `features` numbers.
    ///
    /// # Errors
    /// If the file is damaged, or does not fit the model.
    pub fn open(
        file: BaseFile<'_>,
        identity: Base,
        spec: &VitSpec,
        shape: ImageShape,
        features: usize,
        device: &Device,
    ) -> Result<Self, Failure> {
        let wrong = |what: &str, found: usize, wanted: usize| {
            refused(format!("{} has {what} {found}, but this model needs {wanted}", file.name))
        };
        for (what, found, wanted) in [
            ("hidden_size", spec.hidden_size, features),
            ("image_size", spec.image_size, shape.size),
            ("num_channels", spec.num_channels, shape.channels),
            ("patch_size", spec.patch_size, shape.patch_size),
        ] {
            if found != wanted {
                return Err(wrong(what, found, wanted));
            }
        }
        if spec.n_layers < shape.vit_depth {
            return Err(wrong("n_layers", spec.n_layers, shape.vit_depth));
        }
        let checkpoint = Checkpoint::read(file.bytes)?;
        checkpoint.expect_size()?;
        let classes = checkpoint.header.vocab.size();
        let empty = Vit::new(spec, classes, &mut Init::zeros(&device.clone().without_autodiff()));
        let vit = checkpoint.restore(empty)?.no_grad();
        Ok(Self { vit, depth: shape.vit_depth, identity })
    }

    /// How checkpoints name it.
    pub fn identity(&self) -> &Base {
        &self.identity
    }

    /// Features of patches `[batch, patches, patch features]`: `[batch, positions,
    /// width]`, off the tape.
    pub fn features(&self, patches: Tensor<3>) -> Tensor<3> {
        self.vit.features(patches, self.depth)
    }
}
