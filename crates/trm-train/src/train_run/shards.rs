//! The shards of an update: their gradients, alone and with other ranks, and their carry, which
//! the same shards of the next update start from.

use std::ops::Range;

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use trm_core::Recursive;
use trm_spec::{Failure, FailureKind};

use super::TrainRun;
use crate::reduce::{self, AllReduce, Shard, SharedUpdate};
use crate::task::{BatchGradients, BatchId, CarryOver, Task};
use crate::transfer::host;

/// Gradients of one update: of all its shards together.
pub struct UpdateGradients<B> {
    /// Of the trained parameters, times the [loss scale](Task::loss_scale).
    pub grads: GradientsParams,
    /// Of buffers, one for each shard.
    pub buffers: Vec<B>,
    /// Mean of the shards' metrics, on the device.
    pub metrics: Tensor<1>,
}

impl<M: Recursive + 'static, T: Task<M>> TrainRun<M, T> {
    /// Computes the gradients of the next update and changes nothing but the carry.
    ///
    /// # Errors
    /// If there are no data, or they cannot be read.
    pub fn compute_gradients(&mut self) -> Result<UpdateGradients<T::BufferGradients>, Failure> {
        self.cut_carry();
        let mut sum = GradientsAccumulator::new();
        let mut buffers = Vec::new();
        let mut total: Option<Tensor<1>> = None;
        for shard in self.shards() {
            let batch = self.shard_gradients(shard)?;
            sum.accumulate(self.optimization.model(), batch.grads);
            buffers.push(batch.buffers);
            total = Some(match total {
                None => batch.metrics,
                Some(total) => total + batch.metrics,
            });
        }
        let metrics = total.expect("an update has a batch").mul_scalar(self.share());
        Ok(UpdateGradients { grads: sum.grads(), buffers, metrics })
    }

    /// The numbers of the shards of the next update: its batches, or their parts.
    fn shards(&self) -> Range<u64> {
        let shards = self.shard_count() as u64;
        let first = self.optimization.step as u64 * shards;
        first..first + shards
    }

    /// Shards of an update.
    fn shard_count(&self) -> usize {
        self.config.train.gradient_accumulation_steps * self.parts
    }

    /// What one shard contributes to an update.
    fn share(&self) -> f64 {
        1.0 / self.shard_count() as f64
    }

    /// Brings the carry to the shards of an update, where their number has changed.
    fn cut_carry(&mut self) {
        let shards = self.shard_count();
        let carry = self.carry.get_mut();
        if carry.len() != shards {
            *carry = match joined(std::mem::take(carry)).and_then(|whole| whole.cut(shards)) {
                Some(parts) => parts.into_iter().map(Some).collect(),
                None => vec![None; shards],
            };
        }
    }

    /// Gradients of its share of shard number `shard` of the run.
    fn shard_gradients(
        &mut self,
        shard: u64,
    ) -> Result<BatchGradients<T::BufferGradients>, Failure> {
        let (share, shards) = (self.share(), self.shard_count());
        let Self { config, data, optimization, task, carry, parts, .. } = self;
        let carry = &mut carry.get_mut()[(shard % shards as u64) as usize];
        let data = data.as_ref().ok_or_else(T::no_data)?;
        let number = shard / *parts as u64;
        let id = BatchId { step: optimization.step as u64, number, shard };
        let mut batch = task.batch(config, data, id)?;
        if *parts > 1 {
            let rows = config.train.batch_size / *parts;
            let first = (shard % *parts as u64) as usize * rows;
            batch = task.part(batch, first..first + rows);
        }
        Ok(task.gradients(config, optimization.model(), batch, id, share, carry))
    }

    /// [`compute_gradients`](Self::compute_gradients) with the other ranks: this one
    /// computes every `size`-th shard of the update.
    ///
    /// # Errors
    /// If this rank cannot compute its shards.
    pub(super) async fn shared_gradients(
        &mut self,
        ranks: &dyn AllReduce,
    ) -> Result<SharedUpdate<UpdateGradients<T::BufferGradients>>, Failure> {
        self.cut_carry();
        let (shards, count) = (self.shards(), self.shard_count());
        let first = shards.start;
        for (shard, carry) in self.carry.get_mut().iter_mut().enumerate() {
            // Another rank computes this shard, so its carry here is out of date from now on.
            if shard % ranks.size() != ranks.rank() {
                *carry = None;
            }
        }
        let (mut own, mut buffers) = (Vec::new(), Vec::new());
        let mut parameters = 0;
        for number in shards.skip(ranks.rank()).step_by(ranks.size()) {
            let batch = self.shard_gradients(number)?;
            let model = self.optimization.model();
            let mut shard = reduce::flatten(model, &batch.grads, number, batch.metrics).await?;
            parameters = shard.gradients.len();
            if let Some(numbers) = self.task.buffer_numbers(&batch.buffers) {
                let place = (number - first) as usize;
                shard.gradients.extend(reduce::placed(&host(numbers).await?, place, count));
            }
            own.push(shard);
            buffers.push(batch.buffers);
        }
        let total = match ranks.all_reduce(own, first).await {
            Ok(total) => total,
            Err(failure) => return Ok(SharedUpdate::RankStopped(failure)),
        };
        let device = self.optimization.plain_device();
        let grads = reduce::unflatten(self.optimization.model(), &total, &device);
        let metrics = Tensor::from_floats(total.metrics.as_slice(), &device);
        let metrics = metrics.mul_scalar(self.share());
        let all = &total.gradients[parameters..];
        if !all.is_empty() {
            let shards = all.chunks_exact(all.len() / count);
            let task = &self.task;
            buffers = shards.filter_map(|own| task.buffers_of_numbers(own, &device)).collect();
        }
        Ok(SharedUpdate::Ready(UpdateGradients { grads, buffers, metrics }))
    }

    /// Gets the carry of the shards that other ranks compute, one shard after the other: the
    /// rank that has it contributes its numbers, the others the neutral element of the sum.
    pub(super) async fn all_gather_carry(&self) -> Result<(), Failure> {
        let (Some(ranks), shards) = (&self.ranks, self.carry.borrow().len()) else {
            return Ok(());
        };
        let Some(known) = self.carry.borrow().iter().flatten().next().cloned() else {
            return Ok(());
        };
        if self.carry.borrow().iter().all(Option::is_some) {
            return Ok(());
        }
        // Numbers that depend on the step, so that ranks at different steps are refused.
        let first = (self.optimization.step.saturating_sub(1) * ranks.size()) as u64;
        for shard in 0..shards {
            let own = self.carry.borrow()[shard].clone();
            let numbers = own.as_ref().unwrap_or(&known).numbers();
            let numbers = Tensor::cat(numbers.into_iter().map(|(_, part)| part).collect(), 0);
            let gradients = match own {
                Some(_) => host(numbers).await?,
                None => vec![reduce::NEUTRAL; numbers.dims()[0]],
            };
            let number = first + ranks.rank() as u64;
            let own_shard = Shard { number, gradients, present: Vec::new(), metrics: Vec::new() };
            let total = ranks.all_reduce(vec![own_shard], first).await?;
            if own.is_none() {
                let found = known.with_numbers(&total.gradients);
                self.carry.borrow_mut()[shard] = Some(found);
            }
        }
        Ok(())
    }

    /// The carry of all shards as named tensors; none before the first update.
    ///
    /// # Errors
    /// If that of other ranks has not been gathered.
    pub(super) fn carry_numbers(&self) -> Result<Option<Vec<(&'static str, Tensor<1>)>>, Failure> {
        let carry = self.carry.borrow().clone();
        let missing = carry.iter().filter(|carry| carry.is_none()).count();
        if missing > 0 && missing < carry.len() {
            return Err(Failure::new(
                FailureKind::Protocol,
                "the unfinished puzzles of the other ranks did not arrive, so that the run \
                 cannot be saved",
                "Resume from the last save.",
            ));
        }
        Ok(joined(carry).map(|carry| carry.numbers()))
    }

    /// Drops a carry of which only other ranks have some shards: all rows start with new puzzles.
    pub(super) fn forget_incomplete_carry(&mut self) {
        let carry = self.carry.get_mut();
        if carry.iter().any(Option::is_none) {
            carry.clear();
        }
    }
}

/// The carries of all shards as one; none where there are none, or one is missing.
fn joined<C: CarryOver>(carry: Vec<Option<C>>) -> Option<C> {
    let whole: Option<Vec<_>> = carry.into_iter().collect();
    whole.filter(|whole| !whole.is_empty()).map(C::join)
}
