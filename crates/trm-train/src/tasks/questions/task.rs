//! Training of models that answer questions: batches, gradients and reports.

use std::rc::Rc;

use async_trait::async_trait;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rand::RngExt;
use trm_core::models::llm_trm::{LlmTrm, Measured, QuestionStates};
use trm_core::{Engine, Recursive};
use trm_data::questions::{Question, QuestionDataset};
use trm_data::{Dataset, draw, stream};
use trm_kernels::autocast;
use trm_spec::{
    DepthLoss, Failure, FailureKind, LlmTrmSpec, RunConfig, StepReport, Trace, TrainSpec, Vocab,
};

use super::base::FrozenLlm;
use super::kept_states::KeptStates;
use super::objective::{objective, supervised};
use super::rows::{QuestionBatch, QuestionTokens};
use super::scores::evaluate;
use crate::checkpoint::Base;
use crate::checks::{half, loss_scale};
use crate::dataset::wrong_data;
use crate::run::{Answerer, TraceRequest};
use crate::task::{BatchGradients, BatchId, Task};
use crate::train_run::{Capabilities, TrainRun};

/// How a model on a frozen language model is trained.
pub struct QuestionTask {
    pub(super) spec: LlmTrmSpec,
    pub(super) base: Rc<FrozenLlm>,
    /// The cycles of a supervision step.
    pub(super) engine: Engine,
    /// Weight of the answers after each supervision step.
    weights: Vec<f64>,
}

/// Questions as text and as tokens.
pub struct QuestionData {
    pub(super) set: QuestionDataset,
    /// The frozen model's states of the training questions, as far as they are known.
    states: Option<KeptStates>,
    pub(super) train: Vec<QuestionTokens>,
    pub(super) val: Vec<QuestionTokens>,
    pub(super) harder: Vec<QuestionTokens>,
}

/// Questions of a batch, and the frozen model's states of them.
pub struct ReadyQuestions {
    batch: QuestionBatch,
    states: QuestionStates,
}

/// Questions on which the trunk's states are measured.
const MEASURED: usize = 256;
/// Questions that are measured at once.
const MEASURED_BATCH: usize = 16;

impl QuestionTask {
    /// The task of a model of `spec` on `base`.
    pub fn new(spec: &LlmTrmSpec, base: Rc<FrozenLlm>, train: &TrainSpec) -> Self {
        let steps = spec.supervision_steps.max(1);
        let listed = &train.cycle_weights;
        let weight = |step: usize| match listed.get(step).or(listed.last()) {
            Some(weight) => *weight,
            // Later answers count more.
            None => (step + 1) as f64,
        };
        let weights: Vec<f64> = (0..steps).map(weight).collect();
        let total: f64 = weights.iter().sum();
        Self {
            spec: spec.clone(),
            base,
            engine: Engine::truncated(spec.h_cycles, 1),
            weights: weights.into_iter().map(|weight| weight / total.max(1e-9)).collect(),
        }
    }

