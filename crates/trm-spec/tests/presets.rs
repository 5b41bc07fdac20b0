//! Every preset resolves, survives TOML and is what its name promises.

#[path = "../examples/generate/presets.rs"]
mod presets;

use trm_spec::{ModelSpec, Objective, RunConfig, VariantSpec, overlay};

fn config(name: &str) -> RunConfig {
    let presets = presets::all().expect("every preset resolves");
    let found = presets.into_iter().find(|preset| preset.name == name);
    found.unwrap_or_else(|| panic!("no preset {name}")).config
}

#[test]
fn every_preset_survives_toml() {
    for preset in presets::all().expect("every preset resolves") {
        let text = toml::to_string(&preset.config).expect("a configuration is writable");
        let patch = toml::from_str(&text).expect("what was written is readable");
        let back = overlay(&RunConfig::default(), &patch).expect("and valid");
        assert_eq!(back, preset.config, "{}", preset.name);
    }
}

#[test]
fn every_preset_describes_itself_in_one_line() {
    for preset in presets::all().expect("every preset resolves") {
        let words = preset.description.split_whitespace().count();
        assert!((4..=30).contains(&words), "{}: `{}`", preset.name, preset.description);
    }
}

#[test]
fn presets_run_from_cheap_to_dear() {
    let names: Vec<_> =
        presets::all().expect("every preset resolves").into_iter().map(|p| p.name).collect();
    assert_eq!(names.first().map(String::as_str), Some("tiny"));
    assert_eq!(names.last().map(String::as_str), Some("sudoku-paper"));
}

#[test]
fn chat_trm_has_the_size_that_was_counted() {
    let VariantSpec::ChatTrm(model) = config("shakespeare-char").model else { panic!("chat_trm") };
    assert_eq!(model.parameters(65), 3_589_248);
    assert_eq!(model.parameters(65) - 65 * model.hidden_size, 3_564_288);
}

#[test]
fn the_cpu_preset_is_nano_gpts_cpu_recipe() {
    let config = config("shakespeare-char-cpu");
    let VariantSpec::ChatTrm(model) = &config.model else { panic!("chat_trm") };
    assert_eq!((model.hidden_size, model.num_heads, model.n_layers), (128, 4, 2));
    assert_eq!((model.recursion_steps, model.block_size), (2, 64));
    let train = &config.train;
    assert_eq!((train.batch_size, train.max_iters, train.eval_iters), (12, 2000, 20));
    assert_eq!((train.learning_rate, train.min_lr, train.warmup_iters), (1e-3, 1e-4, 100));
    assert_eq!((train.beta2, train.weight_decay, model.dropout), (0.99, 0.1, 0.0));
}

/// The published sizes, with GPT-2's vocabulary and an embedding that reads out too.
#[test]
fn chunks_and_trm_lm_have_their_published_sizes() {
    let chunk = config("chunk-wikitext");
    let VariantSpec::ChunkLm(model) = &chunk.model else { panic!("chunks") };
    assert_eq!((model.hidden_size, model.n_layers, model.num_heads), (128, 2, 4));
    assert_eq!((model.block_size, model.chunk_size), (64, 4));
    assert_eq!((model.recursion_steps, model.l_cycles), (2, 3));
    assert_eq!((chunk.train.learning_rate, chunk.train.batch_size), (1e-4, 32));
    // 6.8 million there, with biases and another feed-forward layer.
    assert_eq!(model.parameters(50_257), 6_958_208);
    let lm = config("trm-lm-wikitext");
    let VariantSpec::TrmLm(model) = &lm.model else { panic!("TRM-LM") };
    assert_eq!((model.hidden_size, model.n_layers, model.num_heads), (192, 2, 8));
    assert_eq!((model.block_size, model.recursion_steps, model.l_cycles), (100, 3, 6));
}

#[test]
fn elastic_and_page_presets_make_every_depth_usable() {
    for name in ["shakespeare-elastic", "page-tiny", "page-small"] {
        assert_eq!(config(name).train.objective, Objective::EveryCycle, "{name}");
    }
    // Later cycles count more, so that they go on improving.
    let weights = config("shakespeare-elastic").train.cycle_weights;
    assert!(weights.len() == 8 && weights.is_sorted_by(|a, b| a < b), "{weights:?}");
}
