//! Opens a run of any model, fresh or saved. The only place that lists the models:
//! one arm each.

use std::rc::Rc;

use burn::tensor::Device;
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
use trm_core::{Init, Recursive};
#[cfg(feature = "llm")]
use trm_spec::LlmTrmSpec;
use trm_spec::{
    DataSource, DraftStart, Failure, FailureKind, ImageShape, RunConfig, VariantSpec, VitSpec,
    Vocab,
};

use crate::base::{BaseFile, refused};
use crate::checkpoint::{Base, Checkpoint, Header, read_header};
use crate::checks::check_precision;
use crate::family::{IMAGES, LANGUAGE, PUZZLES, is_in_this_build, not_in_this_build};
use crate::run::Run;
use crate::tasks::images::{Baseline, FrozenBase, ImageTask, Probe};
use crate::tasks::language::LanguageTask;
use crate::tasks::puzzles::PuzzleTask;
#[cfg(feature = "llm")]
use crate::tasks::questions::{FrozenLlm, QuestionTask};
use crate::train_run::{Capabilities, TrainRun};
use trm_data::Dataset;

/// A fresh run of `config` on a text or on puzzles, as its model needs.
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
    if let Some(file) = &base {
        config = on_base(&config, file)?;
    }
    open(Opening { config, vocab, data: Some(data), saved: None, base, device })
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

/// `config` with the sizes of the frozen base that its model reads features of: of the
/// whole base, where it does not say of how many blocks.
///
/// # Errors
/// If the model has no base, or the file holds none.
pub fn on_base(config: &RunConfig, file: &BaseFile<'_>) -> Result<RunConfig, Failure> {
    let mut spec = match &config.model {
        VariantSpec::TrmVit(spec) => spec.clone(),
        #[cfg(feature = "llm")]
        VariantSpec::LlmTrm(spec) => {
            let spec = FrozenLlm::fitted(spec, &FrozenLlm::sizes(file)?);
            let config = RunConfig { model: spec.into(), ..config.clone() };
            config.validate()?;
            return Ok(config);
        }
        _ => return Err(needs_no_base(&config.model)),
    };
    let base = vit_of(file)?;
    if spec.vit_depth == 0 {
        spec.vit_depth = base.n_layers;
    }
    spec.image_size = base.image_size;
    spec.num_channels = base.num_channels;
    spec.patch_size = base.patch_size;
    spec.feature_size = base.hidden_size;
    spec.feature_tokens = base.patches() + 1;
    let config = RunConfig { model: spec.into(), ..config.clone() };
    config.validate()?;
    Ok(config)
}

/// The frozen base of a model that `config` describes.
///
/// # Errors
/// If it does not fit the model.
pub fn open_base(
    config: &RunConfig,
    file: BaseFile<'_>,
    device: &Device,
) -> Result<FrozenBase, Failure> {
    let VariantSpec::TrmVit(spec) = &config.model else {
        return Err(needs_no_base(&config.model));
    };
    FrozenBase::open(file, &vit_of(&file)?, shape_of(config), spec.patch_features(), device)
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

/// The sizes of the ViT in `file`.
fn vit_of(file: &BaseFile<'_>) -> Result<VitSpec, Failure> {
    match read_header(file.bytes)?.config.model {
        VariantSpec::Vit(spec) => Ok(spec),
        model => Err(refused(format!(
            "{} is a `{}` model, but a frozen base is a ViT",
            file.name,
            model.name()
        ))),
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

fn needs_no_base(model: &VariantSpec) -> Failure {
    Failure::new(
        FailureKind::Base,
        format!("a `{}` model has no frozen base", model.name()),
        "Leave the base out, or choose a model that reads features of a ViT.",
    )
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
    if data.is_some() {
        check_precision(config.train.precision, device)?;
    }
    checkpoint.expect_size(config.model.parameters(vocab.size()))?;
    expect_base(checkpoint.header.base.as_ref(), base.as_ref())?;
    let saved = Some(Saved { checkpoint: &checkpoint, optimizer });
    open(Opening { config, vocab, data, saved, base, device })
}

/// Checks that the frozen base is the one that a checkpoint names.
fn expect_base(named: Option<&Base>, given: Option<&BaseFile<'_>>) -> Result<(), Failure> {
    let Some(named) = named else { return Ok(()) };
    let hint = format!("Give the file whose SHA-256 is {}.", named.sha256);
    let refused = |message: String| Err(Failure::new(FailureKind::Base, message, hint));
    match given {
        None => refused(format!("this model needs its frozen base, {}", named.name)),
        Some(file) if file.identity().sha256 != named.sha256 => refused(format!(
            "{} is not the frozen base of this model, {}: its SHA-256 is {}",
            file.name,
            named.name,
            file.identity().sha256,
        )),
        Some(_) => Ok(()),
    }
}

/// A run that is about to be opened.
struct Opening<'a> {
    config: RunConfig,
    vocab: Vocab,
    data: Option<Dataset>,
    saved: Option<Saved<'a>>,
    base: Option<BaseFile<'a>>,
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

/// The images that an image classifier takes.
fn shape_of(config: &RunConfig) -> ImageShape {
    config.model.image().expect("an image classifier takes images")
}

impl Opening<'_> {
    /// The frozen language model, of a model that answers questions with one.
    ///
    /// # Errors
    /// If it does not fit the model, or there is none.
    #[cfg(feature = "llm")]
    fn frozen_llm(&self, spec: &LlmTrmSpec) -> Result<Rc<FrozenLlm>, Failure> {
        let Some(file) = self.base else {
            return Err(Failure::new(
                FailureKind::Base,
                format!("a `{}` model needs a frozen language model", self.config.model.name()),
                "Give one (--base FILE); trm-native convert --from gguf or hf-llama makes it.",
            ));
        };
        // A saved model has a name for its base already.
        let named = self.saved.as_ref().and_then(|s| s.checkpoint.header.base.as_ref());
        let file = BaseFile { name: named.map_or(file.name, |base| &base.name), ..file };
        Ok(Rc::new(FrozenLlm::open(file, spec, self.device)?))
    }

    /// The frozen base, of a model that reads features of one.
    ///
    /// # Errors
    /// If it does not fit the model, or a fresh model is given none.
    fn frozen_base(&self, features: usize) -> Result<Option<Rc<FrozenBase>>, Failure> {
        let shape = shape_of(&self.config);
        match self.base {
            Some(file) if shape.vit_depth > 0 => {
                // A saved model has a name for its base already.
                let named = self.saved.as_ref().and_then(|s| s.checkpoint.header.base.as_ref());
                let file = BaseFile { name: named.map_or(file.name, |base| &base.name), ..file };
                let vit = vit_of(&file)?;
                Ok(Some(Rc::new(FrozenBase::open(file, &vit, shape, features, self.device)?)))
            }
            Some(_) => Err(needs_no_base(&self.config.model)),
            // A saved model without a named base is given features.
            None if shape.vit_depth == 0 || self.saved.is_some() => Ok(None),
            None => Err(Failure::new(
                FailureKind::Base,
                format!("vit_depth is {}, but there is no frozen ViT", shape.vit_depth),
                "Give one (--base FILE), or set vit_depth to 0 to use the pixels themselves.",
            )),
        }
    }

    /// The run of a model that `build` makes for so many tokens. Initial weights are
    /// drawn only where no saved ones replace them.
    fn run<M: Recursive + 'static, T: Capabilities<M>>(
        self,
        build: impl FnOnce(usize, &mut Init) -> M,
        task: T,
    ) -> Result<Box<dyn Run>, Failure> {
        let Self { config, vocab, data, saved, device, .. } = self;
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
