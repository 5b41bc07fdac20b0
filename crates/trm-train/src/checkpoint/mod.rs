//! A run as bytes and back: safetensors with a header of our own.
//!
//! The model file stands alone and any safetensors reader opens it. What only
//! training needs is a second file of the same kind (`optimizer`). Every
//! number is checked before it is used: sizes before anything is allocated,
//! names, shapes and finiteness before a weight is replaced.

#[cfg(feature = "llm")]
mod fill;
pub(crate) mod optimizer;
pub(crate) mod projects;
mod rewrite;
#[cfg(test)]
mod tests;
#[cfg(feature = "llm")]
mod weights_digest;

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trm_data::FileKind;
use trm_spec::{Failure, FailureKind, ModelInfo, RunConfig, Vocab};

use crate::parameters::{Named, Replace, collect, replace};
use crate::transfer::host;

#[cfg(feature = "llm")]
pub(crate) use fill::fill;
#[cfg(feature = "llm")]
pub(crate) use rewrite::with_base;
pub use rewrite::{Precision, restart, with_config, with_precision, with_vocab};
#[cfg(feature = "llm")]
pub use weights_digest::WeightsDigest;

const FORMAT: &str = "trm/1";

/// The header of a checkpoint.
#[derive(Clone, Debug)]
pub struct Header {
    /// Configuration of model, data and training.
    pub config: RunConfig,
    /// Meaning of the tokens.
    pub vocab: Vocab,
    /// Training steps done.
    pub step: usize,
    /// Measurements at the time it was written; any JSON.
    pub metrics: Value,
    /// The frozen model that belongs to this one and whose weights are not in the file.
    pub base: Option<Base>,
}

/// A frozen model that a checkpoint is trained on top of, kept in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// For example the file's name.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// SHA-256 of its weights alone, of decoders (see [`WeightsDigest`]): it is the same in
    /// files of every format that hold the same numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

/// Names of a frozen base's tensors begin with this; they are left out of the file.
const BASE_PREFIX: &str = "base.";

/// Reads the header without the weights. The only reader of it, natively and in the
/// browser.
///
/// # Errors
/// If the file is damaged, of another format, or its header cannot be understood.
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
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|error| other_kind(bytes, &error))?;
    let pairs = header.metadata().clone().unwrap_or_default();
    match pairs.get("format").map(String::as_str) {
        Some(found) if found == format => Ok(pairs),
        Some(found) => Err(refused(
            format!("this file is of format `{found}`, but `{format}` is expected"),
            OTHER_FILE,
        )),
        None => {
            let names: Vec<String> = header.tensors().into_keys().collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let whose = match projects::project(&names) {
                None => String::new(),
                Some((name, None)) => format!("; by its tensors it is of {name}"),
                Some((name, Some(from))) => {
                    format!("; by its tensors it is of {name} (convert --from {from})")
                }
            };
            Err(refused(
                format!(
                    "this safetensors file does not say that it is of format `{format}`{whose}"
                ),
                OTHER_FILE,
            ))
        }
    }
}

/// What a file is that has no header of safetensors.
fn other_kind(bytes: &[u8], error: &safetensors::SafeTensorError) -> Failure {
    match FileKind::of_start(bytes) {
        FileKind::Safetensors | FileKind::Binary | FileKind::OtherEncoding => {
            refused(format!("this is not a whole safetensors file ({error})"), DAMAGED)
        }
        kind => refused(
            format!("this is {}, not a whole safetensors file", kind.what()),
            kind.next_step(),
        ),
    }
}

fn header(pairs: &HashMap<String, String>) -> Result<Header, Failure> {
    let entry = |key: &str| {
        pairs.get(key).ok_or_else(|| refused(format!("the header has no `{key}`"), OTHER_FILE))
    };
    let unreadable = |key: &str, error: &dyn std::fmt::Display| -> Failure {
        refused(format!("`{key}` in the header cannot be read: {error}"), OTHER_FILE)
    };
    known(entry("config")?)?;
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
        base: pairs
            .get("base")
            .map(|text| serde_json::from_str(text))
            .transpose()
            .map_err(|error| unreadable("base", &error))?,
    })
}

