//! Every setting of the table as a flag, `--block-size` and `--block_size` alike.

use clap::{Arg, ArgMatches};
use serde_json::Value;
use trm_spec::{SETTINGS, Setting, SettingKind};

/// One argument for each setting that is `wanted`, grouped by its table.
pub fn arguments(wanted: fn(&Setting) -> bool) -> impl Iterator<Item = Arg> {
    SETTINGS.iter().filter(move |setting| wanted(setting)).map(|setting| {
        let kebab = setting.key.replace('_', "-");
        let argument = Arg::new(setting.key)
            .value_name(value_name(setting))
            .help(setting.help)
            .help_heading(heading(setting.section))
            .allow_negative_numbers(true)
            .value_parser(move |text: &str| setting.parse(text));
        let argument = if kebab == setting.key { argument } else { argument.alias(setting.key) };
        argument.long(kebab)
    })
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

fn heading(section: &'static str) -> &'static str {
    match section {
        "model" => "Settings of the model",
        "data" => "Settings of the data",
        "train" => "Settings of the training",
        other => other,
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
