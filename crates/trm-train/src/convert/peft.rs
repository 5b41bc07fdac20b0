//! Low-rank adapters as the library peft saves them: `adapter_model.safetensors` and
//! `adapter_config.json`. They are merged into the weights of a decoder, and those of a
//! question model are written in this form.

use std::collections::HashMap;

use burn::tensor::Device;
use serde::Deserialize;
use serde_json::json;
use trm_spec::{Failure, FailureKind, LlamaSpec, VariantSpec, read_json};

use super::refused;
use super::tensors::{Stored, Tensors};
use crate::base::BaseFile;
use crate::checkpoint::{pairs, read_header};

/// What peft puts before a module's name.
const PREFIX: &str = "base_model.model.model.";

/// `adapter_config.json`, as far as it is read.
#[derive(Deserialize)]
struct AdapterConfig {
    peft_type: String,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    rank_pattern: HashMap<String, usize>,
    #[serde(default)]
    alpha_pattern: HashMap<String, f64>,
    bias: Option<String>,
}

impl AdapterConfig {
    fn read(text: &str) -> Result<Self, Failure> {
        let config: Self = read_json(text)
            .map_err(|error| refused(format!("adapter_config.json cannot be read: {error}")))?;
        let unread = |what: &str| {
            Err(refused(format!("adapter_config.json describes {what}, which is not read")))
        };
        if config.peft_type != "LORA" {
            return unread(&format!("a `{}` adapter", config.peft_type));
        }
        if config.use_dora {
            return unread("weight decomposition (DoRA)");
        }
        if config.fan_in_fan_out {
            return unread("transposed weights");
        }
        if !config.rank_pattern.is_empty() || !config.alpha_pattern.is_empty() {
            return unread("a rank or alpha for each module");
        }
        if config.bias.as_deref().is_some_and(|bias| bias != "none") {
            return unread("trained biases");
        }
        if config.r == 0 {
            return Err(refused("adapter_config.json has the rank r = 0".into()));
        }
        Ok(config)
    }

    fn scaling(&self) -> f64 {
        let rank = self.r as f64;
        self.lora_alpha / if self.use_rslora { rank.sqrt() } else { rank }
    }
}

/// The matrix of ours that a module of peft's adapts, and its first row and its rows there.
fn target(module: &str, spec: &LlamaSpec) -> Option<(String, usize, usize)> {
    let (layer, map) = module.strip_prefix("layers.")?.split_once('.')?;
    let (q, kv) = (spec.num_heads * spec.head_dim(), spec.num_kv_heads * spec.head_dim());
    let (width, inner) = (spec.hidden_size, spec.intermediate_size);
    let (name, first, rows) = match map {
        "self_attn.q_proj" => ("self_attn.qkv_proj", 0, q),
        "self_attn.k_proj" => ("self_attn.qkv_proj", q, kv),
        "self_attn.v_proj" => ("self_attn.qkv_proj", q + kv, kv),
        "self_attn.o_proj" => ("self_attn.o_proj", 0, width),
        "mlp.gate_proj" => ("mlp.gate_up_proj", 0, inner),
        "mlp.up_proj" => ("mlp.gate_up_proj", inner, inner),
        "mlp.down_proj" => ("mlp.down_proj", 0, width),
        _ => return None,
    };
    Some((format!("layers.{layer}.{name}.weight"), first, rows))
}

