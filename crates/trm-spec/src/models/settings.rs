//! Settings that several models have. What only one model has stands in its file.

use crate::SettingKind::{Flag, Integer, Number};
use crate::{MAX_DEPTH, Setting};

const fn model(key: &'static str, kind: crate::SettingKind, help: &'static str) -> Setting {
    Setting::model(key, kind, help)
}

pub const HIDDEN_SIZE: Setting =
    model("hidden_size", Integer, "Hidden size: features of every position").at_least(1).everyday();
pub const NUM_HEADS: Setting =
    model("num_heads", Integer, "Attention heads; must divide hidden_size").at_least(1).everyday();
pub const N_LAYERS: Setting = model(
    "n_layers",
    Integer,
    "Transformer blocks; a recursion applies the same ones in every cycle",
)
.at_least(1)
.everyday();
pub const RECURSION_STEPS: Setting = model(
    "recursion_steps",
    Integer,
    "Recursion depth in training: cycles for every token or chunk; later runs may use any depth",
)
.within(1.0, MAX_DEPTH as f64)
.live()
.everyday();
pub const L_CYCLES: Setting =
    model("l_cycles", Integer, "Latent steps in a cycle, n; one update of the answer follows them")
        .at_least(1)
        .everyday();
pub const H_CYCLES: Setting =
    model("h_cycles", Integer, "Cycles in a supervision step, T").at_least(1).everyday();
pub const BLOCK_SIZE: Setting =
    model("block_size", Integer, "Context length, in tokens").at_least(1).everyday();
pub const DROPOUT: Setting =
    model("dropout", Number, "Dropout probability in training").within(0.0, 0.95).everyday();
pub const STATE_START: Setting = Setting::choice(
    "model",
    "state_start",
    &["normal", "zero", "learned"],
    "Initial values of both states: drawn once and fixed (official TRM), zeros, or trained",
);
pub const INTERMEDIATE_SIZE: Setting =
    model("intermediate_size", Integer, "Inner width of the MLP of a block").at_least(1);
pub const TIE_EMBEDDINGS: Setting =
    model("tie_embeddings", Flag, "Use the token embedding as the output matrix too");
pub const EXPANSION: Setting = model(
    "expansion",
    Number,
    "SwiGLU expansion factor; the inner width is rounded up to a multiple of 256, except in image models",
)
.within(0.01, 64.0);
pub const RMS_NORM_EPS: Setting =
    model("rms_norm_eps", Number, "Epsilon of RMSNorm").within(0.0, 1.0);
pub const ROPE_THETA: Setting =
    model("rope_theta", Number, "Base of the rotary position frequencies").within(1.0, 1e9);
pub const ALPHA: Setting =
    model("alpha", Number, "Residual weight alpha: z = alpha z + f(x + y + z)").within(-10.0, 10.0);
pub const LEARNABLE_ALPHA: Setting =
    model("learnable_alpha", Flag, "Train alpha, with its value as the initial one");
pub const IMAGE_SIZE: Setting =
    model("image_size", Integer, "Height and width of an image, in pixels")
        .within(1.0, 4096.0)
        .everyday();
pub const NUM_CHANNELS: Setting =
    model("num_channels", Integer, "Channels of an image: 1 for grey, 3 for colour")
        .within(1.0, 4.0)
        .everyday();
pub const PATCH_SIZE: Setting =
    model("patch_size", Integer, "Height and width of a patch, in pixels; must divide image_size")
        .at_least(1)
        .everyday();
