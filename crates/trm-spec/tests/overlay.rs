//! What a configuration file may say, and the words in which the rest is refused.

use proptest::prelude::*;
use serde_json::{Value, json};
use trm_spec::{
    Family, MAX_DEPTH, MODELS, RunConfig, Setting, SettingError, VariantSpec, differences,
    may_change, must_read, overlay,
};

fn refused(patch: &Value) -> SettingError {
    overlay(&RunConfig::default(), patch).expect_err("refused")
}

#[test]
fn a_patch_changes_only_what_it_names() {
    let patch = json!({ "model": { "hidden_size": 64, "num_heads": 2 } });
    let config = overlay(&RunConfig::default(), &patch).expect("valid");
    let VariantSpec::ChatTrm(model) = &config.model else { panic!("chat_trm") };
    assert_eq!((model.hidden_size, model.num_heads, model.n_layers), (64, 2, 2));
    assert_eq!(config.train, RunConfig::default().train);
}

#[test]
fn another_variant_begins_with_its_own_defaults() {
    let patch = json!({ "model": { "variant": "trm", "hidden_size": 64, "puzzle_emb_ndim": 64 } });
    let config = overlay(&RunConfig::default(), &patch).expect("valid");
    let expected = RunConfig::of("trm").expect("a variant");
    assert_eq!((&config.train, &config.data), (&expected.train, &expected.data));
    let VariantSpec::Trm(model) = &config.model else { panic!("asked for dual") };
    assert_eq!((model.hidden_size, model.halt_max_steps, model.prefix()), (64, 16, 16));
    // The same variant again changes nothing else.
    let again = overlay(&config, &json!({ "variant": "trm", "mlp_t": true })).expect("valid");
    let VariantSpec::Trm(model) = &again.model else { panic!("still dual") };
    assert!(model.mlp_t && model.hidden_size == 64);
}

/// Files and addresses from before the models were renamed.
#[test]
fn earlier_names_of_models_are_read_everywhere() {
    for model in MODELS {
        for alias in model.aliases {
            let config = RunConfig::of(alias).expect("an alias");
            assert_eq!(config.model.name(), model.name);
            assert_eq!(refused_or(&RunConfig::default(), &json!({ "variant": alias })), Ok(config));
            // The same model by its earlier name keeps what was set.
            let mut base = RunConfig::of(model.name).expect("a model");
            base.train.max_iters = 7;
            for patch in [json!({ "variant": alias }), json!({ "model": { "variant": alias } })] {
                assert_eq!(refused_or(&base, &patch), Ok(base.clone()));
            }
            let toml = format!("[model]\nvariant = \"{alias}\"\n[train]\nmax_iters = 7\n");
            let patch = toml::from_str(&toml).expect("TOML");
            assert_eq!(refused_or(&RunConfig::default(), &patch), Ok(base.clone()));
            // A whole configuration, as checkpoints and saved runs hold it.
            let mut stored = serde_json::to_value(&base).expect("writable");
            stored["model"]["variant"] = json!(alias);
            assert_eq!(serde_json::from_value::<RunConfig>(stored).expect("readable"), base);
            // Typed as a flag.
            let setting = Setting::find("variant").expect("known");
            for typed in [(*alias).to_owned(), alias.replace('_', "-")] {
                assert_eq!(setting.parse(&typed), Ok(json!(model.name)));
            }
        }
    }
}

fn refused_or(base: &RunConfig, patch: &Value) -> Result<RunConfig, String> {
    overlay(base, patch).map_err(|error| error.to_string())
}

#[test]
fn what_one_variant_lacks_is_said() {
    let error = refused(&json!({ "h_cycles": 3 }));
    assert_eq!(error.to_string(), "setting `h_cycles` does not belong to a `chat_trm` model");
    let error = refused(&json!({ "variant": "trm", "block_size": 64 }));
    assert_eq!(error.to_string(), "setting `block_size` does not belong to a `trm` model");
    let error = refused(&json!({ "loss_type": "stablemax" }));
    assert!(error.to_string().contains("only puzzle models"), "{error}");
}

