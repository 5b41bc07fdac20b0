//! A checkpoint as PyTorch saves it, turned into safetensors and JSON.

use std::path::Path;

use anyhow::Context;
use pytorch_reader::{DType, PickleValue, PytorchReader};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Map, Value};

/// Where nanoGPT and its relatives keep the weights.
const WEIGHTS: &str = "model";
/// Where they keep the settings of the run.
const SETTINGS: &str = "config";

/// What a PyTorch file holds.
pub struct Original {
    /// The weights, as safetensors.
    pub weights: Vec<u8>,
    /// The settings saved beside them, as JSON.
    pub config: Option<String>,
}

/// Whether these are the bytes of a PyTorch file: a zip archive, or a bare pickle.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0x80, 0x02])
}

/// Reads the file at `path`.
pub fn read(path: &Path) -> anyhow::Result<Original> {
    let unreadable = || format!("{} is no PyTorch checkpoint that can be read", path.display());
    let file = PytorchReader::with_top_level_key(path, WEIGHTS)
        .or_else(|_| PytorchReader::new(path))
        .with_context(unreadable)?;
    let mut data = Vec::with_capacity(file.len());
    for tensor in file.tensors().values() {
        let dtype = dtype(tensor.dtype())
            .with_context(|| format!("tensor `{}` holds {:?}", tensor.name, tensor.dtype()))?;
        data.push((tensor, dtype, tensor.read().with_context(unreadable)?));
    }
    let views = data
        .iter()
        .map(|(tensor, dtype, bytes)| {
            Ok((tensor.name.as_str(), TensorView::new(*dtype, tensor.shape().to_vec(), bytes)?))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    let weights = safetensors::serialize(views, None)?;
    let vocab = data.iter().find(|(tensor, ..)| tensor.name.ends_with("lm_head.weight"));
    let vocab_size = vocab.and_then(|(tensor, ..)| tensor.shape().first().copied());
    Ok(Original { weights, config: settings(path, vocab_size) })
}

fn dtype(dtype: DType) -> Option<Dtype> {
    match dtype {
        DType::F32 => Some(Dtype::F32),
        DType::F16 => Some(Dtype::F16),
        DType::BF16 => Some(Dtype::BF16),
        _ => None,
    }
}

/// The settings of the run, with the vocabulary that the weights have: the
/// original replaces it after it has noted its settings.
fn settings(path: &Path, vocab_size: Option<usize>) -> Option<String> {
    let PickleValue::Dict(settings) = PytorchReader::read_pickle_data(path, Some(SETTINGS)).ok()?
    else {
        return None;
    };
    let mut json: Map<String, Value> =
        settings.into_iter().filter_map(|(key, value)| Some((key, plain(value)?))).collect();
    if let Some(size) = vocab_size {
        json.insert("vocab_size".into(), size.into());
    }
    Some(Value::Object(json).to_string())
}

fn plain(value: PickleValue) -> Option<Value> {
    match value {
        PickleValue::Bool(value) => Some(value.into()),
        PickleValue::Int(value) => Some(value.into()),
        PickleValue::Float(value) => Some(value.into()),
        PickleValue::String(value) => Some(value.into()),
        _ => None,
    }
}
