//! The published models, as data: one file each. A model's file holds its sizes and
//! their defaults, what can be checked before anything is allocated, and how many
//! parameters and operations it takes.
//!
//! The list at the end is the only place that names them all: from it come
//! [`VariantSpec`], the names and [`MODELS`].

mod chat_trm;
mod chunk_lm;
#[cfg(feature = "llm")]
mod decoder_memory;
mod flops;
#[cfg(feature = "llm")]
mod llama;
#[cfg(feature = "llm")]
mod llm_trm;
mod memory;
mod settings;
mod shared;
mod spec;
#[cfg(feature = "toy-model")]
mod toy_lm;
mod trm;
mod trm_lm;
mod trm_vit;
mod variants;
mod vit;

pub use chat_trm::{ChatTrmSpec, Injection, StateUpdate};
pub use chunk_lm::{ChunkLmSpec, DraftStart};
#[cfg(feature = "llm")]
pub use llama::LlamaSpec;
#[cfg(feature = "llm")]
pub use llm_trm::LlmTrmSpec;
pub use shared::StateStart;
pub use spec::{ImageShape, ModelSpec, Sizes};
#[cfg(feature = "toy-model")]
pub use toy_lm::ToyLmSpec;
pub use trm::{Positions, TrmSpec};
pub use trm_lm::TrmLmSpec;
pub use trm_vit::{Mixing, TrmVitSpec};
pub use vit::VitSpec;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{DataSpec, Family, Setting, SettingError, TrainSpec};

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
    /// The setting that holds the depth; none where it is always 1.
    pub depth_key: Option<&'static str>,
    /// Whether it is a pretrained decoder: of the pages only Questions opens it, as a base.
    pub pretrained: bool,
    /// See [`ModelSpec::LENGTH`].
    #[serde(skip)]
    pub length: &'static str,
    /// See [`ModelSpec::CALLS`].
    #[serde(skip)]
    pub calls: &'static str,
    /// See [`ModelSpec::SETTINGS`]; in JSON, their names.
    #[serde(serialize_with = "names")]
    #[ts(type = "Array<string>")]
    pub settings: &'static [Setting],
    /// The settings that a run starts from: sizes, and [`ModelSpec::defaults`].
    #[serde(skip)]
    pub defaults: fn() -> (VariantSpec, DataSpec, TrainSpec),
}

fn names<S: serde::Serializer>(settings: &&[Setting], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(settings.iter().map(|setting| setting.key))
}

impl ModelInfo {
    const fn of<S: ModelSpec + Into<VariantSpec>>(aliases: &'static [&'static str]) -> Self {
        Self {
            name: S::NAME,
            aliases,
            title: S::TITLE,
            about: crate::settings::shown(S::ABOUT),
            family: S::FAMILY,
            depth_key: S::DEPTH_KEY,
            pretrained: S::PRETRAINED,
            length: S::LENGTH,
            calls: S::CALLS,
            settings: S::SETTINGS,
            defaults: || {
                let (data, train) = S::defaults();
                (S::default().into(), data, train)
            },
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
    /// Image classifier with two states on patch features (TRM-ViT).
    TrmVit(TrmVitSpec), aliases: [];
    /// Vision transformer without recursion.
    Vit(VitSpec), aliases: [];
    /// Pretrained decoder without recursion (Llama, SmolLM).
    Llama(LlamaSpec), aliases: [], only if feature = "llm";
    /// Frozen decoder with a recursive model on its latents (LLM-TRM).
    LlmTrm(LlmTrmSpec), aliases: [], only if feature = "llm";
    /// The smallest recursive language model (docs/adding-a-model.md).
    ToyLm(ToyLmSpec), aliases: [], only if feature = "toy-model";
}
