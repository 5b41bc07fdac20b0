//! Data-parallel training in one process: a thread and a copy of the run for every
//! device. The first one is the run itself, which alone evaluates, writes text and saves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use burn::tensor::Device;
use pollster::block_on;
use serde_json::Value;
use trm_data::Dataset;
use trm_spec::{Failure, FailureKind, Saved};
use trm_train::{AllReduce, Run, Shard, Sharing, load_on, sum_of_shards};

use crate::inputs::frozen_base::BaseOnDisk;
use crate::ranks::panics::panic_message;
use crate::ranks::shared_run::{Peers, RankCommand, SharedRun};

/// What a replica is made from: one for each further device.
pub struct Replica {
    pub device: Device,
    pub data: Dataset,
}

/// The threads of the further devices.
struct Replicas {
    workers: Vec<Worker>,
    exchange: Arc<Exchange>,
}

struct Worker {
    rank: usize,
    commands: Option<Sender<RankCommand>>,
    /// One for each command, and one for the start.
    results: Receiver<Result<(), Failure>>,
    thread: Option<JoinHandle<()>>,
}

/// Gives `run` copies on other devices. They start from its saved state, so that all
/// have the same weights, moments and step.
///
/// # Errors
/// If the devices cannot share the batches of an update equally, the model cannot be
/// trained so, or a copy cannot be made.
pub fn share(
    mut run: Box<dyn Run>,
    replicas: Vec<Replica>,
    base: Option<&BaseOnDisk>,
) -> Result<SharedRun, Failure> {
    let size = replicas.len() + 1;
    let config = run.summary().config;
    // Burn has one generator for a kind of device, so masks would depend on which thread
    // comes first.
    if size > 1 && config.model.dropout() > 0.0 {
        return Err(Failure::new(
            FailureKind::Config,
            "dropout is drawn from one sequence for all devices of a process, so a run with \
             dropout cannot be shared among them",
            "Set dropout to 0, or train on one device.",
        ));
    }
    let exchange = Arc::new(Exchange::new(size));
    run.set_sharing(Sharing::whole_batches(Rank { rank: 0, exchange: Arc::clone(&exchange) }))?;
    let saved = Arc::new(block_on(run.save(Value::Null))?);
    let base = base.map(|base| Arc::new(base.clone()));
    let workers: Vec<_> = (1..)
        .zip(replicas)
        .map(|(rank, replica)| {
            Worker::start(rank, replica, Arc::clone(&saved), base.clone(), &exchange)
        })
        .collect::<Result<_, _>>()?;
    for worker in &workers {
        worker.result()?;
    }
    Ok(SharedRun::new(run, Replicas { workers, exchange }))
}

impl Peers for Replicas {
    fn broadcast(&self, command: &RankCommand) -> Result<(), Failure> {
        for worker in &self.workers {
            if let Some(commands) = &worker.commands {
                // The result of a thread that ended says why.
                let _ = commands.send(command.clone());
            }
        }
        Ok(())
    }

    fn wait(&self) -> Result<(), Failure> {
        let results: Vec<_> = self.workers.iter().map(Worker::result).collect();
        results.into_iter().collect()
    }

    fn abort(&self, failure: &Failure) {
        self.exchange.abort(failure);
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.commands = None;
        }
        // If the first device panicked, the others are waiting for its batches.
        self.exchange.abort(&device_failure("the first device stopped"));
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

impl Worker {
    fn start(
        rank: usize,
        replica: Replica,
        saved: Arc<Saved>,
        base: Option<Arc<BaseOnDisk>>,
        exchange: &Arc<Exchange>,
    ) -> Result<Self, Failure> {
        let (commands, received) = channel::<RankCommand>();
        let (done, results) = channel();
        let exchange = Arc::clone(exchange);
        let work = move || {
            let work = || {
                let Replica { device, data } = replica;
                let base = base.as_deref().map(BaseOnDisk::file);
                let optimizer = Some(&saved.optimizer[..]);
                let mut run = load_on(&saved.checkpoint, optimizer, Some(data), base, &device)?;
                drop(saved);
                let own = Rank { rank, exchange: Arc::clone(&exchange) };
                run.set_sharing(Sharing::whole_batches(own))?;
                // Without a receiver, rank 0 has ended and needs no result.
                let _ = done.send(Ok(()));
                for command in received {
                    command.execute(run.as_mut())?;
                    let _ = done.send(Ok(()));
                }
                Ok(())
            };
            let ended = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
                let message = panic_message(panic.as_ref());
                Err(device_failure(&format!("device {rank} stopped: {message}")))
            });
            if let Err(failure) = ended {
                exchange.abort(&failure);
                let _ = done.send(Err(failure));
            }
        };
        let thread = std::thread::Builder::new().name(format!("rank {rank}")).spawn(work);
        let thread = thread.map_err(|error| {
            device_failure(&format!("the thread of device {rank} cannot be started: {error}"))
        })?;
        Ok(Self { rank, commands: Some(commands), results, thread: Some(thread) })
    }

    /// Waits for the result of the last command.
    fn result(&self) -> Result<(), Failure> {
        self.results.recv().unwrap_or_else(|_| {
            Err(device_failure(&format!("device {} ended without a result", self.rank)))
        })
    }
}

