//! A run as bytes and back: safetensors with a header of our own.
//!
//! The model file stands alone and any safetensors reader opens it. What only
//! training needs is a second file of the same kind ([`optimizer`]). Every
//! number is checked before it is used: sizes before anything is allocated,
//! names, shapes and finiteness before a weight is replaced.

pub(crate) mod optimizer;
mod rewrite;

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use trm_spec::{Failure, FailureKind, RunConfig, Vocab};

use crate::parameters::{Named, Replace, collect, replace};

pub use rewrite::{Precision, restart, with_config, with_precision, with_vocab};

const FORMAT: &str = "trm/1";

/// What a checkpoint says of itself.
#[derive(Clone, Debug)]
pub struct Header {
    pub config: RunConfig,
    pub vocab: Vocab,
    /// Training steps done.
    pub step: usize,
    /// Whatever was measured when it was written.
    pub metrics: Value,
}

/// Reads the header of a whole file; the weights are not looked at.
///
/// # Errors
/// If the bytes are not a checkpoint.
pub fn read_header(bytes: &[u8]) -> Result<Header, Failure> {
    header(&metadata(bytes, FORMAT)?)
}

/// The step at which a file was saved, of a model file or of its optimizer file;
/// `None` if it does not say so.
pub fn saved_step(bytes: &[u8]) -> Option<usize> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    header.metadata().as_ref()?.get("step")?.parse().ok()
}

fn refused(message: impl Into<String>, hint: &str) -> Failure {
    Failure::new(FailureKind::Checkpoint, message, hint)
}

const OTHER_FILE: &str = "Choose a .safetensors file that this program has written, or convert the original first (trm-native convert).";
const DAMAGED: &str =
    "The file is damaged. Copy or download it again, or use an earlier checkpoint.";

/// The header's key-value pairs, if the file is of `format`.
fn metadata(bytes: &[u8], format: &str) -> Result<HashMap<String, String>, Failure> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| {
        refused(format!("this is not a whole safetensors file ({error})"), DAMAGED)
    })?;
    let pairs = header.metadata().clone().unwrap_or_default();
    match pairs.get("format").map(String::as_str) {
        Some(found) if found == format => Ok(pairs),
        Some(found) => Err(refused(
            format!("this file is of format `{found}`, but `{format}` is expected"),
            OTHER_FILE,
        )),
        None => Err(refused(
            format!("this safetensors file does not say that it is of format `{format}`"),
            OTHER_FILE,
        )),
    }
}

fn header(pairs: &HashMap<String, String>) -> Result<Header, Failure> {
    let entry = |key: &str| {
        pairs.get(key).ok_or_else(|| refused(format!("the header has no `{key}`"), OTHER_FILE))
    };
    let unreadable = |key: &str, error: &dyn std::fmt::Display| -> Failure {
        refused(format!("`{key}` in the header cannot be read: {error}"), OTHER_FILE)
    };
    let config: RunConfig =
        serde_json::from_str(entry("config")?).map_err(|error| unreadable("config", &error))?;
    config.validate().map_err(|error| unreadable("config", &error))?;
    Ok(Header {
        config,
        vocab: serde_json::from_str(entry("vocab")?)
            .map_err(|error| unreadable("vocab", &error))?,
        step: entry("step")?.parse().map_err(|error| unreadable("step", &error))?,
        metrics: pairs
            .get("metrics")
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null),
    })
}

/// A model file, opened and not yet believed.
pub(crate) struct Checkpoint<'a> {
    pub header: Header,
    tensors: SafeTensors<'a>,
    bytes: usize,
}

impl<'a> Checkpoint<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Failure> {
        let header = read_header(bytes)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| {
            refused(format!("this is not a whole safetensors file ({error})"), DAMAGED)
        })?;
        Ok(Self { header, tensors, bytes: bytes.len() })
    }

    /// Refuses a header whose model would not fit into the file that claims it.
    pub fn expect_size(&self, parameters: usize) -> Result<(), Failure> {
        if parameters.saturating_mul(2) <= self.bytes {
            return Ok(());
        }
        Err(refused(
            format!(
                "the header describes a model of {parameters} parameters, but the file has only {} bytes",
                self.bytes
            ),
            DAMAGED,
        ))
    }

    /// Puts the weights into a module of the right shape.
    pub fn restore<M: Module>(&self, module: M) -> Result<M, Failure> {
        let mut values = BTreeMap::new();
        for named in collect(&module) {
            let view = tensor(&self.tensors, &named.name, &named.shape)?;
            let numbers = numbers(&view);
            finite(&named.name, &numbers)?;
            values.insert(named.name, numbers);
        }
        if let Some(extra) = self.tensors.names().into_iter().find(|n| !values.contains_key(*n)) {
            return Err(refused(
                format!(
                    "tensor `{extra}` does not belong to a `{}` model",
                    self.header.config.model.name()
                ),
                OTHER_FILE,
            ));
        }
        Ok(replace(module, &mut Fill { values }))
    }
}