    /// Mean and deviation of the trunk's states on the first training questions of an epoch.
    ///
    /// # Errors
    /// If the data hold no questions, or one does not fit into the context.
    pub fn measure(&self, config: &RunConfig, data: &Dataset) -> Result<Option<Measured>, Failure> {
        let Dataset::Questions(set) = data else { return Err(wrong_data(&config.model, data)) };
        let top = set.hardest(u64::MAX, &config.data);
        let count = MEASURED.min(set.train.len());
        let rows = set.train_rows(config.train.seed, 0, count, top);
        let tokens = rows
            .iter()
            .map(|row| {
                let question = QuestionTokens::new(&self.base, &self.spec, &set.train[*row])?;
                Ok(QuestionTokens { answer: Vec::new(), ..question })
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let device = self.base.device();
        let batches = tokens.chunks(MEASURED_BATCH).map(|tokens| {
            let batch = QuestionBatch::new(tokens, self.base.end(), &device);
            (batch.question, batch.rows)
        });
        Ok(self.base.decoder.measure((&self.spec).into(), batches))
    }

    /// The frozen model's states of a batch.
    fn trunk(&self, batch: &QuestionBatch) -> QuestionStates {
        let (question, answer) = (batch.question.clone(), batch.answer.clone());
        self.base.decoder.trunk((&self.spec).into(), question, answer, &batch.rows)
    }

    fn tokens_of(&self, questions: &[Question]) -> Result<Vec<QuestionTokens>, Failure> {
        questions
            .iter()
            .map(|question| QuestionTokens::new(&self.base, &self.spec, question))
            .collect()
    }
}

#[async_trait(?Send)]
impl Task<LlmTrm> for QuestionTask {
    type Data = QuestionData;
    type Batch = ReadyQuestions;
    type Carry = ();
    type BufferGradients = ();

    fn base(&self) -> Option<Base> {
        Some(self.base.identity().clone())
    }

    fn configure(&mut self, config: &RunConfig) {
        let spec = LlmTrmSpec { supervision_steps: config.model.depth(), ..self.spec.clone() };
        *self = Self::new(&spec, Rc::clone(&self.base), &config.train);
    }

    fn accept(&self, config: &RunConfig, _: &Vocab, data: Dataset) -> Result<Self::Data, Failure> {
        let Dataset::Questions(set) = data else { return Err(wrong_data(&config.model, &data)) };
        let train = self.tokens_of(&set.train)?;
        Ok(QuestionData {
            states: KeptStates::open(&self.base, &self.spec, &set, &train)?,
            train,
            val: self.tokens_of(&set.val)?,
            harder: self.tokens_of(&set.harder)?,
            set,
        })
    }

    fn no_data() -> Failure {
        Failure::new(
            FailureKind::Data,
            "this model was loaded without questions",
            "Give questions with their answers.",
        )
    }

    /// Questions for training and for validation.
    fn tokens(data: &Self::Data) -> (usize, usize) {
        (data.train.len(), data.val.len())
    }

    fn least_depth() -> usize {
        0
    }

    fn depth(&self, _: u64) -> usize {
        self.spec.supervision_steps
    }

    fn batch(
        &self,
        config: &RunConfig,
        data: &Self::Data,
        id: BatchId,
    ) -> Result<Self::Batch, Failure> {
        let hardest = data.set.hardest(id.step, &config.data);
        let (seed, size) = (config.train.seed, config.train.batch_size);
        let rows = data.set.train_rows(seed, id.number, size, hardest);
        let tokens: Vec<_> = rows.iter().map(|row| data.train[*row].clone()).collect();
        let batch = QuestionBatch::new(&tokens, self.base.end(), &self.base.device());
        let states = match &data.states {
            Some(kept) => kept.of_batch(&self.base, &self.spec, &rows, &tokens, &batch)?,
            None => self.trunk(&batch),
        };
        Ok(ReadyQuestions { batch, states })
    }

    /// For a mean over the scored tokens. Each question scores one token at least, the end of
    /// its answer.
    fn loss_scale(&self, config: &RunConfig) -> f64 {
        loss_scale(config.train.precision, config.train.batch_size)
    }

    fn gradients(
        &self,
        config: &RunConfig,
        model: &LlmTrm,
        batch: Self::Batch,
        id: BatchId,
        share: f64,
        _: &mut Option<()>,
    ) -> BatchGradients {
        let device = model.device().without_autodiff();
        if config.model.dropout() > 0.0 {
            device.seed(draw(config.train.seed, stream::DROPOUT, id.number).random());
        }
        let ReadyQuestions { batch, states } = batch;
        let share = share * self.loss_scale(config);
        autocast(half(config.train.precision), || {
            let steps = self.spec.supervision_steps;
            let context = match steps {
                0 => model.encode_without_latents(&states),
                _ => model.encode(&states),
            };
            let ends = supervised(self.engine, model, &context, steps);
            let halt_weight = config.train.halt_loss_weight;
            let found = objective(model, &batch, &context, &ends, &self.weights, halt_weight);
            let grads = found.total.mul_scalar(share).backward();
            BatchGradients {
                grads: GradientsParams::from_grads(grads, model),
                metrics: Tensor::cat(vec![found.loss, found.exact, found.think, found.halt], 0),
                buffers: (),
            }
        })
    }

    fn report(&self, _: &RunConfig, metrics: &[f64], report: &mut StepReport) {
        report.loss = metrics[0];
        report.exact = Some(metrics[1]);
    }

    /// Loss of the answers on the validation questions, by supervision steps.
    async fn evaluate(
        &self,
        model: &LlmTrm,
        data: &Self::Data,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let most = depths.iter().copied().max().unwrap_or(1);
        let questions = first_of(&data.val, max_tokens);
        let (answering, trained) = ((self.engine, self.base.end()), self.spec.supervision_steps);
        let scores = evaluate(answering, model, questions, most, trained, &mut |_, _| ()).await?;
        Ok(depths.iter().map(|&depth| DepthLoss::of(depth, scores.steps[depth].loss)).collect())
    }

    async fn trace(
        &self,
        _: &RunConfig,
        _: &Vocab,
        _: &LlmTrm,
        _: &TraceRequest,
    ) -> Result<Trace, Failure> {
        Err(Failure::new(
            FailureKind::Prompt,
            "a trace shows the tokens of a text, but this model answers questions",
            "Ask it a question: `ask` shows what it answers after every step.",
        ))
    }
}

/// The first questions with about `max_tokens` tokens (0: all).
fn first_of(questions: &[QuestionTokens], max_tokens: usize) -> &[QuestionTokens] {
    if max_tokens == 0 {
        return questions;
    }
    let mut tokens = 0;
    let fits = |question: &&QuestionTokens| {
        let fits = tokens < max_tokens;
        tokens += question.positions();
        fits
    };
    &questions[..questions.iter().take_while(fits).count()]
}

impl Capabilities<LlmTrm> for QuestionTask {
    fn as_answerer(run: &TrainRun<LlmTrm, Self>) -> Option<&dyn Answerer> {
        Some(run)
    }
}
