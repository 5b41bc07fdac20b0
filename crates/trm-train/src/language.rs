//! Runs of models that predict the next token.

use async_trait::async_trait;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::RngExt;
use serde_json::Value;
use trm_core::cache::Autoregressive;
use trm_data::{Corpus, Split, draw, encode, stream};
use trm_spec::{
    DepthLoss, Failure, FailureKind, GenerateOptions, LiveSettings, RunConfig, RunSummary, Saved,
    StepReport, Trace, VariantSpec, Vocab,
};

use crate::checkpoint::{self, Header, host};
use crate::generate::{Generation, Overflow};
use crate::optim::{AdamW, learning_rate};
use crate::registry::check_depth;
use crate::task::CausalTask;
use crate::{Run, TextStream, TraceRequest};

/// A language model with its text, its optimiser and its place in the run.
pub(crate) struct LanguageRun<M> {
    config: RunConfig,
    vocab: Vocab,
    corpus: Option<Corpus>,
    /// Taken out only while an update is under way.
    model: Option<M>,
    task: CausalTask,
    optimizer: AdamW,
    step: usize,
}

const HAS_MODEL: &str = "a run has its model between updates";

impl<M: Autoregressive> LanguageRun<M> {
    /// `model` has autodiff on.
    pub fn new(
        config: RunConfig,
        vocab: Vocab,
        corpus: Option<Corpus>,
        model: M,
        task: CausalTask,
    ) -> Self {
        Self {
            config,
            vocab,
            corpus,
            model: Some(model),
            task,
            optimizer: AdamW::default(),
            step: 0,
        }
    }

    /// Moves to `step`, with the optimiser's state where there is one.
    pub fn resume(&mut self, step: usize, optimizer: Option<&[u8]>) -> Result<(), Failure> {
        if let Some(bytes) = optimizer {
            let device = self.plain_device();
            self.optimizer = checkpoint::read_optimizer(bytes, self.model(), step, &device)?;
        }
        self.step = step;
        Ok(())
    }

    fn model(&self) -> &M {
        self.model.as_ref().expect(HAS_MODEL)
    }

    fn plain_device(&self) -> Device {
        self.model().device().without_autodiff()
    }

    fn corpus(&self) -> Result<&Corpus, Failure> {
        self.corpus.as_ref().ok_or_else(|| {
            Failure::new(
                FailureKind::Corpus,
                "this model was loaded without a text",
                "Give the text it was trained on, or another with the same characters.",
            )
        })
    }

    fn block_size(&self) -> usize {
        self.model().block_size()
    }

    /// One update; returns the loss of the last cycle, still on the device.
    fn train_step(&mut self) -> Result<(Tensor<1>, f64, usize), Failure> {
        let train = &self.config.train;
        let step = self.step as u64;
        let corpus = self.corpus()?;
        let batch =
            corpus.batch(Split::Train, train.seed, step, train.batch_size, self.block_size());
        let depth = self.task.depth(step);
        if self.dropout() > 0.0 {
            // Masks are a function of the seed and the step, so that a resumed
            // run drops what an unbroken one would have dropped.
            self.plain_device().seed(draw(train.seed, stream::DROPOUT, step).random());
        }
        let losses = self.task.losses(self.model(), &batch, depth);
        let rate = learning_rate(train, self.step);
        let grads = GradientsParams::from_grads(losses.objective.backward(), self.model());
        let last = losses.last.inner();
        let device = self.plain_device();
        // Moved, not cloned: parameters that are not shared are updated in place.
        let model = self.model.take().expect(HAS_MODEL);
        self.model = Some(self.optimizer.update(model, grads, &self.config.train, rate, &device));
        self.step += 1;
        Ok((last, rate, depth))
    }

    fn dropout(&self) -> f64 {
        let VariantSpec::Causal(spec) = &self.config.model;
        spec.dropout
    }

    fn prompt(&self, prompt: &str) -> Result<Vec<u32>, Failure> {
        let tokens = encode(&self.vocab, prompt)
            .map_err(|error| Failure::new(FailureKind::Prompt, error.to_string(), error.hint()))?;
        if !tokens.is_empty() {
            return Ok(tokens);
        }
        // A text starts as if after a line's end, where the vocabulary has one.
        Ok(encode(&self.vocab, "\n").unwrap_or_else(|_| vec![0]))
    }

