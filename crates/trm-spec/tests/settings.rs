//! The table of settings says what the configuration holds, and reads what people type.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use trm_spec::{
    MODELS, RunConfig, SETTINGS, Setting, SettingError, SettingKind, VARIANTS, nearest, settings_of,
};

/// The defaults of every variant.
fn defaults() -> impl Iterator<Item = Value> {
    VARIANTS.iter().map(|name| {
        let config = RunConfig::of(name).expect("a listed variant has defaults");
        assert_eq!(config.model.name(), *name);
        config.validate().expect("which can be run");
        serde_json::to_value(config).expect("a configuration is writable")
    })
}

/// Defaults of a variant that has `setting`.
fn defaults_with(setting: &Setting) -> Value {
    let having = |table: &Value| table[setting.section].get(setting.key).is_some();
    defaults().find(having).unwrap_or_else(|| panic!("no variant has {}", setting.key))
}

#[test]
fn table_and_configuration_hold_the_same_keys() {
    let mut held = BTreeSet::new();
    for whole in defaults() {
        for (section, table) in whole.as_object().expect("tables") {
            for key in table.as_object().expect("a table").keys() {
                held.insert((section.clone(), key.clone()));
            }
        }
    }
    let listed: BTreeSet<_> =
        SETTINGS.iter().map(|s| (s.section.to_owned(), s.key.to_owned())).collect();
    assert_eq!(listed, held);
    // Names are flags too, so they are unique over all tables.
    let names: BTreeSet<_> = SETTINGS.iter().map(|s| s.key).collect();
    assert_eq!(names.len(), SETTINGS.len());
}

#[test]
fn kinds_are_those_of_the_fields() {
    for setting in SETTINGS.iter() {
        let defaults = defaults_with(setting);
        let value = &defaults[setting.section][setting.key];
        let fits = match setting.kind {
            SettingKind::Integer => value.is_u64(),
            SettingKind::Number => value.is_f64(),
            SettingKind::Text => value.is_string(),
            SettingKind::Numbers => value.is_array(),
            SettingKind::Flag => value.is_boolean(),
            SettingKind::Choice => {
                value.as_str().is_some_and(|word| setting.choices.contains(&word))
            }
        };
        assert!(fits, "{} is listed as {:?} but holds {value}", setting.key, setting.kind);
        assert_eq!(setting.kind == SettingKind::Choice, !setting.choices.is_empty());
        assert!(!setting.help.is_empty() && !setting.help.ends_with('.'), "{}", setting.key);
    }
}

#[test]
fn choices_are_all_the_words_the_configuration_takes() {
    for setting in SETTINGS.iter().filter(|s| s.kind == SettingKind::Choice) {
        for word in setting.choices {
            // Not `overlay`, for some choices go only with others.
            let mut whole = defaults_with(setting);
            if setting.key == "variant" {
                whole = serde_json::to_value(RunConfig::of(word)).expect("writable");
            }
            whole[setting.section][setting.key] = json!(word);
            serde_json::from_value::<RunConfig>(whole).expect("a listed choice is taken");
        }
        // serde lists what it would have taken.
        let mut probe = defaults_with(setting);
        probe[setting.section][setting.key] = json!("no-such-word");
        let error = serde_json::from_value::<RunConfig>(probe).expect_err("refused").to_string();
        let (_, expected) = error.split_once("expected").expect("serde names the choices");
        let words: BTreeSet<_> = expected.split('`').skip(1).step_by(2).collect();
        let aliases = setting.aliases.iter().map(|(old, _)| *old);
        let listed: BTreeSet<_> = setting.choices.iter().copied().chain(aliases).collect();
        assert_eq!(words, listed, "{}", setting.key);
    }
}

#[test]
fn a_setting_says_which_variants_have_it() {
    for setting in SETTINGS.iter() {
        let having: Vec<_> = defaults()
            .filter(|whole| whole[setting.section].get(setting.key).is_some())
            .map(|whole| whole["model"]["variant"].as_str().expect("a name").to_owned())
            .collect();
        let said = if setting.variants.is_empty() { VARIANTS } else { setting.variants };
        assert_eq!(having, said, "{}", setting.key);
    }
}

/// A setting that several models have is one setting, with one help text.
#[test]
fn models_share_whole_settings() {
    let all: Vec<_> = MODELS.iter().flat_map(|model| model.settings).collect();
    for setting in &all {
        assert_eq!(setting.section, "model");
        assert!(all.iter().all(|other| other.key != setting.key || other == setting));
    }
}

