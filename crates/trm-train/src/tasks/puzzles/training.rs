//! Training of puzzle solvers: supervision steps, the puzzle embedding and reports.

use std::ops::Range;

use async_trait::async_trait;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_core::Recursive;
use trm_core::models::trm::{DualState, PuzzleInput, Trm};
use trm_data::puzzles::{PuzzleBatch, PuzzleDataset};
use trm_kernels::autocast;
use trm_spec::{
    DepthLoss, Failure, FailureKind, RunConfig, Solved, StepReport, Supervision, Trace, Vocab,
};

use super::batch::Puzzles;
use super::carry::Carry;
use super::fit::{check_data, check_rows};
use super::solve::{evaluate, scored};
use super::supervision::{PuzzleTask, Supervised};
use crate::checks::{check_depth, half, loss_scale};
use crate::dataset::wrong_data;
use crate::optim::sign_descent;
use crate::run::{Solver, TraceRequest};
use crate::task::{BatchGradients, BatchId, Task};
use crate::trace::trace;
use crate::train_run::{Capabilities, TrainRun};
use trm_data::Dataset;

/// Gradients of rows of the puzzle embedding.
pub struct EmbeddingGradients {
    /// Which rows, `[batch]`; a row may occur several times.
    rows: Tensor<1, Int>,
    /// `[batch, ndim]`.
    grads: Tensor<2>,
}

/// Puzzles of a batch, or some of its rows.
pub struct PuzzleRows {
    puzzles: PuzzleBatch,
    /// Supervision steps that each must run before it may halt.
    least: Vec<i32>,
}

#[async_trait(?Send)]
impl Task<Trm> for PuzzleTask {
    type Data = PuzzleDataset;
    type Batch = PuzzleRows;
    type Carry = Carry;
    type BufferGradients = Option<EmbeddingGradients>;

    fn configure(&mut self, config: &RunConfig) {
        *self = Self::new(&self.spec, &config.train);
    }

    fn accept(
        &self,
        config: &RunConfig,
        vocab: &Vocab,
        data: Dataset,
    ) -> Result<PuzzleDataset, Failure> {
        let Dataset::Puzzles(data) = data else { return Err(wrong_data(&config.model, &data)) };
        check_data(&self.spec, vocab, &data)?;
        Ok(data)
    }

    fn no_data() -> Failure {
        Failure::new(
            FailureKind::Data,
            "this model was loaded without training puzzles",
            "Give the puzzles it was trained on, or others of the same kind.",
        )
    }

    fn tokens(data: &PuzzleDataset) -> (usize, usize) {
        (data.train.inputs.len(), data.val.inputs.len())
    }

    fn depth(&self, _: u64) -> usize {
        1
    }

    fn batch(
        &self,
        config: &RunConfig,
        data: &PuzzleDataset,
        id: BatchId,
    ) -> Result<PuzzleRows, Failure> {
        let puzzles = data.batch(config.train.seed, id.number, config.train.batch_size);
        Ok(PuzzleRows { least: self.least_steps(puzzles.rows(), id.number), puzzles })
    }

    fn part(&self, batch: PuzzleRows, rows: Range<usize>) -> PuzzleRows {
        PuzzleRows { least: batch.least[rows.clone()].to_vec(), puzzles: batch.puzzles.part(rows) }
    }

    /// For a mean over the cells of a batch.
    fn loss_scale(&self, config: &RunConfig) -> f64 {
        loss_scale(config.train.precision, config.train.batch_size * self.spec.seq_len)
    }

    fn gradients(
        &self,
        config: &RunConfig,
        model: &Trm,
        batch: PuzzleRows,
        _: BatchId,
        share: f64,
        carry: &mut Option<Carry>,
    ) -> BatchGradients<Self::BufferGradients> {
        let share = share * self.loss_scale(config);
        autocast(half(config.train.precision), || match config.train.supervision {
            Supervision::Carry => self.carried(model, batch, share, carry),
            Supervision::Unrolled => self.unrolled(model, &batch.puzzles, share),
        })
    }

