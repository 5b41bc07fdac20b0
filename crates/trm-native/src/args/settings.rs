//! Every setting of the settings table as a flag, `--block-size` and
//! `--block_size` alike. All flags are always accepted; the help lists those of
//! one model, everyday settings first.

use std::ffi::OsString;

use clap::{Arg, ArgMatches};
use serde_json::{Value, json};
use trm_spec::{
    MODELS, ModelInfo, RunConfig, SETTINGS, Setting, SettingKind, Tier, overlay, settings_of,
};

use crate::sweep::vary::Varied;
use crate::{overfitting, presets};

/// Characters in a line of a description, so that a whole line has less than 80: clap breaks longer
/// ones where the terminal ends, and not in the column.
const DESCRIPTION_WIDTH: usize = 55;

/// The model whose settings a help text lists.
pub struct Described {
    config: RunConfig,
    /// Whether the user named a model. If so, all of its settings are listed
    /// with their defaults; if not, only the everyday ones of the default model.
    named: bool,
}

impl Described {
    /// The model that the command line names by a preset or by `--variant`.
    pub fn by(arguments: &[OsString]) -> Self {
        let words: Vec<_> = arguments.iter().skip(1).map(|word| word.to_string_lossy()).collect();
        let preset = words.iter().find_map(|word| presets::config(word).ok());
        let variant = words.iter().enumerate().find_map(|(at, word)| {
            match word.strip_prefix("--variant")? {
                "" => words.get(at + 1).map(|next| next.to_string()),
                value => value.strip_prefix('=').map(str::to_owned),
            }
        });
        let named = preset.is_some() || variant.is_some();
        let mut config = preset.unwrap_or_default();
        if let Some(variant) = variant {
            let patch = json!({ "variant": variant.replace('-', "_") });
            match overlay(&config, &patch) {
                Ok(other) => config = other,
                // The parser reports it.
                Err(_) => return Self { config, named },
            }
        }
        Self { config, named }
    }

    /// The same model with the settings that `overfit` starts from.
    pub fn overfitted(&self) -> Self {
        let config = overlay(&self.config, &overfitting::defaults(&self.config));
        Self { config: config.unwrap_or_else(|_| self.config.clone()), named: self.named }
    }

    /// Whether `overfit` sets or ignores a setting of this model.
    pub fn unread_by_overfit(&self, setting: &Setting) -> bool {
        let (own, _) = overfitting::own_settings(self.config.model.family());
        unread_by_overfit(setting) || own.contains(&setting.key)
    }

    fn shows(&self, setting: &Setting) -> bool {
        let belongs = settings_of(self.config.model.name()).contains(&setting);
        belongs && (self.named || setting.tier == Tier::Everyday)
    }

    /// The default of a setting as it is typed; `None` where it is empty.
    fn default(&self, setting: &Setting) -> Option<String> {
        let config = serde_json::to_value(&self.config).ok()?;
        typed(&config[setting.section][setting.key])
    }
}

fn typed(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().filter_map(typed).collect();
            (!values.is_empty()).then(|| values.join(","))
        }
        other => Some(other.to_string()),
    }
}

/// One argument for each setting but those in `without`, grouped under headings.
pub fn arguments(described: &Described, without: &[&str]) -> Vec<Arg> {
    let mut settings: Vec<_> =
        SETTINGS.iter().filter(|setting| !without.contains(&setting.key)).collect();
    settings.sort_by_key(|setting| setting.tier);
    settings.into_iter().map(|setting| argument(setting, described)).collect()
}

fn argument(setting: &'static Setting, described: &Described) -> Arg {
    let kebab = setting.key.replace('_', "-");
    let default = described.named.then(|| described.default(setting)).flatten();
    let help = match default {
        Some(default) => format!("{} [default: {default}]", setting.help),
        None => setting.help.into(),
    };
    let argument = Arg::new(setting.key)
        .value_name(value_name(setting))
        .help(help)
        .help_heading(heading(setting))
        .hide(!described.shows(setting))
        .allow_negative_numbers(true)
        .value_parser(move |text: &str| setting.parse(text));
    let argument = if kebab == setting.key { argument } else { argument.alias(setting.key) };
    argument.long(kebab)
}

/// Whether a setting is only for validating, saving and logging, which `overfit` does not do.
pub fn unread_by_overfit(setting: &Setting) -> bool {
    setting.cli_only || ["eval_interval", "save_interval"].contains(&setting.key)
}

/// The text below the list of settings: whose settings they are, and the presets.
pub fn notes(described: &Described, command: &str) -> String {
    let overfits = command == "overfit";
    let model = described.config.model.name();
    let mut notes = match described.named {
        true => format!("The settings above are those of the model `{model}`.\n"),
        false => format!(
            "The settings above are the everyday ones of the default model, `{model}`.\n\
             All settings of another model or preset, with their defaults:\n  \
             trm-native {command} PRESET --help\n"
        ),
    };
    if !described.named && !overfits {
        notes += &format!("  trm-native {command} --variant MODEL --help\n");
        notes += "\nModels:\n";
        for ModelInfo { name, title, about, .. } in MODELS {
            notes += &entry(name, &format!("{title}: {about}"));
        }
    }
    notes += "\nPresets:\n";
    for (name, description) in presets::described() {
        let its = presets::config(name);
        if overfits && !overfitting::suits(name) {
            continue;
        }
        if !described.named || its.is_ok_and(|config| config.model.name() == model) {
            notes += &entry(name, description);
        }
    }
    notes
}

/// A line of a list: a name and its description, wrapped into a column of its own.
fn entry(name: &str, description: &str) -> String {
    let mut entry = format!("  {name:<21}");
    let mut width = 0;
    for word in description.split_whitespace() {
        if width > 0 && width + word.chars().count() > DESCRIPTION_WIDTH {
            entry += &format!("\n{:23}", "");
            width = 0;
        }
        entry += &format!(" {word}");
        width += word.chars().count() + 1;
    }
    entry + "\n"
}

/// The settings that were typed.
pub fn given(matches: &ArgMatches) -> Vec<(&'static Setting, Value)> {
    SETTINGS
        .iter()
        .filter_map(|setting| {
            // A command may lack settings that it gives in its own way.
            let value = matches.try_get_one::<Value>(setting.key).ok()??;
            Some((setting, value.clone()))
        })
        .collect()
}

/// Names of the settings that are varied; of a command without `--vary` none.
pub fn varied(matches: &ArgMatches) -> Vec<&'static str> {
    let varied = matches.try_get_many::<Varied>("vary").ok().flatten();
    varied.into_iter().flatten().map(|one| one.setting.key).collect()
}

fn heading(setting: &Setting) -> &'static str {
    match (setting.section, setting.tier) {
        ("model", Tier::Everyday) => "Model settings",
        ("model", Tier::Advanced) => "Advanced model settings",
        ("data", Tier::Everyday) => "Data settings",
        ("data", Tier::Advanced) => "Advanced data settings",
        (_, Tier::Everyday) => "Training settings",
        (_, Tier::Advanced) => "Advanced training settings",
    }
}

fn value_name(setting: &Setting) -> String {
    match setting.kind {
        SettingKind::Integer => "N".into(),
        SettingKind::Number => "X".into(),
        SettingKind::Text => "TEXT".into(),
        SettingKind::Numbers => "X,X,…".into(),
        SettingKind::Flag => "true|false".into(),
        SettingKind::Choice => setting.choices.join("|"),
    }
}
