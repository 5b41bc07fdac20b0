//! The connection to the other ranks. No call waits for one of them without looking whether it
//! failed, died or stayed silent for too long.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use ::mpi::Threading;
use ::mpi::environment::{Universe, processor_name};
use ::mpi::point_to_point::{MatchedReceiveVec, Source};
use ::mpi::topology::{Communicator, SimpleCommunicator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use trm_spec::{Failure, FailureKind};

use super::failure::lost;
use super::peer::Peer;
use super::transport::{InFlight, Tag};
use crate::machine::interrupt::Interrupt;

/// How often other ranks are looked after while waiting.
const LOOK: Duration = Duration::from_millis(100);

/// How long a rank that waits is ready at once, and how long it sleeps then: with more ranks
/// than cores, others need the core.
const READY: Duration = Duration::from_millis(2);
const NAP: Duration = Duration::from_micros(100);
const SLEEP: Duration = Duration::from_millis(2);

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
    /// Whether a lower rank said that it failed: that one prints, for all.
    spoken_for: Cell<bool>,
    /// Messages that were sent and may not have arrived.
    sent: RefCell<Vec<InFlight<Vec<u8>>>>,
    /// The first failure.
    failure: RefCell<Option<Failure>>,
}

/// How far a wait has come.
pub enum Wait {
    Over,
    /// For data that are on their way from this rank or to it.
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
            .ok_or_else(|| lost("MPI is in use already"))?;
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
            spoken_for: Cell::new(false),
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
            return Err(lost("this MPI library cannot be used by a program with threads"));
        }
        link.meet()?;
        Ok(link)
    }

    /// Tells all ranks where each of them runs.
    fn meet(&self) -> Result<(), Failure> {
        let here = Peer::this(processor_name().unwrap_or_else(|_| "unknown".into()));
        self.tell_all(Tag::Peer, &here);
        let mut peers = Vec::new();
        for rank in 0..self.size {
            peers.push(if rank == self.rank { here.clone() } else { self.hear(rank, Tag::Peer)? });
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

    /// All ranks have this step.
    pub fn reached(&self, step: usize) {
        self.step.set(Some(step));
        self.interrupt.reached(step);
    }

    /// All ranks but this one.
    pub fn others(&self) -> impl Iterator<Item = usize> + use<> {
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
    pub fn tell(&self, rank: usize, tag: Tag, value: &impl Serialize) {
        let bytes = serde_json::to_vec(value).expect("messages are plain data");
        let mut sent = self.sent.borrow_mut();
        sent.retain_mut(|message| !message.arrived());
        sent.push(InFlight::bytes(bytes, rank, tag));
    }

    /// Sends a value to all others.
    pub fn tell_all(&self, tag: Tag, value: &impl Serialize) {
        for rank in self.others() {
            self.tell(rank, tag, value);
        }
    }

    /// Waits for a value from a rank, however long it takes: it may be loading or validating.
    ///
    /// # Errors
    /// If a rank failed or died, or the message cannot be read.
    pub fn hear<T: DeserializeOwned>(&self, rank: usize, tag: Tag) -> Result<T, Failure> {
        let mut bytes = None;
        self.wait(None, &mut || {
            bytes = self.take(rank, tag);
            if bytes.is_some() { Wait::Over } else { Wait::Rank(rank) }
        })?;
        let value = serde_json::from_slice(&bytes.unwrap_or_default());
        value.map_err(|error| {
            self.failed(lost(format!("{} sent {tag:?}: {error}", self.name(rank))))
        })
    }

    /// A message from a rank, if one is there.
    pub fn take(&self, rank: usize, tag: Tag) -> Option<Vec<u8>> {
        let process = self.world.process_at_rank(rank as i32);
        let found = process.immediate_matched_probe_with_tag(tag as i32)?;
        Some(found.matched_receive_vec::<u8>().0)
    }

    /// Keeps the first failure, and gives it back.
    pub fn failed(&self, failure: Failure) -> Failure {
        self.failure.borrow_mut().get_or_insert(failure).clone()
    }

    /// Nothing more is received after a failure: receives that were given up are still posted,
    /// and would take the messages of a later exchange.
    ///
    /// # Errors
    /// The first failure, if there was one.
    pub fn check(&self) -> Result<(), Failure> {
        self.failure.borrow().clone().map_or(Ok(()), Err)
    }

    /// Calls `poll` until the wait is over.
    ///
    /// # Errors
    /// If a rank failed or died, or there is a limit and it has passed; now or in an earlier wait.
    pub fn wait(
        &self,
        limit: Option<Duration>,
        poll: &mut dyn FnMut() -> Wait,
    ) -> Result<(), Failure> {
        self.check()?;
        self.wait_until_over(limit, poll).map_err(|failure| self.failed(failure))
    }

    fn wait_until_over(
        &self,
        limit: Option<Duration>,
        poll: &mut dyn FnMut() -> Wait,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut looked = begun;
        loop {
            let now = poll();
            let (Wait::Data(rank) | Wait::Rank(rank)) = now else { return Ok(()) };
            if looked.elapsed() > LOOK {
                looked = Instant::now();
                self.look()?;
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
                Wait::Rank(_) if limit.is_none() && begun.elapsed() > LOOK => {
                    std::thread::sleep(SLEEP);
                }
                Wait::Rank(_) if begun.elapsed() > READY => std::thread::sleep(NAP),
                _ => std::thread::yield_now(),
            }
        }
    }

    /// The failure that another rank has told, if one has.
    fn told(&self) -> Option<Failure> {
        let process = self.world.any_process();
        let found = process.immediate_matched_probe_with_tag(Tag::Failure as i32)?;
        let (bytes, status) = found.matched_receive_vec::<u8>();
        let rank = status.source_rank() as usize;
        self.spoken_for.set(self.spoken_for.get() || rank < self.rank);
        let name = self.name(rank);
        let failure: Failure = serde_json::from_slice(&bytes)
            .unwrap_or_else(|error| lost(format!("stopped: {error}")));
        let message = self.at_step(format!("{name}: {}", failure.message)).message;
        Some(Failure { message, ..failure })
    }

    /// The failure of another rank, if one failed or died.
    fn look(&self) -> Result<(), Failure> {
        if let Some(failure) = self.told() {
            return Err(failure);
        }
        match self.others().find(|rank| self.is_dead(*rank)) {
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
        lost(match self.step.get() {
            Some(step) => format!("{message}; step {step} is the last that all ranks have"),
            None => message,
        })
    }

    /// Tells all others that this rank stops, and leaves some time for that to arrive and for
    /// a lower rank to print it. If rank 0 died, the next prints at once: the launcher soon
    /// ends all. Returns whether it is this rank that prints.
    pub fn leave(&self, failure: &Failure, time: Duration) -> bool {
        let begun = Instant::now();
        let is_next = || self.rank == 1 && self.is_dead(0) && !self.spoken_for.get();
        self.tell_all(Tag::Failure, failure);
        loop {
            while self.told().is_some() {}
            if is_next() || begun.elapsed() >= time {
                return !self.spoken_for.get();
            }
            self.sent.borrow_mut().retain_mut(|message| !message.arrived());
            std::thread::sleep(SLEEP);
        }
    }

    /// Ends MPI together with all other ranks.
    pub fn close(&self) {
        let all_sent = || {
            let mut sent = self.sent.borrow_mut();
            sent.retain_mut(|message| !message.arrived());
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
        // Ending MPI waits for all ranks, and one of them may be gone.
        std::mem::forget(self.universe.take());
    }
}
