//! The header of a checkpoint.

use std::collections::{HashMap, HashSet};

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trm_spec::{Failure, FailureKind, ModelInfo, RunConfig, Vocab};

use super::projects;
use crate::file_kind::FileKind;

/// The format that the header of a model file names.
pub const FORMAT: &str = "trm/1";

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
    /// SHA-256 of its weights alone, of decoders: it is the same in files of every format
    /// that hold the same numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

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

/// A failure of a checkpoint, and what to do about it.
pub fn refused(message: impl Into<String>, hint: &str) -> Failure {
    Failure::new(FailureKind::Checkpoint, message, hint)
}

/// What to do about a file that is none of ours.
pub const OTHER_FILE: &str = "Choose a .safetensors file that this program has written, or convert the original first (trm-native convert).";
/// What to do about a file of a later version of this program.
const NEWER: &str = "A newer version of this program has written it: use that one.";
/// What to do about a file that is damaged.
pub const DAMAGED: &str =
    "The file is damaged. Copy or download it again, or use an earlier checkpoint.";

/// The header's key-value pairs, if the file is of `format`.
///
/// # Errors
/// If the file is damaged, or of another format.
pub fn metadata(bytes: &[u8], format: &str) -> Result<HashMap<String, String>, Failure> {
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|error| other_kind(bytes, &error))?;
    let pairs = header.metadata().clone().unwrap_or_default();
    match pairs.get("format").map(String::as_str) {
        Some(found) if found == format => Ok(pairs),
        Some(found) => Err(refused(
            format!("this file is of format `{found}`, but `{format}` is expected"),
            if is_newer(found, format) { NEWER } else { OTHER_FILE },
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

/// Whether a format is a later version of `known`.
fn is_newer(found: &str, known: &str) -> bool {
    let parts = |format: &str| {
        let (name, version) = format.split_once('/')?;
        Some((name.to_owned(), version.parse::<u32>().ok()?))
    };
    match (parts(found), parts(known)) {
        (Some((name, version)), Some((own, newest))) => name == own && version > newest,
        _ => false,
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
    let vocab: Vocab =
        serde_json::from_str(entry("vocab")?).map_err(|error| unreadable("vocab", &error))?;
    if let Vocab::Char { chars } = &vocab {
        let mut known = HashSet::new();
        if let Some(twice) = chars.chars().find(|character| !known.insert(*character)) {
            return Err(unreadable("vocab", &format!("the character {twice:?} comes twice")));
        }
    }
    Ok(Header {
        config,
        vocab,
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

/// The key-value pairs of a model file.
///
/// # Errors
/// If they cannot be written as JSON.
pub fn pairs(header: &Header) -> Result<HashMap<String, String>, Failure> {
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
