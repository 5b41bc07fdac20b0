//! The only place that knows which variants there are.

use burn::tensor::Device;
use trm_core::Init;
use trm_core::cache::Autoregressive;
use trm_core::models::chat_trm::ChatTrm;
use trm_core::models::chunk_lm::ChunkLm;
use trm_core::models::trm::Trm;
use trm_core::models::trm_lm::TrmLm;
use trm_data::Corpus;
use trm_data::puzzles::{Kind, PuzzleData};
use trm_spec::{
    Failure, FailureKind, Family, Lessons, Precision, RunConfig, TrmSpec, VariantSpec, Vocab,
};

use crate::Run;
use crate::checkpoint::{Checkpoint, Header, read_header};
use crate::language::{LanguageRun, half};
use crate::puzzle_task::PuzzleTask;
use crate::puzzles::PuzzleRun;

/// What a model learns from.
#[allow(
    clippy::large_enum_variant,
    reason = "made once for a run, moved once; on 32 bits they are nearly alike"
)]
pub enum Material {
    Text(Corpus),
    Puzzles(PuzzleData),
}

impl From<Corpus> for Material {
    fn from(corpus: Corpus) -> Self {
        Self::Text(corpus)
    }
}

impl From<PuzzleData> for Material {
    fn from(data: PuzzleData) -> Self {
        Self::Puzzles(data)
    }
}

impl Material {
    /// What `lessons` and `config` ask for. A text is read with `vocab`, where a
    /// model has one already.
    ///
    /// # Errors
    /// If the text cannot be used, or there are no such puzzles.
    pub fn new(
        lessons: &Lessons,
        config: &RunConfig,
        vocab: Option<&Vocab>,
    ) -> Result<Self, Failure> {
        let data = &config.data;
        match lessons {
            Lessons::Text { text } if LANGUAGE => {
                Ok(Self::Text(Corpus::from_spec(data, text, vocab)?))
            }
            Lessons::Puzzles if PUZZLES => {
                let source = Kind::known(&data.dataset)?.source(data, config.train.seed);
                Ok(source.load(data.num_puzzles, data.num_val_puzzles, data.augment)?.into())
            }
            #[cfg(feature = "puzzles")]
            Lessons::Tasks { name, text } => {
                use trm_data::puzzles::{Place, PuzzleSource, TaskFile};

                let tasks = Place::Text { name: name.clone(), text: text.clone() };
                let files = vec![TaskFile { tasks, solutions: None }];
                let (guises, seed) = (data.num_aug, config.train.seed);
                let source = PuzzleSource::Arc { files, guises, seed };
                Ok(source.load(data.num_puzzles, data.num_val_puzzles, data.augment)?.into())
            }
            _ => Err(elsewhere(&config.model)),
        }
    }
}

/// A fresh run of `config` on a text or on puzzles, whichever its model takes.
pub fn create(
    config: &RunConfig,
    material: impl Into<Material>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    config.validate()?;
    check_precision(config.train.precision, device)?;
    let mut init = Init::new(config.train.seed, &device.clone().autodiff());
    let init = &mut init;
    match (&config.model, material.into()) {
        (VariantSpec::ChatTrm(spec), Material::Text(corpus)) if LANGUAGE => {
            writer(config, corpus, |vocab| ChatTrm::new(spec, vocab, init))
        }
        (VariantSpec::ChunkLm(spec), Material::Text(corpus)) if LANGUAGE => {
            writer(config, corpus, |vocab| ChunkLm::new(spec, vocab, init))
        }
        (VariantSpec::TrmLm(spec), Material::Text(corpus)) if LANGUAGE => {
            writer(config, corpus, |vocab| TrmLm::new(spec, vocab, init))
        }
        (VariantSpec::Trm(spec), Material::Puzzles(data)) if PUZZLES => {
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
        (model, material) => Err(unfit(model, &material)),
    }
}

/// A fresh run of a language model, which `model` makes for so many tokens.
fn writer<M: Autoregressive + 'static>(
    config: &RunConfig,
    corpus: Corpus,
    model: impl FnOnce(usize) -> M,
) -> Result<Box<dyn Run>, Failure> {
    corpus.check_block(config.model.length())?;
    let vocab = corpus.vocab().clone();
    let model = model(vocab.size());
    Ok(Box::new(LanguageRun::new(config.clone(), vocab, Some(corpus), model)))
}

