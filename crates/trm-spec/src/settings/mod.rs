//! Every setting once: its name, its place in the configuration and what it does. The
//! command line, the page and the error messages are made from this table; a test
//! compares it with [`RunConfig`](crate::RunConfig).
//!
//! The settings of the models stand in the models' own files; [`data`] and [`train`]
//! list the others. [`SETTINGS`] puts them together.

mod data;
mod error;
mod overlay;
mod parse;
mod train;

use std::sync::LazyLock;

use serde::Serialize;
use ts_rs::TS;

use crate::{Family, MODELS, ModelInfo, VARIANTS};

pub use error::{SettingError, nearest};
pub use overlay::{differences, may_change, overlay};

/// The form of a setting's value when it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// A whole number from 0.
    Integer,
    /// A finite number.
    Number,
    /// Any text.
    Text,
    /// Numbers separated by commas.
    Numbers,
    /// `true` or `false`.
    Flag,
    /// One of a few words.
    Choice,
}

/// How often a setting is needed. Help texts and forms show everyday settings first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Most runs set it.
    Everyday,
    /// Few runs set it.
    Advanced,
}

/// One setting of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, TS)]
pub struct Setting {
    /// Name in configuration files; the flag is the same in kebab-case.
    pub key: &'static str,
    /// Table of the configuration that holds it: `model`, `data` or `train`.
    pub section: &'static str,
    /// The form of its value.
    pub kind: SettingKind,
    /// The words that a choice may take.
    pub choices: &'static [&'static str],
    /// Earlier words for some of the choices, each with its present one; both are read.
    pub aliases: &'static [(&'static str, &'static str)],
    /// The models that have it, by name; empty where all have it.
    pub variants: &'static [&'static str],
    /// The only family that reads it, where that is so; for settings of `data` and
    /// `train`.
    pub family: Option<Family>,
    /// Whether it may change while a run goes on; the others need a new run.
    pub live: bool,
    /// Whether `train --resume` may change it: nothing that was learned depends on it.
    #[serde(skip)]
    #[ts(skip)]
    pub resume: bool,
    /// Whether only the command line reads it, and no result depends on it.
    pub cli_only: bool,
    /// How often it is needed.
    pub tier: Tier,
    /// What it does, in one line.
    pub help: &'static str,
}

/// A text that people read. The page has these texts in its generated TypeScript, so
/// that the browser's modules leave them out.
pub(crate) const fn shown(text: &'static str) -> &'static str {
    if cfg!(target_arch = "wasm32") { "" } else { text }
}

impl Setting {
    /// An advanced setting that every model has and that cannot change during a run.
    pub(crate) const fn new(
        section: &'static str,
        key: &'static str,
        kind: SettingKind,
        help: &'static str,
    ) -> Self {
        Self {
            key,
            section,
            kind,
            choices: &[],
            aliases: &[],
            variants: &[],
            family: None,
            live: false,
            resume: false,
            cli_only: false,
            tier: Tier::Advanced,
            help: shown(help),
        }
    }

    /// As [`new`](Self::new), with the words that it may take.
    pub(crate) const fn choice(
        section: &'static str,
        key: &'static str,
        choices: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { choices, ..Self::new(section, key, SettingKind::Choice, help) }
    }

    /// A setting of a model.
    pub(crate) const fn model(key: &'static str, kind: SettingKind, help: &'static str) -> Self {
        Self::new("model", key, kind, help)
    }

    /// Marks a setting that most runs set.
    pub(crate) const fn everyday(self) -> Self {
        Self { tier: Tier::Everyday, ..self }
    }

    /// Marks a setting that may change while a run goes on.
    pub(crate) const fn live(self) -> Self {
        Self { live: true, ..self }
    }

    /// Marks a live setting that may also change when the program resumes a run.
    pub(crate) const fn resumable(self) -> Self {
        Self { live: true, resume: true, ..self }
    }

    /// Marks a setting that only `family` reads.
    pub(crate) const fn only(self, family: Family) -> Self {
        Self { family: Some(family), ..self }
    }

    /// Marks a setting that only the command line reads.
    pub(crate) const fn cli_only(self) -> Self {
        Self { cli_only: true, ..self }
    }

    /// The setting called `key`, in either spelling (`block_size`, `block-size`).
    ///
    /// # Errors
    /// If there is none; the error suggests the nearest name.
    pub fn find(key: &str) -> Result<&'static Self, SettingError> {
        let wanted = key.replace('-', "_");
        SETTINGS
            .iter()
            .find(|setting| setting.key == wanted)
            .ok_or_else(|| SettingError::Unknown { key: key.into(), nearest: nearest(key) })
    }

    /// Whether runs of `model` have this setting and read it.
    pub fn belongs_to(&self, model: &ModelInfo) -> bool {
        (self.variants.is_empty() || self.variants.contains(&model.name))
            && self.family.is_none_or(|family| family == model.family)
    }
}

/// All settings: those of the model, of the data and of the training, everyday ones
/// first in each.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let mut table = vec![variant()];
    for setting in MODELS.iter().flat_map(|model| model.settings) {
        if table.iter().all(|known| known.key != setting.key) {
            table.push(Setting { variants: having(setting.key), ..*setting });
        }
    }
    table.extend_from_slice(data::SETTINGS);
    table.extend_from_slice(train::SETTINGS);
    let sections = ["model", "data", "train"];
    // A stable sort: within a section and a tier, the order of the lists.
    table.sort_by_key(|s| (sections.iter().position(|name| *name == s.section), s.tier));
    table
});

/// The settings of runs of the model called `variant`, everyday ones first; none if
/// there is no such model.
pub fn settings_of(variant: &str) -> Vec<&'static Setting> {
    let Some(model) = ModelInfo::find(variant) else { return Vec::new() };
    let mut found: Vec<_> = SETTINGS.iter().filter(|s| s.belongs_to(model)).collect();
    found.sort_by_key(|setting| setting.tier);
    found
}

/// The models that have the setting `key`; empty where all have it.
fn having(key: &str) -> &'static [&'static str] {
    let has = |model: &&ModelInfo| model.settings.iter().any(|setting| setting.key == key);
    let names: Vec<_> = MODELS.iter().filter(has).map(|model| model.name).collect();
    // The table is made once and lives as long as the program.
    if names.len() == MODELS.len() { &[] } else { Vec::leak(names) }
}

/// The setting that chooses the model.
fn variant() -> Setting {
    let models: Vec<_> =
        MODELS.iter().map(|model| format!("{} ({})", model.name, model.title)).collect();
    let help = format!("Model: {}", models.join(", "));
    let aliases = MODELS.iter().flat_map(|model| {
        let present = |alias: &&'static str| (*alias, model.name);
        model.aliases.iter().map(present)
    });
    let setting = Setting::choice("model", "variant", VARIANTS, String::leak(help));
    Setting { aliases: Vec::leak(aliases.collect()), ..setting.everyday() }
}
