//! The chunk-refinement language model, as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::flops::{Forward, blocks, readout};
use super::memory::{self, Kept};
use super::settings::{
    BLOCK_SIZE, DROPOUT, EXPANSION, HIDDEN_SIZE, L_CYCLES, N_LAYERS, NUM_HEADS, RECURSION_STEPS,
    RMS_NORM_EPS, ROPE_THETA, TIE_EMBEDDINGS,
};
use super::shared::{block_parameters, heads, inner_size, language, narrowed, rotary_table};
use super::{ModelSpec, Sizes};
use crate::check::require;
use crate::{
    DataSpec, Family, Objective, Prediction, Setting, SettingError, SettingKind, TrainSpec,
};

/// Sizes of the chunk-refinement language model. Defaults are the published ones: 64
/// tokens of context, 4 tokens drafted at once, 2 refinements of 3 reasoning steps, and
/// one network of 2 blocks for all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct ChunkLmSpec {
    /// Width of the states, in features.
    pub hidden_size: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Blocks of the one network that reads the context, reasons and refines.
    pub n_layers: usize,
    /// Refinements of a chunk during training; generation may use any number.
    pub recursion_steps: usize,
    /// Reasoning steps in a refinement; one step of the draft follows.
    pub l_cycles: usize,
    /// Context length, in tokens.
    pub block_size: usize,
    /// Tokens that are drafted at once; must divide `block_size`.
    pub chunk_size: usize,
    /// Initial values of a draft.
    pub draft_start: DraftStart,
    /// Tokens before a position that its readout sees, at most a chunk. 0, as published,
    /// draws the tokens of a chunk independently of each other; otherwise each is drawn
    /// given the ones before it, which costs a small layer for each token.
    pub readout_context: usize,
    /// Read answers out with the token embedding instead of a matrix of its own.
    pub tie_embeddings: bool,
    /// SwiGLU expansion; the inner width is rounded up to a multiple of 256.
    pub expansion: f64,
    /// Probability of dropping an activation during training.
    pub dropout: f64,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary position frequencies.
    pub rope_theta: f64,
}

/// Initial values of a draft, before it is refined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DraftStart {
    /// A learned vector for each position in the chunk.
    #[default]
    Queries,
    /// The network's output at the last token of the context.
    LastToken,
    /// The embedding of the target tokens, as published. This leaks the labels: the
    /// losses are meaningless, and without targets such a model starts from the last
    /// token. Only for demonstrating the leak.
    Targets,
}

impl Default for ChunkLmSpec {
    fn default() -> Self {
        Self {
            hidden_size: 128,
            num_heads: 4,
            n_layers: 2,
            recursion_steps: 2,
            l_cycles: 3,
            block_size: 64,
            chunk_size: 4,
            draft_start: DraftStart::Queries,
            readout_context: 0,
            tie_embeddings: true,
            expansion: 4.0,
            dropout: 0.0,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
        }
    }
}

impl ChunkLmSpec {
    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Inner width of the SwiGLU.
    pub fn inner_size(&self) -> usize {
        inner_size(self.expansion, self.hidden_size)
    }

    /// Weights of the layer that shows the tokens before a position to its readout: a gated
    /// MLP of the state and their embeddings, twice as wide as the state.
    fn readout_parameters(&self) -> u128 {
        let [d, seen] = [self.hidden_size, self.readout_context].map(|size| size as u128);
        if seen == 0 { 0 } else { (4 * (seen + 1) + 2) * d * d }
    }

    /// The context is read once. A refinement then makes `l_cycles + 1` calls for two
    /// positions of every token, one of the draft and one of its reasoning, which attend
    /// to the context and to their chunk. A call returns one of the two.
    fn forward(&self, vocab_size: usize) -> Forward {
        let [d, inner, layers] = [self.hidden_size, self.inner_size(), self.n_layers];
        let seen = self.block_size + 2 * self.chunk_size;
        let calls = (self.l_cycles + 1) as f64;
        // The last block projects queries, keys and values of both positions and computes
        // the rest for one.
        let last = blocks([d, inner, 1, seen]) + 2.0 * 3.0 * (d * d) as f64;
        Forward {
            once: blocks([d, inner, layers, self.block_size]),
            cycle: calls * (2.0 * blocks([d, inner, layers.saturating_sub(1), seen]) + last),
            readout: readout(d, vocab_size) + 2.0 * self.readout_parameters() as f64,
        }
    }
}