#[test]
fn impossible_puzzle_models_are_refused() {
    let dual = RunConfig::of("trm").expect("a variant");
    for (patch, key, words) in [
        (json!({ "h_cycles": 0 }), "h_cycles", "at least 1"),
        (json!({ "seq_len": 0 }), "seq_len", "at least 1"),
        (json!({ "halt_max_steps": 1_u64 << 40 }), "halt_max_steps", "at most 1024"),
        (json!({ "num_heads": 5 }), "num_heads", "does not divide"),
        (json!({ "puzzle_emb_len": 1, "puzzle_emb_ndim": 1024 }), "puzzle_emb_ndim", "hold"),
        (json!({ "seq_len": 1 << 24, "mlp_t": true }), "hidden_size", "2^30"),
        (json!({ "num_puzzle_identifiers": 1 << 24 }), "hidden_size", "2^30"),
        (json!({ "halt_exploration_prob": 1.5 }), "halt_exploration_prob", "between"),
        (json!({ "cycle_weights": [1.0] }), "cycle_weights", "1 weights for 16 halt_max_steps"),
        (json!({ "min_guesses": 9, "max_guesses": 8 }), "min_guesses", "more than max_guesses 8"),
        (json!({ "num_questions": 0 }), "num_questions", "at least 1"),
        (json!({ "num_val_questions": 0 }), "num_val_questions", "at least 1"),
        (json!({ "min_difficulty": 0 }), "min_difficulty", "at least 1"),
        (json!({ "min_difficulty": 5 }), "min_difficulty", "more than max_difficulty 4"),
        (json!({ "max_difficulty": 65 }), "max_difficulty", "at most 64"),
        (json!({ "curriculum_iters": 1_u64 << 40 }), "curriculum_iters", "at most 16777216"),
        (json!({ "warmup_iters": usize::MAX }), "warmup_iters", "at most 16777216"),
        (json!({ "lr_decay_iters": usize::MAX }), "lr_decay_iters", "at most 16777216"),
        (json!({ "eval_iters": usize::MAX }), "eval_iters", "at most 16777216"),
    ] {
        let message = overlay(&dual, &patch).expect_err("refused").to_string();
        assert!(message.contains(key) && message.contains(words), "{message}");
    }
    // Token mixing has no heads.
    overlay(&dual, &json!({ "mlp_t": true, "num_heads": 5 })).expect("valid");
}

/// A start that never gets a gradient is not learned; nor may it become one while a run goes on.
#[test]
fn a_learned_start_needs_a_gradient() {
    for (variant, depth, patch, taken) in [
        ("trm_lm", "recursion_steps", json!({}), true),
        ("trm_lm", "recursion_steps", json!({ "backprop_cycles": 4 }), true),
        ("trm_lm", "recursion_steps", json!({ "backprop_cycles": 3 }), false),
        // Of the depths that are drawn, some are within reach.
        (
            "trm_lm",
            "recursion_steps",
            json!({ "backprop_cycles": 1, "depth_sampling": "uniform" }),
            true,
        ),
        (
            "trm_lm",
            "recursion_steps",
            json!({ "backprop_cycles": 1, "depth_sampling": "log_normal", "min_depth": 2 }),
            false,
        ),
        // Only the last cycle is scored, and it is cut off from the others.
        ("trm_lm", "recursion_steps", json!({ "detach_cycles": true }), false),
        (
            "trm_lm",
            "recursion_steps",
            json!({ "detach_cycles": true, "objective": "every_cycle" }),
            true,
        ),
        ("trm_vit", "outer_steps", json!({}), true),
        ("trm_vit", "outer_steps", json!({ "backprop_cycles": 4 }), true),
        ("trm_vit", "outer_steps", json!({ "backprop_cycles": 3 }), false),
    ] {
        let with = |start: &str| {
            let model = json!({ "variant": variant, depth: 4, "state_start": start });
            overlay(&RunConfig::default(), &model).expect("valid")
        };
        for start in ["normal", "zero"] {
            overlay(&with(start), &patch).unwrap_or_else(|error| panic!("{start}: {error}"));
        }
        let running = with("learned");
        match overlay(&running, &patch) {
            Ok(wanted) => {
                assert!(taken, "{variant} with {patch}");
                assert_eq!(may_change(&running, &wanted), Ok(()), "{variant} with {patch}");
            }
            Err(error) => {
                let message = error.to_string();
                assert!(!taken, "{variant} with {patch}: {message}");
                assert!(message.contains("state_start") && message.contains("no gradient"));
            }
        }
    }
    // As a change of a run that goes on.
    let learned = json!({ "variant": "trm_vit", "state_start": "learned" });
    let running = overlay(&RunConfig::default(), &learned).expect("valid");
    let mut wanted = running.clone();
    wanted.train.backprop_cycles = 1;
    let error = may_change(&running, &wanted).expect_err("refused").to_string();
    assert!(error.contains("only the last 1 of at least 4 cycles"), "{error}");
    // What was trained so before still opens and goes on.
    assert_eq!(wanted.validate(), Ok(()));
    let mut longer = wanted.clone();
    longer.train.max_iters += 1;
    assert_eq!(may_change(&wanted, &longer), Ok(()));
    assert!(overlay(&wanted, &json!({ "max_iters": 9 })).is_ok());
}

