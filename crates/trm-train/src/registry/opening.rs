//! A run that is about to be opened, fresh or from its files.

use std::rc::Rc;

use burn::tensor::Device;
use trm_core::{Init, Recursive};
#[cfg(feature = "llm")]
use trm_spec::LlmTrmSpec;
use trm_spec::{Failure, FailureKind, RunConfig, Vocab};

use super::bases::{needs_no_base, shape_of, vit_of};
use crate::base::BaseFile;
use crate::checkpoint::{Base, Checkpoint};
use crate::run::Run;
use crate::tasks::images::FrozenBase;
#[cfg(feature = "llm")]
use crate::tasks::questions::FrozenLlm;
use crate::train_run::{Capabilities, TrainRun};
use trm_data::Dataset;

/// A run that is about to be opened.
pub(super) struct Opening<'a> {
    pub config: RunConfig,
    pub vocab: Vocab,
    pub data: Option<Dataset>,
    pub saved: Option<Saved<'a>>,
    pub base: Option<BaseFile<'a>>,
    pub device: &'a Device,
}

/// The two files of a saved run.
pub(super) struct Saved<'a> {
    pub checkpoint: &'a Checkpoint<'a>,
    pub optimizer: Option<&'a [u8]>,
}

impl Opening<'_> {
    /// The frozen language model, of a model that answers questions with one.
    ///
    /// # Errors
    /// If it does not fit the model, or there is none.
    #[cfg(feature = "llm")]
    pub(super) fn frozen_llm(&self, spec: &LlmTrmSpec) -> Result<Rc<FrozenLlm>, Failure> {
        let Some((file, identity)) = self.named_base() else {
            return Err(Failure::new(
                FailureKind::Base,
                format!("a `{}` model needs a frozen language model", self.config.model.name()),
                "Give one (--base FILE): a GGUF file, or a checkpoint of trm-native convert --from gguf or hf-llama.",
            ));
        };
        Ok(Rc::new(FrozenLlm::open(file, identity, spec, self.device)?))
    }

    /// The given base, and what checkpoints call it. A saved model has a name for it already,
    /// and `expect_base` has compared the digests, which are not computed again.
    fn named_base(&self) -> Option<(BaseFile<'_>, Base)> {
        let file = self.base?;
        let Some(named) = self.saved.as_ref().and_then(|s| s.checkpoint.header.base.as_ref())
        else {
            return Some((file, file.identity()));
        };
        Some((BaseFile { name: &named.name, ..file }, named.clone()))
    }

    /// The frozen base, of a model that reads features of one.
    ///
    /// # Errors
    /// If it does not fit the model, or a fresh model is given none.
    pub(super) fn frozen_base(&self, features: usize) -> Result<Option<Rc<FrozenBase>>, Failure> {
        let shape = shape_of(&self.config);
        match self.named_base() {
            Some((file, identity)) if shape.vit_depth > 0 => {
                let vit = vit_of(&file)?;
                let device = self.device;
                Ok(Some(Rc::new(FrozenBase::open(file, identity, &vit, shape, features, device)?)))
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
    pub(super) fn run<M: Recursive + 'static, T: Capabilities<M>>(
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
