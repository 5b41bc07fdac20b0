//! Runs of models that solve puzzles.

use async_trait::async_trait;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Int, Tensor, TensorData};
use serde_json::Value;
use trm_core::Recursive;
use trm_core::models::trm::{DualState, PuzzleInput, Trm};
use trm_data::puzzles::{PuzzleData, PuzzleSet};
use trm_spec::{
    DepthLoss, Failure, FailureKind, GenerateOptions, PuzzleScores, RunConfig, RunSummary, Saved,
    Solution, Solved, StepReport, Supervision, Trace, VariantSpec, Vocab, may_change,
};

use crate::checkpoint::{self, Header, host, optimizer};
use crate::learner::Learner;
use crate::optim::sign_descent;
use crate::puzzle_task::{Carry, PuzzleTask, Puzzles, Supervised};
use crate::registry::check_depth;
use crate::run::no_text;
use crate::solve::{judge, solve};
use crate::trace::trace;
use crate::{Run, SolveRequest, TextStream, TraceRequest, Weights};

/// A puzzle solver with its puzzles, those under way, and its place in the run.
pub(crate) struct PuzzleRun {
    config: RunConfig,
    vocab: Vocab,
    data: Option<PuzzleData>,
    learner: Learner<Trm>,
    task: PuzzleTask,
    /// What the last update left, where there was one.
    carry: Option<Carry>,
}

/// What an update tells of itself, still on the device: the original's sums.
struct Told {
    sums: Tensor<1>,
    rate: f64,
    rows: usize,
}

impl PuzzleRun {
    /// `model` has autodiff on.
    pub fn new(
        config: RunConfig,
        vocab: Vocab,
        data: Option<PuzzleData>,
        model: Trm,
        task: PuzzleTask,
    ) -> Self {
        let learner = Learner::new(model, &config.train);
        Self { config, vocab, data, learner, task, carry: None }
    }

    /// Moves to `step`, with what the optimiser's file holds where there is one.
    pub fn resume(&mut self, step: usize, optimizer: Option<&[u8]>) -> Result<(), Failure> {
        self.learner.resume(step, optimizer)?;
        self.carry = match optimizer {
            Some(bytes) => self.carried(bytes)?,
            None => None,
        };
        Ok(())
    }

    fn data(&self) -> Result<&PuzzleData, Failure> {
        self.data.as_ref().ok_or_else(|| {
            Failure::new(
                FailureKind::Corpus,
                "this model was loaded without puzzles to learn from",
                "Give the puzzles it was trained on, or others of the same kind.",
            )
        })
    }

    fn seq_len(&self) -> usize {
        self.config.model.length()
    }

    /// Rows that all make room, with nothing in them yet.
    fn empty(&self, rows: usize) -> Carry {
        let device = self.learner.plain_device();
        let inputs = Tensor::zeros([rows, self.seq_len()], &device);
        let puzzles =
            Puzzles { labels: inputs.clone(), inputs, identifiers: Tensor::zeros([rows], &device) };
        let model = self.learner.model().valid();
        let embedding = model.embedding(puzzles.identifiers.clone());
        let x = model.encode(&PuzzleInput { tokens: puzzles.inputs.clone(), embedding });
        Carry::empty(model.start(&x), puzzles)
    }

    /// One update.
    fn train_step(&mut self) -> Result<Told, Failure> {
        match self.config.train.supervision {
            Supervision::Carry => self.carried_step(),
            Supervision::Unrolled => self.unrolled_step(),
        }
    }

    /// One supervision step of the puzzles under way (official TRM).
    fn carried_step(&mut self) -> Result<Told, Failure> {
        let train = &self.config.train;
        let (step, rows) = (self.learner.step as u64, train.batch_size);
        let batch = self.data()?.batch(train.seed, step, rows);
        let carry = match self.carry.take() {
            // Another batch size may have been set on the way.
            Some(carry) if carry.steps.dims() == [rows] => carry,
            _ => self.empty(rows),
        };
        let (supervised, carry) = self.task.advance(self.learner.model(), carry, &batch, step);
        let sums = supervised.scores.summary(&carry);
        let met = carry.puzzles.identifiers.clone();
        let mut sum = GradientsAccumulator::new();
        let table = learn(self.learner.model(), supervised, 1.0, &mut sum);
        let rate = self.update(sum.grads(), table, met);
        self.carry = Some(carry);
        Ok(Told { sums, rate, rows })
    }

