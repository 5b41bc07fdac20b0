//! What a language model offers beside its recursion.

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
    ) -> Self::State;
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
