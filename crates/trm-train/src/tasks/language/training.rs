//! Training of language models: batches, dropout, precision and reports.

use std::ops::Range;

use async_trait::async_trait;
use rand::RngExt;
use trm_core::{Autoregressive, Engine};
use trm_data::{Batch, DataError, Split, TextDataset, describe, draw, stream};
use trm_kernels::autocast;
use trm_spec::{DepthLoss, Failure, FailureKind, Prediction, RunConfig, StepReport, Trace, Vocab};

use super::backward::{checkpointed, gradients};
use super::objective::{LanguageTask, MOST_CYCLES};
use crate::checks::{check_model_depth, check_tokens, half, loss_scale};
use crate::dataset::wrong_data;
use crate::run::{Scoring, TraceRequest, Writer};
use crate::task::{BatchGradients, BatchId, Task};
use crate::trace::trace;
use crate::train_run::{Capabilities, TrainRun};
use trm_data::Dataset;

/// Bits of a dropout address that hold the cycle, below those of the shard.
const CYCLE_BITS: u32 = 12;

const _: () = assert!(MOST_CYCLES + 1 < 1 << CYCLE_BITS, "no two cycles share an address");

#[async_trait(?Send)]
impl<M: Autoregressive + 'static> Task<M> for LanguageTask<M> {
    type Data = TextDataset;
    type Batch = Batch;
    type Carry = ();
    type BufferGradients = ();

    fn configure(&mut self, config: &RunConfig) {
        *self = self.with_settings(config.model.depth(), &config.train);
    }

    fn accept(
        &self,
        config: &RunConfig,
        vocab: &Vocab,
        data: Dataset,
    ) -> Result<TextDataset, Failure> {
        let Dataset::Text(corpus) = data else { return Err(wrong_data(&config.model, &data)) };
        if corpus.vocab() != vocab {
            return Err(DataError::OtherVocab {
                name: corpus.name().into(),
                found: describe(corpus.vocab()),
                wanted: describe(vocab),
            }
            .into());
        }
        corpus.check_block(config.model.length())?;
        Ok(corpus)
    }

    fn no_data() -> Failure {
        Failure::new(
            FailureKind::Data,
            "this model was loaded without a text",
            "Give the text it was trained on, or another with the same characters.",
        )
    }

    fn tokens(corpus: &TextDataset) -> (usize, usize) {
        (corpus.len(Split::Train), corpus.len(Split::Val))
    }

    fn depth(&self, step: u64) -> usize {
        LanguageTask::depth(self, step)
    }

    /// For a mean over the predicted tokens of a batch.
    fn loss_scale(&self, config: &RunConfig) -> f64 {
        let train = &config.train;
        let tokens = match train.prediction {
            Prediction::EveryPosition => train.batch_size * config.model.length(),
            Prediction::LastPosition => train.batch_size,
        };
        loss_scale(train.precision, tokens)
    }

    fn batch(
        &self,
        config: &RunConfig,
        corpus: &TextDataset,
        id: BatchId,
    ) -> Result<Batch, Failure> {
        let (train, block) = (&config.train, config.model.length());
        let batch = corpus.batch(Split::Train, train.seed, id.number, train.batch_size, block)?;
        match train.prediction {
            Prediction::EveryPosition => Ok(batch),
            Prediction::LastPosition => Ok(batch.padded(&lengths(config, id.number))?),
        }
    }

    fn part(&self, batch: Batch, rows: Range<usize>) -> Batch {
        batch.rows(rows)
    }

    fn gradients(
        &self,
        config: &RunConfig,
        model: &M,
        batch: Batch,
        id: BatchId,
        share: f64,
        _: &mut Option<()>,
    ) -> BatchGradients {
        let train = &config.train;
        let compute = if train.gradient_checkpointing { checkpointed } else { gradients };
        let share = share * self.loss_scale(config);
        let device = model.device().without_autodiff();
        // Dropout masks are a function of the seed, the shard and the cycle, so that a
        // resumed run draws what an unbroken one would have drawn, and a cycle that is
        // computed again draws the same masks.
        let seed_dropout = |cycle: usize| {
            if config.model.dropout() > 0.0 {
                let address = (id.shard << CYCLE_BITS) | cycle as u64;
                device.seed(draw(train.seed, stream::DROPOUT, address).random());
            }
        };
        autocast(half(train.precision), || {
            compute(self, model, &batch, LanguageTask::depth(self, id.step), share, &seed_dropout)
        })
    }

    fn report(&self, _: &RunConfig, metrics: &[f64], report: &mut StepReport) {
        report.loss = metrics[0];
    }

    async fn evaluate(
        &self,
        model: &M,
        corpus: &TextDataset,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let scoring = Scoring { depths: depths.into(), max_tokens, stride: 0 };
        Ok(self.score(model, corpus, &scoring, &mut |_, _| ()).await?.depths)
    }

    async fn trace(
        &self,
        config: &RunConfig,
        vocab: &Vocab,
        model: &M,
        request: &TraceRequest,
    ) -> Result<Trace, Failure> {
        check_model_depth(&config.model, request.depth)?;
        let (longest, block) =
            (request.tokens.iter().map(Vec::len).max().unwrap_or(0), model.block_size());
        if longest > block {
            return Err(Failure::new(
                FailureKind::Prompt,
                format!("{longest} tokens are more than block_size {block}"),
                "Give fewer tokens.",
            ));
        }
        check_tokens(request.tokens.iter().flatten(), vocab.size())?;
        let engine = Engine::new(request.depth);
        let input = |tokens| tokens;
        trace(model, config.model.name(), request, 0, input, |context, start, on_cycle| {
            engine.run(model, context, start, on_cycle);
        })
        .await
    }
}

impl<M: Autoregressive + 'static> Capabilities<M> for LanguageTask<M> {
    fn as_writer(run: &TrainRun<M, Self>) -> Option<&dyn Writer> {
        Some(run)
    }
}

/// Where the rows of a batch end when only their last position is predicted.
fn lengths(config: &RunConfig, batch: u64) -> Vec<usize> {
    let mut generator = draw(config.train.seed, stream::LENGTHS, batch);
    let longest = config.model.length() as u64;
    (0..config.train.batch_size).map(|_| generator.random_range(1..=longest) as usize).collect()
}
