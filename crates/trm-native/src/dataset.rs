//! The data of a run on the command line: the user's files, or what the program
//! carries or generates.

use std::path::Path;

use trm_data::{Dataset, OpenedSource};
use trm_spec::{DataSource, Failure, Family, RunConfig};
use trm_train::{Run, checkpoint, load_on};

use crate::device::OpenDevice;
use crate::features;
use crate::frozen_base::BaseOnDisk;
use crate::report::say;

/// Opens the user's file or folder at `path`, or what the dataset of `config` names. Of a
/// language model the file is one text whatever it looks like, if `as_text` says so.
///
/// # Errors
/// If nothing is known by that name, or the file cannot be read.
pub fn open(
    config: &RunConfig,
    path: Option<&Path>,
    as_text: bool,
) -> Result<OpenedSource, Failure> {
    if let (true, Some(path), Family::Language) = (as_text, path, config.model.family()) {
        return OpenedSource::open_as_text(path, config);
    }
    let source = path.map_or(DataSource::Named, |path| DataSource::Files { path: path.into() });
    OpenedSource::open(&source, config)
}

/// Says how many puzzles of a file are left out because they come again.
pub fn say_copies(data: &Dataset) {
    if let Dataset::Puzzles(puzzles) = data
        && puzzles.copies > 0
    {
        let (copies, name) = (puzzles.copies, &puzzles.train.name);
        say!("left out: {copies} puzzles of {name} that come twice or are held out");
    }
}

/// A file of a single puzzle holds out none; to be scored, it is the one.
pub fn score_single_puzzle(data: &mut Dataset) {
    if let Dataset::Puzzles(puzzles) = data
        && puzzles.val.is_empty()
        && puzzles.train.len() == 1
    {
        say!("{} holds one puzzle, which is scored", puzzles.train.name);
        puzzles.val = puzzles.train.clone();
    }
}

/// Loads a saved run, to be trained further on `data` or evaluated by it.
///
/// # Errors
/// If the checkpoint is damaged, or the data does not fit it.
pub fn load_run(
    data: &OpenedSource,
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    base: Option<&BaseOnDisk>,
    device: &OpenDevice,
) -> anyhow::Result<Box<dyn Run>> {
    let header = checkpoint::read_header(checkpoint)?;
    let data = data.load(&header.config, Some(&header.vocab))?;
    say_copies(&data);
    let data = features::cached(data, &header.config, base, device)?;
    let base = base.map(BaseOnDisk::file);
    Ok(load_on(checkpoint, optimizer, Some(data), base, &device.device)?)
}
