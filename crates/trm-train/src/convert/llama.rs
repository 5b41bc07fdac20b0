//! Decoders of the Llama architecture as Hugging Face's library saves them
//! (`LlamaForCausalLM`, `SmolLM3ForCausalLM`).

use burn::tensor::Device;
use serde::Deserialize;
use serde_json::Value;
use trm_data::subwords_of_json;
use trm_spec::{Failure, LlamaSpec, RunConfig, Subwords, VariantSpec, Vocab, read_json};

use super::refused;
use super::tensors::Tensors;
use crate::checkpoint::{Header, pairs};
use crate::gguf_decoder::{EMBEDDING, HEAD, vocab};

/// Layers beyond these are a damaged configuration; some lists have an entry for each.
const MOST_LAYERS: usize = 1 << 16;

/// `config.json`, as far as it is read.
#[derive(Deserialize)]
struct Original {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    max_position_embeddings: usize,
    rms_norm_eps: f64,
    hidden_act: Option<String>,
    tie_word_embeddings: Option<bool>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    use_sliding_window: bool,
    /// In older files; newer ones have it in `rope_parameters`.
    rope_theta: Option<f64>,
    rope_scaling: Option<Rope>,
    rope_parameters: Option<Rope>,
    /// By layer: 1 where it has rotary positions, 0 where it has none.
    no_rope_layers: Option<Vec<u8>>,
    no_rope_layer_interval: Option<usize>,
}

/// Rotary positions.
#[derive(Default, Deserialize)]
struct Rope {
    rope_theta: Option<f64>,
    #[serde(alias = "type")]
    rope_type: Option<String>,
}

impl Original {
    fn spec(&self, has_head: bool) -> Result<LlamaSpec, Failure> {
        let unread = |what: String| Err(refused(format!("{what}, which is not read")));
        if self.num_hidden_layers > MOST_LAYERS {
            return unread(format!("config.json has {} layers", self.num_hidden_layers));
        }
        if !["llama", "smollm3"].contains(&self.model_type.as_str()) {
            return unread(format!("config.json describes a `{}` model", self.model_type));
        }
        if let Some(act) = self.hidden_act.as_deref().filter(|act| *act != "silu") {
            return unread(format!("config.json has the activation `{act}`"));
        }
        if self.attention_bias || self.mlp_bias {
            return unread("config.json has biases".into());
        }
        if self.use_sliding_window {
            return unread("config.json has a sliding window".into());
        }
        for rope in [&self.rope_parameters, &self.rope_scaling].into_iter().flatten() {
            if let Some(kind) = rope.rope_type.as_deref().filter(|kind| *kind != "default") {
                return unread(format!("config.json has rotary positions of the type `{kind}`"));
            }
        }
        let theta = self.rope_parameters.as_ref().and_then(|rope| rope.rope_theta);
        Ok(LlamaSpec {
            hidden_size: self.hidden_size,
            n_layers: self.num_hidden_layers,
            num_heads: self.num_attention_heads,
            num_kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim: self
                .head_dim
                .filter(|width| width * self.num_attention_heads != self.hidden_size)
                .unwrap_or(0),
            intermediate_size: self.intermediate_size,
            block_size: self.max_position_embeddings,
            tie_embeddings: self.tie_word_embeddings.unwrap_or(!has_head),
            rope_theta: theta.or(self.rope_theta).unwrap_or(10_000.0),
            no_rope_layers: self.no_rope_layers()?,
            rms_norm_eps: self.rms_norm_eps,
        })
    }

    fn no_rope_layers(&self) -> Result<Vec<f64>, Failure> {
        let has_none: Vec<bool> = match (&self.no_rope_layers, self.no_rope_layer_interval) {
            (Some(layers), _) => layers.iter().map(|has| *has == 0).collect(),
            (None, Some(interval)) if interval > 0 => {
                (1..=self.num_hidden_layers).map(|layer| layer.is_multiple_of(interval)).collect()
            }
            _ => return Ok(Vec::new()),
        };
        if has_none.len() != self.num_hidden_layers {
            return Err(refused(format!(
                "config.json has no_rope_layers for {} layers, but {} layers",
                has_none.len(),
                self.num_hidden_layers
            )));
        }
        let layers = has_none.iter().enumerate().filter(|(_, none)| **none);
        Ok(layers.map(|(layer, _)| layer as f64).collect())
    }
}

/// A decoder of Hugging Face: the safetensors files of its weights, its `config.json`, and
/// its `tokenizer.json` where there is one. The result is loaded once on `device` to check
/// it.
///
/// # Errors
/// If a file cannot be read, they do not belong together, or are of another architecture.
pub fn hf_llama(
    weights: &[Vec<u8>],
    config_json: &str,
    tokenizer_json: Option<&str>,
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let original: Original = read_json(config_json)
        .map_err(|error| refused(format!("config.json cannot be read: {error}")))?;
    let mut tensors = Tensors::default();
    for file in weights {
        tensors.add(Tensors::read(file, |name| Some(short(name)))?);
    }
    let spec = original.spec(tensors.get(HEAD).is_some())?;
    let tokenizer = tokenizer_json
        .map(subwords_of_json)
        .transpose()
        .map_err(|reason| refused(format!("tokenizer.json: {reason}")))?;
    checkpoint(tensors, spec, tokenizer, device)
}

/// A name without the prefix of the decoder inside the model with its output layer.
fn short(name: &str) -> String {
    let name = name.strip_prefix("model.").unwrap_or(name);
    if name == "embed_tokens.weight" { EMBEDDING.into() } else { name.into() }
}

/// A checkpoint of tensors under the names of Hugging Face without prefixes.
fn checkpoint(
    mut tensors: Tensors<'_>,
    spec: LlamaSpec,
    tokenizer: Option<Subwords>,
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let rows = tensors
        .get(EMBEDDING)
        .and_then(|embedding| embedding.shape.first().copied())
        .ok_or_else(|| refused("the embedding of the tokens is missing".into()))?;
    if spec.tie_embeddings && tensors.get(HEAD).is_some() {
        // A copy of the embedding.
        tensors.take(HEAD)?;
    }
    let unused = |name: &&str| name.ends_with("rotary_emb.inv_freq");
    let unused: Vec<String> = tensors.names().filter(unused).map(str::to_owned).collect();
    for name in unused {
        tensors.take(&name)?;
    }
    for layer in 0..spec.n_layers {
        let name = |part: &str| format!("layers.{layer}.{part}.weight");
        let qkv = ["q_proj", "k_proj", "v_proj"].map(|part| name(&format!("self_attn.{part}")));
        tensors.join(&qkv, name("self_attn.qkv_proj"))?;
        tensors.join(&["mlp.gate_proj", "mlp.up_proj"].map(name), name("mlp.gate_up_proj"))?;
    }
    written(tensors, spec, vocab(tokenizer, rows)?, device)
}

/// A checkpoint of tensors under their names in it.
pub(super) fn written(
    tensors: Tensors<'_>,
    spec: LlamaSpec,
    vocab: Vocab,
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let config = RunConfig { model: VariantSpec::Llama(spec), ..RunConfig::default() };
    config.validate()?;
    let header = Header { config, vocab, step: 0, metrics: Value::Null, base: None };
    let bytes = tensors.write(pairs(&header)?)?;
    // Read back what will be read later, so that a wrong file is refused here.
    crate::load(&bytes, None, None, device)?;
    Ok(bytes)
}