/// The failure of a device's thread.
fn device_failure(message: &str) -> Failure {
    Failure::new(
        FailureKind::Device,
        message,
        "Resume from the last save; if it happens again, train with fewer devices.",
    )
}

/// One rank's part of the exchange.
struct Rank {
    rank: usize,
    exchange: Arc<Exchange>,
}

#[async_trait(?Send)]
impl AllReduce for Rank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.exchange.size
    }

    async fn all_reduce(&self, own: Vec<Shard>, first: u64) -> Result<Shard, Failure> {
        sum_of_shards(self.exchange.all_gather(own)?, first)
    }
}

/// The memory through which the threads exchange their shards, one round after the other.
struct Exchange {
    size: usize,
    round: Mutex<Round>,
    changed: Condvar,
}

#[derive(Default)]
struct Round {
    /// Rounds that are complete.
    number: u64,
    arrived: usize,
    shards: Vec<Arc<Shard>>,
    /// Those of the last complete round.
    complete: Vec<Arc<Shard>>,
    /// Why no further round will be complete.
    failure: Option<Failure>,
}

impl Exchange {
    fn new(size: usize) -> Self {
        Self { size, round: Mutex::default(), changed: Condvar::new() }
    }

    fn round(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shards of all ranks.
    fn all_gather(&self, own: Vec<Shard>) -> Result<Vec<Arc<Shard>>, Failure> {
        let mut round = self.round();
        if let Some(failure) = &round.failure {
            return Err(failure.clone());
        }
        let number = round.number;
        round.shards.extend(own.into_iter().map(Arc::new));
        round.arrived += 1;
        if round.arrived == self.size {
            round.complete = std::mem::take(&mut round.shards);
            (round.number, round.arrived) = (number + 1, 0);
            self.changed.notify_all();
        }
        while round.number == number {
            if let Some(failure) = &round.failure {
                return Err(failure.clone());
            }
            round = self.changed.wait(round).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(round.complete.clone())
    }

    /// Ends this round and all later ones with the first failure, on all ranks.
    fn abort(&self, failure: &Failure) {
        self.round().failure.get_or_insert_with(|| failure.clone());
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shard(number: u64) -> Shard {
        Shard { number, gradients: vec![number as f32], present: vec![true], metrics: vec![0.0] }
    }

    #[test]
    fn every_rank_gets_the_shards_of_all_in_every_round() {
        let exchange = Exchange::new(3);
        std::thread::scope(|scope| {
            for rank in 0..3_u64 {
                let exchange = &exchange;
                scope.spawn(move || {
                    for round in 0..50 {
                        let all = exchange.all_gather(vec![shard(3 * round + rank)]).expect("all");
                        let mut numbers: Vec<_> = all.iter().map(|shard| shard.number).collect();
                        numbers.sort_unstable();
                        assert_eq!(numbers, [3 * round, 3 * round + 1, 3 * round + 2]);
                    }
                });
            }
        });
    }

    #[test]
    fn the_other_devices_end_with_the_first() {
        let exchange = Arc::new(Exchange::new(2));
        let (gathered, results_of_gather) = channel();
        let thread = std::thread::spawn({
            let exchange = Arc::clone(&exchange);
            move || {
                let _ = gathered.send(exchange.all_gather(vec![shard(1)]));
            }
        });
        while exchange.round().arrived == 0 {
            std::thread::yield_now();
        }
        let ((commands, _), (_, results)) = (channel(), channel());
        let worker = Worker { rank: 1, commands: Some(commands), results, thread: Some(thread) };
        let replicas = Replicas { workers: vec![worker], exchange };
        let (dropped, end) = channel();
        let dropping = std::thread::spawn(move || {
            drop(replicas);
            let _ = dropped.send(());
        });
        end.recv_timeout(Duration::from_secs(30)).expect("the first waits for the others");
        dropping.join().expect("no panic");
        let gathered = results_of_gather.recv().expect("the thread ended");
        let failure = gathered.expect_err("nothing to wait for");
        assert!(failure.message.contains("first device"), "{failure:?}");
    }

    #[test]
    fn a_thread_that_ends_without_a_result_is_named() {
        let ((commands, _), (_, results)) = (channel(), channel());
        let worker = Worker { rank: 2, commands: Some(commands), results, thread: None };
        let failure = worker.result().expect_err("no sender");
        assert_eq!(failure.message, "device 2 ended without a result");
        assert!(failure.hint.contains("last save"), "{failure:?}");
    }

    #[test]
    fn nothing_is_exchanged_after_a_failure() {
        let exchange = Exchange::new(2);
        exchange.abort(&device_failure("device 1 stopped"));
        exchange.abort(&device_failure("the first device stopped"));
        for number in 0..3 {
            let failure = exchange.all_gather(vec![shard(number)]).expect_err("one stopped");
            assert!(failure.message.contains("device 1"), "{failure:?}");
        }
    }

    #[test]
    fn no_rank_waits_for_one_that_stopped() {
        let exchange = Exchange::new(2);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| exchange.all_gather(vec![shard(0)]));
            exchange.abort(&device_failure("device 1 stopped"));
            let failure = waiting.join().expect("no panic").expect_err("nothing to wait for");
            assert!(failure.message.contains("device 1"));
        });
    }
}
