//! The tokens right before a position, for its readout.

use burn::module::Module;
use burn::tensor::{Int, Tensor};

use super::SwiGlu;
use crate::Init;

/// Adds to the state of a position a gated MLP of it and of the embeddings of the tokens
/// before it: `h + down(silu(gate(u)) · up(u))` with `u = [h; e₁; …; e_K]`, oldest token
/// first. Of our own.
#[derive(Module, Debug)]
pub struct PrecedingTokens {
    mlp: SwiGlu,
    #[module(skip)]
    count: usize,
}

impl PrecedingTokens {
    /// A layer for states of width `dim` that sees `count` tokens, at least one.
    pub fn new(dim: usize, count: usize, init: &mut Init) -> Self {
        Self { mlp: SwiGlu::between([(count + 1) * dim, 2 * dim, dim], init), count }
    }

    /// Tokens that a position sees.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The tokens that positions see whose own tokens are `tokens`, `[batch, n] → [batch,
    /// count − 1 + n]`: before the first of a row, it is repeated.
    pub fn before(&self, tokens: Tensor<2, Int>) -> Tensor<2, Int> {
        if self.count == 1 {
            return tokens;
        }
        let [batch, _] = tokens.dims();
        let first = tokens.clone().narrow(1, 0, 1).expand([batch, self.count - 1]);
        Tensor::cat(vec![first, tokens], 1)
    }

    /// The tokens that the last of the positions of `tokens` sees, `[batch, n] → [batch,
    /// count]`.
    pub fn before_last(&self, tokens: Tensor<2, Int>) -> Tensor<2, Int> {
        let [_, last] = tokens.dims();
        self.before(tokens).narrow(1, last - 1, self.count)
    }

    /// `[batch, positions, dim] → [batch, positions, dim]`, where `embedded` holds the
    /// tokens of [`before`](Self::before), `[batch, count − 1 + positions or more, dim]`.
    pub fn forward(&self, state: Tensor<3>, embedded: Tensor<3>) -> Tensor<3> {
        let [_, positions, _] = state.dims();
        let seen = (0..self.count).map(|token| embedded.clone().narrow(1, token, positions));
        let all = std::iter::once(state.clone()).chain(seen).collect();
        state + self.mlp.forward(Tensor::cat(all, 2))
    }
}