/// The decoder in `base` with an adapter of peft's merged into its weights, in 32 bits. The
/// result is opened once on `device`.
///
/// # Errors
/// If a file is damaged, the adapter is of a kind that is not read, it belongs to other layers
/// or widths, or the merged weights are no decoder.
pub fn merge_lora(
    adapter: &[u8],
    config: &str,
    base: BaseFile<'_>,
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let config = AdapterConfig::read(config)?;
    let header = read_header(base.bytes)?;
    let VariantSpec::Llama(spec) = &header.config.model else {
        return Err(refused(format!("{} is no decoder", base.name)));
    };
    let adapter = Tensors::read(adapter, |name| Some(name.to_owned()))?;
    let mut weights = Tensors::read(base.bytes, |name| Some(name.to_owned()))?;
    if adapter.names().next().is_none() {
        return Err(refused("the adapter holds no weights".into()));
    }
    for name in adapter.names() {
        let unread = || refused(format!("tensor `{name}` of the adapter is not read"));
        let module = name.strip_prefix(PREFIX).ok_or_else(unread)?;
        if let Some(module) = module.strip_suffix(".lora_B.weight") {
            let a_name = format!("{PREFIX}{module}.lora_A.weight");
            if adapter.get(&a_name).is_none() {
                return Err(refused(format!("tensor `{a_name}` of the adapter is missing")));
            }
            continue;
        }
        let module = module.strip_suffix(".lora_A.weight").ok_or_else(unread)?;
        let (target, first, height) = target(module, spec).ok_or_else(unread)?;
        let b_name = format!("{PREFIX}{module}.lora_B.weight");
        let missing = || refused(format!("tensor `{b_name}` of the adapter is missing"));
        let (a, b) =
            (adapter.get(name).ok_or_else(unread)?, adapter.get(&b_name).ok_or_else(missing)?);
        let stored = weights.take(&target).map_err(|_| {
            refused(format!("the adapter changes `{module}`, but {} has no such layer", base.name))
        })?;
        let (&[rank, input], &[output, inner]) = (&a.shape[..], &b.shape[..]) else {
            return Err(unread());
        };
        let shape = stored.shape.clone();
        let fits = match shape[..] {
            [rows, columns] => {
                columns == input && input > 0 && output == height && first + height <= rows
            }
            _ => false,
        };
        if rank != config.r || inner != rank || !fits {
            return Err(refused(format!(
                "the adapter of `{module}` is [{output}, {inner}] · [{rank}, {input}] with r = {}, \
                 but {} has {shape:?} there",
                config.r, base.name
            )));
        }
        let (a, b) = (a.numbers(name)?, b.numbers(&b_name)?);
        if !a.iter().chain(&b).all(|x| x.is_finite()) {
            return Err(refused(format!(
                "the adapter of `{module}` contains NaN or infinite values"
            )));
        }
        let mut merged = stored.numbers(&target)?;
        for row in 0..output {
            let place = (first + row) * input;
            let into = &mut merged[place..place + input];
            for (factor, a) in b[row * rank..][..rank].iter().zip(a.chunks_exact(input)) {
                let factor = (f64::from(*factor) * config.scaling()) as f32;
                into.iter_mut().zip(a).for_each(|(w, a)| *w += factor * a);
            }
        }
        weights.insert(target, Stored::f32(shape, &merged));
    }
    let merged = weights.write(pairs(&header)?)?;
    crate::load(&merged, None, None, device)?;
    Ok(merged)
}

/// An adapter in peft's form.
pub struct Peft {
    /// `adapter_model.safetensors`.
    pub weights: Vec<u8>,
    /// `adapter_config.json`.
    pub config: String,
}

/// The adapters of a question model in peft's form. They belong to its frozen decoder; the
/// rest of the model is not in them.
///
/// # Errors
/// If the checkpoint is of another model or damaged.
pub fn to_peft(checkpoint: &[u8]) -> Result<Peft, Failure> {
    let header = read_header(checkpoint)?;
    let VariantSpec::LlmTrm(spec) = &header.config.model else {
        return Err(Failure::new(
            FailureKind::Config,
            format!("a `{}` model has no adapters", header.config.model.name()),
            "Only question models have adapters: choose another --to-format, or leave it out.",
        ));
    };
    let cut = spec.cut;
    let tensors = Tensors::read(checkpoint, |name| {
        let (layer, rest) = name.strip_prefix("lora.layers.")?.split_once('.')?;
        let layer = cut + layer.parse::<usize>().ok()?;
        Some(format!("{PREFIX}layers.{layer}.self_attn.{rest}"))
    })?;
    let base = header.base.map(|base| base.name).unwrap_or_default();
    let config = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": spec.lora_rank,
        "lora_alpha": spec.lora_alpha,
        "lora_dropout": spec.lora_dropout,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
        "layers_to_transform": (cut..spec.base_layers).collect::<Vec<_>>(),
    });
    Ok(Peft {
        weights: tensors.write(HashMap::from([("format".into(), "pt".into())]))?,
        config: format!("{config:#}\n"),
    })
}