    fn check_tokens(&self, rows: &[Vec<u32>]) -> Result<(), Failure> {
        let size = self.vocab.size();
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        if longest > self.block_size() {
            return Err(Failure::new(
                FailureKind::Prompt,
                format!("{longest} tokens are more than block_size {}", self.block_size()),
                "Give fewer tokens.",
            ));
        }
        match rows.iter().flatten().find(|token| **token as usize >= size) {
            None => Ok(()),
            Some(token) => Err(Failure::new(
                FailureKind::Prompt,
                format!("token {token} is outside the vocabulary of {size}"),
                format!("Give tokens from 0 to {}.", size - 1),
            )),
        }
    }
}

#[async_trait(?Send)]
impl<M: Autoregressive + 'static> Run for LanguageRun<M> {
    fn summary(&self) -> RunSummary {
        let tokens = |pick: fn(&Corpus) -> usize| self.corpus.as_ref().map_or(0, pick);
        RunSummary {
            config: self.config.clone(),
            vocab: self.vocab.clone(),
            parameters: self.model().num_params(),
            step: self.step,
            trainable: self.corpus.is_some(),
            train_tokens: tokens(|c| c.train().len()),
            val_tokens: tokens(|c| c.val().len()),
            chance_loss: (self.vocab.size() as f64).ln(),
        }
    }

    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure> {
        let mut reports = Vec::new();
        let mut losses = Vec::new();
        while reports.len() < n && self.step < self.config.train.max_iters {
            let (loss, learning_rate, depth) = self.train_step()?;
            losses.push(loss);
            reports.push(StepReport { step: self.step, loss: 0.0, learning_rate, depth });
        }
        if reports.is_empty() {
            return Ok(reports);
        }
        for (report, loss) in reports.iter_mut().zip(host(Tensor::cat(losses, 0)).await?) {
            report.loss = f64::from(loss);
            if !loss.is_finite() {
                return Err(Failure::new(
                    FailureKind::Diverged,
                    format!("the loss became {loss} at step {}", report.step),
                    "Go on from the last good checkpoint with a lower learning_rate, or more warmup_iters.",
                ));
            }
        }
        Ok(reports)
    }

    fn configure(&mut self, settings: &LiveSettings) -> Result<(), Failure> {
        let mut config = self.config.clone();
        if let Some(rate) = settings.learning_rate {
            config.train.learning_rate = rate;
        }
        if let Some(iters) = settings.max_iters {
            config.train.max_iters = iters;
        }
        config.validate()?;
        self.config = config;
        Ok(())
    }

    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let corpus = self.corpus()?;
        if corpus.val().len() < 2 {
            return Err(Failure::new(
                FailureKind::Corpus,
                "there is no validation split",
                "Start the run with val_fraction above 0.",
            ));
        }
        for depth in depths {
            check_depth(*depth)?;
        }
        let model = self.model().valid();
        crate::evaluate::evaluate(&model, corpus, self.block_size(), depths, max_tokens).await
    }

    fn generate(&self, options: &GenerateOptions) -> Result<Box<dyn TextStream>, Failure> {
        check_depth(options.depth)?;
        if !options.temperature.is_finite() || options.temperature < 0.0 {
            return Err(Failure::new(
                FailureKind::Config,
                format!("temperature {} cannot be used", options.temperature),
                "Choose 0 for the most probable text, or a number up to about 2.",
            ));
        }
        let prompt = self.prompt(&options.prompt)?;
        let (model, vocab) = (self.model().valid(), self.vocab.clone());
        Ok(Box::new(Generation::new(model, vocab, prompt, options, Overflow::Half)))
    }

    async fn trace(&self, request: &TraceRequest) -> Result<Trace, Failure> {
        check_depth(request.depth)?;
        self.check_tokens(&request.tokens)?;
        crate::trace::trace(&self.model().valid(), self.config.model.name(), request).await
    }

    fn encode(&self, prompt: &str) -> Result<Vec<u32>, Failure> {
        self.prompt(prompt)
    }

    async fn save(&self, metrics: Value) -> Result<Saved, Failure> {
        let header = Header {
            config: self.config.clone(),
            vocab: self.vocab.clone(),
            step: self.step,
            metrics,
        };
        Ok(Saved {
            checkpoint: checkpoint::write(self.model(), &header).await?,
            optimizer: checkpoint::write_optimizer(&self.optimizer, self.step).await?,
            step: self.step,
        })
    }
}
