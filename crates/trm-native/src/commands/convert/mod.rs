//! `convert`: converts weights of other projects to a checkpoint and back, and
//! checkpoints to another precision.

mod flags;
mod hf_folder;
mod input;
mod output;
mod parts;
mod preprocessing;

use std::path::Path;

use anyhow::Context;
use burn::tensor::Device;
use trm_data::checkpoint::{ModelPrefix, plain};
use trm_data::image_preprocessing;
use trm_spec::{Failure, RunConfig, Vocab};
use trm_train::checkpoint::{read_header, with_precision, with_vocab};
use trm_train::{BaseFile, HfVitOptions};

use self::hf_folder::HfFolder;
use self::output::Converted;
use self::preprocessing::other_preprocessing;
use crate::args::{self, CheckpointFormat};
use crate::inputs::dataset;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::inputs::text_file;
use crate::run_dir;
use crate::terminal::output::print;
use crate::terminal::report::{Usage, say, usage};

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or the weights do not fit the format.
pub fn run(typed: &args::Convert) -> anyhow::Result<()> {
    // Whatever can be refused without the weights, which may take long to read.
    flags::check(typed)?;
    run_dir::target(&typed.out)?;
    let source = input::source(typed)?;
    output::refuse_input(typed, &source)?;
    let weights = read(typed, &source)?;
    let base = base(typed, &weights)?;
    // Wrong usage names its file itself.
    let about = |error: anyhow::Error| match error.is::<Usage>() {
        true => error,
        false => error.context(source.display().to_string()),
    };
    let bytes =
        checkpoint(typed, &source, &weights, base.as_ref().map(BaseOnDisk::file)).map_err(about)?;
    let note = preprocessing_note(typed, &source, &bytes)?;
    let bytes = match typed.precision {
        Some(precision) => with_precision(&bytes, precision)?,
        None => bytes,
    };
    Converted::new(bytes, typed.to_format)
        .with_context(|| source.display().to_string())?
        .write(&typed.out)?;
    if let Some(note) = note {
        say!("{note}");
    }
    print(&typed.out.display().to_string())
}

/// The weights at `source` under plain names, as one safetensors file or as GGUF; empty for a
/// folder of several files, which its converter reads.
fn read(typed: &args::Convert, source: &Path) -> anyhow::Result<Vec<u8>> {
    let prefix = match typed.from {
        CheckpointFormat::HfLlama => return Ok(Vec::new()),
        CheckpointFormat::Gguf | CheckpointFormat::Trm => {
            return input::weights(source, typed.from);
        }
        CheckpointFormat::HfVit | CheckpointFormat::Peft => ModelPrefix::Keep,
        CheckpointFormat::ChatTrm | CheckpointFormat::SamsungTrm | CheckpointFormat::TrmVit => {
            ModelPrefix::Strip
        }
    };
    let weights = input::weights(source, typed.from)?;
    let plain = plain(&weights, prefix).with_context(|| source.display().to_string())?;
    Ok(plain.into_owned())
}

/// The frozen base that is given, or that the checkpoint in `weights` names.
fn base(typed: &args::Convert, weights: &[u8]) -> anyhow::Result<Option<BaseOnDisk>> {
    if typed.from != CheckpointFormat::Trm {
        return typed.base.as_deref().map(BaseOnDisk::read).transpose();
    }
    // What is no checkpoint is refused when it is opened.
    let Ok(header) = read_header(weights) else { return Ok(None) };
    BaseOnDisk::needed(&header, &typed.input, typed.base.as_deref())
}

