//! `convert`: converts weights of other projects to a checkpoint and back, and
//! checkpoints to another precision.

use anyhow::Context;
use burn::tensor::Device;
use trm_spec::{Failure, RunConfig, Vocab};
use trm_train::checkpoint::{read_header, with_precision, with_vocab};

use crate::args::{self, CheckpointFormat};
use crate::dataset;
use crate::output::print;
use crate::pytorch;
use crate::report::usage;
use crate::run_dir;

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or the weights do not fit the format.
pub fn run(typed: &args::Convert) -> anyhow::Result<()> {
    let source = run_dir::checkpoint_in(&typed.input);
    let weights = run_dir::read(&source)?;
    let weights = match pytorch::recognise(&weights) {
        true => pytorch::weights(&source)?,
        false => weights,
    };
    let converted = || -> anyhow::Result<Vec<u8>> {
        Ok(match typed.from {
            CheckpointFormat::ChatTrm => with_characters(
                trm_train::chat_trm(&weights, &config_file(typed)?, &Device::flex())?,
                typed,
            )?,
            CheckpointFormat::SamsungTrm => {
                trm_train::samsung_trm(&weights, &config_file(typed)?, &Device::flex())?
            }
            CheckpointFormat::HfVit | CheckpointFormat::TrmVit => todo!(),
            // Loaded once, so that a damaged file is refused.
            CheckpointFormat::Trm => {
                trm_train::load(&weights, None, None, &Device::flex())?;
                weights.clone()
            }
        })
    };
    if typed.from == CheckpointFormat::SamsungTrm
        && (typed.dataset.is_some() || typed.data.is_some())
    {
        return Err(usage!(
            "--dataset and --data are for language models, but samsung-trm holds puzzle models"
        ));
    }
    let mut bytes = converted().with_context(|| source.display().to_string())?;
    if let Some(precision) = typed.precision {
        bytes = with_precision(&bytes, precision)?;
    }
    if typed.to_format == Some(CheckpointFormat::SamsungTrm) {
        let (weights, config) = trm_train::to_samsung_trm(&bytes)?;
        let beside = typed.out.with_file_name("config.json");
        if std::fs::read(&beside).is_ok_and(|there| there != config.as_bytes()) {
            return Err(usage!(
                "{} already exists with other contents; choose another folder for --to",
                beside.display()
            ));
        }
        run_dir::write(&beside, config.as_bytes())?;
        bytes = weights;
    }
    run_dir::write(&typed.out, &bytes)?;
    print(&typed.out.display().to_string())
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
fn config_file(typed: &args::Convert) -> anyhow::Result<String> {
    let path = typed.config.clone().unwrap_or_else(|| typed.input.with_file_name("config.json"));
    std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; give its path with --config", path.display()))
}

/// The vocabulary of the text that was named, if any.
fn characters(typed: &args::Convert) -> anyhow::Result<Option<Vocab>> {
    if typed.dataset.is_none() && typed.data.is_none() {
        return Ok(None);
    }
    let name = typed.dataset.as_deref().unwrap_or("the text");
    let mut config = RunConfig::default();
    config.data.dataset = name.into();
    let data = dataset::open(&config, typed.data.as_deref())?;
    let text = data.text(&config, None).map_err(Failure::from)?;
    Ok(Some(text.vocab().clone()))
}
