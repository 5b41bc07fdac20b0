//! The ranges of the settings, and the check of a configuration against them.

use serde_json::{Value, json};
use trm_spec::{
    MODELS, ModelInfo, RunConfig, SETTINGS, Setting, SettingError, SettingKind, overlay,
};

/// The models whose configuration holds a setting.
fn holding(setting: &Setting) -> impl Iterator<Item = &'static ModelInfo> {
    let names = setting.variants;
    MODELS.iter().filter(move |model| names.is_empty() || names.contains(&model.name))
}

/// The defaults of a model with one setting changed, checked.
fn with(model: &ModelInfo, setting: &Setting, number: Value) -> Result<RunConfig, SettingError> {
    let value = if setting.kind == SettingKind::Numbers { json!([number]) } else { number };
    let base = RunConfig::of(model.name).expect("a listed model");
    overlay(&base, &json!({ (setting.section): { (setting.key): value } }))
}

#[test]
fn only_numbers_have_a_range() {
    use SettingKind::{Integer, Number, Numbers};
    for setting in SETTINGS.iter() {
        let key = setting.key;
        match setting.range {
            // Every number that may have a fraction is limited.
            None => assert_ne!(setting.kind, Number, "{key}"),
            Some([lowest, highest]) => {
                assert!([Integer, Number, Numbers].contains(&setting.kind), "{key}");
                assert!(lowest.is_finite() && lowest < highest && highest.is_finite(), "{key}");
                let whole = lowest >= 0.0 && lowest.fract() == 0.0 && highest.fract() == 0.0;
                assert!(setting.kind != Integer || whole, "{key}");
            }
        }
    }
}

#[test]
fn every_default_lies_in_its_range() {
    for setting in SETTINGS.iter() {
        let Some([lowest, highest]) = setting.range else { continue };
        for model in holding(setting) {
            let config = serde_json::to_value(RunConfig::of(model.name)).expect("writable");
            let value = &config[setting.section][setting.key];
            let numbers = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for number in numbers {
                let number = number.as_f64().expect("a number");
                assert!((lowest..=highest).contains(&number), "{} of {}", setting.key, model.name);
            }
        }
    }
}

/// The table is what is checked: no setting has a range that `validate` leaves out.
#[test]
fn a_value_just_outside_is_refused() {
    for setting in SETTINGS.iter() {
        let Some([lowest, highest]) = setting.range else { continue };
        let outside = match setting.kind {
            // There is no whole number below 0.
            SettingKind::Integer => [
                (lowest > 0.0).then(|| (json!(lowest as u64 - 1), format!("at least {lowest}"))),
                Some((json!(highest as u64 + 1), format!("at most {highest}"))),
            ],
            _ => [lowest.next_down(), highest.next_up()]
                .map(|number| Some((json!(number), format!("between {lowest} and {highest}")))),
        };
        for (number, words) in outside.into_iter().flatten() {
            for model in holding(setting) {
                let error = with(model, setting, number.clone()).expect_err(setting.key);
                let message = error.to_string();
                assert!(
                    matches!(&error, SettingError::Value { key, .. } if key == setting.key),
                    "{message}"
                );
                assert!(message.contains(&words), "{message}");
            }
        }
    }
}

/// What goes with no other setting is taken from one end of its range to the other.
#[test]
fn both_ends_are_included() {
    let free = |setting: &&Setting| {
        setting.section != "model"
            && setting.kind != SettingKind::Integer
            && setting.range.is_some()
    };
    let mut keys = Vec::new();
    for setting in SETTINGS.iter().filter(free) {
        keys.push(setting.key);
        for model in MODELS {
            for end in setting.range.expect("filtered") {
                with(model, setting, json!(end)).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
    for key in ["val_fraction", "learning_rate", "min_lr", "beta1", "ema_decay", "pixel_std"] {
        assert!(keys.contains(&key), "{key}");
    }
}
