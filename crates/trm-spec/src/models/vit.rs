//! The vision transformer (ViT), as data: the plain baseline of image models, and
//! their frozen base.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::memory;
use super::settings::{
    DROPOUT, HIDDEN_SIZE, IMAGE_SIZE, INTERMEDIATE_SIZE, N_LAYERS, NUM_CHANNELS, NUM_HEADS,
    PATCH_SIZE,
};
use super::shared::{images, narrowed};
use super::{ImageShape, ModelSpec, Sizes};
use crate::check::require;
use crate::{DataSpec, Family, Setting, SettingError, SettingKind, TrainSpec};

/// Sizes of a vision transformer. The architecture is that of Hugging Face's
/// `ViTForImageClassification`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct VitSpec {
    /// Height and width of an image, in pixels.
    pub image_size: usize,
    /// Channels of an image.
    pub num_channels: usize,
    /// Height and width of a patch, in pixels.
    pub patch_size: usize,
    /// Width of every position, in features.
    pub hidden_size: usize,
    /// Blocks, each with weights of its own (`num_hidden_layers`).
    pub n_layers: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Inner width of the MLP of a block.
    pub intermediate_size: usize,
    /// Added to the variance inside layer norm.
    pub layer_norm_eps: f64,
    /// Probability of dropping an activation during training.
    pub dropout: f64,
}

impl Default for VitSpec {
    fn default() -> Self {
        Self {
            image_size: 8,
            num_channels: 1,
            patch_size: 2,
            hidden_size: 64,
            n_layers: 4,
            num_heads: 4,
            intermediate_size: 256,
            layer_norm_eps: 1e-12,
            dropout: 0.0,
        }
    }
}

impl VitSpec {
    /// Patches of an image.
    pub fn patches(&self) -> usize {
        (self.image_size / self.patch_size.max(1)).saturating_pow(2)
    }

    /// Numbers in a patch: the inputs of the patch embedding.
    pub fn patch_features(&self) -> usize {
        self.num_channels.saturating_mul(self.patch_size).saturating_mul(self.patch_size)
    }

    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }
}

impl ModelSpec for VitSpec {
    const NAME: &'static str = "vit";
    const TITLE: &'static str = "ViT";
    const ABOUT: &'static str = "Vision transformer without recursion, the baseline of TRM-ViT";
    const FAMILY: Family = Family::Images;
    /// A ViT has no recursion: its depth is always one.
    const DEPTH_KEY: Option<&'static str> = None;
    const LENGTH: &'static str = "(model.image_size / model.patch_size) ** 2 + 1";
    const CALLS: &'static str = "1";
    const SETTINGS: &'static [Setting] = &[
        IMAGE_SIZE,
        NUM_CHANNELS,
        PATCH_SIZE,
        HIDDEN_SIZE,
        N_LAYERS,
        NUM_HEADS,
        INTERMEDIATE_SIZE,
        DROPOUT,
        Setting::model("layer_norm_eps", SettingKind::Number, "Epsilon of layer norm")
            .within(0.0, 1.0),
    ];

    fn defaults() -> (DataSpec, TrainSpec) {
        super::trm_vit::image_defaults()
    }

    fn image(&self) -> Option<ImageShape> {
        Some(ImageShape {
            size: self.image_size,
            channels: self.num_channels,
            patch_size: self.patch_size,
            vit_depth: 0,
            input: [self.patches(), self.patch_features()],
        })
    }

    fn depth(&self) -> usize {
        1
    }

    fn set_depth(&mut self, _: usize) {}

    /// The patches and the class token.
    fn length(&self) -> usize {
        self.patches() + 1
    }

    fn dropout(&self) -> f64 {
        self.dropout
    }

    fn parameters(&self, classes: usize) -> usize {
        let [d, inner, patch, length] =
            [self.hidden_size, self.intermediate_size, self.patch_features(), self.length()]
                .map(|size| size as u128);
        let embeddings = d + length * d + patch * d + d;
        let block = 4 * (d * d + d) + 4 * d + 2 * d * inner + inner + d;
        let readout = 2 * d + classes as u128 * (d + 1);
        narrowed(embeddings + (self.n_layers as u128).saturating_mul(block) + readout)
    }

    fn training_flops_per_token(&self, _: &TrainSpec, classes: usize) -> f64 {
        let [d, inner, layers, patch, length] = [
            self.hidden_size,
            self.intermediate_size,
            self.n_layers,
            self.patch_features(),
            self.length(),
        ]
        .map(|size| size as f64);
        let block = 8.0 * d * d + 4.0 * d * inner + 4.0 * d * length;
        3.0 * (2.0 * patch * d + layers * block + 2.0 * d * classes as f64 / length)
    }

    fn kept_bytes(&self, _: &TrainSpec, classes: usize) -> f64 {
        let calls = self.n_layers * self.length();
        memory::block(calls, [self.hidden_size, self.intermediate_size]) + memory::readout(classes)
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        images([self.image_size, self.patch_size], train)?;
        require(
            "num_heads",
            self.hidden_size.is_multiple_of(self.num_heads),
            format!(
                "is {}, which does not divide hidden_size {}",
                self.num_heads, self.hidden_size
            ),
        )?;
        require(
            "num_heads",
            self.head_dim().is_multiple_of(2),
            format!(
                "is {}, which makes heads of the odd width {}",
                self.num_heads,
                self.head_dim()
            ),
        )
    }

    fn shown(&self) -> Sizes {
        vec![
            ("image_size", self.image_size),
            ("patch_size", self.patch_size),
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![
            ("image_size", self.image_size),
            ("num_channels", self.num_channels),
            ("patch_size", self.patch_size),
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("intermediate_size", self.intermediate_size),
        ]
    }
}