    /// All supervision steps of new puzzles, each cut off from the one before.
    fn unrolled_step(&mut self) -> Result<Told, Failure> {
        let train = &self.config.train;
        let rows = train.batch_size;
        let batch = self.data()?.batch(train.seed, self.learner.step as u64, rows);
        let device = self.learner.plain_device();
        let puzzles = Puzzles::new(&batch, &device);
        let met = puzzles.identifiers.clone();
        let model = self.learner.model();
        let mut sum = GradientsAccumulator::new();
        let mut table: Option<Tensor<2>> = None;
        let mut state: Option<DualState> = None;
        let mut last = None;
        for weight in self.task.step_weights() {
            let step = self.task.supervise(model, &puzzles, state.as_ref(), None);
            state = Some(step.state.clone());
            last = Some(step.scores.done(self.task.steps));
            if let Some(grad) = learn(model, step, weight, &mut sum) {
                table = Some(table.map_or(grad.clone(), |sum| sum + grad));
            }
        }
        let sums = last.expect("there is at least one supervision step");
        let rate = self.update(sum.grads(), table, met);
        Ok(Told { sums, rate, rows })
    }

    /// New weights, and new rows `met` of the puzzle embedding by their gradient.
    fn update(
        &mut self,
        grads: GradientsParams,
        table: Option<Tensor<2>>,
        met: Tensor<1, Int>,
    ) -> f64 {
        let train = &self.config.train;
        self.learner.update(grads, train, 1.0, |model, rate| {
            let Some(grad) = table else { return model };
            // The embedding follows the same schedule.
            let share = if train.learning_rate > 0.0 { rate / train.learning_rate } else { 0.0 };
            let (rate, decay) = (train.puzzle_emb_lr * share, train.puzzle_emb_weight_decay);
            model.with_puzzles(|table| {
                let autodiff = table.is_autodiff();
                let table = sign_descent(table.without_autodiff(), met, grad, rate, decay);
                if autodiff { Tensor::from_inner(table) } else { table }
            })
        })
    }

    fn header(&self, metrics: Value) -> Header {
        Header {
            config: self.config.clone(),
            vocab: self.vocab.clone(),
            step: self.learner.step,
            metrics,
        }
    }

    /// The puzzles under way, for the optimiser's file; token numbers are exact
    /// in f32.
    fn carry_parts(&self) -> Vec<(&'static str, Tensor<1>)> {
        let Some(carry) = &self.carry else { return Vec::new() };
        let carry = carry.clone();
        let flat = |t: Tensor<3>| t.flatten(0, 2);
        let cells = |t: Tensor<2, Int>| t.float().flatten(0, 1);
        vec![
            ("y", flat(carry.state.y)),
            ("z", flat(carry.state.z)),
            ("inputs", cells(carry.puzzles.inputs)),
            ("labels", cells(carry.puzzles.labels)),
            ("identifiers", carry.puzzles.identifiers.float()),
            ("steps", carry.steps.float()),
            ("halted", carry.halted.float()),
        ]
    }

    /// The puzzles that [`carry_parts`](Self::carry_parts) wrote.
    fn carried(&self, optimizer: &[u8]) -> Result<Option<Carry>, Failure> {
        let VariantSpec::Trm(spec) = &self.config.model else { return Ok(None) };
        let Some(steps) = optimizer::carried(optimizer, "steps")? else { return Ok(None) };
        let (rows, device) = (steps.len(), self.learner.plain_device());
        let part = |name: &str, size: usize| -> Result<Vec<f32>, Failure> {
            optimizer::carried(optimizer, name)?
                .filter(|values| values.len() == rows * size)
                .ok_or_else(|| {
                    Failure::new(
                        FailureKind::Checkpoint,
                        format!("the optimiser file's `carry.{name}` does not fit this run"),
                        "Use the two files of one save, or go on without the optimiser file.",
                    )
                })
        };
        let (positions, dim) = (spec.positions(), spec.hidden_size);
        let state = |name: &str| -> Result<Tensor<3>, Failure> {
            let values = part(name, positions * dim)?;
            Ok(Tensor::from_data(TensorData::new(values, [rows, positions, dim]), &device))
        };
        let cells = |name: &str| -> Result<Tensor<2, Int>, Failure> {
            let values = whole(&part(name, spec.seq_len)?);
            Ok(Tensor::from_data(TensorData::new(values, [rows, spec.seq_len]), &device))
        };
        let numbers = |name: &str| -> Result<Tensor<1, Int>, Failure> {
            Ok(Tensor::from_data(TensorData::new(whole(&part(name, 1)?), [rows]), &device))
        };
        Ok(Some(Carry {
            state: DualState { y: state("y")?, z: state("z")? },
            puzzles: Puzzles {
                inputs: cells("inputs")?,
                labels: cells("labels")?,
                identifiers: numbers("identifiers")?,
            },
            steps: numbers("steps")?,
            halted: numbers("halted")?.equal_elem(1),
        }))
    }

