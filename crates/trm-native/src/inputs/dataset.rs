//! The data of a run on the command line: the user's files, or what the program
//! carries or generates.

use std::path::Path;

use trm_data::images::OtherPictures;
use trm_data::{Dataset, OpenedSource};
use trm_spec::{DataSource, Failure, FailureKind, Family, RunConfig, Vocab};
use trm_train::{Run, checkpoint, load_on};

use crate::inputs::features;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::terminal::count::counted;
use crate::terminal::progress::LineProgress;
use crate::terminal::report::say;

/// Opens the user's file or folder at `path`, or what the dataset of `config` names. The file of
/// a language model is one text whatever it looks like, if `as_text` says so.
///
/// # Errors
/// If nothing is known by that name, the file cannot be read, or `as_text` is said of no text.
pub fn open(
    config: &RunConfig,
    path: Option<&Path>,
    as_text: bool,
) -> Result<OpenedSource, Failure> {
    if as_text {
        let path = text_of(config, path)?;
        return OpenedSource::open_as_text(path, config);
    }
    let source = path.map_or(DataSource::Named, |path| DataSource::Files { path: path.into() });
    OpenedSource::open(&source, config)
}

/// The file that `--as-text` is about, given for a model of `config`.
///
/// # Errors
/// If no file is given, or the model reads no texts.
fn text_of<'a>(config: &RunConfig, path: Option<&'a Path>) -> Result<&'a Path, Failure> {
    let refused = |message: String| {
        let hint = "Leave --as-text out: it is for the text of a language model.";
        Err(Failure::new(FailureKind::Config, message, hint))
    };
    match path {
        _ if config.model.family() != Family::Language => refused(format!(
            "--as-text reads a file as one text, and a `{}` model reads no texts",
            config.model.name()
        )),
        None => refused("--as-text is about the user's file, and none is given".into()),
        Some(path) => Ok(path),
    }
}

/// Loads the dataset that `config` describes, and tells every few seconds how many puzzles are
/// generated.
///
/// # Errors
/// As of [`OpenedSource::load`].
pub fn load(
    data: &OpenedSource,
    config: &RunConfig,
    vocab: Option<&Vocab>,
) -> Result<Dataset, Failure> {
    data.load_seen(config, vocab, &mut LineProgress::new("puzzles").callback())
}

/// Says that data are generated, which may take minutes.
pub fn say_generated(data: &OpenedSource, config: &RunConfig) {
    let what = match config.model.family() {
        Family::Puzzles => "puzzles",
        Family::Questions => "questions",
        Family::Language | Family::Images => return,
    };
    if data.path().is_none() {
        say!("generating {what} …");
    }
}

/// Says what of the user's data is left out: puzzles that come again, pictures of types that are
/// not read.
pub fn say_left_out(data: &Dataset) {
    match data {
        Dataset::Puzzles(puzzles) if puzzles.copies > 0 => {
            let (copies, name) = (counted(puzzles.copies, "puzzles"), &puzzles.train.name);
            say!("left out: {copies} of {name}, as a copy is used or held out");
        }
        Dataset::Images(images) => say_other_pictures(&images.name, &images.other_pictures),
        _ => {}
    }
}

/// Says how many pictures of the folder `name` are left out.
pub fn say_other_pictures(name: &str, other: &OtherPictures) {
    if let OtherPictures { count, first: Some(first) } = other {
        say!(
            "left out: {} of {name} in other formats than JPEG, PNG and WebP ({first}); convert them to use them",
            counted(*count, "pictures")
        );
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
    load_saved(data, checkpoint, optimizer, base, device, say_left_out)
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
        say_left_out(data);
        say_unused(data);
    };
    load_saved(data, checkpoint, None, base, device, say)
}

fn load_saved(
    data: &OpenedSource,
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    base: Option<&BaseOnDisk>,
    device: &OpenDevice,
    say: impl Fn(&Dataset),
) -> anyhow::Result<Box<dyn Run>> {
    let header = checkpoint::read_header(checkpoint)?;
    let data = load(data, &header.config, Some(&header.vocab))?;
    say(&data);
    let data = features::cached(data, &header.config, base, device)?;
    let base = base.map(BaseOnDisk::file);
    Ok(load_on(checkpoint, optimizer, Some(data), base, &device.device)?)
}
