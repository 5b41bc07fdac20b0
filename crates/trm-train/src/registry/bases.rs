//! Frozen bases: which model has one, and whether a file is it.

use burn::tensor::Device;
use trm_data::FileKind;
use trm_spec::{Failure, FailureKind, ImageShape, RunConfig, VariantSpec, VitSpec};
#[cfg(feature = "llm")]
use trm_spec::{LlmTrmSpec, Vocab};

use crate::base::BaseFile;
#[cfg(feature = "llm")]
use crate::checkpoint::with_base;
use crate::checkpoint::{Base, read_header};
#[cfg(feature = "llm")]
use crate::memory::check_weights;
use crate::tasks::images::FrozenBase;
#[cfg(feature = "llm")]
use crate::tasks::questions::{FrozenLlm, baselines};

/// `config` with the sizes of the frozen base that its model reads features of: of the
/// whole base, where it does not say of how many blocks.
///
/// # Errors
/// If the model has no base, or the file holds none.
pub fn on_base(config: &RunConfig, file: &BaseFile<'_>) -> Result<RunConfig, Failure> {
    let mut spec = match &config.model {
        VariantSpec::TrmVit(spec) => spec.clone(),
        #[cfg(feature = "llm")]
        VariantSpec::LlmTrm(spec) => {
            let spec = FrozenLlm::fitted(spec, &FrozenLlm::described(file)?.0);
            let config = RunConfig { model: spec.into(), ..config.clone() };
            config.validate()?;
            return Ok(config);
        }
        _ => return Err(needs_no_base(&config.model)),
    };
    let base = vit_of(file)?;
    if spec.vit_depth == 0 {
        spec.vit_depth = base.n_layers;
    }
    spec.image_size = base.image_size;
    spec.num_channels = base.num_channels;
    spec.patch_size = base.patch_size;
    spec.feature_size = base.hidden_size;
    spec.feature_tokens = base.patches() + 1;
    let config = RunConfig { model: spec.into(), ..config.clone() };
    config.validate()?;
    Ok(config)
}

/// The frozen base of a model that `config` describes.
///
/// # Errors
/// If it does not fit the model.
pub fn open_base(
    config: &RunConfig,
    file: BaseFile<'_>,
    device: &Device,
) -> Result<FrozenBase, Failure> {
    let VariantSpec::TrmVit(spec) = &config.model else {
        return Err(needs_no_base(&config.model));
    };
    expect_reads_base(&config.model)?;
    let (vit, shape) = (vit_of(&file)?, shape_of(config));
    FrozenBase::open(file, file.identity(), &vit, shape, spec.patch_features(), device)
}

/// The tokens of a model that answers questions with the decoder in `file`: the decoder's,
/// and `<think>`. The checkpoint does not repeat what they are.
///
/// # Errors
/// If the file cannot be read.
#[cfg(feature = "llm")]
pub(super) fn llm_vocab(config: &RunConfig, file: &BaseFile<'_>) -> Result<Option<Vocab>, Failure> {
    let VariantSpec::LlmTrm(_) = &config.model else { return Ok(None) };
    Ok(Some(Vocab::Plain { size: FrozenLlm::described(file)?.1.size() + 1 }))
}

/// The frozen decoder of a question model that `config` describes.
///
/// # Errors
/// If it does not fit the model, or the model has none.
#[cfg(feature = "llm")]
pub fn open_llm(
    config: &RunConfig,
    file: BaseFile<'_>,
    device: &Device,
) -> Result<FrozenLlm, Failure> {
    let VariantSpec::LlmTrm(spec) = &config.model else {
        return Err(needs_no_base(&config.model));
    };
    FrozenLlm::open(file, file.identity(), spec, device)
}

/// A pretrained decoder by itself: a checkpoint or a GGUF file. `largest_buffer` is what the
/// device gives to one tensor at most, in bytes; none without such a limit.
///
/// # Errors
/// If the file is damaged or no decoder, or one of its weights is too large for the device.
#[cfg(feature = "llm")]
pub fn open_decoder(
    file: BaseFile<'_>,
    device: &Device,
    largest_buffer: Option<u64>,
) -> Result<FrozenLlm, Failure> {
    if let Some(buffer) = largest_buffer {
        let (sizes, vocab) = FrozenLlm::described(&file)?;
        check_weights(&sizes, vocab.size(), buffer)?;
    }
    FrozenLlm::read(file, file.identity(), false, device)
}

/// A question model's checkpoint that names the weights of its base too, so that it opens on
/// a GGUF file of the same numbers. Other checkpoints stay as they are.
///
/// # Errors
/// If a file is damaged, or `file` is another base.
#[cfg(feature = "llm")]
pub fn name_weights(
    checkpoint: &[u8],
    file: Option<BaseFile<'_>>,
    device: &Device,
) -> Result<Vec<u8>, Failure> {
    let header = read_header(checkpoint)?;
    let (VariantSpec::LlmTrm(_), Some(named), Some(file)) =
        (&header.config.model, header.base, file)
    else {
        return Ok(checkpoint.to_vec());
    };
    expect_base(Some(&named), Some(&file), device)?;
    let base = FrozenLlm::read(file, named, true, device)?;
    with_base(checkpoint, base.identity())
}

