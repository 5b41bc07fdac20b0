//! `convert`: converts weights of other projects to a checkpoint and back, and
//! checkpoints to another precision.

pub mod hf_folder;
mod input;
mod output;

use std::path::Path;

use anyhow::Context;
use burn::tensor::Device;
use trm_data::checkpoint::plain;
use trm_data::image_preprocessing;
use trm_data::images::{Filter, Preprocessing, Resize};
use trm_spec::{Failure, RunConfig, Vocab};
use trm_train::checkpoint::{read_header, with_precision, with_vocab};
use trm_train::{HfVit, HfVitOptions, Peft};

use self::hf_folder::HfFolder;
use crate::args::{self, CheckpointFormat};
use crate::inputs::dataset;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::inputs::text_file;
use crate::run_dir;
use crate::terminal::output::print;
use crate::terminal::report::{say, usage};

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or the weights do not fit the format.
pub fn run(typed: &args::Convert) -> anyhow::Result<()> {
    // Before the work, which takes long for large weights.
    run_dir::target(&typed.out)?;
    let (weights, source) = match typed.from {
        // Several files.
        CheckpointFormat::HfLlama => (Vec::new(), typed.input.clone()),
        CheckpointFormat::Peft if typed.input.is_dir() => {
            input::weights(&typed.input.join("adapter_model.safetensors"), typed.from)?
        }
        _ => input::weights(&typed.input, typed.from)?,
    };
    let weights = match typed.from {
        CheckpointFormat::HfLlama | CheckpointFormat::Gguf | CheckpointFormat::Trm => weights,
        CheckpointFormat::HfVit | CheckpointFormat::Peft => {
            in_file(plain(&weights, false), &source)?.into_owned()
        }
        _ => in_file(plain(&weights, true), &source)?.into_owned(),
    };
    let converted = || -> anyhow::Result<Vec<u8>> {
        Ok(match typed.from {
            CheckpointFormat::ChatTrm => with_characters(
                trm_train::chat_trm(&weights, &config_file(typed, &source)?, &Device::flex())?,
                typed,
            )?,
            CheckpointFormat::SamsungTrm => {
                trm_train::samsung_trm(&weights, &config_file(typed, &source)?, &Device::flex())?
            }
            CheckpointFormat::HfVit => trm_train::hf_vit(
                &weights,
                &config_file(typed, &source)?,
                preprocessor(typed, &source)?.as_deref(),
                HfVitOptions { depth: typed.vit_depth, image_size: typed.image_size },
                &Device::flex(),
            )?,
            CheckpointFormat::HfLlama => {
                let HfFolder { weights, config, tokenizer } =
                    HfFolder::read(&typed.input, typed.config.as_deref())?;
                let tokenizer = tokenizer.as_deref();
                trm_train::hf_llama(&weights, &config, tokenizer, &Device::flex())?
            }
            CheckpointFormat::Peft => {
                let beside = match typed.input.is_dir() {
                    true => typed.input.join("adapter_config.json"),
                    false => typed.input.with_file_name("adapter_config.json"),
                };
                let config = text_file::read(typed.config.as_deref().unwrap_or(&beside))?;
                let base = typed.base.as_deref().ok_or_else(|| {
                    usage!("--from peft merges an adapter into a decoder; give it with --base FILE")
                })?;
                let base = BaseOnDisk::read(base)?;
                trm_train::merge_lora(&weights, &config, base.file(), &Device::flex())?
            }
            CheckpointFormat::Gguf => trm_train::llama_gguf(&weights, &Device::flex())?,
            CheckpointFormat::TrmVit => {
                let base = typed.base.as_deref().map(BaseOnDisk::read).transpose()?;
                let base = base.as_ref().map(BaseOnDisk::file);
                trm_train::trm_vit(&weights, &config_file(typed, &source)?, base, &Device::flex())?
            }
            // Loaded once, so that a damaged file is refused.
            CheckpointFormat::Trm => {
                let header = read_header(&weights)?;
                let base = BaseOnDisk::of(&header, &typed.input, typed.base.as_deref())?;
                let base = base.as_ref().map(BaseOnDisk::file);
                trm_train::load_on(&weights, None, None, base, &Device::flex())?;
                trm_train::name_weights(&weights, base, &Device::flex())?
            }
        })
    };
    if matches!(
        typed.from,
        CheckpointFormat::SamsungTrm | CheckpointFormat::HfVit | CheckpointFormat::TrmVit
    ) && (typed.dataset.is_some() || typed.data.is_some())
    {
        return Err(usage!(
            "--dataset and --data are for language models, but this format holds other models"
        ));
    }
    if matches!(
        typed.from,
        CheckpointFormat::HfLlama
            | CheckpointFormat::Gguf
            | CheckpointFormat::Peft
            | CheckpointFormat::Trm
    ) && (typed.dataset.is_some() || typed.data.is_some())
    {
        return Err(usage!("--dataset and --data are for models without a tokenizer of their own"));
    }
    let has_base = [CheckpointFormat::TrmVit, CheckpointFormat::Peft, CheckpointFormat::Trm]
        .contains(&typed.from);
    if typed.base.is_some() && !has_base {
        return Err(usage!("--base is for models on a frozen base: --from trm-vit, peft or trm"));
    }
    if typed.config.is_some()
        && matches!(typed.from, CheckpointFormat::Gguf | CheckpointFormat::Trm)
    {
        return Err(usage!(
            "--config is for formats with a configuration beside the weights; a file of --from gguf or trm holds its own"
        ));
    }
    if typed.from != CheckpointFormat::HfVit
        && (typed.image_size.is_some() || typed.vit_depth.is_some())
    {
        return Err(usage!("--image-size and --vit-depth are for --from hf-vit"));
    }
    output::refuse_input(typed, &source)?;
    let mut bytes = converted().with_context(|| source.display().to_string())?;
    let original = match typed.from {
        CheckpointFormat::HfVit => preprocessor(typed, &source)?,
        _ => None,
    };
    // Before `bytes` become those of another format. A model of images that are not read here,
    // such as those with four channels, is converted without a note.
    let note = original.and_then(|original| {
        let ours = image_preprocessing(&read_header(&bytes).ok()?.config).ok()?;
        other_preprocessing(&original, &ours)
    });
    if let Some(precision) = typed.precision {
        bytes = with_precision(&bytes, precision)?;
    }
    let beside = match typed.to_format {
        Some(CheckpointFormat::SamsungTrm) => {
            let (weights, config) = trm_train::to_samsung_trm(&bytes)?;
            bytes = weights;
            vec![("config.json", config)]
        }
        Some(CheckpointFormat::HfVit) => {
            let HfVit { weights, config, preprocessor } = trm_train::to_hf_vit(&bytes)?;
            bytes = weights;
            vec![("config.json", config), ("preprocessor_config.json", preprocessor)]
        }
        Some(CheckpointFormat::Peft) => {
            let Peft { weights, config } = trm_train::to_peft(&bytes)?;
            bytes = weights;
            vec![("adapter_config.json", config)]
        }
        _ => Vec::new(),
    };
    for (name, text) in &beside {
        let path = typed.out.with_file_name(name);
        if std::fs::read(&path).is_ok_and(|there| there != text.as_bytes()) {
            return Err(usage!(
                "{} already exists with other contents; choose another folder for --to",
                path.display()
            ));
        }
    }
    for (name, text) in &beside {
        run_dir::write_named(&typed.out.with_file_name(name), text.as_bytes())?;
    }
    run_dir::write_named(&typed.out, &bytes)?;
    if let Some(note) = note {
        say!("{note}");
    }
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

/// `result` with the file that it is about.
fn in_file<T>(result: Result<T, Failure>, path: &Path) -> anyhow::Result<T> {
    result.with_context(|| path.display().to_string())
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

/// What to say if `original`, a preprocessor_config.json, resizes or crops images in another
/// way than `ours`, that of the checkpoint. It is no error: the weights are the same.
fn other_preprocessing(original: &str, ours: &Preprocessing) -> Option<String> {
    let here = in_words(ours);
    let theirs = match Preprocessing::from_preprocessor_config(original, ours.channels) {
        Ok(theirs) => theirs,
        Err(error) => {
            return Some(format!(
                "how the original's preprocessor_config.json resizes images is not taken over ({error}); here images are {here}"
            ));
        }
    };
    // It takes only images of the model's size, and these stay as they are here too.
    if theirs.resize == Resize::Off && !theirs.crop {
        return None;
    }
    let geometry = |of: &Preprocessing| (of.resize, of.crop, of.size, of.filter);
    (geometry(&theirs) != geometry(ours)).then(|| {
        format!(
            "by the original's preprocessor_config.json images are {}; here they are {here}, so answers can differ from the original's",
            in_words(&theirs)
        )
    })
}

/// What is done to images before their pixels are normalised.
fn in_words(images: &Preprocessing) -> String {
    let filter = match images.filter {
        Filter::Nearest => "nearest pixel",
        Filter::Bilinear => "bilinear",
        Filter::Bicubic => "bicubic",
        Filter::Lanczos => "Lanczos",
    };
    let resized = match images.resize {
        Resize::Off => "not resized".into(),
        Resize::Exact { height, width } => {
            format!("resized to {width} × {height} whatever their shape ({filter})")
        }
        Resize::ShortestEdge { length } => {
            format!("resized to {length} on the shorter side ({filter})")
        }
    };
    let size = images.size;
    match images.crop {
        true => format!("{resized}, then cropped to {size} × {size}"),
        false => resized,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_way_to_resize_is_told_in_words() {
        let ours = Preprocessing::resizing(3, 224);
        for same in [
            r#"{"do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "resample": 2,
                "size": {"shortest_edge": 224}, "image_mean": [0.1, 0.2, 0.3]}"#,
            r#"{"do_resize": false, "size": {"height": 224, "width": 224}}"#,
        ] {
            assert_eq!(other_preprocessing(same, &ours), None, "{same}");
        }
        let here = "here they are resized to 224 on the shorter side (bilinear), then cropped to 224 × 224";
        for (other, words) in [
            (
                r#"{"size": {"height": 224, "width": 224}}"#,
                "are resized to 224 × 224 whatever their shape (bilinear);",
            ),
            (
                r#"{"crop_size": 224, "do_center_crop": true, "resample": 3,
                    "size": {"shortest_edge": 256}}"#,
                "are resized to 256 on the shorter side (bicubic), then cropped to 224 × 224;",
            ),
            (
                r#"{"crop_size": 224, "do_center_crop": true, "resample": 3,
                    "size": {"shortest_edge": 224}}"#,
                "(bicubic), then cropped to 224 × 224;",
            ),
            (
                r#"{"do_resize": false, "do_center_crop": true, "crop_size": 224}"#,
                "are not resized, then cropped to 224 × 224;",
            ),
        ] {
            let note = other_preprocessing(other, &ours).expect(other);
            assert!(note.contains(words) && note.contains(here), "{note}");
        }
        let note = other_preprocessing(r#"{"size": 224, "crop_pct": 0.9}"#, &ours).expect("a note");
        assert!(note.contains("`crop_pct`") && note.contains("here images are"), "{note}");
    }
}