    /// Refuses rows that are no puzzles of this model.
    fn check(&self, rows: &[Vec<u32>], identifiers: &[u32]) -> Result<(), Failure> {
        let refused =
            |message: String, hint: String| Err(Failure::new(FailureKind::Prompt, message, hint));
        let (length, size) = (self.seq_len(), self.vocab.size());
        if let Some((number, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != length) {
            return refused(
                format!("puzzle {number} has {} cells, but this model's have {length}", row.len()),
                format!("Give puzzles of {length} cells, or a model of their size."),
            );
        }
        if let Some(token) = rows.iter().flatten().find(|token| **token as usize >= size) {
            return refused(
                format!("token {token} is outside the vocabulary of {size}"),
                format!("Give tokens from 0 to {}.", size - 1),
            );
        }
        if !identifiers.is_empty() && identifiers.len() != rows.len() {
            return refused(
                format!("there are {} puzzles, but {} identifiers", rows.len(), identifiers.len()),
                "Give one puzzle_identifier for each puzzle, or none.".into(),
            );
        }
        let known = match &self.config.model {
            VariantSpec::Trm(spec) => spec.num_puzzle_identifiers,
            _ => 0,
        };
        match identifiers.iter().find(|id| **id as usize >= known) {
            None => Ok(()),
            Some(id) => refused(
                format!("puzzle identifier {id} is outside the {known} that this model knows"),
                format!("Give identifiers from 0 to {}.", known.saturating_sub(1)),
            ),
        }
    }
}

/// Adds the gradients of `weight` times a step's objective; returns that of the
/// embedding's rows.
fn learn(
    model: &Trm,
    step: Supervised,
    weight: f64,
    sum: &mut GradientsAccumulator<Trm>,
) -> Option<Tensor<2>> {
    let mut grads = step.objective.mul_scalar(weight).backward();
    let table = step.embedding.and_then(|rows| rows.grad_remove(&mut grads));
    sum.accumulate(model, GradientsParams::from_grads(grads, model));
    table
}

fn whole(values: &[f32]) -> Vec<i32> {
    values.iter().map(|&value| value as i32).collect()
}

#[async_trait(?Send)]
impl Run for PuzzleRun {
    fn summary(&self) -> RunSummary {
        let cells = |pick: fn(&PuzzleData) -> &PuzzleSet| {
            self.data.as_ref().map_or(0, |data| pick(data).inputs.len())
        };
        RunSummary {
            config: self.config.clone(),
            family: self.config.model.family(),
            vocab: self.vocab.clone(),
            parameters: self.learner.model().num_params(),
            step: self.learner.step,
            trainable: self.data.is_some(),
            train_tokens: cells(|data| &data.train),
            val_tokens: cells(|data| &data.val),
            chance_loss: (self.vocab.size() as f64).ln(),
            tokens_per_step: self.config.tokens_per_step(),
            training_flops_per_token: self.config.training_flops_per_token(self.vocab.size()),
        }
    }

    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure> {
        let mut reports = Vec::new();
        let mut told = Vec::new();
        while reports.len() < n && self.learner.step < self.config.train.max_iters {
            let Told { sums, rate, rows } = self.train_step()?;
            told.push(sums);
            reports.push((
                StepReport {
                    step: self.learner.step,
                    loss: 0.0,
                    learning_rate: rate,
                    depth: 1,
                    solved: None,
                },
                rows,
            ));
        }
        if reports.is_empty() {
            return Ok(Vec::new());
        }
        let told = host(Tensor::cat(told, 0)).await?;
        let width = told.len() / reports.len();
        let mut finished = Vec::with_capacity(reports.len());
        for ((mut report, rows), sums) in reports.into_iter().zip(told.chunks_exact(width)) {
            let sums: Vec<f64> = sums.iter().map(|&x| f64::from(x)).collect();
            let [count, cells, exact, agrees, steps, loss, _] = sums[..] else {
                unreachable!("a summary has seven sums")
            };
            report.loss = loss / rows as f64;
            if !loss.is_finite() {
                return Err(Failure::new(
                    FailureKind::Diverged,
                    format!("the loss became {loss} at step {}", report.step),
                    "Go on from the last good checkpoint with a lower learning_rate, or more warmup_iters.",
                ));
            }
            report.solved = (count > 0.0).then(|| Solved {
                puzzles: count as usize,
                cell_accuracy: cells / count,
                exact_accuracy: exact / count,
                halt_accuracy: agrees / count,
                steps: steps / count,
            });
            finished.push(report);
        }
        Ok(finished)
    }

