//! Keys and values that later positions attend to.

use burn::tensor::Tensor;

/// Keys, with their rotary positions, and values of some positions in one block,
/// `[batch, heads, seq, head_dim]` each.
#[derive(Clone, Debug)]
pub struct KeyValues {
    /// Keys.
    pub keys: Tensor<4>,
    /// Values.
    pub values: Tensor<4>,
}

impl KeyValues {
    /// The same with keys, then values, changed by `change`, which takes them as
    /// `[batch, heads · seq, head_dim]`.
    #[must_use]
    pub fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        let mut each = |part: Tensor<4>| {
            let [batch, heads, seq, head_dim] = part.dims();
            let part = change(part.reshape([batch, heads * seq, head_dim]));
            let [batch, _, _] = part.dims();
            part.reshape([batch, heads, seq, head_dim])
        };
        Self { keys: each(self.keys), values: each(self.values) }
    }

    /// With those of the positions that follow.
    #[must_use]
    pub fn append(&self, next: Self) -> Self {
        Self {
            keys: Tensor::cat(vec![self.keys.clone(), next.keys], 2),
            values: Tensor::cat(vec![self.values.clone(), next.values], 2),
        }
    }
}
