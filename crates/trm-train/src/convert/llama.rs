//! Decoders of the Llama architecture: as Hugging Face's library saves them
//! (`LlamaForCausalLM`, `SmolLM3ForCausalLM`), and as GGUF files.

use burn::tensor::Device;
use serde::Deserialize;
use serde_json::Value;
use trm_data::gguf::Gguf;
use trm_data::{subwords_of_gguf, subwords_of_json};
use trm_spec::{
    Failure, FailureKind, LlamaSpec, RunConfig, Subwords, VariantSpec, Vocab, read_json,
};

use super::refused;
use super::tensors::{Stored, Tensors};
use crate::checkpoint::{Header, pairs};

/// Rows of an embedding that may be left without a token, to round its size up.
const MOST_PADDING: usize = 1024;

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

const EMBEDDING: &str = "embed_tokens";
const HEAD: &str = "lm_head.weight";

/// A name without the prefix of the decoder inside the model with its output layer.
fn short(name: &str) -> String {
    let name = name.strip_prefix("model.").unwrap_or(name);
    if name == "embed_tokens.weight" { EMBEDDING.into() } else { name.into() }
}

/// Names of a layer's tensors in a GGUF, and in Hugging Face's files.
const IN_LAYER: [(&str, &str); 9] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// A decoder in a GGUF file, with the tokenizer in it. The result is loaded once on
/// `device` to check it.
///
/// # Errors
/// If the file is truncated, or holds an architecture, a tokenizer or a number type that
/// is not read.
pub fn llama_gguf(bytes: &[u8], device: &Device) -> Result<Vec<u8>, Failure> {
    let file = Gguf::read(bytes).map_err(unread_gguf)?;
    let spec = spec_of_gguf(&file).map_err(unread_gguf)?;
    let tokenizer = subwords_of_gguf(&file).map_err(unread_gguf)?;
    let mut tensors = Tensors::default();
    let names: Vec<&str> = file.names().collect();
    for name in names {
        let shape = file.shape(name).unwrap_or_default().to_vec();
        let mut numbers = file.tensor(name).map_err(unread_gguf)?;
        let (ours, part) = name_of_gguf(name).ok_or_else(|| {
            unread_gguf(format!("tensor `{name}` does not belong to a model that is read"))
        })?;
        let heads = match part {
            "attn_q" => Some(spec.num_heads),
            "attn_k" => Some(spec.num_kv_heads),
            _ => None,
        };
        if let Some(heads) = heads {
            numbers = in_halves(&numbers, &shape, heads).ok_or_else(|| {
                unread_gguf(format!(
                    "tensor `{name}` has shape {shape:?}, which {heads} heads do not divide"
                ))
            })?;
        }
        tensors.insert(ours, Stored::f32(shape, &numbers));
    }
    checkpoint(tensors, spec, tokenizer, device)
}

fn unread_gguf(reason: String) -> Failure {
    Failure::new(
        FailureKind::Checkpoint,
        format!("this GGUF file cannot be used: {reason}"),
        "Give a whole GGUF file of a Llama model, in a type that is read, such as F16 or Q8_0.",
    )
}