    fn configure(&mut self, config: &RunConfig) -> Result<(), Failure> {
        may_change(&self.config, config)?;
        if let VariantSpec::Trm(model) = &config.model {
            self.task = PuzzleTask::new(model, &config.train);
        }
        self.learner.configure(&config.train);
        self.config = config.clone();
        Ok(())
    }

    /// Loss per cell, where a depth is a supervision step.
    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        let deepest = depths.iter().copied().max().unwrap_or(1);
        let scores = self.judge(check_depth(deepest)?, max_tokens / self.seq_len()).await?;
        depths
            .iter()
            .map(|&depth| {
                let loss = scores.steps[check_depth(depth)? - 1].loss;
                Ok(DepthLoss {
                    depth,
                    loss,
                    perplexity: loss.exp(),
                    bits_per_char: None,
                    bits_per_byte: None,
                    word_perplexity: None,
                    leaking_loss: None,
                })
            })
            .collect()
    }

    fn generate(&self, _: &GenerateOptions) -> Result<Box<dyn TextStream>, Failure> {
        Err(no_text())
    }

    async fn trace(&self, request: &TraceRequest) -> Result<Trace, Failure> {
        check_depth(request.depth)?;
        self.check(&request.tokens, &request.puzzle_identifiers)?;
        let (model, engine) = (self.learner.answerer(), self.task.engine());
        let mut identifiers: Vec<i32> =
            request.puzzle_identifiers.iter().map(|&id| id as i32).collect();
        identifiers.resize(request.tokens.len(), 0);
        let input = |tokens: Tensor<2, Int>| {
            let rows = identifiers.len();
            let identifiers =
                Tensor::from_data(TensorData::new(identifiers, [rows]), &model.device());
            PuzzleInput { tokens, embedding: model.embedding(identifiers) }
        };
        trace(&model, self.config.model.name(), request, input, |x, start, probe| {
            let mut state = start;
            for step in 1..=request.depth {
                state = engine.think(&model, x, state, |_, _| ());
                probe(step, &state);
            }
        })
        .await
    }

    fn encode(&self, _: &str) -> Result<Vec<u32>, Failure> {
        Err(no_text())
    }

    fn answer_with(&mut self, weights: Weights) -> Result<(), Failure> {
        self.learner.answer_with(weights)
    }

    async fn save(&self, metrics: Value) -> Result<Saved, Failure> {
        Ok(Saved {
            checkpoint: checkpoint::write(self.learner.model(), &self.header(metrics)).await?,
            optimizer: self.learner.memory(self.carry_parts()).await?,
            step: self.learner.step,
        })
    }

    async fn export(&self, metrics: Value) -> Result<Vec<u8>, Failure> {
        checkpoint::write(&self.learner.answerer(), &self.header(metrics)).await
    }

    async fn judge(&self, steps: usize, puzzles: usize) -> Result<PuzzleScores, Failure> {
        let val = &self.data()?.val;
        if val.is_empty() {
            return Err(Failure::new(
                FailureKind::Corpus,
                "no puzzles are kept for validation",
                "Start the run with num_val_puzzles above 0.",
            ));
        }
        let set = val.first(if puzzles == 0 { val.len() } else { puzzles });
        judge(&self.learner.answerer(), &self.task, &set, check_depth(steps)?).await
    }

    async fn solve(&self, request: &SolveRequest) -> Result<Vec<Solution>, Failure> {
        check_depth(request.max_steps)?;
        self.check(&request.inputs, &request.puzzle_identifiers)?;
        solve(&self.learner.answerer(), &self.task, request).await
    }
}
