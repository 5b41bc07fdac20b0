//! Vision transformers of Hugging Face (`ViTForImageClassification`, `ViTModel`), and
//! back.
//!
//! Their files have one of two namings: that of the hub, `vit.encoder.layer.0.attention.
//! attention.query`, and that of the current library, `vit.layers.0.attention.q_proj`.
//! Both are read; the hub's is written.

use std::collections::HashMap;

use burn::tensor::Device;
use serde_json::Value;
use trm_spec::{DataSpec, Failure, FailureKind, ModelSpec, RunConfig, VariantSpec, VitSpec, Vocab};

use super::hf_vit_config::{self, HfVitOptions, Original, Preprocessor};
use super::tensors::{Stored, Tensors};
use super::{positions, refused};
use crate::checkpoint::{Checkpoint, Header, pairs};

/// A ViT in the files of Hugging Face: `model.safetensors`, `config.json` and
/// `preprocessor_config.json`.
#[derive(Clone, Debug)]
pub struct HfVit {
    /// `model.safetensors`, in the naming of the hub.
    pub weights: Vec<u8>,
    /// `config.json`.
    pub config: String,
    /// `preprocessor_config.json`.
    pub preprocessor: String,
}

const PARTS: [&str; 3] = ["q_proj", "k_proj", "v_proj"];

/// Names inside a block, of the hub and of the current library. The first that fits is
/// replaced.
const IN_BLOCK: [(&str, &str); 6] = [
    (".attention.attention.query.", ".attention.q_proj."),
    (".attention.attention.key.", ".attention.k_proj."),
    (".attention.attention.value.", ".attention.v_proj."),
    (".attention.output.dense.", ".attention.o_proj."),
    (".intermediate.dense.", ".mlp.fc1."),
    (".output.dense.", ".mlp.fc2."),
];

/// A ViT of Hugging Face, as safetensors in either naming, with its `config.json` and,
/// where there is one, its `preprocessor_config.json`, whose mean and deviation of pixels
/// are taken over. The result is loaded once on `device` to check it.
///
/// A file without a classifier, as `ViTModel` is saved, gets one of zeros: it serves as a
/// frozen base, and as a classifier it answers nothing until it is trained.
///
/// # Errors
/// If the configuration or the weights cannot be read, do not belong together, or are of
/// another architecture.
pub fn hf_vit(
    weights: &[u8],
    config_json: &str,
    preprocessor_json: Option<&str>,
    options: HfVitOptions,
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let original = Original::read(config_json)?;
    let pixels = preprocessor_json.map(Preprocessor::read).transpose()?;
    let (spec, old) = (original.spec(&options)?, original.grid()?);
    let config = config(spec.clone(), pixels);
    // Before anything is allocated from the sizes.
    config.validate()?;
    let new = spec.image_size / spec.patch_size;
    let mut tensors = Tensors::read(weights, |name| current(name, spec.n_layers))?;
    flatten_kernel(&mut tensors, spec.hidden_size)?;
    let names = original.class_names(classes(&tensors, spec.hidden_size)?)?;
    if tensors.get(CLASSIFIER).is_none() {
        let (classes, dim) = (names.len(), spec.hidden_size);
        if spec.parameters(classes) as u64 > VitSpec::MAX_PARAMETERS {
            return Err(refused(format!(
                "the original's id2label names {classes} classes, too many for a classifier of \
                 {dim} features"
            )));
        }
        for (name, shape) in [("weight", vec![classes, dim]), ("bias", vec![classes])] {
            let zeros = vec![0.0; shape.iter().product()];
            tensors.insert(format!("classifier.{name}"), Stored::f32(shape, &zeros));
        }
    }
    for block in 0..spec.n_layers {
        for end in ["weight", "bias"] {
            let name = |part: &str| format!("layers.{block}.attention.{part}.{end}");
            if end == "bias" && !original.qkv_bias {
                let zeros = vec![0.0; 3 * spec.hidden_size];
                tensors.insert(name("qkv_proj"), Stored::f32(vec![zeros.len()], &zeros));
            } else {
                tensors.join(&PARTS.map(name), name("qkv_proj"))?;
            }
        }
    }
    tensors.rename(
        "embeddings.patch_embeddings.projection.bias",
        "embeddings.patch_embeddings.bias".into(),
    );
    if new != old {
        resize(&mut tensors, spec.hidden_size, old, new)?;
    }
    let header = Header {
        config,
        vocab: Vocab::Classes { names },
        step: 0,
        metrics: Value::Null,
        base: None,
    };
    let bytes = tensors.write(pairs(&header)?)?;
    // Read back what will be read later, so that a wrong file is refused here.
    crate::load(&bytes, None, None, device)?;
    Ok(bytes)
}

const CLASSIFIER: &str = "classifier.weight";
const KERNEL: &str = "embeddings.patch_embeddings.projection.weight";
const POSITIONS: &str = "embeddings.position_embeddings";

/// The configuration of a model of `spec` whose images are normalised as `pixels` says.
fn config(spec: VitSpec, pixels: Option<Preprocessor>) -> RunConfig {
    let (data, train) = VitSpec::defaults();
    let data = DataSpec { dataset: "images".into(), resize: true, ..data };
    RunConfig {
        model: VariantSpec::Vit(spec),
        data: match pixels {
            Some(pixels) => DataSpec { pixel_mean: pixels.mean, pixel_std: pixels.std, ..data },
            None => data,
        },
        train,
    }
}

