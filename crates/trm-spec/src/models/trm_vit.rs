//! The image classifier with two states on patch features (TRM-ViT), as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::flops::Forward;
use super::memory;
use super::settings::{
    ALPHA, EXPANSION, HIDDEN_SIZE, IMAGE_SIZE, LEARNABLE_ALPHA, N_LAYERS, NUM_CHANNELS, NUM_HEADS,
    PATCH_SIZE, RMS_NORM_EPS, ROPE_THETA, STATE_START,
};
use super::shared::{heads, images, narrowed, rotary_table, state_start};
use super::{ImageShape, ModelSpec, Sizes, StateStart};
use crate::{
    DataSpec, Family, MAX_DEPTH, Objective, Setting, SettingError, SettingKind, TrainSpec,
};

/// Sizes of TRM-ViT. Defaults are made for `digits`; the published head has width 384,
/// 6 inner and 4 outer steps, on a frozen ViT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct TrmVitSpec {
    /// Height and width of an image, in pixels.
    pub image_size: usize,
    /// Channels of an image.
    pub num_channels: usize,
    /// Height and width of a patch, in pixels.
    pub patch_size: usize,
    /// Blocks of the frozen ViT that make the features; 0 takes the pixels of each
    /// patch as its features, without a ViT.
    pub vit_depth: usize,
    /// With a frozen ViT: its width.
    pub feature_size: usize,
    /// With a frozen ViT: its positions, the class token included.
    pub feature_tokens: usize,
    /// Width of the states, in features.
    pub hidden_size: usize,
    /// Blocks in the one network that both states share (`depth`).
    pub n_layers: usize,
    /// Inner steps of the latent state, N (`n`); a step of the answer follows.
    pub inner_steps: usize,
    /// Outer steps, T; the answer can be read out after each of them.
    pub outer_steps: usize,
    /// How a block mixes positions.
    pub mixing: Mixing,
    /// With attention: heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Residual weight: `z = alpha·z + f(x + y + z)` and `y = alpha·y + f(y + z)`.
    pub alpha: f64,
    /// Whether `alpha` is trained, one for each feature; its value is then the initial
    /// one.
    pub learnable_alpha: bool,
    /// Whether each part of a block is added to its input (`x + Backbone(x)`).
    pub residual: bool,
    /// Initial values of both states.
    pub state_start: StateStart,
    /// Inner widths of the gated MLPs over positions and features, as multiples.
    pub expansion: f64,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary position frequencies, with attention.
    pub rope_theta: f64,
}

/// How positions are mixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Mixing {
    /// A gated MLP over the positions of each feature.
    #[default]
    TokenMlp,
    /// Attention with rotary positions.
    Attention,
}

impl Default for TrmVitSpec {
    fn default() -> Self {
        Self {
            image_size: 8,
            num_channels: 1,
            patch_size: 2,
            vit_depth: 0,
            feature_size: 768,
            feature_tokens: 197,
            hidden_size: 64,
            n_layers: 1,
            inner_steps: 6,
            outer_steps: 4,
            mixing: Mixing::TokenMlp,
            num_heads: 4,
            alpha: 0.5,
            learnable_alpha: true,
            residual: false,
            state_start: StateStart::Normal,
            expansion: 2.0,
            rms_norm_eps: 1e-6,
            rope_theta: 10_000.0,
        }
    }
}

impl TrmVitSpec {
    /// Patches of an image, or positions of the frozen ViT.
    pub fn patches(&self) -> usize {
        match self.vit_depth {
            0 => (self.image_size / self.patch_size.max(1)).saturating_pow(2),
            _ => self.feature_tokens,
        }
    }

    /// Features of a patch: its pixels, or the width of the frozen ViT.
    pub fn patch_features(&self) -> usize {
        match self.vit_depth {
            0 => self.num_channels.saturating_mul(self.patch_size).saturating_mul(self.patch_size),
            _ => self.feature_size,
        }
    }

    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Inner width of the gated MLP over `width` inputs; it is not rounded to a
    /// multiple.
    pub fn inner_size(&self, width: usize) -> usize {
        ((self.expansion * width as f64).round() as usize).max(1)
    }

    fn forward(&self, classes: usize) -> Forward {
        let [d, inner, mixer, layers, patch, length] = [
            self.hidden_size,
            self.inner_size(self.hidden_size),
            self.inner_size(self.length()),
            self.n_layers,
            self.patch_features(),
            self.length(),
        ]
        .map(|size| size as f64);
        let mixing = match self.mixing {
            Mixing::TokenMlp => 6.0 * mixer * d,
            Mixing::Attention => 8.0 * d * d + 4.0 * d * length,
        };
        Forward {
            once: 2.0 * patch * d,
            cycle: (self.inner_steps + 1) as f64 * layers * (mixing + 6.0 * d * inner),
            readout: 2.0 * d * classes as f64 / length,
        }
    }
}

/// Weights and biases of a gated MLP of `width` inputs.
fn gated_parameters(width: u128, inner: u128) -> u128 {
    3 * width * inner + 2 * inner + width
}

/// Data and training settings that image models start from.
pub(super) fn image_defaults() -> (DataSpec, TrainSpec) {
    (
        DataSpec { dataset: "digits".into(), ..DataSpec::default() },
        TrainSpec {
            batch_size: 64,
            max_iters: 2000,
            learning_rate: 1e-3,
            min_lr: 1e-5,
            weight_decay: 0.05,
            objective: Objective::EveryCycle,
            eval_interval: 200,
            eval_iters: 0,
            ..TrainSpec::default()
        },
    )
}