fn spec_of_gguf(file: &Gguf<'_>) -> Result<LlamaSpec, String> {
    const ARCHITECTURE: &str = "llama";
    match file.text("general.architecture") {
        Some(ARCHITECTURE) => {}
        Some(other) => {
            return Err(format!("it holds a `{other}` model, but only `{ARCHITECTURE}` is read"));
        }
        None => return Err("it does not name its architecture".into()),
    }
    let key = |key: &str| format!("{ARCHITECTURE}.{key}");
    let missing = |key: &str| format!("the key `{ARCHITECTURE}.{key}` is missing, or no number");
    let size = |name: &str| file.integer(&key(name)).ok_or_else(|| missing(name));
    if let Some(kind) = file.text(&key("rope.scaling.type")).filter(|kind| *kind != "none") {
        return Err(format!("it has rotary positions of the type `{kind}`, which is not read"));
    }
    let (hidden_size, num_heads) = (size("embedding_length")?, size("attention.head_count")?);
    let head_dim = file.integer(&key("attention.key_length"));
    let width = head_dim.unwrap_or(hidden_size / num_heads.max(1));
    if let Some(rotated) = file.integer(&key("rope.dimension_count")).filter(|n| *n != width) {
        return Err(format!(
            "it rotates {rotated} of the {width} features of a head, which is not read"
        ));
    }
    let eps = "attention.layer_norm_rms_epsilon";
    Ok(LlamaSpec {
        hidden_size,
        n_layers: size("block_count")?,
        num_heads,
        num_kv_heads: file.integer(&key("attention.head_count_kv")).unwrap_or(num_heads),
        head_dim: head_dim.filter(|width| width * num_heads != hidden_size).unwrap_or(0),
        intermediate_size: size("feed_forward_length")?,
        block_size: size("context_length")?,
        tie_embeddings: file.shape("output.weight").is_none(),
        rope_theta: file.number(&key("rope.freq_base")).unwrap_or(10_000.0),
        no_rope_layers: Vec::new(),
        rms_norm_eps: file.number(&key(eps)).ok_or_else(|| missing(eps))?,
    })
}

/// The name of a tensor in Hugging Face's files, and its own inside a layer.
fn name_of_gguf(name: &str) -> Option<(String, &str)> {
    let whole = |name: &str| Some((name.to_owned(), ""));
    match name {
        "token_embd.weight" => return whole(EMBEDDING),
        "output_norm.weight" => return whole("norm.weight"),
        "output.weight" => return whole(HEAD),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("blk.")?.strip_suffix(".weight")?.split_once('.')?;
    let (_, ours) = IN_LAYER.iter().find(|(theirs, _)| *theirs == part)?;
    Some((format!("layers.{layer}.{ours}.weight"), part))
}

/// Rows of queries or keys in the order that rotates the two halves of a head with each
/// other. A GGUF has them in pairs of neighbours: row `2·i + h` of a head is row `i` of
/// half `h`.
fn in_halves(rows: &[f32], shape: &[usize], heads: usize) -> Option<Vec<f32>> {
    let &[count, width] = shape else { return None };
    let head_dim = count / heads.max(1);
    if head_dim * heads != count || !head_dim.is_multiple_of(2) || width == 0 {
        return None;
    }
    let rows: Vec<&[f32]> = rows.chunks_exact(width).collect();
    let mut ordered = Vec::with_capacity(count * width);
    for head in rows.chunks_exact(head_dim) {
        for half in 0..2 {
            for row in head.iter().skip(half).step_by(2) {
                ordered.extend_from_slice(row);
            }
        }
    }
    Some(ordered)
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
    let vocab = match tokenizer {
        Some(tokenizer) => Vocab::Subword(fitted(tokenizer, rows)?),
        None => Vocab::Plain { size: rows },
    };
    let config = RunConfig { model: VariantSpec::Llama(spec), ..RunConfig::default() };
    config.validate()?;
    let header = Header { config, vocab, step: 0, metrics: Value::Null, base: None };
    let bytes = tensors.write(pairs(&header)?)?;
    // Read back what will be read later, so that a wrong file is refused here.
    crate::load(&bytes, None, None, device)?;
    Ok(bytes)
}

/// A tokenizer for an embedding of so many rows: as many tokens, or a few less where the
/// number of rows was rounded up.
fn fitted(mut tokenizer: Subwords, rows: usize) -> Result<Subwords, Failure> {
    let tokens = tokenizer.tokens.len();
    if tokens > rows || rows - tokens > MOST_PADDING {
        return Err(Failure::new(
            FailureKind::Checkpoint,
            format!(
                "the tokenizer has {tokens} tokens, but the embedding has {rows} rows; they do not belong together"
            ),
            "Give the tokenizer.json of this model.",
        ));
    }
    tokenizer.tokens.resize(rows, String::new());
    Ok(tokenizer)
}