#[test]
fn a_model_s_settings_are_listed_everyday_ones_first() {
    for model in MODELS {
        let listed = settings_of(model.name);
        assert!(listed.is_sorted_by_key(|setting| setting.tier), "{}", model.name);
        let config = serde_json::to_value(RunConfig::of(model.name)).expect("writable");
        let mut own: Vec<_> =
            listed.iter().filter(|s| s.section == "model").map(|s| s.key).collect();
        own.sort_unstable();
        let mut held: Vec<_> =
            config["model"].as_object().expect("a table").keys().map(String::as_str).collect();
        held.sort_unstable();
        assert_eq!(own, held);
        for alias in model.aliases {
            assert_eq!(settings_of(alias), listed);
        }
    }
    let keys = |variant| settings_of(variant).iter().map(|s| s.key).collect::<BTreeSet<_>>();
    let families = [keys("chat_trm"), keys("trm"), keys("trm_vit")];
    for (key, holds) in [
        ("tokenizer", [true, false, false]),
        ("num_puzzles", [false, true, false]),
        ("random_crop", [false, false, true]),
        ("val_fraction", [true, false, true]),
        ("batch_size", [true, true, true]),
    ] {
        assert_eq!(families.each_ref().map(|family| family.contains(key)), holds, "{key}");
    }
    assert!(settings_of("poet").is_empty());
}

#[test]
fn names_are_found_in_both_spellings_and_close_ones_are_suggested() {
    assert_eq!(Setting::find("block-size").expect("known").key, "block_size");
    assert_eq!(Setting::find("block_size").expect("known").key, "block_size");
    for (typed, meant) in [
        ("recursion-step", "recursion_steps"),
        ("batchsize", "batch_size"),
        ("learning_rat", "learning_rate"),
        ("n_layer", "n_layers"),
        ("max-iter", "max_iters"),
    ] {
        assert_eq!(nearest(typed), Some(meant));
        let error = Setting::find(typed).expect_err("unknown");
        assert_eq!(error, SettingError::Unknown { key: typed.into(), nearest: Some(meant) });
        assert!(error.to_string().contains(&format!("did you mean `{meant}`?")));
    }
    assert_eq!(nearest("zzz"), None);
}

fn setting(key: &str) -> &'static Setting {
    Setting::find(key).expect("known")
}

#[test]
fn typed_values_of_the_wrong_kind_say_what_is_expected() {
    for (key, text, expected) in [
        ("warmup_iters", "-1", "a whole number from 0"),
        ("max_iters", "1e1", "a whole number from 1"),
        ("batch_size", "1.5", "a whole number from 1"),
        // Beyond 64 bits, and so beyond the limit.
        ("batch_size", "99999999999999999999", "at most 16777216"),
        ("learning_rate", "fast", "a number"),
        ("learning_rate", "NaN", "a number"),
        ("learning_rate", "inf", "a number"),
        ("cycle_weights", "1,x", "numbers separated by commas"),
        ("objective", "first_cycle", "one of last_cycle, every_cycle"),
        ("gradient_checkpointing", "yes", "true or false"),
    ] {
        let message = setting(key).parse(text).expect_err("refused").to_string();
        assert!(message.contains(key) && message.contains(text), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

proptest! {
    #[test]
    fn whole_numbers_read_back(number in any::<u64>()) {
        prop_assert_eq!(setting("seed").parse(&number.to_string()), Ok(json!(number)));
    }

    #[test]
    fn numbers_read_back(number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
        let read = setting("learning_rate").parse(&number.to_string()).expect("a number");
        prop_assert_eq!(read.as_f64(), Some(number));
    }

    #[test]
    fn lists_read_back(numbers in proptest::collection::vec(0.0..1e6_f64, 0..6)) {
        let typed: Vec<_> = numbers.iter().map(f64::to_string).collect();
        let read = setting("cycle_weights").parse(&typed.join(", ")).expect("numbers");
        prop_assert_eq!(read, json!(numbers));
    }

    /// Whatever is typed: a value of the setting's kind, or an error that names the setting.
    #[test]
    fn anything_typed_is_a_value_or_a_clear_error(index in 0..SETTINGS.len(), text in ".{0,12}") {
        let setting = &SETTINGS[index];
        match setting.parse(&text) {
            Ok(value) => {
                let fits = match setting.kind {
                    SettingKind::Integer => value.is_u64(),
                    SettingKind::Number => value.is_number(),
                    SettingKind::Text | SettingKind::Choice => value.is_string(),
                    SettingKind::Numbers => value.is_array(),
                    SettingKind::Flag => value.is_boolean(),
                };
                prop_assert!(fits, "{value}");
            }
            Err(error) => prop_assert!(error.to_string().contains(setting.key)),
        }
    }
}
