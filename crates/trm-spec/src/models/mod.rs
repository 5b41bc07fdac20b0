//! The published models, as data: one file each. A model's file holds its sizes and
//! their defaults, what can be checked before anything is allocated, and how many
//! parameters and operations it takes.
//!
//! The list at the end is the only place that names them all: from it come
//! [`VariantSpec`], the names and [`MODELS`].

mod chat_trm;
mod chunk_lm;
mod flops;
mod settings;
mod shared;
#[cfg(feature = "toy-model")]
mod toy_lm;
mod trm;
mod trm_lm;
mod variants;

pub use chat_trm::{ChatTrmSpec, Injection, StateUpdate};
pub use chunk_lm::{ChunkLmSpec, DraftStart};
pub use shared::StateStart;
#[cfg(feature = "toy-model")]
pub use toy_lm::ToyLmSpec;
pub use trm::{Positions, TrmSpec};
pub use trm_lm::TrmLmSpec;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Family, RunConfig, Setting, SettingError, TrainSpec};

/// Sizes by the names of their settings.
pub type Sizes = Vec<(&'static str, usize)>;

/// One model, as data: what every part of the program asks of it.
pub trait ModelSpec: Clone + Default {
    /// The name in configurations and checkpoints.
    const NAME: &'static str;
    /// The name that people read.
    const TITLE: &'static str;
    /// What the model is, in one line.
    const ABOUT: &'static str;
    /// The kind of task it is made for.
    const FAMILY: Family;
    /// The setting that holds [`depth`](Self::depth).
    const DEPTH_KEY: &'static str;
    /// The setting that holds [`length`](Self::length).
    const LENGTH_KEY: &'static str;
    /// How often the blocks are applied to one token in a forward pass, as an
    /// arithmetic expression over the settings of `model`; the page evaluates it.
    const CALLS: &'static str;
    /// The settings of `[model]`, everyday ones first.
    const SETTINGS: &'static [Setting];

    /// The configuration that a run of this model starts from: its published sizes,
    /// data and training settings.
    fn defaults() -> RunConfig;

    /// Readouts of one forward pass in training: the cycles of a language model, the
    /// supervision steps of a puzzle model.
    fn depth(&self) -> usize;

    /// Sets [`depth`](Self::depth).
    fn set_depth(&mut self, depth: usize);

    /// Tokens in a whole row: the context length, or the cells of a puzzle.
    fn length(&self) -> usize;

    /// Tokens that are predicted at once.
    fn chunk_size(&self) -> usize {
        1
    }

    /// Probability of dropping an activation in training.
    fn dropout(&self) -> f64 {
        0.0
    }

    /// Numbers in a model of `vocab_size` tokens, including those that no gradient
    /// trains. Saturates at the largest `usize`.
    fn parameters(&self, vocab_size: usize) -> usize;

    /// Floating-point operations that training spends on one token, forward and
    /// backward, on average over the depths that `train` draws.
    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64;

    /// Checks the sizes, and the training settings that not every model allows.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError>;

    /// The sizes that a summary of a run shows.
    fn shown(&self) -> Sizes;

    /// The sizes that decide the shapes of the weights: weights of one model fit
    /// another where all of these are equal.
    fn sizes(&self) -> Sizes;
}

/// What is known of a model without an instance of it.
#[derive(Clone, Copy, Debug, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    /// The name in configurations and checkpoints.
    #[ts(type = "VariantSpec[\"variant\"]")]
    pub name: &'static str,
    /// Earlier names, which files and addresses may still use.
    pub aliases: &'static [&'static str],
    /// The name that people read.
    pub title: &'static str,
    /// What the model is, in one line.
    pub about: &'static str,
    /// The kind of task it is made for.
    pub family: Family,
    /// The setting that holds the depth.
    pub depth_key: &'static str,
    /// The setting that holds the tokens in a row.
    pub length_key: &'static str,
    /// See [`ModelSpec::CALLS`].
    #[serde(skip)]
    pub calls: &'static str,
    /// See [`ModelSpec::SETTINGS`]; in JSON, their names.
    #[serde(serialize_with = "names")]
    #[ts(type = "Array<string>")]
    pub settings: &'static [Setting],
    /// See [`ModelSpec::defaults`].
    #[serde(skip)]
    pub defaults: fn() -> RunConfig,
}

fn names<S: serde::Serializer>(settings: &&[Setting], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(settings.iter().map(|setting| setting.key))
}

impl ModelInfo {
    const fn of<S: ModelSpec>(aliases: &'static [&'static str]) -> Self {
        Self {
            name: S::NAME,
            aliases,
            title: S::TITLE,
            about: crate::settings::shown(S::ABOUT),
            family: S::FAMILY,
            depth_key: S::DEPTH_KEY,
            length_key: S::LENGTH_KEY,
            calls: S::CALLS,
            settings: S::SETTINGS,
            defaults: S::defaults,
        }
    }

    /// The model called `name`, now or earlier.
    pub fn find(name: &str) -> Option<&'static Self> {
        MODELS.iter().find(|model| model.name == name || model.aliases.contains(&name))
    }
}

impl Default for VariantSpec {
    fn default() -> Self {
        ChatTrmSpec::default().into()
    }
}

variants::variants! {
    /// Causal language model with one state (Chat-TRM).
    ChatTrm(ChatTrmSpec), aliases: ["causal"];
    /// Language model that drafts several tokens at once and refines them together.
    ChunkLm(ChunkLmSpec), aliases: ["chunk"];
    /// Language model with two states (TRM-LM).
    TrmLm(TrmLmSpec), aliases: ["last_token"];
    /// Puzzle model with two states, deep supervision and halting (TRM).
    Trm(TrmSpec), aliases: ["dual"];
    /// The smallest recursive language model (docs/adding-a-model.md).
    ToyLm(ToyLmSpec), aliases: [], only if feature = "toy-model";
}
