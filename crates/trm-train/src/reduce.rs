//! Data-parallel training: the batches of an update are shared out among ranks, each of
//! which holds the whole model.
//!
//! The unit is a shard: one of the `gradient_accumulation_steps` batches of an update, or
//! one of the parts into which each of them is cut, addressed by its number. Every rank
//! computes the gradients of some shards, gets those of all others, and sums them in the order of
//! their numbers. So an update depends on
//! the number of shards and never on how many ranks computed them: weights and losses
//! are equal bit by bit, also to those of a single device.

use std::sync::Arc;

use async_trait::async_trait;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use trm_spec::{Failure, FailureKind, Family, RunConfig};

use crate::parameters::flat;
use crate::transfer::host;

/// Gradients of one shard of an update, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    /// The number of the shard in the run.
    pub number: u64,
    /// Gradients of all trained parameters in the order of the model's fields, each
    /// row-major; zeros where there is none.
    pub gradients: Vec<f32>,
    /// Whether each parameter has a gradient.
    pub present: Vec<bool>,
    /// What the step's report is made of.
    pub metrics: Vec<f32>,
}

/// How ranks exchange their shards: the collective operation, and this rank's place in the group.
#[async_trait(?Send)]
pub trait AllReduce {
    /// The number of this rank, from 0.
    fn rank(&self) -> usize;

    /// The number of ranks.
    fn size(&self) -> usize;

    /// Sends this rank's shards of an update to the others, and returns the [`sum`] of those of
    /// all ranks, whose first has the number `first`.
    ///
    /// # Errors
    /// If another rank stopped, or is at another step. From then on every call fails, so that a
    /// caller can first report the steps made before and fail in the next call.
    async fn all_reduce(&self, own: Vec<Shard>, first: u64) -> Result<Shard, Failure>;
}

/// Who computes the batches of an update, and in how many parts.
pub enum Sharing {
    /// This run computes all of them.
    Alone {
        /// Equal parts into which every batch is cut; 1 leaves it whole.
        parts: usize,
    },
    /// The ranks of a group, each of which computes equally many parts. They hold the same run
    /// at the same step and make the same calls of [`Run::steps`](crate::Run::steps).
    Group {
        /// This run's place in the group.
        ranks: Box<dyn AllReduce>,
        /// Equal parts into which every batch is cut; 1 leaves it whole.
        parts: usize,
    },
}

impl Sharing {
    /// Whole batches, shared among the ranks of a group.
    pub fn whole_batches(ranks: impl AllReduce + 'static) -> Self {
        Self::Group { ranks: Box::new(ranks), parts: 1 }
    }
}

/// What came of an update that ranks compute together.
pub(crate) enum SharedUpdate<G> {
    /// The gradients of all ranks.
    Ready(G),
    /// Another rank stopped, so that there is no update.
    RankStopped(Failure),
}

/// Whether the batches of an update, each cut into `parts`, can be shared out equally among
/// `ranks`.
///
/// # Errors
/// If the parts would not have the same number of rows, there are more ranks than parts,
/// or some rank would have more of them than another.
pub fn check_ranks(config: &RunConfig, ranks: usize, parts: usize) -> Result<(), Failure> {
    if ranks <= 1 && parts == 1 {
        return Ok(());
    }
    if config.model.family() == Family::Questions && parts != 1 {
        return Err(Failure::new(
            FailureKind::Config,
            "a batch of questions is not cut into parts: its rows have different lengths",
            "Set gradient_accumulation_steps to the number of devices.",
        ));
    }
    let rows = config.train.batch_size;
    if parts == 0 || !rows.is_multiple_of(parts) {
        return Err(Failure::new(
            FailureKind::Config,
            format!("a batch of {rows} rows cannot be cut into {parts} equal parts"),
            "Set batch_size to a multiple of that, or train on fewer cores.",
        ));
    }
    let shards = config.train.gradient_accumulation_steps * parts;
    if shards.is_multiple_of(ranks) {
        return Ok(());
    }
    let batches = if shards == 1 { "one batch".into() } else { format!("{shards} batches") };
    Err(Failure::new(
        FailureKind::Config,
        format!("an update has {batches}, which {ranks} devices cannot share equally"),
        format!(
            "Set gradient_accumulation_steps to a multiple of {ranks} (and batch_size lower by \
             the same factor, so that an update sees as many examples as before), or use fewer \
             devices."
        ),
    ))
}

/// Gradients of the parameters of `model` as a shard.
///
/// # Errors
/// If the device is lost.
pub(crate) async fn flatten<M: Module>(
    model: &M,
    grads: &GradientsParams,
    number: u64,
    metrics: Tensor<1>,
) -> Result<Shard, Failure> {
    struct Flatten<'a> {
        grads: &'a GradientsParams,
        flat: Vec<Tensor<1>>,
        present: Vec<bool>,
    }
    impl ModuleVisitor for Flatten<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            if !tensor.is_require_grad() {
                return;
            }
            let grad = self.grads.get::<D>(param.id);
            self.present.push(grad.is_some());
            self.flat.push(flat(grad.unwrap_or_else(|| tensor.without_autodiff().zeros_like())));
        }
    }
    let mut visitor = Flatten { grads, flat: Vec::new(), present: Vec::new() };
    model.visit(&mut visitor);
    let Flatten { flat, present, .. } = visitor;
    let gradients = if flat.is_empty() { Vec::new() } else { host(Tensor::cat(flat, 0)).await? };
    Ok(Shard { number, gradients, present, metrics: host(metrics).await? })
}

