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

/// Says of a new run how many puzzles of a file are not trained on, as fewer are asked for.
pub fn say_unused(data: &Dataset) {
    if let Dataset::Puzzles(puzzles) = data
        && puzzles.unused > 0
    {
        let (used, name) = (puzzles.train.len(), &puzzles.train.name);
        let all = used + puzzles.unused;
        say!(
            "{used} of {all} training puzzles of {name} are used (num_puzzles); --num-puzzles {all} uses all"
        );
    }
}

/// A file of a single puzzle holds out none; to be scored, it is the one. Says whether it is.
pub fn score_single_puzzle(data: &mut Dataset) -> bool {
    if let Dataset::Puzzles(puzzles) = data
        && puzzles.val.is_empty()
        && puzzles.train.len() == 1
    {
        say!("{} holds one puzzle, which is scored", puzzles.train.name);
        puzzles.val = puzzles.train.clone();
        return true;
    }
    false
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
    load(data, checkpoint, optimizer, base, device, say_copies)
}

/// As [`load_run`], of a new run that starts from the weights of `checkpoint`.
///
/// # Errors
/// As of [`load_run`].
pub fn init_run(
    data: &OpenedSource,
    checkpoint: &[u8],
    base: Option<&BaseOnDisk>,
    device: &OpenDevice,
) -> anyhow::Result<Box<dyn Run>> {
    let say = |data: &Dataset| {
        say_copies(data);
        say_unused(data);
    };
    load(data, checkpoint, None, base, device, say)
}

fn load(
    data: &OpenedSource,
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    base: Option<&BaseOnDisk>,
    device: &OpenDevice,
    say: impl Fn(&Dataset),
) -> anyhow::Result<Box<dyn Run>> {
    let header = checkpoint::read_header(checkpoint)?;
    let data = data.load(&header.config, Some(&header.vocab))?;
    say(&data);
    let data = features::cached(data, &header.config, base, device)?;
    let base = base.map(BaseOnDisk::file);
    Ok(load_on(checkpoint, optimizer, Some(data), base, &device.device)?)
}
