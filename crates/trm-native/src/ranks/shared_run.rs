//! A run that several ranks train together, as the first of them has it: it directs the
//! others, and alone evaluates, writes text and saves.

use async_trait::async_trait;
use pollster::block_on;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trm_data::Dataset;
use trm_spec::{
    DepthLoss, Failure, FailureKind, Family, RunConfig, RunSummary, Saved, StepReport, Trace,
};
use trm_train::{AllReduce, Answerer, Classifier, Run, Solver, TraceRequest, Weights, Writer};

/// What the first rank tells the others to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// So many training steps.
    Steps(usize),
    /// To give each other what they have under way.
    Gather,
    /// To go on with other live settings.
    Configure(Box<RunConfig>),
}

impl Order {
    /// Does to `run` what the first rank does to its own.
    ///
    /// # Errors
    /// As of the run.
    pub fn carry_out(&self, run: &mut dyn Run) -> Result<(), Failure> {
        match self {
            Self::Steps(n) => block_on(run.steps(*n)).map(|_| ()),
            Self::Gather => block_on(run.gather()),
            Self::Configure(config) => run.configure(config),
        }
    }
}

/// The other ranks, as the first one reaches them.
pub trait Others {
    /// Gives all of them an order.
    ///
    /// # Errors
    /// If one of them failed.
    fn order(&self, order: &Order) -> Result<(), Failure>;

    /// Waits until the last order is carried out, where that is not known otherwise.
    ///
    /// # Errors
    /// If one of them failed.
    fn wait(&self) -> Result<(), Failure>;

    /// Says that the first rank failed, so that none of them waits for it.
    fn leave(&self, failure: &Failure);

    /// The first rank is about to save.
    ///
    /// # Errors
    /// If one of them failed.
    fn before_saving(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Compares their state with what the first rank is about to keep.
    ///
    /// # Errors
    /// If one of them has another state, or failed.
    fn compare(&self, saved: &Saved) -> Result<(), Failure> {
        let _ = saved;
        Ok(())
    }
}

/// The first rank's run, with the others.
pub struct SharedRun {
    run: Box<dyn Run>,
    others: Box<dyn Others>,
}

impl SharedRun {
    /// `run` has joined the `others`, which have the same state.
    pub fn new(run: Box<dyn Run>, others: impl Others + 'static) -> Self {
        Self { run, others: Box::new(others) }
    }
}

/// The other ranks would not have what the first one gets.
fn only_at_the_start(what: &str) -> Failure {
    Failure::new(
        FailureKind::Config,
        format!("a run that is shared takes no other {what}"),
        "Start another run.",
    )
}

#[async_trait(?Send)]
impl Run for SharedRun {
    fn summary(&self) -> RunSummary {
        self.run.summary()
    }

    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure> {
        self.others.order(&Order::Steps(n))?;
        let reports = self.run.steps(n).await;
        if let Err(failure) = &reports {
            self.others.leave(failure);
        }
        let others = self.others.wait();
        let reports = reports?;
        others.map(|()| reports)
    }

    fn configure(&mut self, config: &RunConfig) -> Result<(), Failure> {
        self.run.configure(config)?;
        self.others.order(&Order::Configure(Box::new(config.clone())))?;
        self.others.wait()
    }

    fn join(&mut self, _: Option<Box<dyn AllReduce>>, _: usize) -> Result<(), Failure> {
        Err(only_at_the_start("ranks"))
    }

    fn attach(&mut self, _: Dataset) -> Result<(), Failure> {
        Err(only_at_the_start("data"))
    }

    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure> {
        self.run.evaluate(depths, max_tokens).await
    }

    async fn trace(&self, request: &TraceRequest) -> Result<Trace, Failure> {
        self.run.trace(request).await
    }

    fn use_weights(&mut self, weights: Weights) -> Result<(), Failure> {
        self.run.use_weights(weights)
    }

    async fn save(&self, metrics: Value) -> Result<Saved, Failure> {
        if self.run.summary().family == Family::Puzzles {
            self.others.order(&Order::Gather)?;
            let gathered = self.run.gather().await;
            if let Err(failure) = &gathered {
                self.others.leave(failure);
            }
            let others = self.others.wait();
            gathered?;
            others?;
        }
        self.others.before_saving()?;
        let saved = self.run.save(metrics).await?;
        self.others.compare(&saved)?;
        Ok(saved)
    }

    async fn export(&self, metrics: Value) -> Result<Vec<u8>, Failure> {
        self.run.export(metrics).await
    }

    fn as_writer(&self) -> Option<&dyn Writer> {
        self.run.as_writer()
    }

    fn as_solver(&self) -> Option<&dyn Solver> {
        self.run.as_solver()
    }

    fn as_classifier(&self) -> Option<&dyn Classifier> {
        self.run.as_classifier()
    }

    fn as_answerer(&self) -> Option<&dyn Answerer> {
        self.run.as_answerer()
    }
}
