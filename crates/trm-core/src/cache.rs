//! Keys and values of positions already seen, so that one more token costs one
//! token. In a recursive model every cycle has keys of its own: the cache holds
//! a [`Slot`] for each cycle and block.

use burn::tensor::{Int, Tensor};

use crate::Recursive;

/// A model that predicts the next token and can go on from a cache.
pub trait Autoregressive: Recursive<Input = Tensor<2, Int>> {
    /// Longest context, in tokens.
    fn block_size(&self) -> usize;
    /// An empty cache for `depth` cycles, as long as the block.
    fn cache(&self, depth: usize) -> Cache;
    /// Logits `[batch, new, vocab]` of tokens `[batch, new]` that follow those in
    /// the cache, which is as deep as the recursion runs. For models without
    /// autodiff ([`burn::module::Module::valid`]).
    fn extend(&self, tokens: Tensor<2, Int>, cache: &mut Cache) -> Tensor<3>;
}

/// Keys and values of one block in one cycle.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    /// `[batch, heads, capacity, head_dim]` each, and how much of it is filled.
    kept: Option<(Tensor<4>, Tensor<4>)>,
    len: usize,
    capacity: usize,
}

impl Slot {
    fn new(capacity: usize) -> Self {
        Self { kept: None, len: 0, capacity }
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds keys and values `[batch, heads, new, head_dim]`; returns all so far.
    pub fn append(&mut self, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let [batch, heads, new, head_dim] = k.dims();
        assert!(self.len + new <= self.capacity, "more positions than the cache was made for");
        // Written in place: buffers of full length, so that a token's cost does
        // not grow with copies of what came before.
        let (keys, values) = self.kept.take().unwrap_or_else(|| {
            let empty = || Tensor::zeros([batch, heads, self.capacity, head_dim], &k.device());
            (empty(), empty())
        });
        let at = [0..batch, 0..heads, self.len..self.len + new, 0..head_dim];
        let keys = keys.slice_assign(at.clone(), k);
        let values = values.slice_assign(at, v);
        self.len += new;
        let all = [0..batch, 0..heads, 0..self.len, 0..head_dim];
        let seen = (keys.clone().slice(all.clone()), values.clone().slice(all));
        self.kept = Some((keys, values));
        seen
    }
}

/// Slots of a whole model at one depth.
#[derive(Clone, Debug)]
pub struct Cache {
    slots: Vec<Vec<Slot>>,
}

impl Cache {
    /// Room for `capacity` positions in `cycles` cycles of `blocks` blocks.
    pub fn new(cycles: usize, blocks: usize, capacity: usize) -> Self {
        Self { slots: vec![vec![Slot::new(capacity); blocks]; cycles] }
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.slots.first().and_then(|blocks| blocks.first()).map_or(0, Slot::len)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slots of each cycle in turn, one per block.
    pub fn cycles_mut(&mut self) -> impl Iterator<Item = &mut [Slot]> {
        self.slots.iter_mut().map(Vec::as_mut_slice)
    }
}