#[test]
fn flat_keys_work_as_in_nano_gpt() {
    let patch = json!({ "hidden_size": 64, "num_heads": 2, "max_iters": 7 });
    let config = overlay(&RunConfig::default(), &patch).expect("valid");
    assert_eq!(config.train.max_iters, 7);
}

#[test]
fn unknown_names_come_with_the_nearest_known_one() {
    let error = refused(&json!({ "train": { "learning_rat": 0.1 } }));
    assert_eq!(error.to_string(), "unknown setting `learning_rat`; did you mean `learning_rate`?");
    let error = refused(&json!({ "trian": { "max_iters": 1 } }));
    assert!(error.to_string().contains("[trian]"), "{error}");
    let error = refused(&json!({ "max_iter": 1 }));
    assert!(error.to_string().contains("did you mean `max_iters`?"), "{error}");
}

#[test]
fn a_setting_in_the_wrong_table_is_sent_to_the_right_one() {
    let error = refused(&json!({ "train": { "hidden_size": 64 } }));
    assert_eq!(error.to_string(), "`hidden_size` belongs in [model], not in [train]");
}

#[test]
fn values_of_the_wrong_type_name_their_setting() {
    for (patch, key) in [
        (json!({ "model": { "hidden_size": "wide" } }), "hidden_size"),
        (json!({ "model": { "hidden_size": 1.5 } }), "hidden_size"),
        (json!({ "model": { "variant": "acausal" } }), "variant"),
        (json!({ "train": { "max_iters": -1 } }), "max_iters"),
        (json!({ "train": { "objective": "first_cycle" } }), "objective"),
        (json!({ "train": { "cycle_weights": 1 } }), "cycle_weights"),
        (json!({ "data": { "dataset": 1 } }), "dataset"),
    ] {
        let error = refused(&patch);
        assert!(
            matches!(&error, SettingError::Value { key: named, .. } if named == key),
            "{error}"
        );
    }
    assert!(matches!(refused(&json!(3)), SettingError::Shape(_)));
}

