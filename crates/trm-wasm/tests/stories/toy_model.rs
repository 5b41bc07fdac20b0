//! The model that `docs/adding-a-model.md` adds, trained. Its files are the ones of the
//! guide, to the letter; a feature keeps them out of every other build:
//! `cargo test --release --workspace --exclude trm-wasm --features trm-train/toy-model --test toy_model`

mod support;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use support::{TEXT, start, text_source, wait};
use trm_spec::{Family, GenerateOptions, MODELS, RunConfig, Saved, overlay, settings_of};
use trm_train::Run;

const GUIDE: &str = include_str!("../../../docs/adding-a-model.md");

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The block of code in `language` that follows `before` in the guide.
fn block(before: &str, language: &str) -> &'static str {
    let (_, after) = GUIDE.split_once(before).unwrap_or_else(|| panic!("no {before}"));
    let (_, code) = after.split_once(&format!("```{language}\n")).expect("a block");
    code.split_once("```").expect("the end of the block").0
}

/// The preset of the guide, with fewer and smaller batches.
fn config() -> RunConfig {
    let patch = toml::from_str(block("`configs/toy-lm.toml`", "toml")).expect("TOML");
    let mut config = overlay(&RunConfig::default(), &patch).expect("a valid preset");
    assert_eq!(config.model.name(), "toy_lm");
    config.data.val_fraction = 0.2;
    let smaller =
        toml::from_str("hidden_size = 32\nblock_size = 16\nmax_iters = 60").expect("TOML");
    overlay(&config, &smaller).expect("valid")
}

/// The run as it was saved, on the same text.
fn load(saved: &Saved) -> Box<dyn Run> {
    let (model, optimizer) = (&saved.checkpoint, Some(saved.optimizer.as_slice()));
    trm_train::load(model, optimizer, Some(&text_source(TEXT)), &Device::flex()).unwrap()
}

#[test]
fn its_files_are_those_of_the_guide() {
    for package in ["trm-spec", "trm-core"] {
        let path = format!("crates/{package}/src/models/toy_lm.rs");
        let file = fs::read_to_string(root().join(&path)).expect("the file");
        assert_eq!(block(&format!("`{path}`:"), "rust"), file, "{path}");
    }
    let registry = fs::read_to_string(root().join("crates/trm-train/src/registry.rs")).expect("it");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let arm = words(block("## 3. The registry", "rust"));
    let (import, arm) = arm.split_once("; ").expect("an import and an arm");
    for part in [import, arm] {
        assert!(words(&registry).contains(part), "the registry lacks `{part}`");
    }
}

#[test]
fn it_has_all_that_a_model_has() {
    let model = MODELS.iter().find(|model| model.title == "Toy").expect("listed");
    assert_eq!(model.family, Family::Language);
    let keys: Vec<_> = settings_of(model.name).iter().map(|setting| setting.key).collect();
    assert!(keys.contains(&"block_size") && !keys.contains(&"chunk_size"));
    assert_eq!(serde_json::to_value(config()).expect("JSON")["model"]["variant"], model.name);
}

#[test]
fn it_learns_generates_and_resumes() {
    let config = config();
    let mut run = start(&config);
    let summary = run.summary();
    assert_eq!(summary.parameters, config.model.parameters(summary.vocab.size()));
    assert_eq!((summary.family, summary.tokens_per_step), (Family::Language, 8 * 16));

    let first = wait(run.steps(30)).unwrap();
    let saved = wait(run.save(serde_json::Value::Null)).unwrap();
    let rest = wait(run.steps(30)).unwrap();
    let mean = |part: &[trm_spec::StepReport]| {
        part.iter().map(|report| report.loss).sum::<f64>() / part.len() as f64
    };
    assert!(mean(&rest[20..]) < mean(&first[..10]) - 0.3, "it learns");

    let mut again = load(&saved);
    assert_eq!(wait(again.steps(30)).unwrap(), rest, "a resumed run is the same run");

    let options = GenerateOptions {
        prompt: "To be".into(),
        depth: 4,
        draft_depth: 0,
        temperature: 0.0,
        top_k: 0,
        seed: 1,
        max_new_tokens: 40,
    };
    let write = |run: &dyn Run| {
        wait(run.writer().unwrap().generate(&options).unwrap().pull(40, false)).unwrap().text
    };
    let text = write(run.as_ref());
    assert!(text.len() >= 40);
    assert_eq!(text, write(again.as_ref()));
    assert_eq!(wait(run.evaluate(&[1, 4], 0)).unwrap().len(), 2);
}