    fn buffer_numbers(&self, gradients: &Self::BufferGradients) -> Option<Tensor<1>> {
        let EmbeddingGradients { rows, grads } = gradients.as_ref()?;
        // Identifiers of less than 2^24 are exact in f32.
        Some(Tensor::cat(vec![rows.clone().float(), grads.clone().flatten(0, 1)], 0))
    }

    fn buffers_of_numbers(
        &self,
        numbers: &[f32],
        device: &Device,
    ) -> Option<Self::BufferGradients> {
        let width = self.spec.puzzle_emb_ndim;
        let count = numbers.len() / (1 + width);
        let (rows, grads) = numbers.split_at(count);
        let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        Some(Some(EmbeddingGradients {
            rows: Tensor::from_data(TensorData::new(rows, [count]), device),
            grads: Tensor::from_data(TensorData::new(grads.to_vec(), [count, width]), device),
        }))
    }

    /// Sign descent on the rows of the puzzle embedding. Its rate follows the schedule
    /// of the learning rate.
    fn update_buffers(
        &self,
        config: &RunConfig,
        model: Trm,
        gradients: Vec<Self::BufferGradients>,
        rate: f64,
    ) -> Trm {
        let train = &config.train;
        let share = if train.learning_rate > 0.0 { rate / train.learning_rate } else { 0.0 };
        let (rate, decay) = (train.puzzle_emb_lr * share, train.puzzle_emb_weight_decay);
        let (rows, grads): (Vec<_>, Vec<_>) =
            gradients.into_iter().flatten().map(|shard| (shard.rows, shard.grads)).unzip();
        if rows.is_empty() {
            return model;
        }
        // A puzzle that several shards hold is updated once.
        let (rows, grads) = (Tensor::cat(rows, 0), Tensor::cat(grads, 0));
        model.with_puzzles(|table| {
            let autodiff = table.is_autodiff();
            let table = sign_descent(table.without_autodiff(), rows, grads, rate, decay);
            if autodiff { Tensor::from_inner(table) } else { table }
        })
    }

    fn report(&self, config: &RunConfig, metrics: &[f64], report: &mut StepReport) {
        let [count, cells, exact, agrees, steps, loss, _] = *metrics else {
            unreachable!("a summary has seven numbers")
        };
        report.loss = loss;
        let rows = config.train.batch_size * config.train.gradient_accumulation_steps;
        report.solved = (count > 0.0).then(|| Solved {
            puzzles: (count * rows as f64).round() as usize,
            cell_accuracy: cells / count,
            exact_accuracy: exact / count,
            halt_accuracy: agrees / count,
            steps: steps / count,
        });
    }

    fn restore_carry(
        &self,
        optimizer: &[u8],
        vocab: usize,
        device: &Device,
    ) -> Result<Option<Carry>, Failure> {
        Carry::restore(optimizer, &self.spec, vocab, device)
    }

    /// Loss per cell, where a depth is a supervision step.
    async fn evaluate(
        &self,
        model: &Trm,
        data: &PuzzleDataset,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let deepest = depths.iter().copied().max().unwrap_or(1);
        let set = scored(data, max_tokens.div_ceil(self.spec.seq_len))?;
        let scores = evaluate(model, self, &set, deepest, &mut |_, _| ()).await?;
        depths
            .iter()
            .map(|&depth| {
                let loss = scores.steps[check_depth(depth)? - 1].loss;
                Ok(DepthLoss::of(depth, loss))
            })
            .collect()
    }

    async fn trace(
        &self,
        config: &RunConfig,
        vocab: &Vocab,
        model: &Trm,
        request: &TraceRequest,
    ) -> Result<Trace, Failure> {
        check_depth(request.depth)?;
        check_rows(&self.spec, vocab, &request.tokens, &request.puzzle_identifiers)?;
        let engine = self.engine();
        let mut identifiers: Vec<i32> =
            request.puzzle_identifiers.iter().map(|&id| id as i32).collect();
        identifiers.resize(request.tokens.len(), 0);
        let input = |tokens: Tensor<2, Int>| {
            let rows = identifiers.len();
            let identifiers =
                Tensor::from_data(TensorData::new(identifiers, [rows]), &model.device());
            PuzzleInput { tokens, embedding: model.embedding(identifiers) }
        };
        let prefix = self.spec.prefix();
        trace(model, config.model.name(), request, prefix, input, |context, start, on_cycle| {
            let mut state = start;
            for step in 1..=request.depth {
                state = engine.run(model, context, state, |_, _| ());
                on_cycle(step, &state);
            }
        })
        .await
    }
}

