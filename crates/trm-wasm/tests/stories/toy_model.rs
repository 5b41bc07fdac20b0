//! The model that `docs/adding-a-model.md` adds, trained. Its files are the ones of the
//! guide, to the letter; a feature keeps them out of every other build.

use trm_spec::{Family, GenerateOptions, MODELS, RunConfig, StepReport, overlay, settings_of};

use super::support::*;

const GUIDE: &str = include_str!("../../../../docs/adding-a-model.md");

/// The files that the guide prints whole.
const FILES: [(&str, &str); 2] = [
    (
        "`crates/trm-spec/src/models/toy_lm.rs`:",
        include_str!("../../../trm-spec/src/models/toy_lm.rs"),
    ),
    (
        "`crates/trm-core/src/models/toy_lm.rs`:",
        include_str!("../../../trm-core/src/models/toy_lm.rs"),
    ),
];

const REGISTRY: &str = include_str!("../../../trm-train/src/registry.rs");

/// The block of code in `language` that follows `before` in the guide.
fn block(before: &str, language: &str) -> &'static str {
    let (_, after) = GUIDE.split_once(before).unwrap_or_else(|| panic!("no {before}"));
    let (_, code) = after.split_once(&format!("```{language}\n")).expect("a block");
    code.split_once("```").expect("the end of the block").0
}

/// The preset of the guide.
fn preset() -> RunConfig {
    let patch = toml::from_str(block("`configs/toy-lm.toml`", "toml")).expect("TOML");
    overlay(&RunConfig::default(), &patch).expect("a valid preset")
}

pub async fn the_files_of_the_toy_model_are_those_of_the_guide() {
    for (before, file) in FILES {
        assert_eq!(block(before, "rust"), file, "{before}");
    }
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let arm = words(block("## 3. The registry", "rust"));
    let (import, arm) = arm.split_once("; ").expect("an import and an arm");
    for part in [import, arm] {
        assert!(words(REGISTRY).contains(part), "the registry lacks `{part}`");
    }
}

pub async fn the_toy_model_has_all_that_a_model_has() {
    let model = MODELS.iter().find(|model| model.title == "Toy").expect("listed");
    assert_eq!(model.family, Family::Language);
    let keys: Vec<_> = settings_of(model.name).iter().map(|setting| setting.key).collect();
    assert!(keys.contains(&"block_size") && !keys.contains(&"chunk_size"));
    assert_eq!(preset().model.name(), model.name);
}

pub async fn the_toy_model_learns_generates_and_resumes() {
    let smaller = "hidden_size = 32\nblock_size = 16\nmax_iters = 60";
    let config = overlay(&preset(), &toml::from_str(smaller).expect("TOML")).expect("valid");
    let mut session = open().await;
    let summary = create(&mut session, config.clone()).await;
    assert_eq!(summary.parameters, config.model.parameters(summary.vocab.size()));
    assert_eq!((summary.family, summary.tokens_per_step), (Family::Language, 8 * 16));

    let first = step(&mut session, 30).await;
    let saved = save(&mut session).await;
    let rest = step(&mut session, 30).await;
    let mean = |part: &[StepReport]| {
        part.iter().map(|report| report.loss).sum::<f64>() / part.len() as f64
    };
    assert!(mean(&rest[20..]) < mean(&first[..10]) - 0.3, "it learns");

    let mut again = open().await;
    load(&mut again, &saved, Some(source())).await;
    assert_eq!(step(&mut again, 30).await, rest, "a resumed run is the same run");

    let greedy = GenerateOptions { temperature: 0.0, ..options(4) };
    let text = generated(&mut session, greedy.clone()).await;
    assert_eq!(text.chars().count(), 40);
    assert_eq!(text, generated(&mut again, greedy).await);
    assert_eq!(evaluate(&mut session, vec![1, 4]).await.len(), 2);
}
