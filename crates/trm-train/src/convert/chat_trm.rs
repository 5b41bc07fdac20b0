//! Chat-TRM.

use burn::tensor::Device;
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::Value;
use trm_data::checkpoint::write;
use trm_spec::{
    ChatTrmSpec, Decay, Failure, Objective, RunConfig, TrainSpec, VariantSpec, Vocab, read_json,
};

use super::{expect_project, of_original, refused};
use crate::checkpoint::{Header, pairs};

/// The original's `config.json` (`src/model/config.py` of Chat-TRM).
#[derive(Deserialize)]
struct ChatTrmConfig {
    vocab_size: usize,
    block_size: usize,
    hidden_size: usize,
    num_heads: usize,
    n_layers: usize,
    recursion_steps: usize,
    #[serde(default = "expansion")]
    expansion: f64,
    #[serde(default)]
    dropout: f64,
    #[serde(default = "eps")]
    rms_norm_eps: f64,
    #[serde(default = "theta")]
    rope_theta: f64,
}

fn expansion() -> f64 {
    4.0
}

fn eps() -> f64 {
    1e-5
}

fn theta() -> f64 {
    1e4
}

/// A Chat-TRM model, as safetensors under the original's names, with the
/// original's configuration as JSON. The original's `dropout` does nothing, so
/// it is not taken over. The result is loaded once on `device` to check it.
///
/// # Errors
/// If the configuration or the weights cannot be read, or do not belong together.
pub fn chat_trm(weights: &[u8], config_json: &str, device: &Device) -> Result<Vec<u8>, Failure> {
    let original: ChatTrmConfig = read_json(config_json).map_err(|error| {
        refused(format!("the original's configuration cannot be read: {error}"))
    })?;
    let _ = original.dropout;
    let config = RunConfig {
        model: VariantSpec::ChatTrm(ChatTrmSpec {
            hidden_size: original.hidden_size,
            num_heads: original.num_heads,
            n_layers: original.n_layers,
            recursion_steps: original.recursion_steps,
            block_size: original.block_size,
            expansion: original.expansion,
            dropout: 0.0,
            rms_norm_eps: original.rms_norm_eps,
            rope_theta: original.rope_theta,
            ..ChatTrmSpec::default()
        }),
        train: TrainSpec {
            decay: Decay::All,
            objective: Objective::LastCycle,
            ..TrainSpec::default()
        },
        ..RunConfig::default()
    };
    config.validate()?;
    let tensors = SafeTensors::deserialize(weights).map_err(|error| {
        refused(format!("the weights are not a whole safetensors file ({error})"))
    })?;
    expect_project(tensors.names().into_iter(), "chat-trm")?;
    let views: Vec<_> = tensors
        .tensors()
        .into_iter()
        // torch.compile leaves this prefix on every name.
        .map(|(name, view)| (name.trim_start_matches("_orig_mod.").to_string(), view))
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
