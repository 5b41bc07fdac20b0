//! The exchange of the shards of an update among ranks.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use trm_spec::Failure;
use trm_train::{AllReduce, Shard, sum_of_shards};

use super::failure::rank_failure;
use super::link::{Link, Wait};
use super::transport::{InFlight, Tag};

/// Times of all updates so far, without the rounds before a save.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub updates: u32,
    /// Until the last rank had computed its batches.
    pub waiting: Duration,
    /// From then on.
    pub sending: Duration,
}

/// A rank's part of the exchange.
pub struct Exchange {
    pub link: Rc<Link>,
    pub times: Rc<Cell<Times>>,
}

/// A shard that is being received from another rank.
struct Incoming {
    rank: usize,
    header: Option<Vec<u8>>,
    gradients: InFlight<Vec<f32>>,
}

#[async_trait(?Send)]
impl AllReduce for Exchange {
    fn rank(&self) -> usize {
        self.link.rank()
    }

    fn size(&self) -> usize {
        self.link.size()
    }

    async fn all_reduce(&self, own: Vec<Shard>, first: u64) -> Result<Shard, Failure> {
        sum_of_shards(self.all_gather(own)?, first).map_err(|failure| self.link.failed(failure))
    }
}

impl Exchange {
    /// The shards of all ranks. Every rank has equally many of the same size, so nothing but
    /// shards is sent.
    fn all_gather(&self, own: Vec<Shard>) -> Result<Vec<Arc<Shard>>, Failure> {
        let link = self.link.as_ref();
        link.check()?;
        let begun = Instant::now();
        let mut shards: Vec<_> = own.into_iter().map(Arc::new).collect();
        let Some(first) = shards.first() else { return Ok(shards) };
        let (elements, batches) = (first.gradients.len(), shards.len() * link.size());
        let step = is_update(first).then_some(first.number as usize / batches);
        if let Some(step) = step {
            link.reached(step);
        }

        let mut incoming: Vec<_> = link
            .other_ranks()
            .flat_map(|rank| std::iter::repeat_n(rank, shards.len()))
            .map(|rank| Incoming {
                rank,
                header: None,
                gradients: InFlight::receive(elements, rank, Tag::Gradients),
            })
            .collect();
        let interrupted = link.interrupt.requested();
        let (mut headers, mut gradients) = (Vec::new(), Vec::new());
        for shard in &shards {
            for rank in link.other_ranks() {
                let header = header(shard, interrupted);
                headers.push((rank, InFlight::bytes(header, rank, Tag::Header)));
                gradients.push((rank, InFlight::gradients(Arc::clone(shard), rank)));
            }
        }
        let mut all_there = None;
        link.wait(Some(link.limit), &mut || {
            headers.retain_mut(|(_, message)| !message.is_complete());
            gradients.retain_mut(|(_, message)| !message.is_complete());
            let (mut moving, mut missing) = (None, None);
            for shard in &mut incoming {
                // A rank's messages arrive in the order in which they were sent.
                if shard.header.is_none() && missing != Some(shard.rank) {
                    shard.header = link.try_recv(shard.rank, Tag::Header);
                }
                if shard.header.is_none() {
                    missing = missing.or(Some(shard.rank));
                } else if !shard.gradients.is_complete() {
                    moving = Some(shard.rank);
                }
            }
            if missing.is_none() {
                all_there.get_or_insert_with(Instant::now);
                moving = moving
                    .or(headers.first().map(|(rank, _)| *rank))
                    .or(gradients.first().map(|(rank, _)| *rank));
            }
            match (moving, missing) {
                (Some(rank), _) => Wait::Data(rank),
                (None, Some(rank)) => Wait::Rank(rank),
                (None, None) => Wait::Done,
            }
        })?;
        for Incoming { rank, header, gradients } in incoming {
            let whole = header.as_deref().zip(gradients.buffer());
            let (shard, interrupted) =
                whole.and_then(|(header, gradients)| read(header, gradients)).ok_or_else(|| {
                    link.failed(rank_failure(format!("{} sent a damaged shard", link.name(rank))))
                })?;
            if interrupted && link.rank() == 0 {
                link.interrupt.pass_on();
            }
            shards.push(Arc::new(shard));
        }
        if let Some(step) = step {
            link.reached(step + 1);
            let (arrived, mut times) = (all_there.unwrap_or(begun), self.times.get());
            times.updates += 1;
            times.waiting += arrived - begun;
            times.sending += arrived.elapsed();
            self.times.set(times);
        }
        Ok(shards)
    }
}

/// Whether a shard is of an update. The shards in which ranks gather the carry before a save have
/// no metrics.
fn is_update(shard: &Shard) -> bool {
    !shard.metrics.is_empty()
}

/// All of a shard but its gradients: number, whether this rank was interrupted, metrics with
/// their count, and presence; little endian.
fn header(shard: &Shard, interrupted: bool) -> Vec<u8> {
    let mut bytes = shard.number.to_le_bytes().to_vec();
    bytes.push(interrupted.into());
    bytes.extend((shard.metrics.len() as u32).to_le_bytes());
    bytes.extend(shard.metrics.iter().flat_map(|metric| metric.to_le_bytes()));
    bytes.extend(shard.present.iter().map(|&present| u8::from(present)));
    bytes
}

/// The reverse of [`header`].
fn read(bytes: &[u8], gradients: Vec<f32>) -> Option<(Shard, bool)> {
    let (number, bytes) = bytes.split_first_chunk()?;
    let ([interrupted], bytes) = bytes.split_first_chunk()?;
    let (count, bytes) = bytes.split_first_chunk()?;
    let (metrics, present) = bytes.split_at_checked(4 * u32::from_le_bytes(*count) as usize)?;
    let (metrics, _) = metrics.as_chunks();
    let shard = Shard {
        number: u64::from_le_bytes(*number),
        gradients,
        present: present.iter().map(|&present| present != 0).collect(),
        metrics: metrics.iter().map(|metric| f32::from_le_bytes(*metric)).collect(),
    };
    Some((shard, *interrupted != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_before_a_save_are_no_updates() {
        let shard = |metrics| Shard { number: 1, gradients: vec![0.5], present: vec![], metrics };
        assert!(is_update(&shard(vec![1.5])));
        assert!(!is_update(&shard(vec![])));
    }

    #[test]
    fn a_shard_arrives_as_it_was_sent() {
        let shard = Shard {
            number: 1 << 40,
            gradients: vec![0.5, -0.0],
            present: vec![true, false, true],
            metrics: vec![1.5, f32::MIN_POSITIVE],
        };
        for interrupted in [false, true] {
            let bytes = header(&shard, interrupted);
            let arrived = read(&bytes, shard.gradients.clone()).expect("whole");
            assert_eq!(arrived, (shard.clone(), interrupted));
            for end in 0..13 + 8 {
                assert!(read(&bytes[..end], vec![]).is_none(), "{end} bytes");
            }
        }
    }
}