impl ModelSpec for TrmVitSpec {
    const NAME: &'static str = "trm_vit";
    const TITLE: &'static str = "TRM-ViT";
    const ABOUT: &'static str =
        "Image classifier with an answer state and a latent state over the patches of an image";
    const FAMILY: Family = Family::Images;
    const DEPTH_KEY: Option<&'static str> = Some("outer_steps");
    const LENGTH: &'static str =
        "1 + (model.vit_depth ? model.feature_tokens : (model.image_size / model.patch_size) ** 2)";
    const CALLS: &'static str = "model.outer_steps * (model.inner_steps + 1)";
    const SETTINGS: &'static [Setting] = &[
        IMAGE_SIZE,
        NUM_CHANNELS,
        PATCH_SIZE,
        HIDDEN_SIZE,
        Setting::model("inner_steps", SettingKind::Integer, "Inner steps of the latent state, N")
            .at_least(1)
            .everyday(),
        Setting::model(
            "outer_steps",
            SettingKind::Integer,
            "Outer steps in training, T; later runs may use any number",
        )
        .within(1.0, MAX_DEPTH as f64)
        .live()
        .everyday(),
        N_LAYERS,
        Setting::choice(
            "model",
            "mixing",
            &["token_mlp", "attention"],
            "Mixing of positions: a gated MLP over the positions, or attention with RoPE",
        )
        .everyday(),
        NUM_HEADS,
        Setting::model(
            "vit_depth",
            SettingKind::Integer,
            "Blocks of the frozen ViT (--base) that make the features; 0 takes the pixels themselves",
        )
        .everyday(),
        Setting::model(
            "feature_size",
            SettingKind::Integer,
            "Width of the frozen ViT; taken from it where it is given",
        )
        .at_least(1),
        Setting::model(
            "feature_tokens",
            SettingKind::Integer,
            "Positions of the frozen ViT, with its class token; taken from it where it is given",
        )
        .at_least(1),
        ALPHA,
        LEARNABLE_ALPHA,
        Setting::model(
            "residual",
            SettingKind::Flag,
            "Add each part of a block to its input (published as residual backbone)",
        ),
        STATE_START,
        EXPANSION,
        RMS_NORM_EPS,
        ROPE_THETA,
    ];

    fn defaults() -> (DataSpec, TrainSpec) {
        image_defaults()
    }

    fn image(&self) -> Option<ImageShape> {
        Some(ImageShape {
            size: self.image_size,
            channels: self.num_channels,
            patch_size: self.patch_size,
            vit_depth: self.vit_depth,
            input: [self.patches(), self.patch_features()],
        })
    }

    fn depth(&self) -> usize {
        self.outer_steps
    }

    fn set_depth(&mut self, depth: usize) {
        self.outer_steps = depth;
    }

    /// The patches and the class token.
    fn length(&self) -> usize {
        self.patches().saturating_add(1)
    }

    fn parameters(&self, classes: usize) -> usize {
        let [d, length, patch] =
            [self.hidden_size, self.length(), self.patch_features()].map(|size| size as u128);
        let inner = |width: u128| self.inner_size(width as usize) as u128;
        let mixing = match self.mixing {
            Mixing::TokenMlp => gated_parameters(length, inner(length)),
            Mixing::Attention => 4 * d * d,
        };
        let block = mixing + gated_parameters(d, inner(d));
        let starts = if self.state_start == StateStart::Zero { 0 } else { 2 * d };
        let alpha = if self.learnable_alpha { d } else { 0 };
        let ends = d + patch * d + d + classes as u128 * (d + 1);
        narrowed(starts + alpha + ends + (self.n_layers as u128).saturating_mul(block))
    }

    fn training_flops_per_token(&self, train: &TrainSpec, classes: usize) -> f64 {
        self.forward(classes).training(self, train)
    }

    fn table_bytes(&self) -> u64 {
        match self.mixing {
            Mixing::TokenMlp => 0,
            Mixing::Attention => rotary_table(self.length(), [self.hidden_size, self.num_heads]),
        }
    }

    fn kept_bytes(&self, train: &TrainSpec, classes: usize) -> f64 {
        let cycles = memory::cycles_back(self.outer_steps, train);
        let calls = cycles * (self.inner_steps + 1) * self.n_layers;
        let [d, length] = [self.hidden_size, self.length()];
        let inner = self.inner_size(d);
        let blocks = match self.mixing {
            Mixing::TokenMlp => {
                memory::mixing_block(calls, [d, inner, length, self.inner_size(length)])
            }
            Mixing::Attention => memory::block(calls * length, [d, inner]),
        };
        blocks + memory::readout(classes)
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        images([self.image_size, self.patch_size], train)?;
        if self.mixing == Mixing::Attention {
            heads(self.hidden_size, self.num_heads)?;
        }
        Ok(())
    }

    fn validate_training(&self, train: &TrainSpec) -> Result<(), SettingError> {
        state_start(self, self.state_start, train)
    }

    fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("inner_steps", self.inner_steps),
            ("outer_steps", self.outer_steps),
            ("vit_depth", self.vit_depth),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("attention", usize::from(self.mixing == Mixing::Attention)),
            ("inner size (expansion)", self.inner_size(self.hidden_size)),
            ("patches", self.patches()),
            ("features of a patch", self.patch_features()),
            ("learnable_alpha", usize::from(self.learnable_alpha)),
        ]
    }
}
