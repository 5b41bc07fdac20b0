//! Keys and values of positions already read, so that one more token costs one
//! token. In a recursive model every pass through the blocks has keys of its own:
//! a [`ModelCache`] holds a [`KvCache`] for each pass and block.

use std::ops::Range;

use burn::tensor::Tensor;

/// Positions that a cache has room for at first.
const FIRST_ROOM: usize = 256;

/// Keys and values of one block in one pass.
#[derive(Clone, Debug, Default)]
pub struct KvCache {
    /// Keys and values, `[batch, heads, room, head_dim]` each, with room for `len` positions
    /// at least.
    buffers: Option<(Tensor<4>, Tensor<4>)>,
    len: usize,
    capacity: usize,
}

impl KvCache {
    fn new(capacity: usize) -> Self {
        Self { buffers: None, len: 0, capacity }
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no position is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All keys and values so far, `[batch, heads, len, head_dim]` each; `None` when
    /// empty.
    pub fn get(&self) -> Option<(Tensor<4>, Tensor<4>)> {
        // A cache that was cut to nothing keeps its buffers.
        let (keys, values) = self.buffers.as_ref().filter(|_| self.len > 0)?;
        let [batch, heads, _, head_dim] = keys.dims();
        let all = [0..batch, 0..heads, 0..self.len, 0..head_dim];
        Some((keys.clone().slice(all.clone()), values.clone().slice(all)))
    }

    /// Adds keys and values `[batch, heads, new, head_dim]`.
    ///
    /// # Panics
    /// If there are more positions than the cache was made for.
    pub fn append(&mut self, k: Tensor<4>, v: Tensor<4>) {
        let [batch, heads, new, head_dim] = k.dims();
        assert!(self.len + new <= self.capacity, "more positions than the cache was made for");
        // Written in place. Buffers that are too short are doubled, so that a token's cost does
        // not grow with copies of what came before, and a long context takes memory only
        // once it is there.
        let needed = self.len + new;
        let device = k.device();
        let (keys, values) = match self.buffers.take() {
            Some((keys, values)) if keys.dims()[2] >= needed => (keys, values),
            old => {
                let room = (2 * needed).max(FIRST_ROOM).min(self.capacity);
                let mut longer =
                    [(); 2].map(|()| Tensor::zeros([batch, heads, room, head_dim], &device));
                if let Some((keys, values)) = old {
                    let held = [0..batch, 0..heads, 0..self.len, 0..head_dim];
                    let [new_keys, new_values] = longer;
                    let (keys, values) = (keys.slice(held.clone()), values.slice(held.clone()));
                    longer = [
                        new_keys.slice_assign(held.clone(), keys),
                        new_values.slice_assign(held, values),
                    ];
                }
                let [keys, values] = longer;
                (keys, values)
            }
        };
        let at = [0..batch, 0..heads, self.len..self.len + new, 0..head_dim];
        let keys = keys.slice_assign(at.clone(), k);
        let values = values.slice_assign(at, v);
        self.len += new;
        self.buffers = Some((keys, values));
    }

    /// Forgets the positions from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

/// The caches of a whole model at one depth.
#[derive(Clone, Debug)]
pub struct ModelCache {
    depth: usize,
    /// By pass, then by block.
    passes: Vec<Vec<KvCache>>,
}

impl ModelCache {
    /// For `depth` cycles: room for `capacity` positions in each of `passes` through
    /// `blocks` blocks.
    pub fn new(depth: usize, passes: usize, blocks: usize, capacity: usize) -> Self {
        Self { depth, passes: vec![vec![KvCache::new(capacity); blocks]; passes] }
    }

    /// Cycles that it is made for.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.passes.first().and_then(|blocks| blocks.first()).map_or(0, KvCache::len)
    }

    /// Whether no position is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the positions from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.passes.iter_mut().flatten().for_each(|cache| cache.truncate(len));
    }

    /// The caches of the passes `passes` in order, counted from 0, one per block.
    ///
    /// # Panics
    /// If there are fewer passes.
    pub fn passes_mut(&mut self, passes: Range<usize>) -> impl Iterator<Item = &mut [KvCache]> {
        self.passes[passes].iter_mut().map(Vec::as_mut_slice)
    }

    /// The caches of all passes in order, one per block.
    pub fn all_passes_mut(&mut self) -> impl Iterator<Item = &mut [KvCache]> {
        self.passes_mut(0..self.passes.len())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_cache_grows_to_its_capacity_and_keeps_what_it_holds() {
        let device = Device::flex();
        let capacity = 3 * FIRST_ROOM;
        let mut cache = KvCache::new(capacity);
        let all: Tensor<4> =
            Tensor::arange(0..(2 * capacity) as i64, &device).float().reshape([1, 1, capacity, 2]);
        for (start, new) in [(0, 1), (1, FIRST_ROOM), (FIRST_ROOM + 1, 2 * FIRST_ROOM - 1)] {
            let part = all.clone().narrow(2, start, new);
            cache.append(part.clone(), part.neg());
            let (keys, values) = cache.get().expect("it holds positions");
            let held = all.clone().narrow(2, 0, start + new);
            assert_eq!(keys.into_data(), held.clone().into_data());
            assert_eq!(values.into_data(), held.neg().into_data());
        }
        assert_eq!(cache.len(), capacity);
        // What comes after a cut stands where the forgotten positions stood.
        cache.truncate(5);
        cache.append(all.clone().narrow(2, 7, 2), all.clone().narrow(2, 7, 2));
        let (keys, _) = cache.get().expect("it holds positions");
        let expected =
            Tensor::cat(vec![all.clone().narrow(2, 0, 5), all.clone().narrow(2, 7, 2)], 2);
        assert_eq!(keys.into_data(), expected.into_data());
        // Cut to nothing, it is empty as a fresh one is.
        cache.truncate(0);
        assert!(cache.is_empty() && cache.get().is_none());
        cache.append(all.clone().narrow(2, 3, 1), all.clone().narrow(2, 4, 1));
        let (keys, values) = cache.get().expect("it holds a position");
        assert_eq!(keys.into_data(), all.clone().narrow(2, 3, 1).into_data());
        assert_eq!(values.into_data(), all.narrow(2, 4, 1).into_data());
    }
}
