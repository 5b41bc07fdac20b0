//! The weights that `convert` is given: a file, or a folder with one or several.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use safetensors::SafeTensors;
use trm_data::FileKind;
use trm_data::checkpoint::{FORMAT, is_pytorch, metadata, pytorch_weights};
use trm_spec::{Failure, FailureKind};

use super::parts::parts as parts_of;
use crate::args::{self, CheckpointFormat};
use crate::run_dir;
use crate::terminal::report::usage;

/// Names of weights in a folder, besides those of a run.
const NAMES: [&str; 6] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "model.pt",
    "model.pth",
];

/// Where the weights are that were named: a file, the index of several, or the folder of a
/// decoder, whose converter reads it.
///
/// # Errors
/// If there are none, or it is not clear which are meant.
pub fn source(typed: &args::Convert) -> anyhow::Result<PathBuf> {
    let file = match typed.from {
        CheckpointFormat::HfLlama => return Ok(typed.input.clone()),
        CheckpointFormat::Peft if typed.input.is_dir() => {
            typed.input.join("adapter_model.safetensors")
        }
        _ => found(&typed.input)?,
    };
    Ok(index_of(&file).unwrap_or(file))
}

/// The weights at `source`, as one safetensors file or as GGUF.
///
/// # Errors
/// If a part of them is missing, or they are something else.
pub fn weights(source: &Path, from: CheckpointFormat) -> anyhow::Result<Vec<u8>> {
    let files = match index_of(source) {
        None => vec![source.to_owned()],
        Some(index) => {
            let names: BTreeSet<String> = parts_of(&index)?;
            names.iter().map(|name| index.with_file_name(name)).collect()
        }
    };
    let parts = files.iter().map(|file| one(file, from)).collect::<anyhow::Result<Vec<_>>>()?;
    joined(parts).with_context(|| source.display().to_string())
}

/// All files that are read for `source`, a file or an index.
///
/// # Errors
/// If its index cannot be read.
pub fn files_of(source: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Some(index) = index_of(source) else { return Ok(vec![source.to_owned()]) };
    let mut files: Vec<_> =
        parts_of(&index)?.iter().map(|name| index.with_file_name(name)).collect();
    files.push(index);
    Ok(files)
}

/// The file that `input` means.
fn found(input: &Path) -> anyhow::Result<PathBuf> {
    if !input.is_dir() {
        return Ok(input.to_owned());
    }
    let known = [run_dir::checkpoint_in(input)].into_iter();
    let known = known.chain(NAMES.iter().map(|name| input.join(name)));
    if let Some(file) = known.into_iter().find(|file| file.is_file()) {
        return Ok(file);
    }
    let mut files = Vec::new();
    for entry in
        std::fs::read_dir(input).with_context(|| format!("cannot read {}", input.display()))?
    {
        let path = entry.with_context(|| format!("cannot read {}", input.display()))?.path();
        let end = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file()
            && ["safetensors", "pt", "pth", "bin", "ckpt", "gguf"].contains(&end.as_str())
        {
            files.push(path);
        }
    }
    files.sort();
    match &files[..] {
        [file] => Ok(file.clone()),
        [] => Err(usage!("there are no weights in {}; give the file", input.display())),
        [first, second, ..] => Err(usage!(
            "{} holds several files of weights ({}, {}, …); give one of them",
            input.display(),
            first.display(),
            second.display()
        )),
    }
}

/// The index of the parts that a file belongs to: itself, or the one beside a part.
fn index_of(source: &Path) -> Option<PathBuf> {
    let name = source.file_name()?.to_str()?;
    if name.ends_with(".index.json") {
        return Some(source.to_owned());
    }
    // `model-00001-of-00003.safetensors`
    let (stem, end) = name.rsplit_once('.')?;
    let (start, total) = stem.rsplit_once("-of-")?;
    let (start, number) = start.rsplit_once('-')?;
    let counted = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let index = source.with_file_name(format!("{start}.{end}.index.json"));
    (counted(total) && counted(number) && index.is_file()).then_some(index)
}

/// The weights in one file.
fn one(path: &Path, from: CheckpointFormat) -> anyhow::Result<Vec<u8>> {
    let bytes = run_dir::read(path)?;
    if is_pytorch(&bytes) {
        // What an archive holds may be named far behind its beginning.
        let kind = FileKind::of(&bytes);
        let other = [FileKind::Npz, FileKind::Office, FileKind::Zip].contains(&kind);
        return if other { Err(other_kind(path, kind)) } else { Ok(pytorch_weights(path)?) };
    }
    let kind = FileKind::of_start(&bytes);
    if from != CheckpointFormat::Trm {
        refuse_own(path, &bytes)?;
    }
    match (kind, from) {
        (FileKind::Gguf, CheckpointFormat::Gguf) => Ok(bytes),
        (FileKind::Safetensors, CheckpointFormat::Gguf) => Err(usage!(
            "{} is a safetensors file, not GGUF; say which project it is of (--from hf-llama, …)",
            path.display()
        )),
        // What is damaged, and what nobody knows, is refused by its reader.
        (FileKind::Safetensors | FileKind::Binary | FileKind::OtherEncoding, _) => Ok(bytes),
        (kind, _) => Err(other_kind(path, kind)),
    }
}

/// Refuses a checkpoint of this program where weights of another one are wanted: no
/// configuration lies beside it, and its tensors have other names.
///
/// # Errors
/// If `bytes`, the content of the file at `path`, is one.
pub fn refuse_own(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    match metadata(bytes, FORMAT) {
        Ok(_) => Err(usage!(
            "{} is a checkpoint of this program; say so with --from trm",
            path.display()
        )),
        Err(_) => Ok(()),
    }
}

fn other_kind(path: &Path, kind: FileKind) -> anyhow::Error {
    let message = format!("{} is {}, not a file of weights", path.display(), kind.what());
    Failure::new(FailureKind::Checkpoint, message, kind.next_step()).into()
}

/// The tensors of all parts in one file.
fn joined(mut parts: Vec<Vec<u8>>) -> anyhow::Result<Vec<u8>> {
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let opened =
        parts.iter().map(|part| SafeTensors::deserialize(part)).collect::<Result<Vec<_>, _>>();
    let opened = opened.context("a part of the weights is not a whole safetensors file")?;
    let tensors: Vec<_> = opened.iter().flat_map(SafeTensors::tensors).collect();
    Ok(safetensors::serialize(tensors, None)?)
}
