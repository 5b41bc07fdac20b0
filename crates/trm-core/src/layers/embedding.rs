//! Token embedding.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use crate::Init;

/// A vector for every token, drawn with deviation `1/√dim` and scaled by `√dim`
/// when read (official TRM).
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[vocab, dim]`.
    pub embedding_weight: Param<Tensor<2>>,
}

impl Embedding {
    /// An embedding of `vocab` tokens in `dim` dimensions.
    pub fn new(vocab: usize, dim: usize, init: &mut Init) -> Self {
        Self { embedding_weight: init.truncated_normal([vocab, dim], 1.0 / (dim as f64).sqrt()) }
    }

    /// `[batch, seq] → [batch, seq, dim]`.
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let [batch, seq] = tokens.dims();
        let weight = self.embedding_weight.val();
        let [_, dim] = weight.dims();
        weight
            .select(0, tokens.reshape([batch * seq]))
            .mul_scalar((dim as f64).sqrt())
            .reshape([batch, seq, dim])
    }

    /// Product of every state with every token's vector, `[batch, seq, dim] → [batch, seq,
    /// vocab]`: the output layer of models that tie it to the embedding.
    pub fn compare(&self, state: Tensor<3>) -> Tensor<3> {
        trm_kernels::linear(state, self.embedding_weight.val())
    }

    /// Every vector, scaled as when it is read: `[vocab, dim]`.
    pub fn all(&self) -> Tensor<2> {
        let weight = self.embedding_weight.val();
        let [_, dim] = weight.dims();
        weight.mul_scalar((dim as f64).sqrt())
    }
}