/// Refuses a model that this program does not have, by name.
fn known(config: &str) -> Result<(), Failure> {
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    match config["model"]["variant"].as_str() {
        Some(name) if ModelInfo::find(name).is_none() => Err(refused(
            format!("this file holds a `{name}` model, which is not available here"),
            "Use the command-line program for it, in its newest version.",
        )),
        _ => Ok(()),
    }
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

    /// The numbers of a tensor, and their shape.
    #[cfg(feature = "llm")]
    pub fn tensor(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Failure> {
        let found = self.tensors.tensor(name);
        let shape = found.map(|view| view.shape().to_vec()).unwrap_or_default();
        Ok((shape.clone(), numbers(&tensor(&self.tensors, name, &shape)?)))
    }

    /// Refuses tensors that are not among `names`.
    #[cfg(feature = "llm")]
    pub fn expect_only(&self, names: &[String]) -> Result<(), Failure> {
        let extra = |name: &&str| !names.iter().any(|known| known == name);
        match self.tensors.names().into_iter().find(extra) {
            Some(extra) => Err(self.foreign(extra)),
            None => Ok(()),
        }
    }

    fn foreign(&self, name: &str) -> Failure {
        refused(
            format!(
                "tensor `{name}` does not belong to a `{}` model",
                self.header.config.model.name()
            ),
            OTHER_FILE,
        )
    }

    /// Puts the weights into a module of the right shape.
    pub fn restore<M: Module>(&self, module: M) -> Result<M, Failure> {
        let mut values = BTreeMap::new();
        let base = self.header.base.as_ref();
        let expected = collect(&module).into_iter();
        for named in expected.filter(|named| is_in_file(base, &named.name)) {
            let view = tensor(&self.tensors, &named.name, &named.shape)?;
            let numbers = numbers(&view);
            finite(&named.name, &numbers)?;
            values.insert(named.name, numbers);
        }
        if let Some(extra) = self.tensors.names().into_iter().find(|n| !values.contains_key(*n)) {
            return Err(self.foreign(extra));
        }
        Ok(replace(module, &mut Fill { values }))
    }
}

/// Whether the tensor `name` is in a file with such a base.
fn is_in_file(base: Option<&Base>, name: &str) -> bool {
    base.is_none() || !name.starts_with(BASE_PREFIX)
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
        .map_err(|_| refused(projects::missing(name, &tensors.names()), OTHER_FILE))?;
    if view.shape() != shape {
        return Err(wrong_shape(name, view.shape(), shape));
    }
    if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
        return Err(refused(
            format!("tensor `{name}` holds {:?}, but F32, F16 or BF16 is expected", view.dtype()),
            OTHER_FILE,
        ));
    }
    Ok(view)
}

fn wrong_shape(name: &str, found: &[usize], expected: &[usize]) -> Failure {
    refused(
        format!("tensor `{name}` has shape {found:?}, but {expected:?} is expected"),
        OTHER_FILE,
    )
}

/// The numbers of a tensor of any float type, as f32.
pub(crate) fn numbers(view: &TensorView) -> Vec<f32> {
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
    let base = header.base.as_ref().map(|base| json("base", serde_json::to_string(base)));
    let mut pairs = HashMap::from([
        ("format".into(), FORMAT.into()),
        json("config", serde_json::to_string(&header.config))?,
        json("vocab", serde_json::to_string(&header.vocab))?,
        ("step".into(), header.step.to_string()),
        json("metrics", serde_json::to_string(&header.metrics))?,
    ]);
    pairs.extend(base.transpose()?);
    Ok(pairs)
}

/// The model file of `module`.
pub(crate) async fn write<M: Module>(module: &M, header: &Header) -> Result<Vec<u8>, Failure> {
    let mut tensors = Vec::new();
    let base = header.base.as_ref();
    let in_file = collect(module).into_iter().filter(|named| is_in_file(base, &named.name));
    for Named { name, shape, values, .. } in in_file {
        tensors.push((name, shape, host(values).await?));
    }
    to_bytes(&tensors, pairs(header)?)
}
