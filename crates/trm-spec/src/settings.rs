//! Every setting once: its name, its place in the configuration and what it
//! does. The command line, the page and the error messages are made from this
//! table; a test holds it against [`RunConfig`].

use serde::Serialize;
use serde_json::Value;
use ts_rs::TS;

use crate::models::ALIASES;
use crate::{ModelInfo, RunConfig, VARIANTS};

/// What a setting's value looks like when typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    Integer,
    Number,
    Text,
    /// Numbers separated by commas.
    Numbers,
    /// `true` or `false`.
    Flag,
    /// One of a few words.
    Choice,
}

/// One setting of a run.
#[derive(Clone, Copy, Debug, Serialize, TS)]
pub struct Setting {
    /// Name in configuration files; the flag is the same in kebab-case.
    pub key: &'static str,
    /// Table of the configuration that holds it.
    pub section: &'static str,
    pub kind: SettingKind,
    /// The words a choice may take.
    pub choices: &'static [&'static str],
    /// Earlier words for some of the choices, each with its present one; they are read
    /// wherever a choice is.
    pub aliases: &'static [(&'static str, &'static str)],
    /// The variants that have it; empty where all do.
    pub variants: &'static [&'static str],
    /// Whether it may change while a run goes on; the others need a new run.
    pub live: bool,
    pub help: &'static str,
}

const fn s(
    section: &'static str,
    key: &'static str,
    kind: SettingKind,
    help: &'static str,
) -> Setting {
    Setting { key, section, kind, choices: &[], aliases: &[], variants: &[], live: false, help }
}

const fn choice(
    section: &'static str,
    key: &'static str,
    choices: &'static [&'static str],
    help: &'static str,
) -> Setting {
    Setting {
        key,
        section,
        kind: SettingKind::Choice,
        choices,
        aliases: &[],
        variants: &[],
        live: false,
        help,
    }
}

/// A setting that may change while a run goes on.
const fn live(setting: Setting) -> Setting {
    Setting { live: true, ..setting }
}

/// A setting that only some variants have.
const fn of(variants: &'static [&'static str], setting: Setting) -> Setting {
    Setting { variants, ..setting }
}

/// A setting that only the causal model has.
const fn causal(setting: Setting) -> Setting {
    of(&["chat_trm"], setting)
}

/// A setting that only the chunk model has.
const fn chunk(setting: Setting) -> Setting {
    of(&["chunk_lm"], setting)
}

/// A setting that models have which write text.
const fn language(setting: Setting) -> Setting {
    of(&["chat_trm", "chunk_lm", "trm_lm"], setting)
}

/// A setting that only the puzzle solver has.
const fn dual(setting: Setting) -> Setting {
    of(&["trm"], setting)
}

use SettingKind::{Flag, Integer, Number, Numbers, Text};

