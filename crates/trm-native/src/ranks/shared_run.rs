//! A run that several ranks train together, on rank 0: it broadcasts commands to the other
//! ranks, and alone evaluates, writes text and saves.

use async_trait::async_trait;
use pollster::block_on;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trm_data::Dataset;
use trm_spec::{DepthLoss, Failure, FailureKind, RunConfig, RunSummary, Saved, StepReport, Trace};
use trm_train::{Answerer, Classifier, Run, Sharing, Solver, TraceRequest, Weights, Writer};

/// A call that rank 0 makes on its own run and that all other ranks make too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RankCommand {
    /// Train so many steps.
    Step(usize),
    /// Gather the carry of all ranks.
    GatherCarry,
    /// Change live settings.
    Configure(Box<RunConfig>),
}

impl RankCommand {
    /// Makes the call on the `run` of this rank.
    ///
    /// # Errors
    /// Those of the call.
    pub fn execute(&self, run: &mut dyn Run) -> Result<(), Failure> {
        match self {
            Self::Step(n) => block_on(run.steps(*n)).map(|_| ()),
            Self::GatherCarry => block_on(run.gather_carry()),
            Self::Configure(config) => run.configure(config),
        }
    }
}

/// The ranks after 0, as rank 0 reaches them.
pub trait Peers {
    /// Sends a command to all of them.
    ///
    /// # Errors
    /// If one of them failed.
    fn broadcast(&self, command: &RankCommand) -> Result<(), Failure>;

    /// Waits until all have executed the last command, where rank 0 does not learn that from
    /// the collective operations of the command itself.
    ///
    /// # Errors
    /// If one of them failed.
    fn wait(&self) -> Result<(), Failure>;

    /// Reports that rank 0 failed, so that none of them waits for it.
    fn abort(&self, failure: &Failure);

    /// Prepares for a save by rank 0.
    ///
    /// # Errors
    /// If one of them failed.
    fn before_saving(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Compares their state with what rank 0 is about to write.
    ///
    /// # Errors
    /// If one of them has another state, or failed.
    fn compare(&self, saved: &Saved) -> Result<(), Failure> {
        let _ = saved;
        Ok(())
    }
}

/// The run of rank 0, with the other ranks.
pub struct SharedRun {
    run: Box<dyn Run>,
    peers: Box<dyn Peers>,
}

impl SharedRun {
    /// `run` is in one group with the `peers`, which have the same state.
    pub fn new(run: Box<dyn Run>, peers: impl Peers + 'static) -> Self {
        Self { run, peers: Box::new(peers) }
    }

    /// The result of a call that all ranks make: `own` is that of rank 0. If it failed, the
    /// others are aborted before they are waited for: they may be waiting for rank 0.
    fn collective<T>(&self, own: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &own {
            self.peers.abort(failure);
        }
        let peers = self.peers.wait();
        let own = own?;
        peers.map(|()| own)
    }
}

/// Refuses a change that the other ranks would not get.
fn fixed_in_a_group(what: &str) -> Failure {
    Failure::new(
        FailureKind::Config,
        format!("the {what} of a run on several ranks cannot be changed"),
        "Start another run.",
    )
}

#[async_trait(?Send)]
impl Run for SharedRun {
    fn summary(&self) -> RunSummary {
        self.run.summary()
    }

    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure> {
        self.peers.broadcast(&RankCommand::Step(n))?;
        let reports = self.run.steps(n).await;
        self.collective(reports)
    }

    fn configure(&mut self, config: &RunConfig) -> Result<(), Failure> {
        self.run.configure(config)?;
        self.peers.broadcast(&RankCommand::Configure(Box::new(config.clone())))?;
        self.peers.wait()
    }

    fn set_sharing(&mut self, _: Sharing) -> Result<(), Failure> {
        Err(fixed_in_a_group("ranks"))
    }

    fn attach(&mut self, _: Dataset) -> Result<(), Failure> {
        Err(fixed_in_a_group("data"))
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
        self.peers.broadcast(&RankCommand::GatherCarry)?;
        let gathered = self.run.gather_carry().await;
        self.collective(gathered)?;
        self.peers.before_saving()?;
        let saved = self.run.save(metrics).await?;
        self.peers.compare(&saved)?;
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
