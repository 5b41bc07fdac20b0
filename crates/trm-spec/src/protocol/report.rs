//! What events report: a device, a run, steps, losses, generated text and files.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Family, RunConfig, Solved, Trace, Vocab};

/// Which arithmetic unit a session computes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU: one thread of SIMD in the browser.
    Cpu,
    /// WebGPU.
    Webgpu,
}

/// The device of a session, as shown to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeviceInfo {
    /// Where it computes.
    pub backend: Backend,
    /// For example `wasm SIMD, one thread` of the CPU, or the adapter's own name.
    pub name: String,
}

/// What a run is, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RunSummary {
    /// The configuration of the run.
    pub config: RunConfig,
    /// The family of the model.
    pub family: Family,
    /// What the token numbers mean.
    pub vocab: Vocab,
    /// Numbers in the model.
    pub parameters: usize,
    /// Steps done.
    pub step: usize,
    /// Whether there is a text to train on.
    pub trainable: bool,
    /// Tokens to train on.
    pub train_tokens: usize,
    /// Tokens held out for validation.
    pub val_tokens: usize,
    /// Loss of guessing uniformly, ln(vocabulary), in nats.
    pub chance_loss: f64,
    /// Tokens that one update of the weights sees, over all accumulated batches.
    pub tokens_per_step: usize,
    /// Floating-point operations that training spends on one token, on average.
    pub training_flops_per_token: f64,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Memory {
    /// The module's own: it grows and never shrinks.
    pub wasm: usize,
    /// What the graphics device has reserved, where it says.
    pub device: Option<u64>,
}

/// One training step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StepReport {
    /// Steps done after this one.
    pub step: usize,
    /// Training loss of the batch, in nats per token.
    pub loss: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Cycles this step ran.
    pub depth: usize,
    /// How the puzzles were answered that were done in this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub solved: Option<Solved>,
    /// Of question models: share of the batch's questions that are answered exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub exact: Option<f64>,
}

impl StepReport {
    /// A step whose losses are not read back yet.
    pub fn new(step: usize, learning_rate: f64, depth: usize) -> Self {
        Self { step, loss: 0.0, learning_rate, depth, solved: None, exact: None }
    }
}

/// Loss at one depth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DepthLoss {
    /// Cycles.
    pub depth: usize,
    /// Mean cross-entropy, in nats per token.
    pub loss: f64,
    /// `exp(loss)`.
    pub perplexity: f64,
    /// Loss in bits per character of the text; absent for puzzles, as the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub bits_per_char: Option<f64>,
    /// Loss in bits per byte of UTF-8, which does not depend on the tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub bits_per_byte: Option<f64>,
    /// `exp` of the loss per word, which does not depend on the tokenizer. A word is a
    /// run of characters without white space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub word_perplexity: Option<f64>,
    /// Loss when every draft starts at its own answer, as published; of models that
    /// show this leak. It says nothing about the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub leaking_loss: Option<f64>,
}

impl DepthLoss {
    /// A loss of something else than text: only the perplexity follows from it.
    pub fn of(depth: usize, loss: f64) -> Self {
        Self {
            depth,
            loss,
            perplexity: loss.exp(),
            bits_per_char: None,
            bits_per_byte: None,
            word_perplexity: None,
            leaking_loss: None,
        }
    }
}

/// A piece of generated text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Generated {
    /// The text of the tokens. Bytes that do not make up a whole character yet come with
    /// the token that completes it.
    pub text: String,
    /// The generated tokens.
    pub tokens: Vec<u32>,
    /// The part of the text that each token added; together they are the text. A
    /// character of several tokens belongs to the last of them.
    #[serde(default)]
    pub pieces: Vec<String>,
    /// Whether the stream has ended.
    pub done: bool,
    /// The cycles that made the tokens, where they were asked for: position i is the
    /// readout that token i was drawn from, and `tokens` are these tokens. A chunk that
    /// an earlier pull began without a trace has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub trace: Option<Trace>,
}

/// A run in two files: the model, which stands alone, and what only training needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Saved {
    /// The model file, safetensors.
    #[serde(with = "serde_bytes")]
    #[ts(type = "Uint8Array")]
    pub checkpoint: Vec<u8>,
    /// The optimizer file, safetensors.
    #[serde(with = "serde_bytes")]
    #[ts(type = "Uint8Array")]
    pub optimizer: Vec<u8>,
    /// Steps done by the model that answers.
    pub step: usize,
}
