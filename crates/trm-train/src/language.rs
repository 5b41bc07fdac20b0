//! Runs of models that write text.

use async_trait::async_trait;
use burn::optim::GradientsAccumulator;
use burn::tensor::{FloatDType, Tensor};
use rand::RngExt;
use serde_json::Value;
use trm_core::cache::Autoregressive;
use trm_core::{Engine, State};
use trm_data::{Corpus, Split, draw, encode, stream};
use trm_kernels::autocast;
use trm_spec::{
    DepthLoss, Failure, FailureKind, GenerateOptions, Precision, Prediction, RunConfig, RunSummary,
    Saved, StepReport, Trace, Vocab, may_change,
};

use crate::backward::{checkpointed, gradients};
use crate::checkpoint::{self, Header, host};
use crate::evaluate::evaluate;
use crate::generate::{Generation, Overflow, next};
use crate::learner::Learner;
use crate::registry::check_depth;
use crate::task::{LanguageTask, tokens};
use crate::trace::{Watch, trace};
use crate::{Evaluation, Run, Scoring, TextStream, TraceRequest, Weights};

/// A language model with its text and its place in the run.
pub(crate) struct LanguageRun<M> {
    config: RunConfig,
    vocab: Vocab,
    corpus: Option<Corpus>,
    learner: Learner<M>,
    task: LanguageTask,
}

/// Room for the number of a cycle beside that of its batch.
const CYCLE_BITS: u32 = 12;

impl<M: Autoregressive> LanguageRun<M> {
    /// `model` has autodiff on.
    pub fn new(config: RunConfig, vocab: Vocab, corpus: Option<Corpus>, model: M) -> Self {
        let learner = Learner::new(model, &config.train);
        let task = LanguageTask::new(config.model.depth(), &config.train);
        Self { config, vocab, corpus, learner, task }
    }

    /// Moves to `step`, with the optimiser's state where there is one.
    pub fn resume(&mut self, step: usize, optimizer: Option<&[u8]>) -> Result<(), Failure> {
        self.learner.resume(step, optimizer)
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
        self.learner.model().block_size()
    }

    /// One update; returns the loss of the last cycle, still on the device.
    fn train_step(&mut self) -> Result<(Tensor<1>, f64, usize), Failure> {
        let train = &self.config.train;
        let model = self.learner.model();
        let (step, batches) = (self.learner.step as u64, train.gradient_accumulation_steps as u64);
        let corpus = self.corpus()?;
        let depth = self.task.depth(step);
        let share = 1.0 / batches as f64;
        let products = half(train.precision);
        // Gradients of a mean over many tokens would vanish in half precision;
        // those of the sum lie around one.
        let tokens = match train.prediction {
            Prediction::EveryPosition => train.batch_size * self.block_size(),
            Prediction::LastPosition => train.batch_size,
        };
        let loss_scale = if train.precision == Precision::F16 { tokens as f64 } else { 1.0 };
        let teach = if train.gradient_checkpointing { checkpointed } else { gradients };
        let mut sum = GradientsAccumulator::new();
        let mut last: Option<Tensor<1>> = None;
        for number in step * batches..(step + 1) * batches {
            let (size, block) = (train.batch_size, self.block_size());
            let mut batch = corpus.batch(Split::Train, train.seed, number, size, block)?;
            if train.prediction == Prediction::LastPosition {
                batch = batch.padded(&self.lengths(number))?;
            }
            let before = |cycle| self.seed_dropout(number, cycle);
            let lesson = autocast(products, || {
                teach(&self.task, model, &batch, depth, share * loss_scale, &before)
            });
            sum.accumulate(model, lesson.grads);
            last = Some(last.map_or(lesson.last.clone(), |sum| sum + lesson.last));
        }
        let loss = last.expect("an update has a batch").mul_scalar(share);
        let rate = self.learner.update(sum.grads(), train, loss_scale, |model, _| model);
        Ok((loss, rate, depth))
    }

    /// Where the rows of a batch end, when only their last token is asked about.
    fn lengths(&self, batch: u64) -> Vec<usize> {
        let train = &self.config.train;
        let mut generator = draw(train.seed, stream::LENGTHS, batch);
        let longest = self.block_size() as u64;
        (0..train.batch_size).map(|_| generator.random_range(1..=longest) as usize).collect()
    }

    /// Dropout masks are a function of the seed, the batch and the cycle, so that
    /// a resumed run drops what an unbroken one would have dropped, and a cycle
    /// that is computed again drops the same.
    fn seed_dropout(&self, batch: u64, cycle: usize) {
        if self.config.model.dropout() > 0.0 {
            let address = (batch << CYCLE_BITS) | cycle as u64;
            let seed = draw(self.config.train.seed, stream::DROPOUT, address).random();
            self.learner.plain_device().seed(seed);
        }
    }

