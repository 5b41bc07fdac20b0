//! Opens a run of any model, fresh or saved. The only place that lists the models:
//! one arm each.

mod bases;
mod opening;

#[cfg(feature = "llm")]
use std::rc::Rc;

use burn::tensor::Device;
#[cfg(feature = "llm")]
use trm_core::Init;
use trm_core::models::chat_trm::ChatTrm;
use trm_core::models::chunk_lm::ChunkLm;
#[cfg(feature = "llm")]
use trm_core::models::llama::Llama;
#[cfg(feature = "llm")]
use trm_core::models::llm_trm::LlmTrm;
#[cfg(feature = "toy-model")]
use trm_core::models::toy_lm::ToyLm;
use trm_core::models::trm::Trm;
use trm_core::models::trm_lm::TrmLm;
use trm_core::models::trm_vit::TrmVit;
use trm_core::models::vit::Vit;
use trm_spec::{DataSource, DraftStart, Failure, FailureKind, RunConfig, VariantSpec, Vocab};

#[cfg(feature = "llm")]
use self::bases::llm_vocab;
use self::bases::{expect_base, shape_of};
pub use self::bases::{expect_reads_base, on_base, open_base};
#[cfg(feature = "llm")]
pub use self::bases::{name_weights, open_decoder, open_llm, question_baselines};
use self::opening::{Opening, Saved};
use crate::base::BaseFile;
use crate::checkpoint::{Checkpoint, Header, read_header};
use crate::checks::check_precision;
#[cfg(feature = "llm")]
use crate::family::not_a_question_model;
use crate::family::{IMAGES, LANGUAGE, PUZZLES, is_in_this_build, not_in_this_build};
use crate::run::Run;
use crate::tasks::images::{Baseline, ImageTask, Probe};
use crate::tasks::language::LanguageTask;
use crate::tasks::puzzles::PuzzleTask;
#[cfg(feature = "llm")]
use crate::tasks::questions::{FrozenLlm, QuestionTask};

use trm_data::Dataset;

/// A fresh run of `config` on data of its model's family.
///
/// ```
/// use burn::tensor::Device;
/// use trm_data::TextDataset;
/// use trm_spec::{ChatTrmSpec, RunConfig, VariantSpec};
///
/// let (hidden_size, num_heads, n_layers, block_size) = (16, 2, 1, 8);
/// let spec =
///     ChatTrmSpec { hidden_size, num_heads, n_layers, block_size, ..ChatTrmSpec::default() };
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
    create_on(config, data, None, device)
}

/// As [`create`], on the features of a frozen base where one is given. A model that
/// takes features, and does not say of how many blocks, takes those of the whole base.
///
/// # Errors
/// As of `create`, and if the base cannot be used, or is missing.
pub fn create_on(
    config: &RunConfig,
    data: impl Into<Dataset>,
    base: Option<BaseFile<'_>>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    config.validate_new()?;
    check_precision(config.train.precision, device)?;
    if !is_in_this_build(&config.model) {
        return Err(not_in_this_build(&config.model));
    }
    let data = data.into();
    let (mut config, vocab) = (sized_for(config, &data)?, vocab_of(&data));
    if let Some(file) = &base {
        config = on_base(&config, file)?;
    }
    #[cfg(feature = "llm")]
    let vocab = match &base {
        Some(file) => llm_vocab(&config, file)?.unwrap_or(vocab),
        None => vocab,
    };
    open(Opening { config, vocab, data: Some(data), saved: None, base, device })
}

/// `config` with the sizes of a fresh model that the data decide: every identifier of the
/// puzzles has an embedding.
///
/// # Errors
/// If the model becomes too large.
pub fn sized_for(config: &RunConfig, data: &Dataset) -> Result<RunConfig, Failure> {
    let mut config = config.clone();
    if let (VariantSpec::Trm(spec), Dataset::Puzzles(data)) = (&mut config.model, data) {
        spec.num_puzzle_identifiers = spec.num_puzzle_identifiers.max(data.train.num_identifiers);
        config.validate()?;
    }
    Ok(config)
}

/// A fresh run of a model beside the recursive head of `config`, on the same data and
/// features. Runs of probes cannot be saved.
///
/// # Errors
/// As of [`create_on`].
pub fn create_baseline(
    baseline: &Baseline,
    config: &RunConfig,
    data: Dataset,
    base: Option<BaseFile<'_>>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let config = baseline.config(config);
    config.validate()?;
    check_precision(config.train.precision, device)?;
    let spec = match baseline {
        Baseline::LinearProbe(spec) | Baseline::MlpProbe(spec) => spec,
        Baseline::OneStep(_) => return create_on(&config, data, base, device),
        Baseline::PlainVit(_) => return create(&config, without_features(data), device),
    };
    let vocab = vocab_of(&data);
    let opening =
        Opening { config: config.clone(), vocab, data: Some(data), saved: None, base, device };
    let base = opening.frozen_base(spec.input[1])?;
    let task = ImageTask::new(shape_of(&config), base, 1, &config.train);
    opening.run(|classes, init| Probe::new(spec, classes, init), task)
}