/// All settings, in the order they are shown.
pub const SETTINGS: &[Setting] = &[
    Setting {
        aliases: ALIASES,
        ..choice(
            "model",
            "variant",
            VARIANTS,
            "Which model: the causal single-state language model (Chat-TRM), chunk refinement, the dual-state language model (TRM-LM), or the dual-state puzzle solver (TRM)",
        )
    },
    s("model", "hidden_size", Integer, "Width of the state, in features"),
    s("model", "num_heads", Integer, "Attention heads; must divide hidden_size"),
    s("model", "n_layers", Integer, "Blocks in the core that every cycle applies again"),
    dual(s("model", "h_cycles", Integer, "Cycles of a supervision step, T")),
    of(
        &["chunk_lm", "trm_lm", "trm"],
        s("model", "l_cycles", Integer, "Latent steps in a cycle, n; a step of the answer follows"),
    ),
    dual(s("model", "halt_max_steps", Integer, "Most supervision steps for a puzzle")),
    dual(s("model", "seq_len", Integer, "Cells of a puzzle")),
    dual(s(
        "model",
        "mlp_t",
        Flag,
        "Mix positions by a SwiGLU over the sequence, not by attention",
    )),
    dual(choice(
        "model",
        "pos_encodings",
        &["rope", "learned", "none"],
        "How a model knows where a cell is",
    )),
    dual(s("model", "puzzle_emb_ndim", Integer, "Numbers in a puzzle's embedding; 0 means none")),
    dual(s(
        "model",
        "puzzle_emb_len",
        Integer,
        "Positions that the embedding takes; 0 means as many as it fills",
    )),
    dual(s("model", "num_puzzle_identifiers", Integer, "Rows of the puzzle embedding")),
    of(
        &["trm_lm", "trm"],
        choice(
            "model",
            "state_start",
            &["normal", "zero", "learned"],
            "Where the states begin: at two vectors drawn once (official TRM), at zero, or at two that are learned",
        ),
    ),
    language(live(s(
        "model",
        "recursion_steps",
        Integer,
        "Cycles of the recursion in training, refinements of a chunk; later runs may use any depth",
    ))),
    language(s("model", "block_size", Integer, "Context length, in tokens")),
    chunk(s("model", "chunk_size", Integer, "Tokens drafted at once; must divide block_size")),
    chunk(choice(
        "model",
        "draft_start",
        &["queries", "last_token", "targets"],
        "What a draft begins as: learned vectors, the context's last token, or, to show the published leak, its own answer",
    )),
    chunk(s(
        "model",
        "tie_embeddings",
        Flag,
        "Read answers out with the token embedding instead of a matrix of its own",
    )),
    of(
        &["trm_lm"],
        s(
            "model",
            "alpha",
            Number,
            "Share of the old latent state that is kept: z = alpha z + f(x + y + z)",
        ),
    ),
    of(&["trm_lm"], s("model", "learnable_alpha", Flag, "Train alpha, from its value on")),
    s(
        "model",
        "expansion",
        Number,
        "SwiGLU expansion; the inner width is rounded up to a multiple of 256",
    ),
    language(s("model", "dropout", Number, "Probability of dropping an activation in training")),
    s("model", "rms_norm_eps", Number, "Added to the mean square inside RMSNorm"),
    s("model", "rope_theta", Number, "Base of the rotary position frequencies"),
    causal(choice(
        "model",
        "input_injection",
        &["add", "adapter"],
        "How a cycle sees the input again: added (Chat-TRM), or through a learned map of both",
    )),
    causal(choice(
        "model",
        "state_update",
        &["replace", "gated"],
        "What a cycle does to the state: replace it (Chat-TRM), or move it by a learned share",
    )),
    s(
        "data",
        "dataset",
        Text,
        "Name of the text (shakespeare, or your own with --data), or kind of puzzle (sudoku-4x4, …)",
    ),
    s("data", "val_fraction", Number, "The last share of the text, kept for validation"),
    choice(
        "data",
        "tokenizer",
        &["char", "byte", "gpt2"],
        "How text becomes tokens: its characters, the bytes of UTF-8, or GPT-2's byte pairs",
    ),
    choice(
        "data",
        "sampling",
        &["random", "epochs"],
        "Training windows: anywhere (nanoGPT), or each once before any comes again",
    ),
    s("data", "num_puzzles", Integer, "Different puzzles to learn from, before augmentation"),
    s("data", "num_val_puzzles", Integer, "Puzzles kept for validation"),
    s("data", "min_guesses", Integer, "Fewest guesses that a plain solver needs for a puzzle"),
    s("data", "max_guesses", Integer, "Most guesses that a plain solver needs for a puzzle"),
    s("data", "augment", Flag, "Show every puzzle in another guise each time"),
    s("data", "num_aug", Integer, "Guises of each ARC task besides itself, each with an embedding"),
    live(s("train", "batch_size", Integer, "Sequences in a batch")),
    live(s(
        "train",
        "gradient_accumulation_steps",
        Integer,
        "Batches whose gradients are averaged into one update",
    )),
    live(s("train", "max_iters", Integer, "Steps of the whole run")),
    live(s("train", "learning_rate", Number, "Peak learning rate")),
    live(s("train", "min_lr", Number, "Learning rate at the end of a cosine schedule")),
    live(choice("train", "lr_schedule", &["cosine", "constant"], "Learning rate after the warmup")),
    live(s("train", "warmup_iters", Integer, "Steps of linear warmup")),
    live(s("train", "lr_decay_iters", Integer, "Step at which the cosine ends; 0 means max_iters")),
    choice(
        "train",
        "optimizer",
        &["adamw", "muon", "adam_atan2"],
        "AdamW, Muon for the matrices inside the blocks, or AdamATan2 (official TRM)",
    ),
    live(s("train", "beta1", Number, "AdamW: decay of the first moment")),
    live(s("train", "beta2", Number, "AdamW: decay of the second moment")),
    live(s("train", "adam_eps", Number, "AdamW: added to the root of the second moment")),
    live(s("train", "weight_decay", Number, "AdamW: decoupled weight decay")),
    live(choice(
        "train",
        "decay",
        &["matrices", "all"],
        "What weight decay shrinks: matrices (nanoGPT) or all parameters (Chat-TRM)",
    )),
    choice(
        "train",
        "loss_type",
        &["softmax", "stablemax"],
        "How logits become a probability in the loss: softmax, or stablemax (official TRM)",
    ),
    choice(
        "train",
        "supervision",
        &["carry", "unrolled"],
        "What an update of a dual model sees: one step of puzzles that are carried on, or all steps",
    ),
    live(s("train", "halt_loss_weight", Number, "What the halting head's loss counts")),
    live(s(
        "train",
        "halt_exploration_prob",
        Number,
        "Share of puzzles that must run a drawn number of steps before they halt",
    )),
    live(s(
        "train",
        "puzzle_emb_lr",
        Number,
        "Learning rate of the puzzle embedding (sign descent)",
    )),
    live(s("train", "puzzle_emb_weight_decay", Number, "Weight decay of the puzzle embedding")),
    live(s("train", "muon_momentum", Number, "Muon: decay of the momentum")),
    live(s(
        "train",
        "ema_decay",
        Number,
        "Decay of a moving average of the weights, which is then evaluated; 0 keeps none",
    )),
    live(s("train", "grad_clip", Number, "Largest global gradient norm; 0 turns clipping off")),
    live(choice(
        "train",
        "precision",
        &["f32", "bf16", "f16"],
        "What linear maps compute in while training; weights stay in f32",
    )),
    live(s(
        "train",
        "gradient_checkpointing",
        Flag,
        "Compute cycles again in the backward pass instead of keeping them: less memory, more time",
    )),
    live(choice(
        "train",
        "objective",
        &["last_cycle", "every_cycle"],
        "Loss at the last cycle only (Chat-TRM), or at every cycle, so that every depth is usable",
    )),
    live(s(
        "train",
        "cycle_weights",
        Numbers,
        "Weights of the cycles under every_cycle, or of the steps under unrolled; empty means equal",
    )),
    live(choice(
        "train",
        "depth_sampling",
        &["fixed", "uniform", "log_normal"],
        "Cycles of a training step: always recursion_steps, drawn up to it, or drawn around it",
    )),
    live(s("train", "min_depth", Integer, "Smallest depth that is drawn")),
    live(s(
        "train",
        "backprop_cycles",
        Integer,
        "Last cycles that leave a gradient; 0 means all of them",
    )),
    live(s(
        "train",
        "detach_cycles",
        Flag,
        "Cut the gradient between cycles, so that each learns from its own loss (as chunks are published)",
    )),
    live(choice(
        "train",
        "prediction",
        &["every_position", "last_position"],
        "Predict after every token, or only after the last one of padded rows of drawn lengths",
    )),
    live(s("train", "eval_interval", Integer, "Steps between validations")),
    live(s(
        "train",
        "save_interval",
        Integer,
        "Steps between saved states; 0 saves with every validation",
    )),
    live(s(
        "train",
        "eval_iters",
        Integer,
        "Batches in a validation estimate; 0 means the whole split",
    )),
    live(s("train", "save_top_k", Integer, "Best checkpoints that are kept")),
    live(s(
        "train",
        "early_stopping_patience",
        Integer,
        "Validations in a row without a new best before training stops; 0 never stops",
    )),
    live(s("train", "log_interval", Integer, "Steps between progress lines")),
    live(s("train", "sample_interval", Integer, "Steps between printed samples; 0 prints none")),
    s("train", "seed", Integer, "Seed of the weights, the batches, the depths and dropout"),
];

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingError {
    #[error("unknown setting `{key}`{}", suggestion(.nearest))]
    Unknown { key: String, nearest: Option<&'static str> },
    #[error("`{key}` belongs in [{section}], not in [{found}]")]
    Misplaced { key: String, section: &'static str, found: String },
    #[error("setting `{key}` {problem}")]
    Value { key: String, problem: String },
    #[error("setting `{key}` cannot change while a run goes on")]
    Settled { key: &'static str },
    #[error("{0}")]
    Shape(String),
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |n| format!("; did you mean `{n}`?"))
}

/// The known setting whose name is closest to `key`, if any is close.
pub fn nearest(key: &str) -> Option<&'static str> {
    closest(&key.replace('-', "_"), SETTINGS.iter().map(|setting| setting.key))
}

fn closest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    known
        .map(|name| (strsim::jaro_winkler(name, word), name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

impl Setting {
    /// The setting called `key`, in either spelling (`block_size`, `block-size`).
    pub fn find(key: &str) -> Result<&'static Self, SettingError> {
        let wanted = key.replace('-', "_");
        SETTINGS
            .iter()
            .find(|setting| setting.key == wanted)
            .ok_or_else(|| SettingError::Unknown { key: key.into(), nearest: nearest(key) })
    }

    /// Reads a value as it was typed on a command line or in a URL.
    pub fn parse(&self, text: &str) -> Result<Value, SettingError> {
        let wrong = |expected: &str| SettingError::Value {
            key: self.key.into(),
            problem: format!("is `{text}`, but must be {expected}"),
        };
        let number = |text: &str| {
            text.trim()
                .parse::<f64>()
                .ok()
                .filter(|x| x.is_finite())
                .and_then(serde_json::Number::from_f64)
        };
        match self.kind {
            SettingKind::Integer => text
                .trim()
                .replace('_', "")
                .parse::<u64>()
                .map(Value::from)
                .map_err(|_| wrong("a whole number from 0")),
            SettingKind::Number => number(text).map(Value::Number).ok_or_else(|| wrong("a number")),
            SettingKind::Text => Ok(Value::from(text)),
            SettingKind::Flag => match text.trim() {
                "true" => Ok(Value::from(true)),
                "false" => Ok(Value::from(false)),
                _ => Err(wrong("true or false")),
            },
            SettingKind::Choice => {
                let typed = text.replace('-', "_");
                let word = match self.aliases.iter().find(|(old, _)| *old == typed) {
                    Some((_, word)) => (*word).to_owned(),
                    None => typed,
                };
                if self.choices.contains(&word.as_str()) {
                    Ok(Value::from(word))
                } else {
                    Err(wrong(&format!("one of {}", self.choices.join(", "))))
                }
            }
            SettingKind::Numbers => text
                .split(',')
                .filter(|part| !part.trim().is_empty())
                .map(|part| number(part).map(Value::Number))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array)
                .ok_or_else(|| wrong("numbers separated by commas")),
        }
    }
}

/// Lays `patch` (tables of settings, as a configuration file holds them) over
/// `base`. Unknown names are refused with the nearest known one. Another variant
/// than the base's begins with the defaults of that variant.
pub fn overlay(base: &RunConfig, patch: &Value) -> Result<RunConfig, SettingError> {
    let tables = patch
        .as_object()
        .ok_or_else(|| SettingError::Shape("a configuration is a set of tables".into()))?;
    let variant = tables.get("variant").or_else(|| tables.get("model")?.get("variant"));
    let other = variant
        .and_then(Value::as_str)
        .and_then(ModelInfo::find)
        .filter(|model| model.name != base.model.name())
        .map(|model| (model.defaults)());
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
    config.validate()?;
    Ok(config)
}

/// Whether a run may go on with another configuration: only settings that are
/// [`live`](Setting::live) may differ.
pub fn may_change(running: &RunConfig, wanted: &RunConfig) -> Result<(), SettingError> {
    wanted.validate()?;
    match differences(running, wanted).find(|setting| !setting.live) {
        Some(setting) => Err(SettingError::Settled { key: setting.key }),
        None => Ok(()),
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
        return Err(SettingError::Value {
            key: setting.key.into(),
            problem: format!("does not belong to a `{variant}` model"),
        });
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
    for setting in SETTINGS {
        let Some(value) = whole[setting.section].get(setting.key) else { continue };
        let mut probe = sound.clone();
        set(&mut probe, setting, value)?;
        if let Err(error) = serde_json::from_value::<RunConfig>(probe) {
            return Err(SettingError::Value {
                key: setting.key.into(),
                problem: format!("cannot be read: {error}"),
            });
        }
    }
    Err(SettingError::Shape(error.to_string()))
}
