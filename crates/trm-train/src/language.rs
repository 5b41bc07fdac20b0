//! Runs of models that predict the next token.

use async_trait::async_trait;
use burn::optim::GradientsAccumulator;
use burn::tensor::{Device, FloatDType, Tensor};
use rand::RngExt;
use serde_json::Value;
use trm_core::cache::Autoregressive;
use trm_data::{Corpus, Split, draw, encode, stream};
use trm_kernels::autocast;
use trm_spec::{
    DepthLoss, Failure, FailureKind, GenerateOptions, Precision, RunConfig, RunSummary, Saved,
    StepReport, Trace, VariantSpec, Vocab, may_change,
};

use crate::backward::{checkpointed, gradients};
use crate::checkpoint::optimizer::{self, Memory};
use crate::checkpoint::{self, Header, host};
use crate::generate::{Generation, Overflow};
use crate::optim::{Average, Updates, learning_rate, warmed};
use crate::registry::check_depth;
use crate::task::CausalTask;
use crate::{Run, TextStream, TraceRequest, Weights};

/// A language model with its text, its optimiser and its place in the run.
pub(crate) struct LanguageRun<M> {
    config: RunConfig,
    vocab: Vocab,
    corpus: Option<Corpus>,
    /// Taken out only while an update is under way.
    model: Option<M>,
    task: CausalTask,
    updates: Updates,
    /// Moving average of the weights, where one is kept.
    average: Option<Average>,
    /// Which weights answer questions.
    answering: Weights,
    step: usize,
}

const HAS_MODEL: &str = "a run has its model between updates";

/// Room for the number of a cycle beside that of its batch.
const CYCLE_BITS: u32 = 12;

impl<M: Autoregressive> LanguageRun<M> {
    /// `model` has autodiff on.
    pub fn new(
        config: RunConfig,
        vocab: Vocab,
        corpus: Option<Corpus>,
        model: M,
        task: CausalTask,
    ) -> Self {
        let average = (config.train.ema_decay > 0.0).then(|| Average::new(&model));
        Self {
            config,
            vocab,
            corpus,
            model: Some(model),
            task,
            updates: Updates::default(),
            average,
            answering: Weights::Average,
            step: 0,
        }
    }

