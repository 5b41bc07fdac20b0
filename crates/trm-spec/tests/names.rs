//! A model is named in its own files only: its specification and the list of models
//! here, its file in trm-core and its arm in the registry of trm-train. What else is
//! needed to add one is in `docs/adding-a-model.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use trm_spec::MODELS;

/// Files that may name a model, besides its own, and why. An entry is the end of a path,
/// the name of a model or `*`, and the reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("trm-train/src/registry.rs", "*", "one arm for each model"),
    ("trm-train/src/convert/chat_trm.rs", "chat_trm", "converts the files of this model"),
    ("trm-train/src/convert/hf_vit.rs", "vit", "converts the files of this model"),
    ("trm-train/src/convert/hf_vit_config.rs", "vit", "the name of an architecture in its file"),
    ("trm-train/src/convert/llama.rs", "llama", "converts the files of this model"),
    ("trm-train/src/gguf_decoder.rs", "llama", "reads the files of this model"),
    ("trm-train/src/tasks/questions/base.rs", "llama", "the decoder that is a frozen base"),
    ("trm-train/src/registry/bases.rs", "*", "which models have a frozen base"),
    ("trm-train/src/convert/peft.rs", "llama", "merges adapters into this model"),
    ("trm-train/src/convert/peft.rs", "llm_trm", "writes the adapters of this model"),
    ("trm-train/src/convert/trm_vit.rs", "trm_vit", "converts the files of this model"),
    ("trm-train/src/convert/samsung_trm.rs", "trm", "converts the files of this model"),
    ("trm-native/src/args/tools.rs", "trm", "`--from trm`: the name of a file format"),
    (
        "trm-native/src/commands/bench/configurations.rs",
        "*",
        "a test of the benchmark's own models",
    ),
];

#[test]
fn a_model_is_named_only_where_it_is_defined() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in fs::read_dir(root.join("crates")).expect("the crates") {
        sources(&folder.expect("readable").path().join("src"), &mut files);
    }
    sources(&root.join("web/src"), &mut files);
    assert!(files.len() > 100, "the sources are found");

    let mut needed = BTreeSet::new();
    let mut strays = Vec::new();
    for path in &files {
        let text = fs::read_to_string(path).expect("UTF-8");
        let shown = path.strip_prefix(&root).expect("inside").to_string_lossy().replace('\\', "/");
        for model in MODELS {
            if !names(&text, model.name) || is_home(&shown, model.name) {
                continue;
            }
            let entry = ALLOWED.iter().position(|(end, name, _)| {
                shown.ends_with(end) && (*name == "*" || *name == model.name)
            });
            match entry {
                Some(entry) => {
                    needed.insert(entry);
                }
                None => strays.push(format!("{shown} names the model `{}`", model.name)),
            }
        }
    }
    assert!(
        strays.is_empty(),
        "ask the model's family or settings instead:\n{}",
        strays.join("\n")
    );
    for (number, (end, name, _)) in ALLOWED.iter().enumerate() {
        assert!(needed.contains(&number), "{end} no longer names `{name}`: drop the entry");
    }
}

/// Every Rust, TypeScript and Svelte file below a folder, generated ones left out.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("readable").path();
        let is_source =
            path.extension().is_some_and(|end| end == "rs" || end == "ts" || end == "svelte");
        if path.is_dir() && !path.ends_with("web/src/gen") {
            sources(&path, found);
        } else if is_source {
            found.push(path);
        }
    }
}

/// Whether a text has a model's stored name in quotes, or its variant of `VariantSpec`.
fn names(text: &str, name: &str) -> bool {
    let quoted =
        ['"', '\'', '`'].iter().any(|quote| text.contains(&format!("{quote}{name}{quote}")));
    let variant = format!("VariantSpec::{}", pascal(name));
    let whole = |(at, found): (usize, &str)| {
        text[at + found.len()..].chars().next().is_none_or(|next| !next.is_alphanumeric())
    };
    quoted || text.match_indices(&variant).any(whole)
}

/// The files of the model itself.
fn is_home(path: &str, name: &str) -> bool {
    ["trm-spec", "trm-core"]
        .iter()
        .any(|package| path.ends_with(&format!("crates/{package}/src/models/{name}.rs")))
}

/// `chat_trm` as `ChatTrm`.
fn pascal(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(capital).collect()
}