/// A saved run. Without `optimizer` the moments start from zero; without
/// `lessons` it can be asked but not trained.
pub fn load(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    lessons: Option<&Lessons>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let header = read_header(checkpoint)?;
    let (config, vocab) = (&header.config, &header.vocab);
    if !is_here(&config.model) {
        return Err(elsewhere(&config.model));
    }
    let material =
        lessons.map(|lessons| Material::new(lessons, config, Some(vocab))).transpose()?;
    load_with(checkpoint, optimizer, material, device)
}

/// A saved run as [`load`] gives it, on a corpus that was made with the
/// vocabulary in its header.
pub fn load_with_corpus(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    corpus: Option<Corpus>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    load_with(checkpoint, optimizer, corpus.map(Material::Text), device)
}

/// A saved run on whatever it learns from.
pub fn load_with(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    material: Option<Material>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let checkpoint = Checkpoint::read(checkpoint)?;
    let header = &checkpoint.header;
    if material.is_some() {
        check_precision(header.config.train.precision, device)?;
    }
    let (config, vocab) = (header.config.clone(), header.vocab.clone());
    checkpoint.expect_size(config.model.parameters(vocab.size()))?;
    let mut init = Init::new(0, &device.clone().autodiff());
    match &header.config.model {
        VariantSpec::ChatTrm(spec) if LANGUAGE => {
            let model = ChatTrm::new(spec, vocab.size(), &mut init);
            rewriter(&checkpoint, optimizer, material, model)
        }
        VariantSpec::ChunkLm(spec) if LANGUAGE => {
            let model = ChunkLm::new(spec, vocab.size(), &mut init);
            rewriter(&checkpoint, optimizer, material, model)
        }
        VariantSpec::TrmLm(spec) if LANGUAGE => {
            let model = TrmLm::new(spec, vocab.size(), &mut init);
            rewriter(&checkpoint, optimizer, material, model)
        }
        VariantSpec::Trm(spec) if PUZZLES => {
            let data = match material {
                None => None,
                Some(Material::Puzzles(data)) => Some(data),
                Some(other) => return Err(unfit(&header.config.model, &other)),
            };
            if let Some(data) = &data {
                check_puzzles(spec, &vocab, data)?;
            }
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
    material: Option<Material>,
    model: M,
) -> Result<Box<dyn Run>, Failure> {
    let Header { config, vocab, step, .. } = checkpoint.header.clone();
    let corpus = match material {
        None => None,
        Some(Material::Text(corpus)) => Some(corpus),
        Some(other) => return Err(unfit(&config.model, &other)),
    };
    if let Some(corpus) = &corpus {
        corpus.check_block(config.model.length())?;
    }
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

fn unfit(model: &VariantSpec, material: &Material) -> Failure {
    let given = match material {
        Material::Text(_) => "a text",
        Material::Puzzles(_) => "puzzles",
    };
    Failure::new(
        FailureKind::Corpus,
        format!("a `{}` model does not learn from {given}", model.name()),
        "Texts are for language models, puzzles for `dual` models.",
    )
}

/// Refuses puzzles that the model was not made for.
fn check_puzzles(spec: &TrmSpec, vocab: &Vocab, data: &PuzzleData) -> Result<(), Failure> {
    let refused = |key: &str, model: usize, puzzles: usize| {
        Err(Failure::new(
            FailureKind::Corpus,
            format!("the model's {key} is {model}, but the puzzles have {puzzles}"),
            "Choose puzzles of the model's size, or change the setting.",
        ))
    };
    for set in [&data.train, &data.val].into_iter().filter(|set| !set.is_empty()) {
        if set.seq_len != spec.seq_len {
            return refused("seq_len", spec.seq_len, set.seq_len);
        }
        if set.vocab != vocab.size() {
            return refused("vocabulary", vocab.size(), set.vocab);
        }
        if set.num_identifiers > spec.num_puzzle_identifiers {
            return refused(
                "num_puzzle_identifiers",
                spec.num_puzzle_identifiers,
                set.num_identifiers,
            );
        }
    }
    // Identifiers mean what they meant when their embeddings were learned.
    if let (Vocab::Arc { tasks }, Some(given)) = (vocab, &data.tasks)
        && tasks != given
    {
        return Err(Failure::new(
            FailureKind::Corpus,
            format!(
                "the model has embeddings for {} tasks, and these {} are not the same in the same guises",
                tasks.len(),
                given.len()
            ),
            "Give the tasks that it was trained on, with the same num_aug and seed, or start a new run.",
        ));
    }
    if data.train.is_empty() {
        return Err(Failure::new(
            FailureKind::Corpus,
            "there are no puzzles to learn from",
            "Set num_puzzles above 0, or give a folder with puzzles.",
        ));
    }
    Ok(())
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