/// The checkpoint of `weights`, of a model on `base`.
fn checkpoint(
    typed: &args::Convert,
    source: &Path,
    weights: &[u8],
    base: Option<BaseFile<'_>>,
) -> anyhow::Result<Vec<u8>> {
    let device = Device::flex();
    Ok(match typed.from {
        CheckpointFormat::ChatTrm => with_characters(
            trm_train::chat_trm(weights, &config_file(typed, source)?, &device)?,
            typed,
        )?,
        CheckpointFormat::SamsungTrm => {
            trm_train::samsung_trm(weights, &config_file(typed, source)?, &device)?
        }
        CheckpointFormat::HfVit => trm_train::hf_vit(
            weights,
            &config_file(typed, source)?,
            preprocessor(typed, source)?.as_deref(),
            HfVitOptions { depth: typed.vit_depth, image_size: typed.image_size },
            &device,
        )?,
        CheckpointFormat::HfLlama => {
            let HfFolder { weights, config, tokenizer } =
                HfFolder::read(&typed.input, typed.config.as_deref())?;
            trm_train::hf_llama(&weights, &config, tokenizer.as_deref(), &device)?
        }
        CheckpointFormat::Peft => {
            let beside = source.with_file_name("adapter_config.json");
            let config = text_file::read(typed.config.as_deref().unwrap_or(&beside))?;
            let base = base.context("an adapter needs its decoder")?;
            trm_train::merge_lora(weights, &config, base, &device)?
        }
        CheckpointFormat::Gguf => trm_train::llama_gguf(weights, &device)?,
        CheckpointFormat::TrmVit => {
            trm_train::trm_vit(weights, &config_file(typed, source)?, base, &device)?
        }
        // Loaded once, so that a damaged file is refused.
        CheckpointFormat::Trm => {
            trm_train::load_on(weights, None, None, base, &device)?;
            trm_train::name_weights(weights, base, &device)?
        }
    })
}

/// What to say about the way in which the original's images are prepared, if anything. A model
/// of images that are not read here, such as those with four channels, is converted without a
/// note.
fn preprocessing_note(
    typed: &args::Convert,
    source: &Path,
    checkpoint: &[u8],
) -> anyhow::Result<Option<String>> {
    if typed.from != CheckpointFormat::HfVit {
        return Ok(None);
    }
    let Some(original) = preprocessor(typed, source)? else { return Ok(None) };
    let ours = read_header(checkpoint).and_then(|header| image_preprocessing(&header.config));
    Ok(ours.ok().and_then(|ours| other_preprocessing(&original, &ours)))
}

/// Adds the characters of the vocabulary, which the original does not store.
fn with_characters(bytes: Vec<u8>, typed: &args::Convert) -> anyhow::Result<Vec<u8>> {
    let Some(vocab) = characters(typed)? else { return Ok(bytes) };
    let (found, wanted) = (vocab.size(), read_header(&bytes)?.vocab.size());
    if found != wanted {
        return Err(usage!(
            "the text has {found} different characters, but the model has {wanted} tokens; give the text that it was trained on"
        ));
    }
    Ok(with_vocab(&bytes, &vocab)?)
}

/// The original's config.json.
fn config_file(typed: &args::Convert, source: &Path) -> anyhow::Result<String> {
    let path = typed.config.clone().unwrap_or_else(|| source.with_file_name("config.json"));
    match typed.config.is_none() && !path.exists() {
        true => Err(usage!(
            "there is no config.json beside {}; give that of the model with --config FILE",
            source.display()
        )),
        false => text_file::read(&path),
    }
}

/// The original's preprocessor_config.json, where there is one beside the configuration.
fn preprocessor(typed: &args::Convert, source: &Path) -> anyhow::Result<Option<String>> {
    let config = typed.config.as_deref().unwrap_or(source);
    let path = config.with_file_name("preprocessor_config.json");
    if !path.exists() {
        return Ok(None);
    }
    text_file::read(&path).map(Some)
}

/// The vocabulary of the text that was named, if any.
fn characters(typed: &args::Convert) -> anyhow::Result<Option<Vocab>> {
    if typed.dataset.is_none() && typed.data.is_none() {
        return Ok(None);
    }
    let name = typed.dataset.as_deref().unwrap_or("the text");
    let mut config = RunConfig::default();
    config.data.dataset = name.into();
    let data = dataset::open(&config, typed.data.as_deref(), false)?;
    let text = data.text(&config, None).map_err(Failure::from)?;
    Ok(Some(text.vocab().clone()))
}
