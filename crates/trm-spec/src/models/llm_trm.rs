//! A recursive model on the latents of a frozen language model (LLM-TRM), as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::settings::{
    H_CYCLES, HIDDEN_SIZE, INTERMEDIATE_SIZE, L_CYCLES, N_LAYERS, NUM_HEADS, RMS_NORM_EPS,
    ROPE_THETA,
};
use super::shared::{block_parameters, heads, narrowed, no_language_settings};
use super::{ModelSpec, Sizes, decoder_memory, memory};
use crate::check::{in_range, require};
use crate::{DataSpec, Family, MAX_DEPTH, Schedule, Setting, SettingError, SettingKind, TrainSpec};

/// Sizes of LLM-TRM. Those that begin with `base_` are the frozen decoder's; they are taken
/// from its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct LlmTrmSpec {
    /// Layers of the frozen decoder below the cut: they run without adapters, and those
    /// above read their output.
    pub cut: usize,
    /// Layers after which the compressor reads the question; 0 stands for the cut. Lower
    /// states are closer to the single tokens.
    pub compressor_layer: usize,
    /// Latent vectors that a question is compressed into, M.
    pub num_latents: usize,
    /// Newest tokens of the question that the upper layers see beside the latents.
    pub window: usize,
    /// Width of the latents, in features.
    pub hidden_size: usize,
    /// Attention heads of compressor and network.
    pub num_heads: usize,
    /// Blocks of the recursive network.
    pub n_layers: usize,
    /// Inner width of its SwiGLU, and of the compressor's.
    pub intermediate_size: usize,
    /// Cycles in a supervision step, T.
    pub h_cycles: usize,
    /// Latent steps in a cycle, n; one update of the answer follows them.
    pub l_cycles: usize,
    /// Supervision steps; the answer can be read out after each of them.
    pub supervision_steps: usize,
    /// Frequencies of the compressor's positions, counted from each end of the question.
    pub fourier_bands: usize,
    /// Longest wavelength of these positions, in units of 2π tokens.
    pub fourier_longest: f64,
    /// Factor of what the latents add to the soft states.
    pub soft_scale: f64,
    /// Inner width of the adapters (LoRA) of the upper layers.
    pub lora_rank: usize,
    /// Adapters are scaled by `lora_alpha / lora_rank`.
    pub lora_alpha: f64,
    /// Probability of dropping an input of an adapter in training.
    pub lora_dropout: f64,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary position frequencies of the latents.
    pub rope_theta: f64,
    /// Width of the frozen decoder.
    pub base_hidden_size: usize,
    /// Layers of the frozen decoder.
    pub base_layers: usize,
    /// Features of all its query heads.
    pub base_query_size: usize,
    /// Features of all its key heads.
    pub base_kv_size: usize,
    /// Its context length, in tokens.
    pub base_block_size: usize,
}

/// Sizes of SmolLM2-135M.
impl Default for LlmTrmSpec {
    fn default() -> Self {
        Self {
            cut: 20,
            compressor_layer: 0,
            num_latents: 16,
            window: 8,
            hidden_size: 128,
            num_heads: 4,
            n_layers: 2,
            intermediate_size: 384,
            h_cycles: 3,
            l_cycles: 3,
            supervision_steps: 4,
            fourier_bands: 16,
            fourier_longest: 512.0,
            soft_scale: 1.0,
            lora_rank: 8,
            lora_alpha: 16.0,
            lora_dropout: 0.0,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            base_hidden_size: 576,
            base_layers: 30,
            base_query_size: 576,
            base_kv_size: 192,
            base_block_size: 2048,
        }
    }
}

impl LlmTrmSpec {
    /// Numbers that say where a token of the question stands: sine and cosine of each
    /// frequency, from both ends.
    pub fn position_features(&self) -> usize {
        4 * self.fourier_bands
    }

    /// Layers below the states that are compressed.
    pub fn compressed_after(&self) -> usize {
        if self.compressor_layer == 0 { self.cut } else { self.compressor_layer }
    }

    /// Whether the compressor reads other states than the upper layers.
    pub fn compresses_below_the_cut(&self) -> bool {
        self.compressed_after() != self.cut
    }

    /// Weights of the adapters of one layer.
    fn adapter_parameters(&self) -> u128 {
        let [d, q, kv, rank] =
            [self.base_hidden_size, self.base_query_size, self.base_kv_size, self.lora_rank]
                .map(|size| size as u128);
        // A and B of queries, keys, values and output.
        rank * ((d + q) + 2 * (d + kv) + (q + d))
    }

