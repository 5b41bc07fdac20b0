//! The data of a run on the command line: the user's files, or what the program
//! carries or generates.

use std::path::Path;

use trm_data::OpenedSource;
use trm_spec::{DataSource, Failure};
use trm_train::{Run, checkpoint, load_with};

use crate::device::OpenDevice;

/// Opens the user's file or folder at `path`, or what `dataset` names.
///
/// # Errors
/// If nothing is known by that name, or the file cannot be read.
pub fn open(dataset: &str, path: Option<&Path>) -> Result<OpenedSource, Failure> {
    let source = path.map_or(DataSource::Named, |path| DataSource::Files { path: path.into() });
    OpenedSource::open(&source, dataset)
}

/// Loads a saved run, to be trained further on `data` or evaluated by it.
///
/// # Errors
/// If the checkpoint is damaged, or the data does not fit it.
pub fn load_run(
    data: &OpenedSource,
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    device: &OpenDevice,
) -> Result<Box<dyn Run>, Failure> {
    let header = checkpoint::read_header(checkpoint)?;
    let data = data.load(&header.config, Some(&header.vocab))?;
    load_with(checkpoint, optimizer, Some(data), &device.device)
}
