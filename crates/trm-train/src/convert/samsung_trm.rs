//! The official TRM (SamsungSAILMontreal/TinyRecursiveModels).
//!
//! Its state dict has the names of ours under `inner.`, and before that whatever
//! wrapped the model: its loss head (`model.`) and the compiler (`_orig_mod.`).

use std::collections::HashMap;

use burn::tensor::Device;
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::Value;
use trm_data::checkpoint::write;
use trm_spec::{
    DataSpec, Failure, FailureKind, ModelSpec, Positions, RunConfig, StateStart, TrainSpec,
    TrmSpec, VariantSpec, Vocab, read_json,
};

use super::{expect_project, of_original, refused};
use crate::checkpoint::{Checkpoint, Header, pairs};

/// Its architecture's configuration, which it keeps in YAML, together with what
/// its data set says of itself.
#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the original's names")]
struct Original {
    vocab_size: usize,
    seq_len: usize,
    num_puzzle_identifiers: usize,
    H_cycles: usize,
    L_cycles: usize,
    L_layers: usize,
    hidden_size: usize,
    num_heads: usize,
    expansion: f64,
    #[serde(default)]
    puzzle_emb_ndim: usize,
    #[serde(default)]
    puzzle_emb_len: usize,
    pos_encodings: Positions,
    halt_max_steps: usize,
    #[serde(default)]
    halt_exploration_prob: f64,
    #[serde(default)]
    mlp_t: bool,
    #[serde(default = "eps")]
    rms_norm_eps: f64,
    #[serde(default = "theta")]
    rope_theta: f64,
}

fn eps() -> f64 {
    1e-5
}

fn theta() -> f64 {
    1e4
}

impl Original {
    fn config(&self) -> RunConfig {
        RunConfig {
            model: VariantSpec::Trm(TrmSpec {
                hidden_size: self.hidden_size,
                num_heads: self.num_heads,
                n_layers: self.L_layers,
                h_cycles: self.H_cycles,
                l_cycles: self.L_cycles,
                halt_max_steps: self.halt_max_steps,
                seq_len: self.seq_len,
                num_puzzle_identifiers: self.num_puzzle_identifiers,
                puzzle_emb_ndim: self.puzzle_emb_ndim,
                puzzle_emb_len: self.puzzle_emb_len,
                pos_encodings: self.pos_encodings,
                mlp_t: self.mlp_t,
                expansion: self.expansion,
                rms_norm_eps: self.rms_norm_eps,
                rope_theta: self.rope_theta,
                state_start: StateStart::Normal,
            }),
            // It says only by its sizes what it was trained on.
            data: DataSpec {
                dataset: match (self.seq_len, self.vocab_size) {
                    (81, 11) => "sudoku-9x9",
                    (900, 6) => "maze-30x30",
                    (900, 12) => "arc",
                    _ => "puzzles",
                }
                .into(),
                ..DataSpec::default()
            },
            train: TrainSpec {
                halt_exploration_prob: self.halt_exploration_prob,
                ..TrmSpec::defaults().1
            },
        }
    }
}

/// Wrappers whose names may stand before those of the model, outermost first.
const WRAPPERS: [&str; 3] = ["_orig_mod.", "model.", "inner."];

/// A model of the official TRM, as safetensors under its own names and with its
/// configuration as JSON, in any float type. The result is loaded once on
/// `device` to check it.
///
/// # Errors
/// If the configuration or the weights cannot be read, or do not belong together.
pub fn samsung_trm(weights: &[u8], config_json: &str, device: &Device) -> Result<Vec<u8>, Failure> {
    let original: Original = read_json(config_json).map_err(|error| {
        refused(format!("the original's configuration cannot be read: {error}"))
    })?;
    let config = original.config();
    config.validate()?;
    let tensors = SafeTensors::deserialize(weights).map_err(|error| {
        refused(format!("the weights are not a whole safetensors file ({error})"))
    })?;
    expect_project(tensors.names().into_iter(), "samsung-trm")?;
    let views: Vec<_> = tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let bare = WRAPPERS
                .iter()
                .fold(name.as_str(), |name, prefix| name.strip_prefix(prefix).unwrap_or(name));
            (bare.to_owned(), view)
        })
        .collect();
    let header = Header {
        config,
        vocab: Vocab::Plain { size: original.vocab_size },
        step: 0,
        metrics: Value::Null,
        base: None,
    };
    let bytes = write(views, pairs(&header)?)
        .map_err(|error| refused(format!("the weights cannot be written: {error}")))?;
    // Read back what will be read later, so that a wrong file is refused here.
    crate::load(&bytes, None, None, device).map_err(of_original)?;
    Ok(bytes)
}

/// A checkpoint of a puzzle model as the official code loads it: its names, its
/// numbers as they are stored, and its configuration as JSON.
///
/// # Errors
/// If it is a checkpoint of another model, or the official code cannot represent it.
pub fn to_samsung_trm(checkpoint: &[u8]) -> Result<(Vec<u8>, String), Failure> {
    let opened = Checkpoint::read(checkpoint)?;
    let VariantSpec::Trm(model) = &opened.header.config.model else {
        return Err(Failure::new(
            FailureKind::Config,
            format!(
                "a `{}` model has no place in the official TRM",
                opened.header.config.model.name()
            ),
            "Choose the form of its own original: `trm-native convert --help` lists them.",
        ));
    };
    if model.state_start == StateStart::Zero {
        return Err(refused("the official TRM has no states that start at zero".into()));
    }
    let tensors = SafeTensors::deserialize(checkpoint).map_err(|error| {
        refused(format!("the checkpoint is not a whole safetensors file ({error})"))
    })?;
    let named = tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| (format!("{}{name}", WRAPPERS.concat()), view));
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = write(named, format)
        .map_err(|error| refused(format!("the weights cannot be written: {error}")))?;
    let config = serde_json::json!({
        "batch_size": opened.header.config.train.batch_size,
        "seq_len": model.seq_len,
        "puzzle_emb_ndim": model.puzzle_emb_ndim,
        "num_puzzle_identifiers": model.num_puzzle_identifiers,
        "vocab_size": opened.header.vocab.size(),
        "H_cycles": model.h_cycles,
        "L_cycles": model.l_cycles,
        "H_layers": 0,
        "L_layers": model.n_layers,
        "hidden_size": model.hidden_size,
        "expansion": model.expansion,
        "num_heads": model.num_heads,
        "pos_encodings": model.pos_encodings,
        "rms_norm_eps": model.rms_norm_eps,
        "rope_theta": model.rope_theta,
        "halt_max_steps": model.halt_max_steps,
        "halt_exploration_prob": opened.header.config.train.halt_exploration_prob,
        "forward_dtype": "float32",
        "mlp_t": model.mlp_t,
        "puzzle_emb_len": model.prefix(),
        "no_ACT_continue": true,
    });
    Ok((bytes, format!("{config:#}\n")))
}
