//! The published TRM-ViT (lexhacke/Tiny-Recursive-Research, `trm_vit.py`).

use burn::tensor::Device;
use serde::Deserialize;
use serde_json::Value;
use trm_spec::{
    DataSpec, Failure, ModelSpec, Objective, RunConfig, StateStart, TrainSpec, TrmVitSpec,
    VariantSpec, Vocab, read_json,
};

use super::refused;
use super::tensors::Tensors;
use crate::BaseFile;
use crate::checkpoint::{Header, pairs};
use crate::registry::on_base;

/// The dictionary that the original's model is made from.
#[derive(Deserialize)]
struct Original {
    input_dim: usize,
    dim: usize,
    output_classes: usize,
    n: usize,
    #[serde(rename = "T")]
    t: usize,
    #[serde(default)]
    learning_rate: Option<f64>,
    #[serde(default)]
    learnable_alpha: bool,
    #[serde(default)]
    attention: bool,
    #[serde(default)]
    residual_alpha: f64,
    vit_depth: usize,
}

/// Height and width of the original's images, in pixels.
const IMAGE_SIZE: usize = 224;
/// Added to the mean square in the original's RMSNorm.
const EPS: f64 = 1e-6;

/// A head of the published TRM-ViT, as safetensors under its own names and with its
/// configuration as JSON. `base` is the ViT that made its features, if it is at hand; the
/// checkpoint then names it. The ViT's weights, which the original's file holds too, are
/// left out. The result is loaded once on `device` to check it.
///
/// The original draws both states anew in every call, with a mean of zero: here they
/// start at zero, so that an answer can be repeated. Its `depth` changes nothing without
/// attention; the number of blocks is that in the file.
///
/// # Errors
/// If the configuration or the weights cannot be read, or do not belong together, or if
/// the original mixes positions by attention, which its own code cannot run.
pub fn trm_vit(
    weights: &[u8],
    config_json: &str,
    base: Option<BaseFile<'_>>,
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let original: Original = read_json(config_json).map_err(|error| {
        refused(format!("the original's configuration cannot be read: {error}"))
    })?;
    if original.attention {
        return Err(refused(
            "the original mixes positions by attention, which its own code cannot run, so that there is nothing to reproduce".into(),
        ));
    }
    let mut tensors = Tensors::read(weights, |name| {
        let name =
            WRAPPERS.iter().fold(name, |name, prefix| name.strip_prefix(prefix).unwrap_or(name));
        let left_out = name.starts_with("patchifier.0.");
        (!left_out).then(|| name.to_owned())
    })?;
    let mut config = original.config(&tensors)?;
    if let Some(base) = &base {
        config = on_base(&config, base)?;
    }
    config.validate()?;
    original.rename(&mut tensors)?;
    let names = (0..original.output_classes).map(|class| format!("class {class}")).collect();
    let header = Header {
        config,
        vocab: Vocab::Classes { names },
        step: 0,
        metrics: Value::Null,
        base: base.as_ref().map(BaseFile::identity),
    };
    let bytes = tensors.write(pairs(&header)?)?;
    // Read back what will be read later, so that a wrong file is refused here.
    crate::load_on(&bytes, None, None, base, device)?;
    Ok(bytes)
}

/// Wrappers whose names may stand before those of the model, outermost first.
const WRAPPERS: [&str; 3] = ["state_dict.", "trm.", "_orig_mod."];

impl Original {
    /// The configuration, with the number of positions and blocks from the weights.
    fn config(&self, tensors: &Tensors<'_>) -> Result<RunConfig, Failure> {
        let gate = |part: usize| tensors.get(&format!("backbone.{part}.linearIn.weight"));
        let parts = (0..).take_while(|part| gate(*part).is_some()).count();
        let shape = gate(0).and_then(|gate| <[usize; 2]>::try_from(&gate.shape[..]).ok());
        let Some([inner, positions]) = shape else {
            return Err(refused("tensor `backbone.0.linearIn.weight` is missing".into()));
        };
        if !parts.is_multiple_of(2) {
            return Err(refused(format!(
                "the original has {parts} MLPs, but they come in pairs: over positions, then over features"
            )));
        }
        if positions < 2 {
            return Err(refused(format!(
                "the original's MLP over positions has {positions} of them, but it needs two"
            )));
        }
        let feature_tokens = positions - 1;
        let (data, train) = TrmVitSpec::defaults();
        Ok(RunConfig {
            model: VariantSpec::TrmVit(TrmVitSpec {
                image_size: IMAGE_SIZE,
                num_channels: 3,
                patch_size: patch_size(feature_tokens),
                vit_depth: self.vit_depth,
                feature_size: self.input_dim,
                feature_tokens,
                hidden_size: self.dim,
                n_layers: parts / 2,
                inner_steps: self.n,
                outer_steps: self.t,
                alpha: self.residual_alpha,
                learnable_alpha: self.learnable_alpha,
                state_start: StateStart::Zero,
                expansion: inner as f64 / positions as f64,
                rms_norm_eps: EPS,
                ..TrmVitSpec::default()
            }),
            data: DataSpec { dataset: "images".into(), resize: true, ..data },
            train: TrainSpec {
                objective: Objective::LastCycle,
                learning_rate: self.learning_rate.unwrap_or(train.learning_rate),
                ..train
            },
        })
    }

    /// Gives the tensors our names.
    fn rename(&self, tensors: &mut Tensors<'_>) -> Result<(), Failure> {
        let alpha = tensors.take("a");
        if self.learnable_alpha {
            tensors.insert("alpha".into(), alpha?);
        }
        for end in ["weight", "bias"] {
            tensors.rename(&format!("patchifier.1.{end}"), format!("patchifier.{end}"));
        }
        let parts: Vec<usize> = (0..)
            .take_while(|part| tensors.get(&format!("backbone.{part}.linearIn.weight")).is_some())
            .collect();
        for part in parts {
            let mlp = if part.is_multiple_of(2) { "token_mlp" } else { "mlp" };
            let new = |name: &str| format!("blocks.{}.{mlp}.{name}", part / 2);
            for end in ["weight", "bias"] {
                let old = |name: &str| format!("backbone.{part}.{name}.{end}");
                // `silu` is applied to the first of them.
                tensors
                    .join(&["linearIn", "gate"].map(old), new(&format!("gate_up_proj.{end}")))?;
                tensors.rename(&old("linearOut"), new(&format!("down_proj.{end}")));
            }
        }
        Ok(())
    }
}

/// Height and width of the patches that make so many positions of the ViT, its class
/// token included.
fn patch_size(tokens: usize) -> usize {
    let side = (tokens - 1).isqrt();
    let fits = side > 0 && side * side == tokens - 1 && IMAGE_SIZE.is_multiple_of(side);
    if fits { IMAGE_SIZE / side } else { 16 }
}