    /// Weights of one layer of the frozen decoder, about: attention, and a SwiGLU that is
    /// 8/3 as wide as the layer.
    fn base_layer_weights(&self) -> f64 {
        let [d, q, kv] = [self.base_hidden_size, self.base_query_size, self.base_kv_size]
            .map(|size| size as f64);
        2.0 * d * (q + kv) + 8.0 * d * d
    }
}

/// A size of the frozen decoder.
const fn of_base(key: &'static str, help: &'static str) -> Setting {
    Setting::model(key, SettingKind::Integer, help).at_least(1)
}

impl ModelSpec for LlmTrmSpec {
    const NAME: &'static str = "llm_trm";
    const TITLE: &'static str = "LLM-TRM";
    const ABOUT: &'static str =
        "Frozen language model that stops at <think>, recurses on latents, and answers";
    const FAMILY: Family = Family::Questions;
    const DEPTH_KEY: Option<&'static str> = Some("supervision_steps");
    const LENGTH: &'static str = "model.num_latents";
    const CALLS: &'static str = "model.supervision_steps * model.h_cycles * (model.l_cycles + 1)";
    const SETTINGS: &'static [Setting] = &[
        Setting::model(
            "cut",
            SettingKind::Integer,
            "Lower layers of the decoder that run without latents; those above read the latents, with LoRA adapters",
        )
        .at_least(1)
        .everyday(),
        Setting::model(
            "compressor_layer",
            SettingKind::Integer,
            "Layer after which the compressor reads the question; 0 means the cut",
        ),
        Setting::model(
            "num_latents",
            SettingKind::Integer,
            "Latent vectors that a question is compressed into, M",
        )
        .at_least(1)
        .everyday(),
        Setting::model(
            "window",
            SettingKind::Integer,
            "Last tokens of the question that the answer attends to besides the latents; 0 means none",
        )
        .everyday(),
        HIDDEN_SIZE,
        NUM_HEADS,
        N_LAYERS,
        H_CYCLES,
        L_CYCLES,
        // Without a supervision step only the adapters and a soft prompt are trained.
        Setting::model(
            "supervision_steps",
            SettingKind::Integer,
            "Supervision steps in training; later runs may use any number. 0 trains no recursion",
        )
        .within(0.0, MAX_DEPTH as f64)
        .live()
        .everyday(),
        Setting::model("lora_rank", SettingKind::Integer, "Rank of the adapters (LoRA)")
            .at_least(1)
            .everyday(),
        Setting::model(
            "lora_alpha",
            SettingKind::Number,
            "Scale of the adapters: their output is multiplied by lora_alpha / lora_rank; 0 disables them",
        )
        .within(0.0, 1e4),
        Setting::model(
            "lora_dropout",
            SettingKind::Number,
            "Dropout probability of the adapters' inputs in training",
        )
        .within(0.0, 0.95),
        INTERMEDIATE_SIZE,
        Setting::model(
            "fourier_bands",
            SettingKind::Integer,
            "Fourier frequencies of the position features of the compressor, counted from each end of the question",
        )
        .at_least(1),
        Setting::model(
            "fourier_longest",
            SettingKind::Number,
            "Longest wavelength of these positions, in units of 2π tokens",
        )
        .within(1.0, 1e6),
        Setting::model(
            "soft_scale",
            SettingKind::Number,
            "Scale factor of the soft states that the latents add for the upper layers",
        )
        .within(0.0, 1e3),
        RMS_NORM_EPS,
        ROPE_THETA,
        of_base("base_hidden_size", "Width of the frozen decoder; taken from --base"),
        of_base("base_layers", "Layers of the frozen decoder; taken from --base"),
        of_base("base_query_size", "Features of its query heads; taken from --base"),
        of_base("base_kv_size", "Features of its key heads; taken from --base"),
        of_base("base_block_size", "Its context length, in tokens; taken from --base"),
    ];

    fn defaults() -> (DataSpec, TrainSpec) {
        (
            DataSpec { dataset: "cups".into(), ..DataSpec::default() },
            TrainSpec {
                batch_size: 16,
                max_iters: 2000,
                learning_rate: 2e-4,
                min_lr: 1e-5,
                lr_schedule: Schedule::Cosine,
                warmup_iters: 50,
                weight_decay: 0.01,
                halt_loss_weight: 0.5,
                eval_interval: 200,
                eval_iters: 0,
                ..TrainSpec::default()
            },
        )
    }

    fn depth(&self) -> usize {
        self.supervision_steps
    }

    fn set_depth(&mut self, depth: usize) {
        self.supervision_steps = depth;
    }

    fn length(&self) -> usize {
        self.num_latents
    }

    fn dropout(&self) -> f64 {
        self.lora_dropout
    }

    fn parameters(&self, _: usize) -> usize {
        let [d, base, m, inner, positions, layers] = [
            self.hidden_size,
            self.base_hidden_size,
            self.num_latents,
            self.intermediate_size,
            self.position_features(),
            self.n_layers,
        ]
        .map(|size| size as u128);
        let compressor = 2 * d * d + 2 * d * (base + positions) + 3 * d * inner;
        let network =
            layers.saturating_mul(block_parameters(self.hidden_size, self.intermediate_size));
        let adapters = (self.base_layers.saturating_sub(self.cut) as u128)
            .saturating_mul(self.adapter_parameters());
        // Latents, soft states, halting, the row of <think>, and the buffers.
        let buffers = if self.compresses_below_the_cut() { 4 } else { 2 };
        let rest = m * d + base * d + m * base + d + 1 + base + buffers * base;
        narrowed(compressor + network + adapters + rest)
    }

    /// Of one token of a question and its soft states, about: the frozen layers forward,
    /// and backward above the cut for every supervision step.
    fn training_flops_per_token(&self, _: &TrainSpec, _: usize) -> f64 {
        let upper = self.base_layers.saturating_sub(self.cut) as f64;
        let steps = self.supervision_steps as f64;
        let block = block_parameters(self.hidden_size, self.intermediate_size) as f64;
        let calls = (self.l_cycles + 1) as f64 * (self.h_cycles as f64 + 2.0);
        let base = self.base_layer_weights();
        2.0 * base * (self.cut as f64 + 2.0 * upper * (1.0 + steps))
            + steps * calls * 2.0 * block * self.n_layers as f64
    }

    /// The frozen decoder, whose table of embeddings is its readout.
    fn held_bytes(&self, vocab_size: usize) -> f64 {
        let table = [vocab_size, self.base_hidden_size];
        let layers = self.base_layers as f64 * self.base_layer_weights();
        decoder_memory::frozen(layers + vocab_size as f64 * self.base_hidden_size as f64, table)
    }

    /// Of every supervision step its last cycle and an answer of a token or two.
    fn kept_bytes(&self, _: &TrainSpec, vocab_size: usize) -> f64 {
        let calls = self.n_layers * (self.l_cycles + 1);
        let recursion = memory::block(calls, [self.hidden_size, self.intermediate_size]);
        let upper = self.base_layers.saturating_sub(self.cut);
        let sizes = [self.base_hidden_size, 8 * self.base_hidden_size / 3];
        // A window of 0 hides the question; the answer itself is read in any case.
        let places = [self.num_latents, self.window.min(self.base_block_size) + 1];
        let step = self.num_latents as f64 * recursion
            + decoder_memory::answer(upper, sizes, places, vocab_size);
        self.supervision_steps.max(1) as f64 * step
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        heads(self.hidden_size, self.num_heads)?;
        require(
            "cut",
            self.cut < self.base_layers,
            format!("is {}, but the frozen decoder has {} layers", self.cut, self.base_layers),
        )?;
        require(
            "compressor_layer",
            self.compressor_layer <= self.cut,
            format!("is {}, but the cut is after {} layers", self.compressor_layer, self.cut),
        )?;
        require(
            "num_latents",
            self.num_latents < self.base_block_size,
            format!(
                "is {}, but the frozen decoder reads {} tokens",
                self.num_latents, self.base_block_size
            ),
        )?;
        // The gradient goes through the last cycle of a supervision step only; files of before
        // this was checked have 0.
        in_range("backprop_cycles", train.backprop_cycles as f64, 0.0, 1.0)?;
        no_language_settings(
            train,
            [
                "is for language models that are trained whole",
                "must be fixed: every supervision step is trained",
                "is for language models; an answer is scored whole",
            ],
        )
    }

    fn shown(&self) -> Sizes {
        vec![
            ("cut", self.cut),
            ("num_latents", self.num_latents),
            ("hidden_size", self.hidden_size),
            ("h_cycles", self.h_cycles),
            ("l_cycles", self.l_cycles),
            ("supervision_steps", self.supervision_steps),
            ("lora_rank", self.lora_rank),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![
            ("cut", self.cut),
            ("compressor_layer", self.compressor_layer),
            ("num_latents", self.num_latents),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("n_layers", self.n_layers),
            ("intermediate_size", self.intermediate_size),
            ("fourier_bands", self.fourier_bands),
            ("lora_rank", self.lora_rank),
            ("base_hidden_size", self.base_hidden_size),
            ("base_layers", self.base_layers),
            ("base_query_size", self.base_query_size),
            ("base_kv_size", self.base_kv_size),
        ]
    }
}