struct Fill {
    values: BTreeMap<String, Vec<f32>>,
}

impl Replace for Fill {
    fn replace<const D: usize>(&mut self, name: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.values.remove(name) else { return param };
        param.map(|old| {
            let data = TensorData::new(values, old.dims());
            let new = Tensor::from_data(data, &old.device());
            // Buffers stay what they are: numbers that no gradient trains.
            if old.is_require_grad() { new.require_grad() } else { new }
        })
    }
}

fn tensor<'a>(
    tensors: &SafeTensors<'a>,
    name: &str,
    shape: &[usize],
) -> Result<TensorView<'a>, Failure> {
    let view = tensors
        .tensor(name)
        .map_err(|_| refused(format!("tensor `{name}` is missing"), OTHER_FILE))?;
    if view.shape() != shape {
        return Err(refused(
            format!("tensor `{name}` has shape {:?}, but {shape:?} is expected", view.shape()),
            OTHER_FILE,
        ));
    }
    if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
        return Err(refused(
            format!("tensor `{name}` holds {:?}, but F32, F16 or BF16 is expected", view.dtype()),
            OTHER_FILE,
        ));
    }
    Ok(view)
}

/// The numbers of a tensor of any float type, as f32.
fn numbers(view: &TensorView) -> Vec<f32> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F16 => bytes
            .chunks_exact(2)
            .map(|b| burn::tensor::f16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        Dtype::BF16 => bytes
            .chunks_exact(2)
            .map(|b| burn::tensor::bf16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        _ => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
    }
}

fn finite(name: &str, values: &[f32]) -> Result<(), Failure> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => Err(refused(
            format!(
                "tensor `{name}` holds {} at position {at}, so the model cannot work",
                values[at]
            ),
            "The run that wrote it had diverged. Use an earlier checkpoint, or train again with a lower learning_rate.",
        )),
    }
}

/// Writes tensors under a header.
pub(crate) fn to_bytes(
    tensors: &[(String, Vec<usize>, Vec<f32>)],
    pairs: HashMap<String, String>,
) -> Result<Vec<u8>, Failure> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let unwritable = |error: safetensors::SafeTensorError| {
        refused(
            format!("the checkpoint cannot be written: {error}"),
            "This is a defect; please report it.",
        )
    };
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(unwritable)?;
    safetensors::serialize(views, Some(pairs)).map_err(unwritable)
}

/// The key-value pairs of a model file.
pub(crate) fn pairs(header: &Header) -> Result<HashMap<String, String>, Failure> {
    let json = |key: &str, value: serde_json::Result<String>| {
        value.map(|text| (key.to_string(), text)).map_err(|error| {
            refused(
                format!("`{key}` cannot be written: {error}"),
                "This is a defect; please report it.",
            )
        })
    };
    Ok(HashMap::from([
        ("format".into(), FORMAT.into()),
        json("config", serde_json::to_string(&header.config))?,
        json("vocab", serde_json::to_string(&header.vocab))?,
        ("step".into(), header.step.to_string()),
        json("metrics", serde_json::to_string(&header.metrics))?,
    ]))
}

/// The model file of `module`.
pub(crate) async fn write<M: Module>(module: &M, header: &Header) -> Result<Vec<u8>, Failure> {
    let mut tensors = Vec::new();
    for Named { name, shape, values, .. } in collect(module) {
        tensors.push((name, shape, host(values).await?));
    }
    to_bytes(&tensors, pairs(header)?)
}

/// Reads a tensor back from its device.
pub(crate) async fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Failure> {
    let lost = |error: &dyn std::fmt::Display| {
        Failure::new(
            FailureKind::Device,
            format!("the device did not give its numbers back: {error}"),
            "Reload and go on from the last save; if it happens again, choose the CPU.",
        )
    };
    let data = tensor.into_data_async().await.map_err(|error| lost(&error))?;
    data.convert::<f32>().try_into_vec::<f32>().map_err(|error| lost(&format!("{error:?}")))
}
