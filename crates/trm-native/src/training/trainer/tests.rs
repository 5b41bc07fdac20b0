//! When a run validates and saves, with a run that computes nothing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use async_trait::async_trait;
use safetensors::tensor::TensorView;
use serde_json::Value;
use trm_data::Dataset;
use trm_spec::{DepthLoss, Trace};
use trm_train::{Answerer, Classifier, Sharing, Solver, TraceRequest, Weights, Writer, checkpoint};

use super::*;
use crate::machine::interrupt::Interrupt;

/// Steps of the run, and between two validations.
const STEPS: usize = 6;
const INTERVAL: usize = 3;

/// What a run was asked for.
#[derive(Default)]
struct Seen {
    /// Steps at which it was validated.
    validated: RefCell<Vec<usize>>,
    /// Steps at which it was saved, with the step of the last validation in the file.
    saved: RefCell<Vec<(usize, Option<u64>)>>,
    /// The loss of every validation.
    loss: Cell<f64>,
}

/// A run that asks to be stopped after step `last`, as Ctrl-C would.
struct Stub {
    step: usize,
    last: usize,
    interrupt: Interrupt,
    seen: Rc<Seen>,
}

fn config() -> RunConfig {
    let mut config = RunConfig::default();
    config.train.max_iters = STEPS;
    config.train.eval_interval = INTERVAL;
    config.train.save_interval = 0;
    config.train.sample_interval = 0;
    config
}