/// Flattens the kernel of the convolution that embeds patches, of `dim` outputs.
fn flatten_kernel(tensors: &mut Tensors<'_>, dim: usize) -> Result<(), Failure> {
    let kernel = tensors.take(KERNEL)?;
    let product = |all: usize, size: &usize| all.checked_mul(*size);
    let inputs = kernel.shape.iter().skip(1).try_fold(1, product).unwrap_or(0);
    // Whatever is allocated for `dim` features is then no larger than what the file holds.
    if kernel.shape.first() != Some(&dim) || inputs == 0 {
        return Err(refused(format!(
            "tensor `{KERNEL}` has shape {:?}, but a kernel of {dim} outputs is expected",
            kernel.shape
        )));
    }
    let flat = kernel.reshaped(vec![dim, inputs]);
    tensors.insert("embeddings.patch_embeddings.weight".into(), flat);
    Ok(())
}

/// Classes of the classifier, where there is one, of a model of `dim` features.
fn classes(tensors: &Tensors<'_>, dim: usize) -> Result<Option<usize>, Failure> {
    let Some(classifier) = tensors.get(CLASSIFIER) else { return Ok(None) };
    match classifier.shape[..] {
        [classes, width] if width == dim => Ok(Some(classes)),
        _ => Err(refused(format!(
            "tensor `{CLASSIFIER}` has shape {:?}, but [classes, {dim}] is expected",
            classifier.shape
        ))),
    }
}

/// A name in the naming of the current library, without prefixes; none for a tensor that
/// is not needed.
fn current(name: &str, blocks: usize) -> Option<String> {
    let name = name.strip_prefix("_orig_mod.").unwrap_or(name);
    let name = name.strip_prefix("vit.").unwrap_or(name);
    // Of masked pretraining, and of `ViTModel`.
    if name == "embeddings.mask_token" || name.starts_with("pooler.") {
        return None;
    }
    let Some(rest) = name.strip_prefix("encoder.layer.").or(name.strip_prefix("layers.")) else {
        return Some(name.to_owned());
    };
    let block: usize = rest.split('.').next()?.parse().ok()?;
    let name = format!("layers.{rest}");
    let found = IN_BLOCK.iter().find(|(hub, _)| name.contains(hub));
    let name = found.map_or_else(|| name.clone(), |(hub, now)| name.replace(hub, now));
    (block < blocks).then_some(name)
}

/// Interpolates the position embeddings from `old²` patches to `new²`.
fn resize(tensors: &mut Tensors<'_>, dim: usize, old: usize, new: usize) -> Result<(), Failure> {
    let embeddings = tensors.take(POSITIONS)?;
    let numbers = embeddings.numbers(POSITIONS)?;
    // The original's own image size has not been checked.
    let places = old.saturating_mul(old).saturating_add(1);
    if numbers.len() != places.saturating_mul(dim) {
        return Err(refused(format!(
            "tensor `{POSITIONS}` has shape {:?}, but {:?} is expected",
            embeddings.shape,
            [1, places, dim]
        )));
    }
    let numbers = positions::resized(&numbers, dim, old, new);
    tensors.insert(POSITIONS.into(), Stored::f32(vec![1, new * new + 1, dim], &numbers));
    Ok(())
}

/// A checkpoint of a ViT as the files that Hugging Face's library loads.
///
/// # Errors
/// If it is a checkpoint of another model, or damaged.
pub fn to_hf_vit(checkpoint: &[u8]) -> Result<HfVit, Failure> {
    let header = Checkpoint::read(checkpoint)?.header;
    let VariantSpec::Vit(spec) = &header.config.model else {
        return Err(Failure::new(
            FailureKind::Config,
            format!(
                "a `{}` model is no vision transformer of Hugging Face",
                header.config.model.name()
            ),
            "Choose the form of its own original: `trm-native convert --help` lists them.",
        ));
    };
    let mut tensors = Tensors::read(checkpoint, |name| Some(name.to_owned()))?;
    for block in 0..spec.n_layers {
        for end in ["weight", "bias"] {
            let name = |part: &str| format!("layers.{block}.attention.{part}.{end}");
            tensors.split(&name("qkv_proj"), &PARTS.map(name))?;
        }
    }
    let kernel = tensors.take("embeddings.patch_embeddings.weight")?;
    let shape = vec![spec.hidden_size, spec.num_channels, spec.patch_size, spec.patch_size];
    tensors.insert(KERNEL.into(), kernel.reshaped(shape));
    tensors.rename(
        "embeddings.patch_embeddings.bias",
        "embeddings.patch_embeddings.projection.bias".into(),
    );
    let names: Vec<String> = tensors.names().map(str::to_owned).collect();
    for name in names {
        let hub = on_hub(&name);
        tensors.rename(&name, hub);
    }
    let json = |value: Value| format!("{value:#}\n");
    Ok(HfVit {
        weights: tensors.write(HashMap::from([("format".into(), "pt".into())]))?,
        config: json(hf_vit_config::config(spec, &header.vocab)),
        preprocessor: json(hf_vit_config::preprocessor(spec, &header.config.data)),
    })
}

/// A name in the naming of the hub.
fn on_hub(name: &str) -> String {
    if name.starts_with("classifier.") {
        return name.to_owned();
    }
    let Some(rest) = name.strip_prefix("layers.") else { return format!("vit.{name}") };
    let name = format!("vit.encoder.layer.{rest}");
    let found = IN_BLOCK.iter().find(|(_, now)| name.contains(now));
    found.map_or_else(|| name.clone(), |(hub, now)| name.replace(now, hub))
}