#[test]
fn impossible_sizes_are_refused_before_anything_is_allocated() {
    for (patch, key, words) in [
        (json!({ "num_heads": 5 }), "num_heads", "does not divide hidden_size 384"),
        (json!({ "hidden_size": 6, "num_heads": 6 }), "num_heads", "even width"),
        (json!({ "recursion_steps": 0 }), "recursion_steps", "at least 1"),
        (json!({ "n_layers": 0 }), "n_layers", "at least 1"),
        (json!({ "num_heads": 0 }), "num_heads", "at least 1"),
        (json!({ "hidden_size": 0 }), "hidden_size", "at least 1"),
        (json!({ "block_size": 0 }), "block_size", "at least 1"),
        (json!({ "batch_size": 0 }), "batch_size", "at least 1"),
        (json!({ "batch_size": 1_u64 << 40 }), "batch_size", "at most 16777216"),
        (json!({ "hidden_size": 1 << 20, "num_heads": 16 }), "hidden_size", "2^30"),
        (
            json!({ "hidden_size": 1 << 24, "num_heads": 1, "n_layers": 1 << 24 }),
            "hidden_size",
            "2^30",
        ),
        (json!({ "dropout": 1.0 }), "dropout", "between"),
        (json!({ "learning_rate": -1.0 }), "learning_rate", "between"),
        (json!({ "val_fraction": 1.0 }), "val_fraction", "between"),
        (json!({ "min_depth": 3 }), "min_depth", "more than recursion_steps 2"),
        (json!({ "cycle_weights": [1.0] }), "cycle_weights", "1 weights for 2"),
        (json!({ "cycle_weights": [0.0, 1.0] }), "cycle_weights", "above zero"),
        (json!({ "cycle_weights": [1.0, -1.0] }), "cycle_weights", "not negative"),
        (json!({ "seed": 1_u64 << 53 }), "seed", "at most 9007199254740991"),
    ] {
        let error = refused(&patch);
        let message = error.to_string();
        assert!(
            matches!(&error, SettingError::Value { key: named, .. } if named == key),
            "{message}"
        );
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_number_in_toml_that_is_not_one_is_refused() {
    let patch = toml::from_str("[train]\nlearning_rate = nan\n").expect("TOML knows nan");
    assert!(refused(&patch).to_string().contains("learning_rate"));
}

#[test]
fn a_run_that_goes_on_takes_only_live_settings() {
    let running = RunConfig::default();
    let with = |patch: Value| overlay(&running, &patch).expect("valid");
    let changed = with(json!({ "learning_rate": 0.5, "batch_size": 3 }));
    let keys: Vec<_> = differences(&running, &changed).map(|setting| setting.key).collect();
    assert_eq!(keys, ["batch_size", "learning_rate"]);
    assert_eq!(may_change(&running, &changed), Ok(()));
    let other = with(json!({ "hidden_size": 64, "num_heads": 2 }));
    assert_eq!(may_change(&running, &other), Err(SettingError::Settled { key: "hidden_size" }));
    let mut invalid = running.clone();
    invalid.train.learning_rate = f64::NAN;
    assert!(matches!(may_change(&running, &invalid), Err(SettingError::Value { .. })));
}

proptest! {
    /// Sizes never panic, however odd they are.
    #[test]
    fn any_sizes_are_valid_or_refused(
        hidden in any::<u32>(), heads in any::<u32>(), layers in any::<u32>(), expansion in any::<f64>(),
    ) {
        let patch = json!({
            "hidden_size": hidden, "num_heads": heads, "n_layers": layers, "expansion": expansion,
        });
        if let Ok(config) = overlay(&RunConfig::default(), &patch) {
            let VariantSpec::ChatTrm(model) = &config.model else { panic!("chat_trm") };
            prop_assert_eq!(model.head_dim() * model.num_heads, model.hidden_size);
        }
    }
}

/// A pretrained decoder may be larger than any model that is trained here.
#[test]
fn decoders_of_billions_of_weights_are_allowed() {
    let sizes = json!({
        "variant": "llama", "hidden_size": 2048, "n_layers": 36, "intermediate_size": 11008,
        "num_heads": 16, "num_kv_heads": 4, "head_dim": 128, "block_size": 65536,
    });
    let config = overlay(&RunConfig::default(), &sizes).unwrap();
    assert_eq!(config.model.parameters(0), 2_812_430_336);
    let sizes = json!({ "variant": "chat_trm", "hidden_size": 1 << 20, "num_heads": 16 });
    assert!(refused(&sizes).to_string().contains("2^30"));
}

/// Every command reads a model out at its trained depth.
#[test]
fn depths_that_no_command_runs_are_refused() {
    for model in MODELS {
        let Some(key) = model.depth_key else { continue };
        let at = |depth: usize| json!({ "variant": model.name, key: depth });
        overlay(&RunConfig::default(), &at(MAX_DEPTH)).unwrap_or_else(|e| panic!("{key}: {e}"));
        let error = refused(&at(MAX_DEPTH + 1)).to_string();
        assert!(error.contains(key) && error.contains("at most 1024"), "{error}");
    }
}

#[test]
fn a_model_without_a_recursion_has_no_sampled_depths() {
    for model in MODELS.iter().filter(|model| model.family == Family::Language) {
        let patch = json!({ "variant": model.name, "depth_sampling": "log_normal" });
        let drawn = overlay(&RunConfig::default(), &patch);
        assert_eq!(drawn.is_ok(), model.depth_key.is_some(), "{}", model.name);
    }
}

#[test]
fn typed_settings_belong_to_the_model() {
    let of = |variant: &str| RunConfig::of(variant).unwrap();
    let read = |variant: &str, key: &str| must_read(&of(variant), [Setting::find(key).unwrap()]);
    for (variant, key) in
        [("trm", "val_fraction"), ("chat_trm", "num_val_puzzles"), ("trm_vit", "tokenizer")]
    {
        let error = read(variant, key).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("does not belong"), "{error}");
    }
    for (variant, key) in [("trm", "num_puzzles"), ("chat_trm", "tokenizer"), ("vit", "flip")] {
        read(variant, key).unwrap();
    }
}

/// A readout sees at most the tokens of a chunk.
#[test]
fn a_readout_looks_back_a_chunk_at_most() {
    let at = |tokens: usize| json!({ "variant": "chunk_lm", "readout_context": tokens });
    overlay(&RunConfig::default(), &at(4)).unwrap();
    let error = refused(&at(5)).to_string();
    assert!(error.contains("readout_context") && error.contains("4 tokens"), "{error}");
}