/// The sum of shards in the order of their numbers.
///
/// # Errors
/// If they are not of one model, or not the shards `first`, `first + 1`, … of an update.
pub fn sum(mut shards: Vec<Arc<Shard>>, first: u64) -> Result<Shard, Failure> {
    shards.sort_by_key(|shard| shard.number);
    let mut numbered = (first..).zip(shards);
    let (_, start) = numbered.next().ok_or_else(|| mismatch("no rank has computed a batch"))?;
    let mut total = Shard::clone(&start);
    let same = |number: u64, shard: &Shard, total: &Shard| {
        shard.number == number
            && shard.gradients.len() == total.gradients.len()
            && shard.present.len() == total.present.len()
            && shard.metrics.len() == total.metrics.len()
    };
    if !same(first, &start, &total) {
        return Err(mismatch("ranks are at different steps"));
    }
    for (number, shard) in numbered {
        if !same(number, &shard, &total) {
            return Err(mismatch("ranks are at different steps or train different models"));
        }
        add(&mut total.gradients, &shard.gradients);
        add(&mut total.metrics, &shard.metrics);
        for (present, &also) in total.present.iter_mut().zip(&shard.present) {
            *present |= also;
        }
    }
    Ok(total)
}

/// Gradients as the optimizer takes them; the reverse of [`flatten`].
pub(crate) fn unflatten<M: Module>(model: &M, shard: &Shard, device: &Device) -> GradientsParams {
    struct Unflatten<'a> {
        shard: &'a Shard,
        device: &'a Device,
        parameter: usize,
        place: usize,
        grads: GradientsParams,
    }
    impl ModuleVisitor for Unflatten<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            if !tensor.is_require_grad() {
                return;
            }
            let dims = tensor.dims();
            let end = self.place + dims.iter().product::<usize>();
            if self.shard.present[self.parameter] {
                let values = self.shard.gradients[self.place..end].to_vec();
                let grad = Tensor::<D>::from_data(TensorData::new(values, dims), self.device);
                self.grads.register(param.id, grad);
            }
            (self.parameter, self.place) = (self.parameter + 1, end);
        }
    }
    let grads = GradientsParams::new();
    let mut visitor = Unflatten { shard, device, parameter: 0, place: 0, grads };
    model.visit(&mut visitor);
    visitor.grads
}

/// The neutral element of a sum: it changes no number that it is added to, not even the sign of
/// zero.
pub(crate) const NEUTRAL: f32 = -0.0;

/// `numbers` at `place` among `count` equal places, so that a sum over ranks concatenates them.
pub(crate) fn placed(numbers: &[f32], place: usize, count: usize) -> Vec<f32> {
    let mut all = vec![NEUTRAL; numbers.len() * count];
    all[place * numbers.len()..][..numbers.len()].copy_from_slice(numbers);
    all
}

fn add(total: &mut [f32], shard: &[f32]) {
    for (total, &number) in total.iter_mut().zip(shard) {
        *total += number;
    }
}

/// The ranks do not train the same run.
fn mismatch(message: &str) -> Failure {
    Failure::new(
        FailureKind::Device,
        message,
        "Start all ranks with the same program, settings and data.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(number: u64, gradient: f32) -> Arc<Shard> {
        Arc::new(Shard {
            number,
            gradients: vec![gradient, 0.0],
            present: vec![true, false],
            metrics: vec![1.0],
        })
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        // Floating-point sums depend on their order; these three do.
        let shards = [shard(6, 1e8), shard(7, 1.0), shard(8, -1e8)];
        let forward = sum(shards.to_vec(), 6).expect("summed");
        let backward = sum(shards.iter().rev().cloned().collect(), 6).expect("summed");
        assert_eq!(forward, backward);
        assert_eq!(forward.gradients, [(1e8_f32 + 1.0) - 1e8, 0.0]);
        assert_eq!((forward.metrics, forward.present), (vec![3.0], vec![true, false]));
    }

    #[test]
    fn a_missing_or_foreign_shard_is_refused() {
        assert!(sum(vec![], 0).is_err());
        assert!(sum(vec![shard(1, 1.0)], 0).is_err());
        assert!(sum(vec![shard(0, 1.0), shard(2, 1.0)], 0).is_err());
        let mut foreign = Shard::clone(&shard(1, 1.0));
        foreign.gradients.push(1.0);
        assert!(sum(vec![shard(0, 1.0), Arc::new(foreign)], 0).is_err());
    }

    #[test]
    fn shards_are_shared_equally_or_not_at_all() {
        let check = |shards: usize, ranks: usize| {
            let mut config = RunConfig::default();
            config.train.gradient_accumulation_steps = shards;
            check_ranks(&config, ranks, 1)
        };
        for (shards, ranks) in [(1, 1), (4, 1), (4, 2), (4, 4), (6, 3)] {
            assert_eq!(check(shards, ranks), Ok(()));
        }
        let error = check(1, 2).expect_err("one batch");
        assert!(error.message.contains("one batch") && error.hint.contains("multiple of 2"));
        assert!(check(4, 3).is_err() && check(2, 4).is_err());
    }

    #[test]
    fn a_batch_is_cut_into_equal_parts_or_not_at_all() {
        let mut config = RunConfig::default();
        config.train.batch_size = 12;
        for (ranks, parts) in [(1, 2), (2, 2), (2, 4), (3, 3), (6, 12)] {
            assert_eq!(check_ranks(&config, ranks, parts), Ok(()));
        }
        let error = check_ranks(&config, 5, 5).expect_err("12 rows in 5 parts");
        assert!(error.message.contains("12 rows"), "{error:?}");
        assert!(check_ranks(&config, 4, 3).is_err(), "4 ranks for 3 parts");
        assert!(check_ranks(&config, 1, 0).is_err());
    }
}
