//! The only place that knows which variants there are.

use burn::tensor::Device;
use trm_core::Init;
use trm_core::cache::Autoregressive;
use trm_core::models::chat_trm::ChatTrm;
use trm_core::models::chunk_lm::ChunkLm;
use trm_core::models::trm::Trm;
use trm_core::models::trm_lm::TrmLm;
use trm_data::{Dataset, TextDataset};
use trm_spec::{
    DataSource, Failure, FailureKind, Family, Precision, RunConfig, VariantSpec, Vocab,
};

use crate::Run;
use crate::checkpoint::{Checkpoint, Header, read_header};
use crate::dataset_check::{check_puzzles, expect_puzzles, expect_text, unfit};
use crate::language::{LanguageRun, half};
use crate::puzzle_task::PuzzleTask;
use crate::puzzles::PuzzleRun;

/// Loads the dataset of `source` for a model of `config`, whose vocabulary is `vocab`
/// where it has one already.
///
/// # Errors
/// If this build does not hold such models, or the data cannot be used.
pub fn load_data(
    source: &DataSource,
    config: &RunConfig,
    vocab: Option<&Vocab>,
) -> Result<Dataset, Failure> {
    if !is_here(&config.model) {
        return Err(elsewhere(&config.model));
    }
    Dataset::load(source, config, vocab)
}

/// A new run of `config` on a text or on puzzles, whichever its model takes.
///
/// # Errors
/// If the configuration cannot be used on this device, the data does not fit the
/// model, or this build does not hold such models.
pub fn create(
    config: &RunConfig,
    data: impl Into<Dataset>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    config.validate()?;
    check_precision(config.train.precision, device)?;
    let mut init = Init::new(config.train.seed, &device.clone().autodiff());
    let init = &mut init;
    match (&config.model, data.into()) {
        (VariantSpec::ChatTrm(spec), Dataset::Text(corpus)) if LANGUAGE => {
            writer(config, corpus, |vocab| ChatTrm::new(spec, vocab, init))
        }
        (VariantSpec::ChunkLm(spec), Dataset::Text(corpus)) if LANGUAGE => {
            writer(config, corpus, |vocab| ChunkLm::new(spec, vocab, init))
        }
        (VariantSpec::TrmLm(spec), Dataset::Text(corpus)) if LANGUAGE => {
            writer(config, corpus, |vocab| TrmLm::new(spec, vocab, init))
        }
        (VariantSpec::Trm(spec), Dataset::Puzzles(data)) if PUZZLES => {
            let vocab = data.vocab();
            // Every identifier of the puzzles has an embedding.
            let mut spec = spec.clone();
            spec.num_puzzle_identifiers =
                spec.num_puzzle_identifiers.max(data.train.num_identifiers);
            check_puzzles(&spec, &vocab, &data)?;
            let model = Trm::new(&spec, vocab.size(), init);
            let task = PuzzleTask::new(&spec, &config.train);
            let config = RunConfig { model: VariantSpec::Trm(spec), ..config.clone() };
            Ok(Box::new(PuzzleRun::new(config, vocab, Some(data), model, task)))
        }
        (model, _) if !is_here(model) => Err(elsewhere(model)),
        (model, data) => Err(unfit(model, &data)),
    }
}

/// A fresh run of a language model, which `model` makes for so many tokens.
fn writer<M: Autoregressive + 'static>(
    config: &RunConfig,
    corpus: TextDataset,
    model: impl FnOnce(usize) -> M,
) -> Result<Box<dyn Run>, Failure> {
    corpus.check_block(config.model.length())?;
    let vocab = corpus.vocab().clone();
    let model = model(vocab.size());
    Ok(Box::new(LanguageRun::new(config.clone(), vocab, Some(corpus), model)))
}

/// A saved run. Without `optimizer` the moments start from zero; without `data` it
/// can be used but not trained.
///
/// # Errors
/// If a file is damaged or of another kind, or the data does not fit the model.
pub fn load(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    data: Option<&DataSource>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let header = read_header(checkpoint)?;
    let (config, vocab) = (&header.config, &header.vocab);
    if !is_here(&config.model) {
        return Err(elsewhere(&config.model));
    }
    let data = data.map(|source| Dataset::load(source, config, Some(vocab))).transpose()?;
    load_with(checkpoint, optimizer, data, device)
}

