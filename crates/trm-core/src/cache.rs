//! Keys and values of positions already seen, so that one more token costs one
//! token. In a recursive model every pass through the blocks has keys of its own:
//! the cache holds a [`Slot`] for each pass and block.

use burn::tensor::{Int, Tensor};

use crate::Recursive;

/// A model that writes: it predicts the tokens that come next, and can go on from
/// a cache.
pub trait Autoregressive: Recursive<Input = Tensor<2, Int>> {
    /// Longest row that it was trained on, in tokens.
    fn block_size(&self) -> usize;
    /// Tokens that are predicted at once.
    fn ahead(&self) -> usize {
        1
    }
    /// Longest context from which training has predicted, in tokens.
    fn context(&self) -> usize {
        self.block_size()
    }
    /// An empty cache for `depth` cycles, as long as the context.
    fn cache(&self, depth: usize) -> Cache;
    /// Reads tokens `[batch, new]` that follow those in the cache and refines what
    /// comes after them, as deep as the cache was made for. `probe` sees the state
    /// after every cycle, counted from 1; the last [`ahead`](Self::ahead) positions
    /// of a state are those of the tokens to come. For models without autodiff
    /// ([`burn::module::Module::valid`]).
    fn extend(
        &self,
        tokens: Tensor<2, Int>,
        cache: &mut Cache,
        probe: &mut dyn FnMut(usize, &Self::State),
    ) -> Self::State;
    /// The published start of a chunk model, which is a leak: the `answers`
    /// `[batch, seq]` themselves. Nothing for any other model. Only the task may
    /// ask for it, to show what its losses are worth.
    fn leak(&self, x: &Tensor<3>, answers: &dyn Fn() -> Tensor<2, Int>) -> Option<Self::State> {
        let _ = (x, answers);
        None
    }
}

/// Keys and values of one block in one pass.
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

    /// All keys and values so far, where there are any.
    pub fn held(&self) -> Option<(Tensor<4>, Tensor<4>)> {
        let (keys, values) = self.kept.as_ref()?;
        let [batch, heads, _, head_dim] = keys.dims();
        let all = [0..batch, 0..heads, 0..self.len, 0..head_dim];
        Some((keys.clone().slice(all.clone()), values.clone().slice(all)))
    }

    /// Adds keys and values `[batch, heads, new, head_dim]`.
    pub fn append(&mut self, k: Tensor<4>, v: Tensor<4>) {
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
        self.kept = Some((keys, values));
    }
}

/// Slots of a whole model at one depth.
#[derive(Clone, Debug)]
pub struct Cache {
    depth: usize,
    slots: Vec<Vec<Slot>>,
}

impl Cache {
    /// For `depth` cycles: room for `capacity` positions in each of `passes` through
    /// `blocks` blocks.
    pub fn new(depth: usize, passes: usize, blocks: usize, capacity: usize) -> Self {
        Self { depth, slots: vec![vec![Slot::new(capacity); blocks]; passes] }
    }

    /// Cycles that it is for.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.slots.first().and_then(|blocks| blocks.first()).map_or(0, Slot::len)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slots of each pass in turn, one per block.
    pub fn passes_mut(&mut self) -> impl Iterator<Item = &mut [Slot]> {
        self.slots.iter_mut().map(Vec::as_mut_slice)
    }
}