/// The trained models that a question model of `config` is compared with: their names, and
/// the configurations that train them in the same way.
///
/// # Errors
/// If the model answers no questions.
#[cfg(feature = "llm")]
pub fn question_baselines(config: &RunConfig) -> Result<Vec<(&'static str, RunConfig)>, Failure> {
    let VariantSpec::LlmTrm(spec) = &config.model else {
        return Err(needs_no_base(&config.model));
    };
    let run = |(name, other): (_, LlmTrmSpec)| {
        let mut train = config.train.clone();
        if other.supervision_steps != spec.supervision_steps {
            // There is one weight for each supervision step.
            train.cycle_weights.clear();
        }
        (name, RunConfig { model: other.into(), train, ..config.clone() })
    };
    Ok(baselines(spec).into_iter().map(run).collect())
}

/// The sizes of the ViT in `file`.
pub(super) fn vit_of(file: &BaseFile<'_>) -> Result<VitSpec, Failure> {
    let no_vit = |what: String| {
        Failure::new(
            FailureKind::Base,
            format!("{} is {what}, but a frozen base is a ViT", file.name),
            "Give the checkpoint of a ViT: one that was trained here, or one of `trm-native convert --from hf-vit`.",
        )
    };
    // What to do with such a file elsewhere is of no use here.
    if FileKind::of_start(file.bytes) == FileKind::Gguf {
        return Err(no_vit(FileKind::Gguf.what().into()));
    }
    let header = read_header(file.bytes).map_err(|failure| Failure {
        message: format!("{}: {}", file.name, failure.message),
        ..failure
    })?;
    match header.config.model {
        VariantSpec::Vit(spec) => Ok(spec),
        model => Err(no_vit(format!("a `{}` model", model.name()))),
    }
}

/// Refuses a base for a saved model that has none.
///
/// # Errors
/// If it reads neither features of a ViT nor states of a decoder.
pub fn expect_reads_base(model: &VariantSpec) -> Result<(), Failure> {
    match model.reads_base() {
        true => Ok(()),
        false => Err(needs_no_base(model)),
    }
}

pub(super) fn needs_no_base(model: &VariantSpec) -> Failure {
    let message = match model {
        // Others of its kind have one.
        VariantSpec::TrmVit(_) => {
            format!("this `{}` model reads pixels and has no frozen base", model.name())
        }
        _ => format!("a `{}` model has no frozen base", model.name()),
    };
    // A page has no flags.
    let flag = if cfg!(feature = "files") { " (--base)" } else { "" };
    let hint = format!(
        "Leave the base out{flag}, or choose a model that is trained on one: an image classifier on a ViT, or a question model on a decoder."
    );
    Failure::new(FailureKind::Base, message, hint)
}

/// Checks that the frozen base is the one that a checkpoint names.
pub(super) fn expect_base(
    named: Option<&Base>,
    given: Option<&BaseFile<'_>>,
    device: &Device,
) -> Result<(), Failure> {
    let Some(named) = named else { return Ok(()) };
    // A page has no flags.
    let flag = if cfg!(feature = "files") { " (--base FILE)" } else { "" };
    let hint = format!("Give the file whose SHA-256 is {}{flag}.", named.sha256);
    let refused = |message: String| Err(Failure::new(FailureKind::Base, message, hint));
    let Some(file) = given else {
        return refused(format!("this model needs its frozen base, {}", named.name));
    };
    // The file is large: its digest is computed once.
    let own = file.identity();
    if own.sha256 == named.sha256 || same_weights(named, *file, &own, device)? {
        return Ok(());
    }
    refused(format!(
        "{} is not the frozen base of this model, {}: its SHA-256 is {}",
        file.name, named.name, own.sha256,
    ))
}

/// Whether `file`, which is another one called `own`, holds the weights of the base that is named: those of
/// a decoder stay the same where its file is converted again.
#[cfg(feature = "llm")]
fn same_weights(
    named: &Base,
    file: BaseFile<'_>,
    own: &Base,
    device: &Device,
) -> Result<bool, Failure> {
    let Some(weights) = &named.weights else { return Ok(false) };
    if FrozenLlm::described(&file).is_err() {
        return Ok(false);
    }
    let found = FrozenLlm::read(file, own.clone(), true, device)?;
    Ok(found.identity().weights.as_ref() == Some(weights))
}

/// Only bases of question models have weights of their own name.
#[cfg(not(feature = "llm"))]
fn same_weights(_: &Base, _: BaseFile<'_>, _: &Base, _: &Device) -> Result<bool, Failure> {
    Ok(false)
}

/// The images that an image classifier takes.
pub(super) fn shape_of(config: &RunConfig) -> ImageShape {
    config.model.image().expect("an image classifier takes images")
}