impl Capabilities<Trm> for PuzzleTask {
    fn as_solver(run: &TrainRun<Trm, Self>) -> Option<&dyn Solver> {
        Some(run)
    }
}

impl PuzzleTask {
    /// One supervision step of the puzzles under way (official TRM).
    fn carried(
        &self,
        model: &Trm,
        PuzzleRows { puzzles, least }: PuzzleRows,
        share: f64,
        carry: &mut Option<Carry>,
    ) -> BatchGradients<Option<EmbeddingGradients>> {
        let rows = puzzles.rows();
        let before = match carry.take() {
            // A live setting may have changed the batch size.
            Some(carry) if carry.steps.dims() == [rows] => carry,
            _ => self.empty(model, rows),
        };
        let (supervised, after) = self.advance_rows(model, before, &puzzles, least);
        // Means over the rows, so that those of all shards have a mean.
        let metrics = supervised.scores.summary(&after).div_scalar(rows as f64);
        let rows = after.puzzles.identifiers.clone();
        let mut sum = GradientsAccumulator::new();
        let embedding = accumulate(model, supervised, share, &mut sum);
        *carry = Some(after);
        BatchGradients {
            grads: sum.grads(),
            metrics,
            buffers: embedding.map(|grads| EmbeddingGradients { rows, grads }),
        }
    }

    /// All supervision steps of new puzzles, each detached from the one before.
    fn unrolled(
        &self,
        model: &Trm,
        batch: &PuzzleBatch,
        share: f64,
    ) -> BatchGradients<Option<EmbeddingGradients>> {
        let puzzles = Puzzles::new(batch, &model.device().without_autodiff());
        let rows = puzzles.identifiers.clone();
        let mut sum = GradientsAccumulator::new();
        let mut embedding: Option<Tensor<2>> = None;
        let mut state: Option<DualState> = None;
        let mut last = None;
        for weight in self.step_weights() {
            let step = self.supervise(model, &puzzles, state.as_ref(), None);
            state = Some(step.state.clone());
            last = Some(step.scores.done(self.steps).div_scalar(batch.rows() as f64));
            if let Some(grad) = accumulate(model, step, weight * share, &mut sum) {
                embedding = Some(embedding.map_or(grad.clone(), |sum| sum + grad));
            }
        }
        BatchGradients {
            grads: sum.grads(),
            metrics: last.expect("there is at least one supervision step"),
            buffers: embedding.map(|grads| EmbeddingGradients { rows, grads }),
        }
    }

    /// A carry whose rows all take new puzzles.
    fn empty(&self, model: &Trm, rows: usize) -> Carry {
        let device = model.device().without_autodiff();
        let inputs = Tensor::zeros([rows, self.spec.seq_len], &device);
        let puzzles =
            Puzzles { labels: inputs.clone(), inputs, identifiers: Tensor::zeros([rows], &device) };
        let model = model.valid();
        let embedding = model.embedding(puzzles.identifiers.clone());
        let context = model.encode(&PuzzleInput { tokens: puzzles.inputs.clone(), embedding });
        Carry::empty(model.start(&context), puzzles)
    }
}

/// Adds the gradients of `weight` times a step's objective; returns that of the rows of
/// the puzzle embedding.
fn accumulate(
    model: &Trm,
    step: Supervised,
    weight: f64,
    sum: &mut GradientsAccumulator<Trm>,
) -> Option<Tensor<2>> {
    let mut grads = step.objective.mul_scalar(weight).backward();
    let embedding = step.embedding.and_then(|rows| rows.grad_remove(&mut grads));
    sum.accumulate(model, GradientsParams::from_grads(grads, model));
    embedding
}
