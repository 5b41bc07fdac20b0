//! What a language model offers beside its recursion.

use std::ops::Range;

use burn::tensor::{Int, Tensor};

use crate::{ModelCache, Recursive};

/// A language model: it predicts the next tokens, and can continue from a key/value
/// cache.
pub trait Autoregressive: Recursive<Input = Tensor<2, Int>> {
    /// Longest row that it is trained on, in tokens.
    fn block_size(&self) -> usize;
    /// Tokens that are predicted at once.
    fn ahead(&self) -> usize {
        1
    }
    /// Longest context from which training predicts, in tokens.
    fn context_size(&self) -> usize {
        self.block_size()
    }
    /// An empty cache for `depth` cycles and [`context_size`](Self::context_size)
    /// positions.
    fn cache(&self, depth: usize) -> ModelCache;
    /// Reads tokens `[batch, new]` that follow those in the cache and predicts what
    /// follows them, with as many cycles as the cache was made for. `on_cycle` sees
    /// the state after every cycle, counted from 1; the last [`ahead`](Self::ahead)
    /// positions of a state are those of the predicted tokens. For models without
    /// autodiff ([`burn::module::Module::valid`]).
    fn extend(
        &self,
        tokens: Tensor<2, Int>,
        cache: &mut ModelCache,
        on_cycle: &mut dyn FnMut(usize, &Self::State),
    ) -> Self::State {
        let context = self.encode(&tokens);
        let start = self.start(&context);
        let cycles = 0..cache.depth();
        self.extend_cycles(&context, start, cache, cycles, on_cycle)
    }
    /// Whether [`extend_cycles`](Self::extend_cycles) is there: one token is predicted at a
    /// time, and a cycle needs nothing of a position but its state.
    fn has_extend_cycles(&self) -> bool {
        false
    }
    /// Some of the cycles of [`extend`](Self::extend): `cycles`, counted from 0, at the
    /// positions of `context`, from their `state` after the cycle before. The first cycles of
    /// a few tokens can so be run one token at a time, and the others for all of them at once.
    ///
    /// # Panics
    /// Without [`has_extend_cycles`](Self::has_extend_cycles).
    fn extend_cycles(
        &self,
        context: &Self::Context,
        state: Self::State,
        cache: &mut ModelCache,
        cycles: Range<usize>,
        on_cycle: &mut dyn FnMut(usize, &Self::State),
    ) -> Self::State {
        let _ = (context, state, cache, cycles, on_cycle);
        unreachable!("a model without cycles to extend has an `extend` of its own")
    }
    /// Predicted tokens that are drawn together, independently of each other:
    /// [`ahead`](Self::ahead), or 1 where a token depends on the ones drawn before it.
    fn drawn_together(&self) -> usize {
        self.ahead()
    }
    /// Logits of the next [`drawn_together`](Self::drawn_together) tokens, `[1, tokens,
    /// vocab]`, read from the predicted positions `state` of [`extend`](Self::extend), where
    /// `row` are the tokens in the cache and those that were `drawn` from this state.
    fn read_next(&self, state: &Self::State, row: &[u32], drawn: usize) -> Tensor<3> {
        let _ = row;
        self.read(state).logits.narrow(1, drawn, self.drawn_together())
    }
}

/// The label leak of the published chunk-refinement code, kept as a demonstration: a
/// draft that starts as its own answer. Only a leak task calls it; its losses say
/// nothing about the model.
pub trait LeakDemo: Autoregressive {
    /// The start that contains the answers: the embeddings of `targets`, `[batch,
    /// seq]`.
    fn leaking_start(&self, context: &Self::Context, targets: Tensor<2, Int>) -> Self::State;
}