/// A saved run as [`load`] gives it, on a dataset that was loaded with the vocabulary
/// in its header.
///
/// # Errors
/// As of [`load`].
pub fn load_with(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    data: Option<Dataset>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let checkpoint = Checkpoint::read(checkpoint)?;
    let header = &checkpoint.header;
    if data.is_some() {
        check_precision(header.config.train.precision, device)?;
    }
    let (config, vocab) = (header.config.clone(), header.vocab.clone());
    checkpoint.expect_size(config.model.parameters(vocab.size()))?;
    let mut init = Init::new(0, &device.clone().autodiff());
    match &header.config.model {
        VariantSpec::ChatTrm(spec) if LANGUAGE => {
            let model = ChatTrm::new(spec, vocab.size(), &mut init);
            rewriter(&checkpoint, optimizer, data, model)
        }
        VariantSpec::ChunkLm(spec) if LANGUAGE => {
            let model = ChunkLm::new(spec, vocab.size(), &mut init);
            rewriter(&checkpoint, optimizer, data, model)
        }
        VariantSpec::TrmLm(spec) if LANGUAGE => {
            let model = TrmLm::new(spec, vocab.size(), &mut init);
            rewriter(&checkpoint, optimizer, data, model)
        }
        VariantSpec::Trm(spec) if PUZZLES => {
            let data = data.map(|data| expect_puzzles(&config.model, &vocab, data)).transpose()?;
            let model = checkpoint.restore(Trm::new(spec, vocab.size(), &mut init))?;
            let task = PuzzleTask::new(spec, &config.train);
            let mut run = PuzzleRun::new(config, vocab, data, model, task);
            run.resume(header.step, optimizer)?;
            Ok(Box::new(run))
        }
        model => Err(elsewhere(model)),
    }
}

/// A saved run of a language model, whose weights `model` takes.
fn rewriter<M: Autoregressive + 'static>(
    checkpoint: &Checkpoint,
    optimizer: Option<&[u8]>,
    data: Option<Dataset>,
    model: M,
) -> Result<Box<dyn Run>, Failure> {
    let Header { config, vocab, step, .. } = checkpoint.header.clone();
    let corpus = data.map(|data| expect_text(&config.model, &vocab, data)).transpose()?;
    let model = checkpoint.restore(model)?;
    let mut run = LanguageRun::new(config, vocab, corpus, model);
    run.resume(step, optimizer)?;
    Ok(Box::new(run))
}

/// Families of models that this build holds; in browsers each comes as a module of
/// its own, so that neither waits for the other's code.
const LANGUAGE: bool = cfg!(feature = "language");
const PUZZLES: bool = cfg!(feature = "puzzles");

fn is_here(model: &VariantSpec) -> bool {
    match model.family() {
        Family::Language => LANGUAGE,
        Family::Puzzles => PUZZLES,
        Family::Images => false,
    }
}

fn elsewhere(model: &VariantSpec) -> Failure {
    let (is, room) = match model.family() {
        Family::Language => ("writes text", "language room"),
        Family::Puzzles => ("solves puzzles", "puzzle room"),
        Family::Images => ("classifies images", "image room"),
    };
    Failure::new(
        FailureKind::Room,
        format!(
            "this `{}` model {is}, and this room's module does not hold such models",
            model.name()
        ),
        format!("Open it in the {room}."),
    )
}

/// Refuses to train in a precision that the device does not have.
fn check_precision(precision: Precision, device: &Device) -> Result<(), Failure> {
    match half(precision) {
        Some(dtype) if !device.supports_dtype(dtype) => Err(Failure::new(
            FailureKind::Config,
            format!("this device does not compute in {dtype:?}"),
            "Set precision to f32, or choose another device.",
        )),
        _ => Ok(()),
    }
}

/// Depth as asked for, checked.
pub(crate) fn check_depth(depth: usize) -> Result<usize, Failure> {
    const MOST: usize = 1024;
    if (1..=MOST).contains(&depth) {
        return Ok(depth);
    }
    Err(Failure::new(
        FailureKind::Config,
        format!("depth {depth} cannot be run"),
        format!("Choose a depth from 1 to {MOST}."),
    ))
}
