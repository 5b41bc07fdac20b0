//! How sessions in several workers share the batches of an update: through an object of
//! the worker, which sends arrays to the others and receives theirs.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use js_sys::{Array, Float32Array};
use trm_spec::{Failure, FailureKind};
use trm_train::{AllReduce, Shard, sum_of_shards};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The connection of a session to the others of its group.
    #[derive(Clone)]
    pub type Exchange;

    /// Sends an array to each of the other sessions, in their order, and resolves to theirs.
    /// Rejects with a `Failure` when one of them stopped.
    #[wasm_bindgen(method, catch)]
    async fn swap(this: &Exchange, own: Array) -> Result<JsValue, JsValue>;
}

/// One session of a group.
pub struct Rank {
    pub rank: usize,
    pub size: usize,
    pub exchange: Exchange,
}

#[async_trait(?Send)]
impl AllReduce for Rank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    /// Every session adds up one slice of the gradients and sends the sum to the others, so
    /// that an update moves each number twice, however many sessions there are.
    async fn all_reduce(&self, own: Vec<Shard>, first: u64) -> Result<Shard, Failure> {
        let length = own.first().map_or(0, |shard| shard.gradients.len());
        let slices = self.swap(|rank| write(&own, self.slice(length, rank))).await?;
        let mut all = read(&write(&own, self.slice(length, self.rank))).ok_or_else(unreadable)?;
        for slice in slices {
            all.extend(read(&slice).ok_or_else(unreadable)?);
        }
        let mut total = sum_of_shards(all.into_iter().map(Arc::new).collect(), first)?;
        let own = std::mem::take(&mut total.gradients);
        let mut sums = self.swap(|_| own.clone()).await?;
        sums.insert(self.rank, own);
        total.gradients = sums.concat();
        if total.gradients.len() == length { Ok(total) } else { Err(unreadable()) }
    }
}

impl Rank {
    /// The gradients that session `rank` adds up.
    fn slice(&self, length: usize, rank: usize) -> Range<usize> {
        // Of 32 bits, a product of the two could be too large.
        let each = length.div_ceil(self.size);
        (each * rank).min(length)..(each * (rank + 1)).min(length)
    }

    /// Sends `own` of its number to every other session, and receives theirs, in their order.
    async fn swap(&self, own: impl Fn(usize) -> Vec<f32>) -> Result<Vec<Vec<f32>>, Failure> {
        let others = (0..self.size).filter(|&rank| rank != self.rank);
        let sent: Array = others.map(|rank| Float32Array::from(&own(rank)[..])).collect();
        let received = self.exchange.swap(sent).await.map_err(stopped)?;
        let received = Array::from(&received);
        let numbers = |array: JsValue| array.dyn_into::<Float32Array>().map(|array| array.to_vec());
        received.iter().map(numbers).collect::<Result<_, _>>().map_err(|_| unreadable())
    }
}

/// Numbers before the values of a shard: its own in two halves, and three lengths. They
/// are integers in the bits of floats, which no copy of an array changes.
const HEAD: usize = 5;

/// Shards with a slice of their gradients.
fn write(shards: &[Shard], slice: Range<usize>) -> Vec<f32> {
    let length = |s: &Shard| HEAD + slice.len() + s.present.len() + s.metrics.len();
    let mut numbers = Vec::with_capacity(shards.iter().map(length).sum());
    for shard in shards {
        let Shard { number, gradients, present, metrics } = shard;
        let gradients = &gradients[slice.clone()];
        let lengths = [gradients.len(), present.len(), metrics.len()].map(|length| length as u32);
        let [number, above] = [*number as u32, (*number >> 32) as u32];
        let [gradient, parameter, metric] = lengths;
        let head: [u32; HEAD] = [number, above, gradient, parameter, metric];
        numbers.extend(head.map(f32::from_bits));
        numbers.extend_from_slice(gradients);
        numbers.extend(present.iter().map(|&present| f32::from(u8::from(present))));
        numbers.extend_from_slice(metrics);
    }
    numbers
}

/// `None` where `write` has not written them.
fn read(mut numbers: &[f32]) -> Option<Vec<Shard>> {
    let mut shards = Vec::new();
    while !numbers.is_empty() {
        let head;
        (head, numbers) = numbers.split_first_chunk::<HEAD>()?;
        let [number, above, gradients, present, metrics] = head.map(f32::to_bits);
        let mut take = |length: u32| {
            let values;
            (values, numbers) = numbers.split_at_checked(length as usize)?;
            Some(values)
        };
        shards.push(Shard {
            number: u64::from(above) << 32 | u64::from(number),
            gradients: take(gradients)?.to_vec(),
            present: take(present)?.iter().map(|&present| present != 0.0).collect(),
            metrics: take(metrics)?.to_vec(),
        });
    }
    Some(shards)
}

fn stopped(reason: JsValue) -> Failure {
    serde_wasm_bindgen::from_value(reason).unwrap_or_else(|_| {
        Failure::new(
            FailureKind::Device,
            "another session of the group stopped",
            "Train on one core.",
        )
    })
}

fn unreadable() -> Failure {
    Failure::new(
        FailureKind::Protocol,
        "another session of the group sent data that are not gradients",
        "Reload the page; its files may come from different versions.",
    )
}

/// A session that is to share its batches, and has no connection to a group.
pub fn not_connected() -> Failure {
    Failure::new(
        FailureKind::Protocol,
        "the session is not connected to other sessions",
        "Train on one core.",
    )
}
