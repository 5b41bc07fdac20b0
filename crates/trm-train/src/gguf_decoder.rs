//! Decoders of the Llama architecture in GGUF files. Their tensors are read one at a time,
//! so that a browser never holds the numbers of the whole model twice.

use trm_data::gguf::Gguf;
use trm_data::subwords_of_gguf;
use trm_spec::{
    Failure, FailureKind, LlamaSpec, ModelSpec, Subwords, TrainSpec, VariantSpec, Vocab,
};

use crate::checks::check_tables;

/// The embedding of the tokens and the output layer, in a checkpoint.
pub(crate) const EMBEDDING: &str = "embed_tokens";
pub(crate) const HEAD: &str = "lm_head.weight";

/// Rows of an embedding that may be left without a token, to round its size up.
const MOST_PADDING: usize = 1024;

const NORM: &str = "norm.weight";

const TOKENS: &str = "token_embd.weight";

/// The end of the name of a tensor that every layer has.
const FIRST_IN_LAYER: &str = ".attn_norm.weight";

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

/// Tensors of a checkpoint that are several of the original's below each other.
const JOINED: [(&str, &[&str]); 2] = [
    ("self_attn.qkv_proj", &["attn_q", "attn_k", "attn_v"]),
    ("mlp.gate_up_proj", &["ffn_gate", "ffn_up"]),
];

/// A decoder in a GGUF file, with its tokenizer.
pub(crate) struct GgufDecoder<'a> {
    file: Gguf<'a>,
    /// Its sizes.
    pub spec: LlamaSpec,
    /// Its tokens.
    pub vocab: Vocab,
}