    fn header(&self, metrics: Value) -> Header {
        let (config, vocab) = (self.config.clone(), self.vocab.clone());
        Header { config, vocab, step: self.learner.step, metrics }
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
        let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
        if longest > self.block_size() {
            return Err(Failure::new(
                FailureKind::Prompt,
                format!("{longest} tokens are more than block_size {}", self.block_size()),
                "Give fewer tokens.",
            ));
        }
        rows.iter().try_for_each(|row| self.check_known(row))
    }

    fn check_known(&self, row: &[u32]) -> Result<(), Failure> {
        let size = self.vocab.size();
        match row.iter().find(|token| **token as usize >= size) {
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
        let count = |pick: fn(&Corpus) -> usize| self.corpus.as_ref().map_or(0, pick);
        RunSummary {
            config: self.config.clone(),
            family: self.config.model.family(),
            vocab: self.vocab.clone(),
            parameters: self.learner.model().num_params(),
            step: self.learner.step,
            trainable: self.corpus.is_some(),
            train_tokens: count(|c| c.len(Split::Train)),
            val_tokens: count(|c| c.len(Split::Val)),
            chance_loss: (self.vocab.size() as f64).ln(),
            tokens_per_step: self.config.tokens_per_step(),
            training_flops_per_token: self.config.training_flops_per_token(self.vocab.size()),
        }
    }

    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure> {
        let mut reports = Vec::new();
        let mut losses = Vec::new();
        while reports.len() < n && self.learner.step < self.config.train.max_iters {
            let (loss, learning_rate, depth) = self.train_step()?;
            losses.push(loss);
            let step = self.learner.step;
            reports.push(StepReport { step, loss: 0.0, learning_rate, depth, solved: None });
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
        self.task = LanguageTask::new(config.model.depth(), &config.train);
        self.learner.configure(&config.train);
        self.config = config.clone();
        Ok(())
    }

    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let scoring = Scoring { depths: depths.into(), max_tokens, stride: 0 };
        Ok(self.score(&scoring).await?.depths)
    }

    async fn score(&self, scoring: &Scoring) -> Result<Evaluation, Failure> {
        let corpus = self.corpus()?;
        if corpus.len(Split::Val) < 2 {
            return Err(Failure::new(
                FailureKind::Corpus,
                "there is no validation split",
                "Start the run with val_fraction above 0.",
            ));
        }
        for depth in &scoring.depths {
            check_depth(*depth)?;
        }
        evaluate(&self.learner.answerer(), corpus, scoring).await
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
        Ok(Box::new(Generation::new(
            self.learner.answerer(),
            &self.vocab,
            prompt,
            options,
            Overflow::Half,
        )))
    }

    async fn trace(&self, request: &TraceRequest) -> Result<Trace, Failure> {
        check_depth(request.depth)?;
        self.check_tokens(&request.tokens)?;
        let (model, engine) = (self.learner.answerer(), Engine::new(request.depth));
        let input = |tokens| tokens;
        trace(&model, self.config.model.name(), request, input, |x, start, probe| {
            engine.think(&model, x, start, probe);
        })
        .await
    }

    async fn draft(&self, request: &TraceRequest) -> Result<Trace, Failure> {
        check_depth(request.depth)?;
        let model = self.learner.answerer();
        let [row] = &request.tokens[..] else {
            return Err(Failure::new(
                FailureKind::Prompt,
                format!("{} texts cannot be gone on with at once", request.tokens.len()),
                "Give one.",
            ));
        };
        self.check_known(row)?;
        // As far back as generation would look.
        let context = &row[row.len().saturating_sub(model.context())..];
        if context.is_empty() {
            return Err(crate::trace::empty_row());
        }
        let ahead = model.ahead();
        let input = tokens(context, context.len(), &model.device());
        let mut watch: Option<Watch<M>> = None;
        let mut cache = model.cache(request.depth);
        model.extend(input, &mut cache, &mut |_, state| {
            let state = next(state.clone(), ahead);
            // What the first cycle began at lies below every reading.
            let nothing = || state.clone().map(&mut |part| part.zeros_like());
            watch.get_or_insert_with(|| Watch::new(&model, nothing())).see(&state, |_| Vec::new());
        });
        let watch = watch.expect("there is a first cycle");
        watch.told(self.config.model.name(), request, &[ahead]).await
    }

    fn encode(&self, prompt: &str) -> Result<Vec<u32>, Failure> {
        self.prompt(prompt)
    }

    fn answer_with(&mut self, weights: Weights) -> Result<(), Failure> {
        self.learner.answer_with(weights)
    }

    async fn save(&self, metrics: Value) -> Result<Saved, Failure> {
        Ok(Saved {
            checkpoint: checkpoint::write(self.learner.model(), &self.header(metrics)).await?,
            optimizer: self.learner.memory(Vec::new()).await?,
            step: self.learner.step,
        })
    }

    async fn export(&self, metrics: Value) -> Result<Vec<u8>, Failure> {
        checkpoint::write(&self.learner.answerer(), &self.header(metrics)).await
    }
}