/// The same images without what a frozen base makes of them.
fn without_features(data: Dataset) -> Dataset {
    match data {
        Dataset::Images(mut images) => {
            images.features = None;
            images.into()
        }
        other => other,
    }
}

/// The models that a recursive head for `classes` classes is compared with.
///
/// # Errors
/// If `model` is no recursive image classifier.
pub fn baselines(model: &VariantSpec, classes: usize) -> Result<Vec<Baseline>, Failure> {
    match model {
        VariantSpec::TrmVit(spec) => Ok(Baseline::all(spec, classes)),
        other => Err(Failure::new(
            FailureKind::Config,
            format!("a `{}` model has no recursion to compare with baselines", other.name()),
            "Choose a model with a recursive head.",
        )),
    }
}

fn vocab_of(data: &Dataset) -> Vocab {
    match data {
        Dataset::Text(corpus) => corpus.vocab().clone(),
        Dataset::Puzzles(data) => data.vocab(),
        Dataset::Images(data) => Vocab::Classes { names: data.classes.clone() },
        #[cfg(feature = "llm")]
        Dataset::Questions(_) => Vocab::Plain { size: 0 },
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
    load_on(checkpoint, optimizer, data, None, device)
}

/// As [`load_with`], with the frozen base that the checkpoint names.
///
/// # Errors
/// As of `load_with`, and if the base is missing or another one.
pub fn load_on(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    data: Option<Dataset>,
    base: Option<BaseFile<'_>>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let checkpoint = Checkpoint::read(checkpoint)?;
    let Header { config, vocab, .. } = checkpoint.header.clone();
    checkpoint.expect_size()?;
    expect_base(checkpoint.header.base.as_ref(), base.as_ref(), device)?;
    let saved = Some(Saved { checkpoint: &checkpoint, optimizer });
    open(Opening { config, vocab, data, saved, base, device })
}

/// A saved question model on a decoder that is open already, to be asked.
///
/// # Errors
/// As of [`load_on`].
#[cfg(feature = "llm")]
pub async fn load_on_decoder(
    checkpoint: &[u8],
    decoder: &Rc<FrozenLlm>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let checkpoint = Checkpoint::read(checkpoint)?;
    let Header { config, vocab, base, .. } = checkpoint.header.clone();
    let VariantSpec::LlmTrm(spec) = &config.model else {
        return Err(not_a_question_model(&config.model));
    };
    checkpoint.expect_size()?;
    decoder.fits(spec)?;
    decoder.expect(base.as_ref()).await?;
    let saved = Some(Saved { checkpoint: &checkpoint, optimizer: None });
    let task = QuestionTask::new(spec, Rc::clone(decoder), &config.train);
    let opening = Opening { config: config.clone(), vocab, data: None, saved, base: None, device };
    opening.run(|_, init| LlmTrm::new(spec, &decoder.decoder, None, init), task)
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
        VariantSpec::TrmVit(spec) if IMAGES => {
            let base = opening.frozen_base(spec.patch_features())?;
            let task = ImageTask::new(shape_of(&config), base, depth, train);
            opening.run(|classes, init| TrmVit::new(spec, classes, init), task)
        }
        VariantSpec::Vit(spec) if IMAGES => {
            let task = ImageTask::new(shape_of(&config), None, depth, train);
            opening.run(|classes, init| Vit::new(spec, classes, init), task)
        }
        #[cfg(feature = "llm")]
        VariantSpec::Llama(spec) if LANGUAGE => opening
            .run(|vocab, init| Llama::new(spec, vocab, init), LanguageTask::new(depth, train)),
        #[cfg(feature = "llm")]
        VariantSpec::LlmTrm(spec) => {
            let (base, fresh) = (opening.frozen_llm(spec)?, opening.saved.is_none());
            let task = QuestionTask::new(spec, Rc::clone(&base), train);
            let data = opening.data.as_ref().filter(|_| fresh);
            let measured = data.map(|data| task.measure(&config, data)).transpose()?.flatten();
            let build =
                |_, init: &mut Init| LlmTrm::new(spec, &base.decoder, measured.as_ref(), init);
            opening.run(build, task)
        }
        #[cfg(feature = "toy-model")]
        VariantSpec::ToyLm(spec) if LANGUAGE => opening
            .run(|vocab, init| ToyLm::new(spec, vocab, init), LanguageTask::new(depth, train)),
        model => Err(not_in_this_build(model)),
    }
}
