//! Opens a run of any model, fresh or saved. The only place that lists the models:
//! one arm each.

use burn::tensor::Device;
use trm_core::models::chat_trm::ChatTrm;
use trm_core::models::chunk_lm::ChunkLm;
#[cfg(feature = "toy-model")]
use trm_core::models::toy_lm::ToyLm;
use trm_core::models::trm::Trm;
use trm_core::models::trm_lm::TrmLm;
use trm_core::{Init, Recursive};
use trm_spec::{DataSource, DraftStart, Failure, RunConfig, VariantSpec, Vocab};

use crate::checkpoint::{Checkpoint, Header, read_header};
use crate::checks::check_precision;
use crate::family::{LANGUAGE, PUZZLES, is_in_this_build, not_in_this_build};
use crate::run::Run;
use crate::tasks::language::LanguageTask;
use crate::tasks::puzzles::PuzzleTask;
use crate::train_run::{Capabilities, TrainRun};
use trm_data::Dataset;

/// A fresh run of `config` on a text or on puzzles, as its model needs.
///
/// ```
/// use burn::tensor::Device;
/// use trm_data::TextDataset;
/// use trm_spec::{ChatTrmSpec, RunConfig, VariantSpec};
///
/// let spec = ChatTrmSpec {
///     hidden_size: 16,
///     num_heads: 2,
///     n_layers: 1,
///     block_size: 8,
///     ..ChatTrmSpec::default()
/// };
/// let config = RunConfig { model: VariantSpec::ChatTrm(spec), ..RunConfig::default() };
/// let text = TextDataset::from_text("proverb", "better late than never, ".repeat(10).as_str(), 0.1)?;
///
/// let run = trm_train::create(&config, text, &Device::flex())?;
/// assert_eq!(run.summary().step, 0);
/// assert!(run.as_writer().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the configuration is invalid, the data do not fit the model, the device does not
/// compute in the asked precision, or this build does not hold the model's family.
pub fn create(
    config: &RunConfig,
    data: impl Into<Dataset>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    config.validate()?;
    check_precision(config.train.precision, device)?;
    if !is_in_this_build(&config.model) {
        return Err(not_in_this_build(&config.model));
    }
    let data = data.into();
    let (mut config, vocab) = (config.clone(), vocab_of(&data));
    if let (VariantSpec::Trm(spec), Dataset::Puzzles(data)) = (&mut config.model, &data) {
        // Every identifier of the puzzles has an embedding.
        spec.num_puzzle_identifiers = spec.num_puzzle_identifiers.max(data.train.num_identifiers);
    }
    open(Opening { config, vocab, data: Some(data), saved: None, device })
}

fn vocab_of(data: &Dataset) -> Vocab {
    match data {
        Dataset::Text(corpus) => corpus.vocab().clone(),
        Dataset::Puzzles(data) => data.vocab(),
    }
}

/// A saved run. Without `optimizer` the moments start from zero; without
/// `data` it can be used but not trained.
///
/// ```
/// use burn::tensor::Device;
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/checkpoints/sudoku-4x4.safetensors");
/// let bytes = std::fs::read(path)?;
/// let run = trm_train::load(&bytes, None, None, &Device::flex())?;
/// assert!(run.as_solver().is_some());
/// assert!(!run.summary().trainable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If a file is damaged, foreign or too large, the two do not belong together, or the
/// data do not fit the model.
pub fn load(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    data: Option<&DataSource>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let header = read_header(checkpoint)?;
    let (config, vocab) = (&header.config, &header.vocab);
    if !is_in_this_build(&config.model) {
        return Err(not_in_this_build(&config.model));
    }
    let data = data.map(|source| Dataset::load(source, config, Some(vocab))).transpose()?;
    load_with(checkpoint, optimizer, data, device)
}

/// A saved run on data that are loaded already.
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
    let Header { config, vocab, .. } = checkpoint.header.clone();
    if data.is_some() {
        check_precision(config.train.precision, device)?;
    }
    checkpoint.expect_size(config.model.parameters(vocab.size()))?;
    let saved = Some(Saved { checkpoint: &checkpoint, optimizer });
    open(Opening { config, vocab, data, saved, device })
}

/// A run that is about to be opened.
struct Opening<'a> {
    config: RunConfig,
    vocab: Vocab,
    data: Option<Dataset>,
    saved: Option<Saved<'a>>,
    device: &'a Device,
}

/// The two files of a saved run.
struct Saved<'a> {
    checkpoint: &'a Checkpoint<'a>,
    optimizer: Option<&'a [u8]>,
}

/// The models: what builds each, and what trains it.
fn open(opening: Opening<'_>) -> Result<Box<dyn Run>, Failure> {
    let config = opening.config.clone();
    let (depth, train) = (config.model.depth(), &config.train);
    match &config.model {
        VariantSpec::ChatTrm(spec) if LANGUAGE => opening
            .run(|vocab, init| ChatTrm::new(spec, vocab, init), LanguageTask::new(depth, train)),
        VariantSpec::ChunkLm(spec) if LANGUAGE => opening.run(
            |vocab, init| ChunkLm::new(spec, vocab, init),
            match spec.draft_start {
                DraftStart::Targets => LanguageTask::leak_demo(depth, train),
                _ => LanguageTask::new(depth, train),
            },
        ),
        VariantSpec::TrmLm(spec) if LANGUAGE => opening
            .run(|vocab, init| TrmLm::new(spec, vocab, init), LanguageTask::new(depth, train)),
        VariantSpec::Trm(spec) if PUZZLES => {
            opening.run(|vocab, init| Trm::new(spec, vocab, init), PuzzleTask::new(spec, train))
        }
        #[cfg(feature = "toy-model")]
        VariantSpec::ToyLm(spec) if LANGUAGE => opening
            .run(|vocab, init| ToyLm::new(spec, vocab, init), LanguageTask::new(depth, train)),
        model => Err(not_in_this_build(model)),
    }
}

impl Opening<'_> {
    /// The run of a model that `build` makes for so many tokens. Initial weights are
    /// drawn only where no saved ones replace them.
    fn run<M: Recursive + 'static, T: Capabilities<M>>(
        self,
        build: impl FnOnce(usize, &mut Init) -> M,
        task: T,
    ) -> Result<Box<dyn Run>, Failure> {
        let Self { config, vocab, data, saved, device } = self;
        let data = data.map(|data| task.accept(&config, &vocab, data)).transpose()?;
        let device = device.clone().autodiff();
        let Some(Saved { checkpoint, optimizer }) = saved else {
            let model = build(vocab.size(), &mut Init::new(config.train.seed, &device));
            return Ok(Box::new(TrainRun::new(config, vocab, data, model, task)));
        };
        let model = checkpoint.restore(build(vocab.size(), &mut Init::zeros(&device)))?;
        let mut run = TrainRun::new(config, vocab, data, model, task);
        run.resume(checkpoint.header.step, optimizer)?;
        Ok(Box::new(run))
    }
}
