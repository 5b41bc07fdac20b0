//! Every setting once: its name, its place in the configuration, its range and what it
//! does. The command line, the page, the checks of single values and the error messages
//! are made from this table; a test compares it with [`RunConfig`](crate::RunConfig).
//!
//! The settings of the models stand in the models' own files; [`data`] and [`train`]
//! list the others. [`SETTINGS`] puts them together.

mod data;
mod error;
mod nearest;
mod overlay;
mod parse;
mod ranges;
mod setting;
mod train;

use std::sync::LazyLock;

use crate::{MODELS, ModelInfo, VARIANTS};

pub(crate) use data::SETTINGS as DATA_SETTINGS;
pub use error::SettingError;
pub use nearest::{closest, nearest};
pub use overlay::{differences, may_change, must_read, overlay};
pub(crate) use ranges::ranges;
pub(crate) use setting::shown;
pub use setting::{Setting, SettingKind, Tier};
pub(crate) use train::SETTINGS as TRAIN_SETTINGS;

impl Setting {
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
            && (self.families.is_empty() || self.families.contains(&model.family))
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