impl ModelSpec for ChunkLmSpec {
    const NAME: &'static str = "chunk_lm";
    const TITLE: &'static str = "Chunk refinement";
    const ABOUT: &'static str =
        "Language model that drafts several tokens at once and refines them together";
    const FAMILY: Family = Family::Language;
    const DEPTH_KEY: Option<&'static str> = Some("recursion_steps");
    const LENGTH: &'static str = "model.block_size";
    // The context is read once; every later call sees two positions of a token.
    const CALLS: &'static str = "1 + 2 * model.recursion_steps * (model.l_cycles + 1)";
    const SETTINGS: &'static [Setting] = &[
        HIDDEN_SIZE,
        NUM_HEADS,
        N_LAYERS,
        RECURSION_STEPS,
        L_CYCLES,
        BLOCK_SIZE,
        Setting::model(
            "chunk_size",
            SettingKind::Integer,
            "Tokens drafted at once; must divide block_size",
        )
        .at_least(1)
        .everyday(),
        DROPOUT,
        Setting::choice(
            "model",
            "draft_start",
            &["queries", "last_token", "targets"],
            "Initial values of a draft: learned vectors, the context's last token, or the target tokens, which leaks the labels (only for the demonstration)",
        ),
        Setting::model(
            "readout_context",
            SettingKind::Integer,
            "Tokens before a position that its readout sees, at most chunk_size; 0 draws the tokens of a chunk independently",
        )
        .everyday(),
        TIE_EMBEDDINGS,
        EXPANSION,
        RMS_NORM_EPS,
        ROPE_THETA,
    ];

    /// As published: a loss at every refinement, with the gradient cut between them.
    fn defaults() -> (DataSpec, TrainSpec) {
        (
            DataSpec::default(),
            TrainSpec {
                batch_size: 32,
                learning_rate: 1e-4,
                min_lr: 1e-5,
                weight_decay: 0.01,
                objective: Objective::EveryCycle,
                detach_cycles: true,
                ..TrainSpec::default()
            },
        )
    }

    fn depth(&self) -> usize {
        self.recursion_steps
    }

    fn set_depth(&mut self, depth: usize) {
        self.recursion_steps = depth;
    }

    fn length(&self) -> usize {
        self.block_size
    }

    fn chunk_size(&self) -> usize {
        self.chunk_size
    }

    fn dropout(&self) -> f64 {
        self.dropout
    }

    fn parameters(&self, vocab_size: usize) -> usize {
        let d = self.hidden_size as u128;
        let tables = if self.tie_embeddings { 1 } else { 2 };
        // Embeddings of the positions of a draft and of its reasoning.
        let positions = 2 * self.chunk_size as u128 * d;
        let block = block_parameters(self.hidden_size, self.inner_size());
        let blocks = (self.n_layers as u128).saturating_mul(block);
        let tables = tables * vocab_size as u128 * d;
        narrowed(positions + tables + blocks + self.readout_parameters())
    }

    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        self.forward(vocab_size).training(self, train)
    }

    /// Also the mask of every chunk over a whole row.
    fn table_bytes(&self) -> u64 {
        let chunks = self.block_size / self.chunk_size.max(1);
        let mask = 4_u64.saturating_mul(chunks as u64).saturating_mul(self.block_size as u64);
        let positions = self.block_size.saturating_add(1);
        rotary_table(positions, [self.hidden_size, self.num_heads]).saturating_add(mask)
    }

    fn kept_bytes(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        let sizes = [self.hidden_size, self.inner_size()];
        // Every cycle sees two positions of a token, and stores what they attend to.
        let calls = 2 * self.n_layers * (self.l_cycles + 1);
        let attention = [self.num_heads, self.block_size + 2 * self.chunk_size];
        let kept = Kept {
            once: memory::block(self.n_layers, sizes),
            cycle: memory::block(calls, sizes) + memory::stored_attention(calls, attention),
            state: 4 * self.hidden_size,
            readout: memory::readout(vocab_size) + memory::gated(self.readout_context, sizes[0]),
        };
        kept.training(self, train) * self.block_size as f64
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        heads(self.hidden_size, self.num_heads)?;
        require(
            "chunk_size",
            self.block_size.is_multiple_of(self.chunk_size),
            format!("is {}, which does not divide block_size {}", self.chunk_size, self.block_size),
        )?;
        require(
            "readout_context",
            self.readout_context <= self.chunk_size,
            format!("is {}, but a chunk has {} tokens", self.readout_context, self.chunk_size),
        )?;
        require(
            "prediction",
            train.prediction == Prediction::EveryPosition,
            format!(
                "is for models that predict one token; a `{}` model predicts whole chunks",
                Self::NAME
            ),
        )?;
        language(self, train)
    }

    fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("chunk_size", self.chunk_size),
            ("recursion_steps", self.recursion_steps),
            ("l_cycles", self.l_cycles),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("inner size (expansion)", self.inner_size()),
            ("chunk_size", self.chunk_size),
            ("readout_context", self.readout_context),
            ("tie_embeddings", usize::from(self.tie_embeddings)),
        ]
    }
}
