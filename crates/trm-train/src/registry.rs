//! The only place that knows which variants there are.

use burn::tensor::Device;
use trm_core::Init;
use trm_core::variants::causal::Causal;
use trm_data::Corpus;
use trm_spec::{Failure, FailureKind, Precision, RunConfig, VariantSpec};

use crate::Run;
use crate::checkpoint::{Checkpoint, read_header};
use crate::language::{LanguageRun, half};
use crate::task::CausalTask;

/// A fresh run of `config` on `corpus`.
pub fn create(
    config: &RunConfig,
    corpus: Corpus,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    config.validate()?;
    check_precision(config.train.precision, device)?;
    let vocab = corpus.vocab().clone();
    match &config.model {
        VariantSpec::Causal(spec) => {
            corpus.check_block(spec.block_size)?;
            let mut init = Init::new(config.train.seed, &device.clone().autodiff());
            let model = Causal::new(spec, vocab.size(), &mut init);
            let task = CausalTask::new(spec, &config.train);
            Ok(Box::new(LanguageRun::new(config.clone(), vocab, Some(corpus), model, task)))
        }
    }
}

/// A saved run. Without `optimizer` the moments start from zero; without `text`
/// it can be asked but not trained.
pub fn load(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    text: Option<&str>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let corpus = text
        .map(|text| -> Result<Corpus, Failure> {
            let header = read_header(checkpoint)?;
            Ok(Corpus::from_spec(&header.config.data, text, Some(&header.vocab))?)
        })
        .transpose()?;
    load_with_corpus(checkpoint, optimizer, corpus, device)
}

/// A saved run as [`load`] gives it, on a corpus that was made with the
/// vocabulary in its header.
pub fn load_with_corpus(
    checkpoint: &[u8],
    optimizer: Option<&[u8]>,
    corpus: Option<Corpus>,
    device: &Device,
) -> Result<Box<dyn Run>, Failure> {
    let checkpoint = Checkpoint::read(checkpoint)?;
    let header = &checkpoint.header;
    if corpus.is_some() {
        check_precision(header.config.train.precision, device)?;
    }
    match &header.config.model {
        VariantSpec::Causal(spec) => {
            if let Some(corpus) = &corpus {
                corpus.check_block(spec.block_size)?;
            }
            checkpoint.expect_size(spec.parameters(header.vocab.size()))?;
            let mut init = Init::new(0, &device.clone().autodiff());
            let model = Causal::new(spec, header.vocab.size(), &mut init);
            let model = checkpoint.restore(model)?;
            let task = CausalTask::new(spec, &header.config.train);
            let mut run =
                LanguageRun::new(header.config.clone(), header.vocab.clone(), corpus, model, task);
            run.resume(header.step, optimizer)?;
            Ok(Box::new(run))
        }
    }
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