    /// Moves to `step`, with the optimiser's state where there is one.
    pub fn resume(&mut self, step: usize, optimizer: Option<&[u8]>) -> Result<(), Failure> {
        if let Some(bytes) = optimizer {
            let device = self.plain_device();
            let Memory { updates, average } = optimizer::read(bytes, self.model(), step, &device)?;
            self.updates = updates;
            // Without a saved one, the average starts at the weights as loaded.
            self.average = average.or(self.average.take());
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

    /// The model that answers questions: the averaged weights where there are
    /// any, unless the others were asked for.
    fn answerer(&self) -> M {
        let model = self.model().valid();
        match (&self.average, self.answering) {
            (Some(average), Weights::Average) => average.apply(model),
            _ => model,
        }
    }

    /// One update; returns the loss of the last cycle, still on the device.
    fn train_step(&mut self) -> Result<(Tensor<1>, f64, usize), Failure> {
        let train = &self.config.train;
        let (step, batches) = (self.step as u64, train.gradient_accumulation_steps as u64);
        let corpus = self.corpus()?;
        let depth = self.task.depth(step);
        let share = 1.0 / batches as f64;
        let products = half(train.precision);
        // Gradients of a mean over many tokens would vanish in half precision;
        // those of the sum lie around one.
        let tokens = train.batch_size * self.block_size();
        let loss_scale = if train.precision == Precision::F16 { tokens as f64 } else { 1.0 };
        let teach = if train.gradient_checkpointing { checkpointed } else { gradients };
        let mut sum = GradientsAccumulator::new();
        let mut last: Option<Tensor<1>> = None;
        for number in step * batches..(step + 1) * batches {
            let (size, block) = (train.batch_size, self.block_size());
            let batch = corpus.batch(Split::Train, train.seed, number, size, block)?;
            let before = |cycle| self.seed_dropout(number, cycle);
            let lesson = autocast(products, || {
                teach(&self.task, self.model(), &batch, depth, share * loss_scale, &before)
            });
            sum.accumulate(self.model(), lesson.grads);
            last = Some(last.map_or(lesson.last.clone(), |sum| sum + lesson.last));
        }
        let loss = last.expect("an update has a batch").mul_scalar(share);
        let rate = learning_rate(train, self.step);
        let device = self.plain_device();
        // Moved, not cloned: parameters that are not shared are updated in place.
        let model = self.model.take().expect(HAS_MODEL);
        let train = &self.config.train;
        let grads = sum.grads();
        let model = self.updates.update(model, grads, train, rate, loss_scale, &device);
        if let Some(average) = &mut self.average {
            average.update(&model, warmed(self.config.train.ema_decay, self.step));
        }
        self.model = Some(model);
        self.step += 1;
        Ok((loss, rate, depth))
    }

    /// Dropout masks are a function of the seed, the batch and the cycle, so that
    /// a resumed run drops what an unbroken one would have dropped, and a cycle
    /// that is computed again drops the same.
    fn seed_dropout(&self, batch: u64, cycle: usize) {
        let VariantSpec::Causal(spec) = &self.config.model;
        if spec.dropout > 0.0 {
            let address = (batch << CYCLE_BITS) | cycle as u64;
            let seed = draw(self.config.train.seed, stream::DROPOUT, address).random();
            self.plain_device().seed(seed);
        }
    }

    fn header(&self, metrics: Value) -> Header {
        Header { config: self.config.clone(), vocab: self.vocab.clone(), step: self.step, metrics }
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

/// The type of linear maps' products while training, where it is not f32.
pub(crate) fn half(precision: Precision) -> Option<FloatDType> {
    match precision {
        Precision::F32 => None,
        Precision::Bf16 => Some(FloatDType::BF16),
        Precision::F16 => Some(FloatDType::F16),
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
            train_tokens: tokens(|c| c.len(Split::Train)),
            val_tokens: tokens(|c| c.len(Split::Val)),
            chance_loss: (self.vocab.size() as f64).ln(),
            training_flops_per_token: self.config.training_flops_per_token(self.vocab.size()),
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

    fn configure(&mut self, config: &RunConfig) -> Result<(), Failure> {
        may_change(&self.config, config)?;
        let VariantSpec::Causal(model) = &config.model;
        self.task = CausalTask::new(model, &config.train);
        self.average = match self.average.take() {
            _ if config.train.ema_decay == 0.0 => None,
            // An average that begins now begins at the weights as they are now.
            average => average.or_else(|| Some(Average::new(self.model()))),
        };
        self.config = config.clone();
        Ok(())
    }

    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let corpus = self.corpus()?;
        if corpus.len(Split::Val) < 2 {
            return Err(Failure::new(
                FailureKind::Corpus,
                "there is no validation split",
                "Start the run with val_fraction above 0.",
            ));
        }
        for depth in depths {
            check_depth(*depth)?;
        }
        crate::evaluate::evaluate(&self.answerer(), corpus, self.block_size(), depths, max_tokens)
            .await
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
        Ok(Box::new(Generation::new(self.answerer(), &self.vocab, prompt, options, Overflow::Half)))
    }

    async fn trace(&self, request: &TraceRequest) -> Result<Trace, Failure> {
        check_depth(request.depth)?;
        self.check_tokens(&request.tokens)?;
        crate::trace::trace(&self.answerer(), self.config.model.name(), request).await
    }

    fn encode(&self, prompt: &str) -> Result<Vec<u32>, Failure> {
        self.prompt(prompt)
    }

    fn answer_with(&mut self, weights: Weights) -> Result<(), Failure> {
        if weights == Weights::Average && self.average.is_none() {
            return Err(Failure::new(
                FailureKind::Config,
                "this run keeps no average of its weights",
                "Ask for the raw weights, or train with ema_decay above 0.",
            ));
        }
        self.answering = weights;
        Ok(())
    }

    async fn save(&self, metrics: Value) -> Result<Saved, Failure> {
        Ok(Saved {
            checkpoint: checkpoint::write(self.model(), &self.header(metrics)).await?,
            optimizer: optimizer::write(&self.updates, self.average.as_ref(), self.step).await?,
            step: self.step,
        })
    }

    async fn export(&self, metrics: Value) -> Result<Vec<u8>, Failure> {
        checkpoint::write(&self.answerer(), &self.header(metrics)).await
    }
}
