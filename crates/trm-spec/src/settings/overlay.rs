//! Laying tables of settings over a configuration, and comparing configurations.

use serde_json::Value;

use super::nearest::closest;
use super::{SETTINGS, Setting, SettingError, SettingKind};
use crate::{ModelInfo, RunConfig};

/// Lays `patch` (tables of settings, as a configuration file holds them) over
/// `base`. Unknown names are refused with the nearest known one. Another variant
/// than the base's starts from the defaults of that variant.
///
/// # Errors
/// If a name is unknown or in the wrong table, or a value cannot be used.
pub fn overlay(base: &RunConfig, patch: &Value) -> Result<RunConfig, SettingError> {
    let tables = patch
        .as_object()
        .ok_or_else(|| SettingError::Shape("a configuration is a set of tables".into()))?;
    let variant = tables.get("variant").or_else(|| tables.get("model")?.get("variant"));
    let other = variant
        .and_then(Value::as_str)
        .and_then(ModelInfo::find)
        .filter(|model| model.name != base.model.name())
        .and_then(|model| RunConfig::of(model.name));
    let base = other.as_ref().unwrap_or(base);
    let mut whole = serde_json::to_value(base).map_err(|error| {
        SettingError::Shape(format!("this configuration cannot be written: {error}"))
    })?;
    for (section, table) in tables {
        let Some(table) = table.as_object() else {
            // A bare key, as in nanoGPT's flat files.
            set(&mut whole, Setting::find(section)?, table)?;
            continue;
        };
        if whole.get(section).is_none() {
            let tables = SETTINGS.iter().map(|setting| setting.section);
            let nearest = closest(section, tables);
            return Err(SettingError::Unknown { key: format!("[{section}]"), nearest });
        }
        for (key, value) in table {
            let setting = Setting::find(key)?;
            if setting.section != section {
                return Err(SettingError::Misplaced {
                    key: key.clone(),
                    section: setting.section,
                    found: section.clone(),
                });
            }
            set(&mut whole, setting, value)?;
        }
    }
    let config = read(base, &whole)?;
    validate_changed(base, &config)?;
    Ok(config)
}

/// Checks that the model of `config` reads every one of `settings`, which somebody typed one
/// by one. A whole configuration holds those of every family.
///
/// # Errors
/// Names the first setting that the model does not read.
pub fn must_read<'a>(
    config: &RunConfig,
    settings: impl IntoIterator<Item = &'a Setting>,
) -> Result<(), SettingError> {
    let variant = config.model.name();
    let model = ModelInfo::find(variant);
    let reads = |setting: &Setting| model.is_some_and(|model| setting.belongs_to(model));
    match settings.into_iter().find(|setting| !reads(setting)) {
        None => Ok(()),
        Some(setting) => Err(foreign(setting, variant)),
    }
}

fn foreign(setting: &Setting, variant: &str) -> SettingError {
    SettingError::Value {
        key: setting.key.into(),
        problem: format!("does not belong to a `{variant}` model"),
    }
}

/// Whether a run may go on with another configuration: only settings that are
/// `live` may differ.
///
/// # Errors
/// If the wanted configuration is invalid, or another setting differs.
pub fn may_change(running: &RunConfig, wanted: &RunConfig) -> Result<(), SettingError> {
    validate_changed(running, wanted)?;
    match differences(running, wanted).find(|setting| !setting.live) {
        Some(setting) => Err(SettingError::Settled { key: setting.key }),
        None => Ok(()),
    }
}

/// Checks `wanted`, made from `base`. What a saved run was trained with may stay.
fn validate_changed(base: &RunConfig, wanted: &RunConfig) -> Result<(), SettingError> {
    match base.validate_new() {
        Ok(()) => wanted.validate_new(),
        Err(_) => wanted.validate(),
    }
}

/// The settings in which two configurations differ.
pub fn differences(a: &RunConfig, b: &RunConfig) -> impl Iterator<Item = &'static Setting> + use<> {
    let [a, b] = [a, b].map(|config| serde_json::to_value(config).unwrap_or_default());
    SETTINGS
        .iter()
        .filter(move |setting| a[setting.section][setting.key] != b[setting.section][setting.key])
}

fn set(whole: &mut Value, setting: &Setting, value: &Value) -> Result<(), SettingError> {
    let Some(place) = whole[setting.section].get_mut(setting.key) else {
        let variant = whole["model"]["variant"].as_str().unwrap_or_default();
        return Err(foreign(setting, variant));
    };
    let alias =
        value.as_str().and_then(|old| setting.aliases.iter().find(|(word, _)| *word == old));
    *place = alias.map_or_else(|| value.clone(), |(_, word)| Value::from(*word));
    Ok(())
}

/// Deserialises, and names the setting whose value has the wrong type.
fn read(base: &RunConfig, whole: &Value) -> Result<RunConfig, SettingError> {
    let error = match serde_json::from_value::<RunConfig>(whole.clone()) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    let sound = serde_json::to_value(base).unwrap_or_default();
    for setting in SETTINGS.iter() {
        let Some(value) = whole[setting.section].get(setting.key) else { continue };
        let mut probe = sound.clone();
        set(&mut probe, setting, value)?;
        if let Err(error) = serde_json::from_value::<RunConfig>(probe) {
            return Err(SettingError::Value {
                key: setting.key.into(),
                problem: wrong(setting, value, &error),
            });
        }
    }
    Err(SettingError::Shape(error.to_string()))
}

/// What is wrong with a value, in words.
fn wrong(setting: &Setting, value: &Value, error: &serde_json::Error) -> String {
    let expected = match setting.kind {
        SettingKind::Integer => setting.whole_number(),
        SettingKind::Number => "a number".into(),
        SettingKind::Text => "a text".into(),
        SettingKind::Numbers => "a list of numbers".into(),
        SettingKind::Flag => "true or false".into(),
        SettingKind::Choice => format!("one of {}", setting.choices.join(", ")),
    };
    let whole = value.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0);
    let whole = whole.filter(|number| *number < 1e15 && value.as_u64().is_none());
    match (setting.kind, value) {
        // TOML's `nan` and `inf`, for which JSON has no number.
        (SettingKind::Number, Value::Null) => "is not a finite number".into(),
        (SettingKind::Integer, Value::Number(_)) if whole.is_some() => {
            format!("is {value}, but must be {expected}: write {}", whole.unwrap_or(0.0) as u64)
        }
        (SettingKind::Number | SettingKind::Integer | SettingKind::Flag, Value::String(text)) => {
            format!("is the text {text:?}, but must be {expected}, without quotes")
        }
        (_, Value::Null | Value::Object(_)) => format!("cannot be read: {error}"),
        _ => format!("is {value}, but must be {expected}"),
    }
}