impl<'a> GgufDecoder<'a> {
    /// Opens a file without reading its numbers.
    ///
    /// # Errors
    /// If the file is truncated, or holds an architecture, a tokenizer or a number type that
    /// is not read.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Failure> {
        let file = Gguf::read(bytes).map_err(unread)?;
        let spec = spec(&file).map_err(unread)?;
        VariantSpec::from(spec.clone())
            .validate(&TrainSpec::default())
            .map_err(|error| unread(error.to_string()))?;
        check_tables(spec.table_bytes()).map_err(unread)?;
        let tokenizer = subwords_of_gguf(&file).map_err(unread)?;
        if let Some(name) = file.names().find(|name| !is_known(name, spec.n_layers)) {
            return Err(unread(format!("tensor `{name}` does not belong to a model that is read")));
        }
        // What is allocated for layers grows with the tensors of the file.
        let layers = file.names().filter(|name| name.ends_with(FIRST_IN_LAYER)).count();
        if layers < spec.n_layers {
            return Err(unread(format!(
                "its keys say {} layers, but it has the tensors of {layers}",
                spec.n_layers
            )));
        }
        let rows =
            file.shape(TOKENS).and_then(|shape| shape.first().copied()).ok_or_else(|| {
                unread(format!("tensor `{TOKENS}`, the embedding of the tokens, is missing"))
            })?;
        let vocab = vocab(tokenizer, rows)?;
        Ok(Self { file, spec, vocab })
    }

    /// The numbers of a tensor of the checkpoint, row-major, and their shape.
    ///
    /// # Errors
    /// If the file lacks it, or its parts do not fit together.
    pub fn tensor(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Failure> {
        let parts =
            originals(name).ok_or_else(|| unread(format!("it has no tensor for `{name}`")))?;
        let mut parts = parts.iter().map(|part| self.original(part));
        let (mut shape, mut numbers) =
            parts.next().unwrap_or_else(|| Err(unread(format!("it has no `{name}`"))))?;
        for part in parts {
            let (below, more) = part?;
            let fits = shape.len() == below.len() && shape.get(1..) == below.get(1..);
            // A single number has no rows.
            if shape.is_empty() || !fits {
                return Err(unread(format!(
                    "the parts of `{name}` have shapes {shape:?} and {below:?}"
                )));
            }
            shape[0] += below[0];
            numbers.extend(more);
        }
        Ok((shape, numbers))
    }

    /// A tensor of the file, in the order of the checkpoint.
    fn original(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Failure> {
        let numbers = self.file.tensor(name).map_err(unread)?;
        let shape = self.file.shape(name).unwrap_or_default().to_vec();
        let heads = match name.trim_end_matches(".weight").rsplit('.').next() {
            Some("attn_q") => self.spec.num_heads,
            Some("attn_k") => self.spec.num_kv_heads,
            _ => return Ok((shape, numbers)),
        };
        let ordered = in_halves(&numbers, &shape, heads).ok_or_else(|| {
            unread(format!(
                "tensor `{name}` has shape {shape:?}, which {heads} heads do not divide"
            ))
        })?;
        Ok((shape, ordered))
    }
}

/// The tensors of a checkpoint of a decoder.
pub(crate) fn names(spec: &LlamaSpec) -> Vec<String> {
    let head = (!spec.tie_embeddings).then(|| HEAD.to_owned());
    let single = IN_LAYER.iter().filter(|(part, _)| joined(part).is_none());
    let parts: Vec<&str> =
        single.map(|(_, ours)| *ours).chain(JOINED.iter().map(|(ours, _)| *ours)).collect();
    let layers = (0..spec.n_layers)
        .flat_map(|layer| parts.iter().map(move |part| format!("layers.{layer}.{part}.weight")));
    [EMBEDDING.to_owned(), NORM.to_owned()].into_iter().chain(head).chain(layers).collect()
}

/// The tensors of a GGUF that make one of a checkpoint, in their order.
fn originals(name: &str) -> Option<Vec<String>> {
    match name {
        EMBEDDING => return Some(vec![TOKENS.into()]),
        NORM => return Some(vec!["output_norm.weight".into()]),
        HEAD => return Some(vec!["output.weight".into()]),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("layers.")?.strip_suffix(".weight")?.split_once('.')?;
    let single = || {
        let (theirs, _) = IN_LAYER.iter().find(|(_, ours)| *ours == part)?;
        Some(std::slice::from_ref(theirs))
    };
    let parts = JOINED.iter().find(|(ours, _)| *ours == part).map(|(_, parts)| *parts);
    let parts = parts.or_else(single)?;
    Some(parts.iter().map(|part| format!("blk.{layer}.{part}.weight")).collect())
}

/// The tensor of a checkpoint that a tensor of a layer is a part of.
fn joined(part: &str) -> Option<&'static str> {
    JOINED.iter().find(|(_, parts)| parts.contains(&part)).map(|(ours, _)| *ours)
}

/// Whether a tensor belongs to a decoder of so many layers.
fn is_known(name: &str, layers: usize) -> bool {
    if [TOKENS, "output_norm.weight", "output.weight"].contains(&name) {
        return true;
    }
    let in_layer = || {
        let (layer, part) = name.strip_prefix("blk.")?.strip_suffix(".weight")?.split_once('.')?;
        let known = IN_LAYER.iter().any(|(theirs, _)| *theirs == part);
        Some(known && layer.parse::<usize>().ok()? < layers)
    };
    in_layer().unwrap_or(false)
}

fn unread(reason: String) -> Failure {
    Failure::new(
        FailureKind::Checkpoint,
        format!("this GGUF file cannot be used: {reason}"),
        "Give a whole GGUF file of a Llama model, in a type that is read, such as F16 or Q8_0.",
    )
}

fn spec(file: &Gguf<'_>) -> Result<LlamaSpec, String> {
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

/// The meaning of the rows of an embedding.
pub(crate) fn vocab(tokenizer: Option<Subwords>, rows: usize) -> Result<Vocab, Failure> {
    match tokenizer {
        Some(tokenizer) => Ok(Vocab::Subword(fitted(tokenizer, rows)?)),
        None => Ok(Vocab::Plain { size: rows }),
    }
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
