//! One setting: its name, its place in the configuration and what it does.

use serde::Serialize;
use ts_rs::TS;

use crate::Family;
use crate::check::MAX_SIZE;

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
    /// The lowest and the highest number that it may take, both included; of a list, each of
    /// its numbers. Absent where nothing or only another setting limits it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub range: Option<[f64; 2]>,
    /// The words that a choice may take.
    pub choices: &'static [&'static str],
    /// Earlier words for some of the choices, each with its present one; both are read.
    pub aliases: &'static [(&'static str, &'static str)],
    /// The models that have it, by name; empty where all have it.
    pub variants: &'static [&'static str],
    /// The families that read it; empty where all do. For settings of `data` and
    /// `train`.
    pub families: &'static [Family],
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
            range: None,
            choices: &[],
            aliases: &[],
            variants: &[],
            families: &[],
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

    /// Limits its numbers to those from `lowest` to `highest`.
    pub(crate) const fn within(self, lowest: f64, highest: f64) -> Self {
        Self { range: Some([lowest, highest]), ..self }
    }

    /// Limits a whole number to those from `lowest` to [`MAX_SIZE`].
    pub(crate) const fn at_least(self, lowest: usize) -> Self {
        self.within(lowest as f64, MAX_SIZE as f64)
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

    /// Marks a setting that only `families` read.
    pub(crate) const fn only(self, families: &'static [Family]) -> Self {
        Self { families, ..self }
    }

    /// Marks a setting that only the command line reads.
    pub(crate) const fn cli_only(self) -> Self {
        Self { cli_only: true, ..self }
    }
}
