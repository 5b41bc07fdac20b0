//! Rank 0: trains as one process does, and sends commands to the others.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pollster::block_on;
use serde_json::Value;
use trm_spec::{Failure, RunSummary, Saved};
use trm_train::{Run, Sharing, check_ranks};

use super::begin::{Begin, Command, Fingerprint};
use super::exchange::{Exchange, Times};
use super::failure::rank_failure;
use super::link::{Link, Wait};
use super::transport::{InFlight, Tag};
use crate::args;
use crate::commands::train::{prepare_shared, train as train_planned};
use crate::machine::device;
use crate::plan;
use crate::ranks::shared_run::{Peers, RankCommand, SharedRun};
use crate::terminal::report::say;
use crate::training::stop::StopConditions;

/// The other ranks, through the connection to them.
struct Followers(Rc<Link>);

/// Plans, starts or resumes the run and trains it with the others.
///
/// # Errors
/// As of a run in one process, and if another rank differs, fails, dies or sends nothing.
pub fn train(typed: &args::Train, link: &Rc<Link>) -> anyhow::Result<()> {
    let stop = StopConditions::new(link.interrupt.clone(), typed.max_time);
    let devices = [device::open(typed.device)?];
    let plan = plan::train(typed, &devices[0])?;
    check_ranks(&plan.config, link.size(), 1)?;
    let times = Rc::new(Cell::new(Times::default()));
    let mut trainer = prepare_shared(&plan, &devices, link.size(), |run| {
        Ok(Box::new(share(run, &plan, link, &times)?))
    })?;
    train_planned(typed, &plan, &mut trainer, &stop)?;
    link.broadcast(Tag::Command, &Command::Stop);
    let Times { updates, waiting, sending } = times.get();
    if updates > 0 {
        let each = |time: Duration| 1e3 * time.as_secs_f64() / f64::from(updates);
        let (waiting, sending) = (each(waiting), each(sending));
        say!(
            "exchange of gradients: {sending:.2} ms per update, after {waiting:.2} ms of waiting for the slowest rank"
        );
    }
    Ok(())
}

/// Sends the state of the run to the others, which start from it.
fn share(
    mut run: Box<dyn Run>,
    plan: &plan::Train,
    link: &Rc<Link>,
    times: &Rc<Cell<Times>>,
) -> Result<SharedRun, Failure> {
    let own = Exchange { link: Rc::clone(link), times: Rc::clone(times) };
    run.set_sharing(Sharing::whole_batches(own))?;
    let RunSummary { config: decided, vocab, .. } = run.summary();
    let config = plan::as_decided(&plan.config, &decided);
    link.broadcast(Tag::Command, &Begin::new(&config, &plan.data, &vocab)?);
    let saved = block_on(run.save(Value::Null))?;
    let fingerprint = Fingerprint::of(&saved)?;
    let mut sent = Vec::new();
    for file in [saved.checkpoint, saved.optimizer].map(Arc::new) {
        link.broadcast(Tag::State, &file.len());
        for rank in link.other_ranks() {
            sent.push((rank, InFlight::shared(Arc::clone(&file), rank, Tag::State)));
        }
    }
    link.wait(None, &mut || {
        sent.retain_mut(|(_, message)| !message.is_complete());
        sent.first().map_or(Wait::Done, |(rank, _)| Wait::Data(*rank))
    })?;
    let followers = Followers(Rc::clone(link));
    followers.expect(&fingerprint)?;
    Ok(SharedRun::new(run, followers))
}

impl Followers {
    /// Receives the fingerprints of all and compares them with that of rank 0.
    fn expect(&self, fingerprint: &Fingerprint) -> Result<(), Failure> {
        let Self(link) = self;
        for rank in link.other_ranks() {
            let other: Fingerprint = link.recv(rank, Tag::Reply)?;
            if let Some(difference) = other.difference(fingerprint) {
                let hint = "Use machines of one kind: the bits of a sum depend on the processor.";
                let failure = rank_failure(format!("{} {difference}", link.name(rank)));
                return Err(Failure { hint: hint.into(), ..failure });
            }
        }
        Ok(())
    }
}

impl Peers for Followers {
    fn broadcast(&self, command: &RankCommand) -> Result<(), Failure> {
        self.0.check()?;
        self.0.broadcast(Tag::Command, &Command::Execute(command.clone()));
        Ok(())
    }

    /// Rank 0 learns of their failure in the next exchange.
    fn wait(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// The failure of rank 0 ends all processes.
    fn abort(&self, _: &Failure) {}

    fn before_saving(&self) -> Result<(), Failure> {
        self.0.check()?;
        self.0.broadcast(Tag::Command, &Command::Fingerprint);
        Ok(())
    }

    fn compare(&self, saved: &Saved) -> Result<(), Failure> {
        self.expect(&Fingerprint::of(saved)?)
    }
}
