//! The connection to the other ranks. Every call that waits for one of them also checks whether it
//! failed, died or sent nothing for too long.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use ::mpi::Threading;
use ::mpi::environment::{Universe, processor_name};
use ::mpi::point_to_point::{MatchedReceiveVec, Source};
use ::mpi::topology::{Communicator, SimpleCommunicator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use trm_spec::{Failure, FailureKind};

use super::failure::rank_failure;
use super::peer::Peer;
use super::transport::{InFlight, Tag};
use crate::machine::interrupt::Interrupt;

/// Time between two checks of the other ranks while waiting.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// How long a rank that waits polls without sleeping, and how long it sleeps between two polls
/// then: with more ranks than cores, others need the core.
const SPIN: Duration = Duration::from_millis(2);
const SHORT_SLEEP: Duration = Duration::from_micros(100);
const LONG_SLEEP: Duration = Duration::from_millis(2);

/// The connection to the other ranks.
pub struct Link {
    /// Ends MPI when it is dropped, for which all ranks are needed.
    universe: RefCell<Option<Universe>>,
    world: SimpleCommunicator,
    rank: usize,
    size: usize,
    /// Longest time to wait for the batches of another rank.
    pub limit: Duration,
    pub interrupt: Interrupt,
    peers: RefCell<Vec<Peer>>,
    /// The last step that all ranks have, once training began.
    step: Cell<Option<usize>>,
    /// Whether a lower rank has sent its failure: it prints, and no higher rank does.
    lower_rank_failed: Cell<bool>,
    /// Sends that may not be complete.
    sent: RefCell<Vec<InFlight<Vec<u8>>>>,
    /// The first failure.
    failure: RefCell<Option<Failure>>,
}

/// The state of a wait.
pub enum Wait {
    Done,
    /// For data that are being transferred from this rank or to it.
    Data(usize),
    /// For this rank to send something.
    Rank(usize),
}

impl Link {
    /// Joins the `processes` that were started together.
    ///
    /// # Errors
    /// If MPI cannot be used, or it sees another number of them.
    pub fn open(processes: usize, limit: Duration, interrupt: Interrupt) -> Result<Self, Failure> {
        let (universe, threads) = ::mpi::initialize_with_threading(Threading::Funneled)
            .ok_or_else(|| rank_failure("MPI is in use already"))?;
        let world = universe.world();
        let (rank, size) = (world.rank() as usize, world.size() as usize);
        let link = Self {
            universe: RefCell::new(Some(universe)),
            world,
            rank,
            size,
            limit,
            interrupt,
            peers: RefCell::default(),
            step: Cell::new(None),
            lower_rank_failed: Cell::new(false),
            sent: RefCell::default(),
            failure: RefCell::default(),
        };
        if size != processes {
            return Err(Failure::new(
                FailureKind::Config,
                format!("{processes} processes were started together, but MPI sees {size}"),
                "Start them with the `mpirun` of the MPI library that this program was built \
                 with, or with `srun --mpi=pmix`.",
            ));
        }
        if threads < Threading::Funneled {
            return Err(rank_failure("this MPI library cannot be used by a program with threads"));
        }
        link.exchange_peers()?;
        Ok(link)
    }

    /// Tells all ranks where each of them runs.
    fn exchange_peers(&self) -> Result<(), Failure> {
        let here = Peer::this(processor_name().unwrap_or_else(|_| "unknown".into()));
        self.broadcast(Tag::Peer, &here);
        let mut peers = Vec::new();
        for rank in 0..self.size {
            peers.push(if rank == self.rank { here.clone() } else { self.recv(rank, Tag::Peer)? });
        }
        self.peers.replace(peers);
        Ok(())
    }

    /// The number of this rank.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of ranks.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Records that all ranks have made this step.
    pub fn reached(&self, step: usize) {
        self.step.set(Some(step));
        self.interrupt.reached(step);
    }

    /// All ranks but this one.
    pub fn other_ranks(&self) -> impl Iterator<Item = usize> + use<> {
        let this = self.rank;
        (0..self.size).filter(move |rank| *rank != this)
    }

    /// A rank with its machine, where several are in use.
    pub fn name(&self, rank: usize) -> String {
        let peers = self.peers.borrow();
        match peers.get(rank) {
            Some(peer) if peers.iter().any(|other| other.host != peer.host) => {
                format!("rank {rank} on {}", peer.host)
            }
            _ => format!("rank {rank}"),
        }
    }

    /// Sends a value to a rank.
    pub fn send(&self, rank: usize, tag: Tag, value: &impl Serialize) {
        let bytes = serde_json::to_vec(value).expect("messages are plain data");
        let mut sent = self.sent.borrow_mut();
        sent.retain_mut(|message| !message.is_complete());
        sent.push(InFlight::bytes(bytes, rank, tag));
    }

    /// Sends a value to all others.
    pub fn broadcast(&self, tag: Tag, value: &impl Serialize) {
        for rank in self.other_ranks() {
            self.send(rank, tag, value);
        }
    }

    /// Receives a value from a rank, without a time limit: it may be loading or validating.
    ///
    /// # Errors
    /// If a rank failed or died, or the message cannot be read.
    pub fn recv<T: DeserializeOwned>(&self, rank: usize, tag: Tag) -> Result<T, Failure> {
        let mut bytes = None;
        self.wait(None, &mut || {
            bytes = self.try_recv(rank, tag);
            if bytes.is_some() { Wait::Done } else { Wait::Rank(rank) }
        })?;
        let value = serde_json::from_slice(&bytes.unwrap_or_default());
        value.map_err(|error| {
            self.failed(rank_failure(format!(
                "{} sent an invalid message ({tag:?}): {error}",
                self.name(rank)
            )))
        })
    }

    /// Receives a message from a rank, if one has arrived.
    pub fn try_recv(&self, rank: usize, tag: Tag) -> Option<Vec<u8>> {
        let process = self.world.process_at_rank(rank as i32);
        let found = process.immediate_matched_probe_with_tag(tag as i32)?;
        Some(found.matched_receive_vec::<u8>().0)
    }

    /// Keeps the first failure, and returns it.
    pub fn failed(&self, failure: Failure) -> Failure {
        self.failure.borrow_mut().get_or_insert(failure).clone()
    }

    /// Nothing more is received after a failure: receives that were abandoned are still posted,
    /// and would match the messages of a later exchange.
    ///
    /// # Errors
    /// The first failure, if there was one.
    pub fn check(&self) -> Result<(), Failure> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    /// Calls `poll` until the wait is done.
    ///
    /// # Errors
    /// If a rank failed or died, or there is a limit and it has passed; now or in an earlier wait.
    pub fn wait(
        &self,
        limit: Option<Duration>,
        poll: &mut dyn FnMut() -> Wait,
    ) -> Result<(), Failure> {
        self.check()?;
        self.poll_until_done(limit, poll).map_err(|failure| self.failed(failure))
    }

    fn poll_until_done(
        &self,
        limit: Option<Duration>,
        poll: &mut dyn FnMut() -> Wait,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut checked = begun;
        loop {
            let now = poll();
            let (Wait::Data(rank) | Wait::Rank(rank)) = now else { return Ok(()) };
            if checked.elapsed() > CHECK_INTERVAL {
                checked = Instant::now();
                self.check_other_ranks()?;
                if limit.is_some_and(|limit| begun.elapsed() > limit) {
                    let (name, seconds) = (self.name(rank), begun.elapsed().as_secs_f64());
                    let failure =
                        self.at_step(format!("{name} has sent nothing for {seconds:.0} s"));
                    let hint = format!("{} A higher --rank-timeout waits longer.", failure.hint);
                    return Err(Failure { hint, ..failure });
                }
            }
            match now {
                // In an exchange the others are about to send.
                Wait::Rank(_) if limit.is_none() && begun.elapsed() > CHECK_INTERVAL => {
                    std::thread::sleep(LONG_SLEEP);
                }
                Wait::Rank(_) if begun.elapsed() > SPIN => std::thread::sleep(SHORT_SLEEP),
                _ => std::thread::yield_now(),
            }
        }
    }

    /// Receives the failure of another rank, if one has sent it.
    fn try_recv_failure(&self) -> Option<Failure> {
        let process = self.world.any_process();
        let found = process.immediate_matched_probe_with_tag(Tag::Failure as i32)?;
        let (bytes, status) = found.matched_receive_vec::<u8>();
        let rank = status.source_rank() as usize;
        self.lower_rank_failed.set(self.lower_rank_failed.get() || rank < self.rank);
        let name = self.name(rank);
        let failure: Failure = serde_json::from_slice(&bytes)
            .unwrap_or_else(|error| rank_failure(format!("stopped: {error}")));
        let message = self.at_step(format!("{name}: {}", failure.message)).message;
        Some(Failure { message, ..failure })
    }

    /// Checks that no other rank failed or died.
    ///
    /// # Errors
    /// The failure of the first one that did.
    fn check_other_ranks(&self) -> Result<(), Failure> {
        if let Some(failure) = self.try_recv_failure() {
            return Err(failure);
        }
        match self.other_ranks().find(|rank| self.is_dead(*rank)) {
            Some(rank) => Err(self.at_step(format!("{} has died", self.name(rank)))),
            None => Ok(()),
        }
    }

    /// Whether a rank is known to be dead.
    fn is_dead(&self, rank: usize) -> bool {
        let peers = self.peers.borrow();
        peers.get(rank).zip(peers.get(self.rank)).is_some_and(|(peer, here)| peer.is_dead(here))
    }

    /// A failure with the last step that all ranks have.
    fn at_step(&self, message: String) -> Failure {
        rank_failure(match self.step.get() {
            Some(step) => format!("{message}; step {step} is the last that all ranks have"),
            None => message,
        })
    }

    /// Sends the failure of this rank to all others, and waits for `time` so that it can arrive
    /// and a lower rank can print it. If rank 0 died, rank 1 prints at once: the launcher soon
    /// ends all. Returns whether this rank is the one that prints.
    pub fn broadcast_failure(&self, failure: &Failure, time: Duration) -> bool {
        let begun = Instant::now();
        let is_next = || self.rank == 1 && self.is_dead(0) && !self.lower_rank_failed.get();
        self.broadcast(Tag::Failure, failure);
        loop {
            while self.try_recv_failure().is_some() {}
            if is_next() || begun.elapsed() >= time {
                return !self.lower_rank_failed.get();
            }
            self.sent.borrow_mut().retain_mut(|message| !message.is_complete());
            std::thread::sleep(LONG_SLEEP);
        }
    }

    /// Ends MPI together with all other ranks.
    pub fn close(&self) {
        let all_sent = || {
            let mut sent = self.sent.borrow_mut();
            sent.retain_mut(|message| !message.is_complete());
            sent.is_empty()
        };
        while !all_sent() {
            std::thread::yield_now();
        }
        self.universe.replace(None);
    }

    /// Ends all processes; the launcher returns `code`.
    pub fn abort(&self, code: u8) -> ! {
        self.world.abort(code.into())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Ending MPI waits for all ranks, and one of them may have ended.
        std::mem::forget(self.universe.take());
    }
}