/// A file that says it is of `step`.
fn file_of(step: usize) -> Vec<u8> {
    let metadata = HashMap::from([("step".to_owned(), step.to_string())]);
    safetensors::serialize(Vec::<(String, TensorView<'_>)>::new(), Some(metadata))
        .expect("an empty file is writable")
}

#[async_trait(?Send)]
impl Run for Stub {
    fn summary(&self) -> RunSummary {
        let config = config();
        RunSummary {
            family: config.model.family(),
            vocab: Vocab::Byte,
            parameters: 1,
            step: self.step,
            trainable: true,
            train_tokens: 100,
            val_tokens: 10,
            chance_loss: 1.0,
            tokens_per_step: config.tokens_per_step(),
            training_flops_per_token: 1.0,
            config,
        }
    }

    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure> {
        let end = STEPS.min(self.step + n);
        let reports = (self.step..end).map(|step| StepReport::new(step + 1, 0.1, 1)).collect();
        self.step = end;
        if self.step >= self.last {
            self.interrupt.pass_on();
        }
        Ok(reports)
    }

    fn configure(&mut self, _: &RunConfig) -> Result<(), Failure> {
        Ok(())
    }

    fn set_sharing(&mut self, _: Sharing) -> Result<(), Failure> {
        Ok(())
    }

    fn attach(&mut self, _: Dataset) -> Result<(), Failure> {
        Ok(())
    }

    async fn evaluate(&self, depths: &[usize], _: usize) -> Result<Vec<DepthLoss>, Failure> {
        self.seen.validated.borrow_mut().push(self.step);
        let loss = self.seen.loss.get();
        Ok(depths.iter().map(|&depth| DepthLoss::of(depth, loss)).collect())
    }

    async fn trace(&self, _: &TraceRequest) -> Result<Trace, Failure> {
        unreachable!("training traces nothing")
    }

    fn use_weights(&mut self, _: Weights) -> Result<(), Failure> {
        Ok(())
    }

    async fn save(&self, metrics: Value) -> Result<Saved, Failure> {
        self.seen.saved.borrow_mut().push((self.step, metrics["val_step"].as_u64()));
        let [checkpoint, optimizer] = [file_of(self.step), file_of(self.step)];
        Ok(Saved { checkpoint, optimizer, step: self.step })
    }

    async fn export(&self, _: Value) -> Result<Vec<u8>, Failure> {
        Ok(file_of(self.step))
    }

    fn as_writer(&self) -> Option<&dyn Writer> {
        None
    }

    fn as_solver(&self) -> Option<&dyn Solver> {
        None
    }

    fn as_classifier(&self) -> Option<&dyn Classifier> {
        None
    }

    fn as_answerer(&self) -> Option<&dyn Answerer> {
        None
    }
}

/// Trains the run in `folder` from its last saved step, with the metrics from there on; Ctrl-C is
/// pressed in step `last`. Gives the metrics at the end.
fn trained(
    folder: &Path,
    resumed: Option<RunMetrics>,
    last: usize,
    seen: &Rc<Seen>,
) -> anyhow::Result<(TrainingEnd, RunMetrics)> {
    let interrupt = Interrupt::default();
    let (dir, step) = match resumed {
        None => (RunDir::create(folder, &[])?, 0),
        Some(_) => {
            let (dir, saved) = RunDir::open(folder)?;
            (dir, checkpoint::saved_step(&saved.checkpoint).expect("a step"))
        }
    };
    if step >= last {
        interrupt.pass_on();
    }
    let log = MetricsLog::resume(&dir, step)?;
    let run = Stub { step, last, interrupt: interrupt.clone(), seen: Rc::clone(seen) };
    let summary = run.summary();
    let mut trainer = Trainer::new(Box::new(run), summary, "stub", dir, log, resumed);
    let end = trainer.run(&StopConditions::new(interrupt, None))?;
    Ok((end, trainer.metrics.clone()))
}

fn interrupted() -> TrainingEnd {
    TrainingEnd::Stopped(StopReason::Interrupted)
}

#[test]
fn a_run_that_is_stopped_saves_at_once_and_validates_on_resuming() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let folder = place.path().join("run");
    let seen = Rc::<Seen>::default();
    let (end, metrics) = trained(&folder, None, INTERVAL, &seen).expect("saved");
    assert_eq!((end, metrics.val_step), (interrupted(), None));
    assert_eq!(*seen.saved.borrow(), [(0, None), (INTERVAL, None)]);
    // Stopped again before anything is done.
    let (end, metrics) = trained(&folder, Some(metrics), INTERVAL, &seen).expect("saved");
    assert_eq!((end, metrics.val_step), (interrupted(), None));
    assert!(seen.validated.borrow().is_empty(), "{:?}", seen.validated);

    seen.saved.take();
    let (end, metrics) = trained(&folder, Some(metrics), STEPS + 1, &seen).expect("finished");
    assert_eq!((end, metrics.val_step), (TrainingEnd::Finished, Some(STEPS)));
    assert_eq!(*seen.validated.borrow(), [INTERVAL, STEPS]);
    let both = [INTERVAL, STEPS].map(|step| (step, Some(step as u64)));
    assert_eq!(*seen.saved.borrow(), both, "with the validation");
}

#[test]
fn the_last_step_is_validated_also_when_the_run_is_stopped_in_it() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let seen = Rc::<Seen>::default();
    let (end, metrics) = trained(&place.path().join("run"), None, STEPS, &seen).expect("finished");
    assert_eq!((end, metrics.val_step), (TrainingEnd::Finished, Some(STEPS)));
    assert_eq!(*seen.validated.borrow(), [INTERVAL, STEPS]);
}

#[test]
fn a_validation_that_is_no_number_overwrites_nothing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let folder = place.path().join("run");
    let seen = Rc::<Seen>::default();
    let (_, metrics) = trained(&folder, None, INTERVAL, &seen).expect("saved");
    seen.loss.set(f64::NAN);
    seen.saved.take();
    let error = trained(&folder, Some(metrics), STEPS + 1, &seen).expect_err("diverged");
    let failure = error.downcast_ref::<Failure>().expect("a failure");
    assert_eq!(failure.kind, FailureKind::Diverged);
    assert!(seen.saved.borrow().is_empty(), "{:?}", seen.saved);
}
