//! `config.json` and `preprocessor_config.json` of a vision transformer of Hugging Face.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use trm_data::images::{Filter, Preprocessing, Resize};
use trm_spec::{DataSpec, Failure, FailureKind, VitSpec, Vocab, read_json};

use super::refused;

/// What [`hf_vit`](crate::hf_vit) changes. The default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HfVitOptions {
    /// Keep only the first blocks, for a frozen base of which no more are used.
    pub depth: Option<usize>,
    /// Another height and width of images, in pixels; position embeddings are
    /// interpolated.
    pub image_size: Option<usize>,
}

/// `config.json` (`ViTConfig`); what is missing has the library's default.
#[derive(Deserialize)]
pub(super) struct Original {
    #[serde(default = "model_type")]
    model_type: String,
    #[serde(default = "hidden_act")]
    hidden_act: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    image_size: usize,
    patch_size: usize,
    #[serde(default = "num_channels")]
    num_channels: usize,
    #[serde(default = "layer_norm_eps")]
    layer_norm_eps: f64,
    #[serde(default)]
    hidden_dropout_prob: f64,
    #[serde(default = "qkv_bias")]
    pub qkv_bias: bool,
    #[serde(default)]
    id2label: BTreeMap<usize, String>,
}

fn model_type() -> String {
    "vit".into()
}

fn hidden_act() -> String {
    "gelu".into()
}

fn num_channels() -> usize {
    3
}

fn layer_norm_eps() -> f64 {
    1e-12
}

fn qkv_bias() -> bool {
    true
}

impl Original {
    pub fn read(text: &str) -> Result<Self, Failure> {
        let config: Self = read_json(text).map_err(|error| {
            refused(format!("the original's configuration cannot be read: {error}"))
        })?;
        if config.model_type != "vit" {
            return Err(refused(format!(
                "the original is a `{}`, but only `vit` can be converted",
                config.model_type
            )));
        }
        if config.hidden_act != "gelu" {
            return Err(refused(format!(
                "the original's hidden_act is `{}`, but only `gelu` can be converted",
                config.hidden_act
            )));
        }
        Ok(config)
    }

    /// Patches in a row of the original's images.
    pub fn grid(&self) -> Result<usize, Failure> {
        if self.patch_size == 0 || !self.image_size.is_multiple_of(self.patch_size) {
            return Err(refused(format!(
                "the original's patch_size {} does not divide its image_size {}",
                self.patch_size, self.image_size
            )));
        }
        Ok(self.image_size / self.patch_size)
    }

    /// The sizes of the model that is made.
    pub fn spec(&self, options: &HfVitOptions) -> Result<VitSpec, Failure> {
        self.grid()?;
        let n_layers = options.depth.unwrap_or(self.num_hidden_layers);
        if n_layers == 0 || n_layers > self.num_hidden_layers {
            return Err(Failure::new(
                FailureKind::Config,
                format!(
                    "{n_layers} blocks are wanted, but the original has {}",
                    self.num_hidden_layers
                ),
                format!("Set vit_depth to a number from 1 to {}.", self.num_hidden_layers),
            ));
        }
        let image_size = options.image_size.unwrap_or(self.image_size);
        if image_size == 0 || !image_size.is_multiple_of(self.patch_size) {
            let patch = self.patch_size;
            return Err(Failure::new(
                FailureKind::Config,
                format!(
                    "image_size {image_size} is no multiple of the original's patch_size {patch}"
                ),
                format!("Set image_size to a multiple of {patch}."),
            ));
        }
        Ok(VitSpec {
            image_size,
            num_channels: self.num_channels,
            patch_size: self.patch_size,
            hidden_size: self.hidden_size,
            n_layers,
            num_heads: self.num_attention_heads,
            intermediate_size: self.intermediate_size,
            layer_norm_eps: self.layer_norm_eps,
            dropout: self.hidden_dropout_prob,
        })
    }

    /// Names of the classes: the original's, or as the library numbers classes without
    /// a name. `rows` are those of the classifier; a model without one has two classes
    /// unless it names others.
    pub fn class_names(&self, rows: Option<usize>) -> Result<Vec<String>, Failure> {
        let named = self.id2label.len();
        let rows = rows.unwrap_or(if named == 0 { 2 } else { named });
        if named == 0 {
            return Ok((0..rows).map(unnamed).collect());
        }
        if !self.id2label.keys().copied().eq(0..rows) {
            return Err(refused(format!(
                "the original's id2label names {named} classes, but its classifier has {rows}"
            )));
        }
        Ok(self.id2label.values().cloned().collect())
    }
}

fn unnamed(class: usize) -> String {
    format!("LABEL_{class}")
}

