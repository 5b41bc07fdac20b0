//! Which file of the user's a run is trained on, where its settings do not say it: those name
//! a text or questions with their digest, but of puzzles and images only the kind.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trm_data::{DataError, OpenedSource, hex};
use trm_spec::{Failure, Family, RunConfig};

use crate::report::{say, usage};
use crate::run_dir;

/// Its place in a run's folder.
pub const FILE: &str = "data.json";

/// The data that were given with `--data`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnData {
    /// Name of the file or folder.
    name: String,
    /// SHA-256 of the file in hexadecimal; of a folder none.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl OwnData {
    /// The data of a new run; `None` where its settings name them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of(source: &OpenedSource, config: &RunConfig) -> anyhow::Result<Option<Self>> {
        let named = matches!(config.model.family(), Family::Language | Family::Questions);
        let Some(path) = source.path().filter(|_| !named) else { return Ok(None) };
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let sha256 = match path.is_file() {
            true => Some(digest(path).map_err(|error| {
                Failure::from(DataError::Unreadable {
                    path: path.display().to_string(),
                    reason: error.to_string(),
                })
            })?),
            false => None,
        };
        Ok(Some(Self { name, sha256 }))
    }

    /// Those that the run in `folder` is trained on, as far as it is known.
    ///
    /// # Errors
    /// If the file that says it cannot be read.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let read = serde_json::from_slice(&run_dir::read(&path)?);
        read.map(Some).map_err(|error| usage!("{} cannot be read: {error}", path.display()))
    }

    /// Writes it to the folder of a run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        run_dir::write(&folder.join(FILE), &serde_json::to_vec_pretty(self)?)
    }

    /// Refuses to go on with other data, `given`.
    ///
    /// # Errors
    /// If there are none, or the file is another one.
    pub fn expect(&self, given: Option<&Self>) -> anyhow::Result<()> {
        match given {
            None => Err(usage!("this run is trained on {}; give it again with --data", self.name)),
            Some(given) if self.sha256.is_some() && given.sha256 != self.sha256 => Err(usage!(
                "{} is not the file that this run is trained on, {}: its content is another one",
                given.name,
                self.name
            )),
            Some(_) => Ok(()),
        }
    }

    /// Whether two runs are trained on the same, as far as it is known.
    pub fn is_same(one: Option<&Self>, other: Option<&Self>) -> bool {
        one.map(|own| &own.sha256) == other.map(|own| &own.sha256)
    }

    /// Name of the file or folder.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A resumed run that is given `name`, but was trained on `generated`, data of the program.
pub fn not_its_own(name: &str, generated: &str) -> anyhow::Error {
    usage!(
        "this run is trained on {generated}, which comes with the program, and not on {name}; a resumed run keeps its data. \
         To train its weights on other data, start a new run with --init"
    )
}

/// Says where other puzzles or images are evaluated than those that the run of `checkpoint`, a
/// file or a run's folder, was trained on, as far as it is known.
///
/// # Errors
/// If a file cannot be read.
pub fn say_other(data: &OpenedSource, config: &RunConfig, checkpoint: &Path) -> anyhow::Result<()> {
    let folder = if checkpoint.is_dir() { Some(checkpoint) } else { checkpoint.parent() };
    let Some(own) = folder.map(OwnData::read).transpose()?.flatten() else { return Ok(()) };
    match OwnData::of(data, config)? {
        None => say!(
            "the run was trained on {}, but {} is scored: give --data for its held-out part",
            own.name,
            data.title()
        ),
        Some(given) if own.sha256.is_some() && given.sha256 != own.sha256 => say!(
            "the run was trained on {}, but {} is scored: its held-out part may contain what the run was trained on",
            own.name,
            given.name
        ),
        Some(_) => {}
    }
    Ok(())
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => digest.update(&piece[..read]),
        }
    }
    Ok(hex(digest))
}