/// How pixels in 0..1 are normalised: `(pixel − mean) / std` for each channel.
#[derive(Clone, Debug)]
pub(super) struct Preprocessor {
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

/// `preprocessor_config.json`, as far as pixels are concerned. How images are resized is
/// not taken over: a checkpoint has only `resize`. [`Preprocessing`] reads that part, for
/// whoever wants to tell the difference.
#[derive(Deserialize)]
struct PreprocessorFile {
    #[serde(default = "yes")]
    do_rescale: bool,
    #[serde(default = "rescale_factor")]
    rescale_factor: f64,
    #[serde(default = "yes")]
    do_normalize: bool,
    #[serde(default)]
    image_mean: Vec<f64>,
    #[serde(default)]
    image_std: Vec<f64>,
}

fn yes() -> bool {
    true
}

fn rescale_factor() -> f64 {
    1.0 / 255.0
}

impl Preprocessor {
    pub fn read(text: &str) -> Result<Self, Failure> {
        let file: PreprocessorFile = read_json(text).map_err(|error| {
            refused(format!("the original's preprocessor_config.json cannot be read: {error}"))
        })?;
        if !file.do_rescale || (file.rescale_factor * 255.0 - 1.0).abs() > 1e-3 {
            return Err(refused(
                "the original does not scale pixels from 0..255 to 0..1 before it normalises them"
                    .into(),
            ));
        }
        if file.do_normalize {
            return Ok(Self { mean: file.image_mean, std: file.image_std });
        }
        Ok(Self { mean: vec![0.0], std: vec![1.0] })
    }
}

/// `config.json` of a model.
pub(super) fn config(spec: &VitSpec, vocab: &Vocab) -> Value {
    let names = match vocab {
        Vocab::Classes { names } => names.clone(),
        other => (0..other.size()).map(unnamed).collect(),
    };
    let numbered = || names.iter().enumerate();
    let id2label: serde_json::Map<String, Value> =
        numbered().map(|(class, name)| (class.to_string(), json!(name))).collect();
    let label2id: serde_json::Map<String, Value> =
        numbered().map(|(class, name)| (name.clone(), json!(class))).collect();
    json!({
        "architectures": ["ViTForImageClassification"],
        "attention_probs_dropout_prob": 0.0,
        "encoder_stride": spec.patch_size,
        "hidden_act": "gelu",
        "hidden_dropout_prob": spec.dropout,
        "hidden_size": spec.hidden_size,
        "id2label": id2label,
        "image_size": spec.image_size,
        "initializer_range": 0.02,
        "intermediate_size": spec.intermediate_size,
        "label2id": label2id,
        "layer_norm_eps": spec.layer_norm_eps,
        "model_type": "vit",
        "num_attention_heads": spec.num_heads,
        "num_channels": spec.num_channels,
        "num_hidden_layers": spec.n_layers,
        "patch_size": spec.patch_size,
        "qkv_bias": true,
    })
}

/// `preprocessor_config.json` of a model.
pub(super) fn preprocessor(spec: &VitSpec, data: &DataSpec) -> Value {
    // Empty means 0.5, and one number is for all channels.
    let of_channels = |numbers: &[f64]| -> Vec<f64> {
        (0..spec.num_channels)
            .map(|channel| numbers.get(channel).or(numbers.last()).copied().unwrap_or(0.5))
            .collect()
    };
    let new = if data.resize { Preprocessing::resizing } else { Preprocessing::new };
    let images = new(spec.num_channels, spec.image_size);
    let square = |side: usize| json!({ "height": side, "width": side });
    let mut file = json!({
        // Otherwise the library makes three channels of a grey image.
        "do_convert_rgb": spec.num_channels == 3,
        "do_normalize": true,
        "do_rescale": true,
        "image_mean": of_channels(&data.pixel_mean),
        "image_std": of_channels(&data.pixel_std),
        "resample": number(images.filter),
        "rescale_factor": rescale_factor(),
    });
    // The library's processor of ViTs cannot crop: it squashes what is not square. That of
    // CLIP resizes the shorter side and cuts out the centre.
    let (processor, size) = match images.resize {
        Resize::ShortestEdge { length } => {
            ("CLIPImageProcessor", json!({ "shortest_edge": length }))
        }
        Resize::Exact { height, width } => {
            ("ViTImageProcessor", json!({ "height": height, "width": width }))
        }
        Resize::Off => ("ViTImageProcessor", square(images.size)),
    };
    file["do_resize"] = json!(images.resize != Resize::Off);
    file["image_processor_type"] = json!(processor);
    file["size"] = size;
    if images.crop {
        file["do_center_crop"] = json!(true);
        file["crop_size"] = square(images.size);
    }
    file
}

/// Pillow's number of a filter.
fn number(filter: Filter) -> u8 {
    match filter {
        Filter::Nearest => 0,
        Filter::Lanczos => 1,
        Filter::Bilinear => 2,
        Filter::Bicubic => 3,
    }
}
