//! Low-rank adapters of frozen linear maps (LoRA, arXiv 2106.09685), under the names that
//! the library peft gives their weights.

#![expect(non_snake_case, reason = "the names of peft's weights")]

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;

use super::Linear;
use crate::Init;

/// Sizes of adapters.
#[derive(Clone, Copy, Debug)]
pub struct LoraSpec {
    /// Inner width.
    pub rank: usize,
    /// The adapter's output is scaled by `alpha / rank`.
    pub alpha: f64,
    /// Probability of dropping an input of the adapter in training.
    pub dropout: f64,
}

/// What is added to a frozen map: `alpha / rank · B(A(x))`. `B` starts at zero, so that an
/// untrained adapter changes nothing.
#[derive(Module, Debug)]
pub struct Lora {
    /// `[rank, in]`.
    lora_A: Linear,
    /// `[out, rank]`.
    lora_B: Linear,
    dropout: Dropout,
    #[module(skip)]
    scaling: f64,
}

impl Lora {
    /// The adapter of a map from `input` to `output` features.
    pub fn new(input: usize, output: usize, spec: LoraSpec, init: &mut Init) -> Self {
        // The variance of peft's uniform distribution.
        let deviation = 1.0 / (3.0 * input as f64).sqrt();
        Self {
            lora_A: Linear { weight: init.truncated_normal([spec.rank, input], deviation) },
            lora_B: Linear { weight: init.constant([output, spec.rank], 0.0) },
            dropout: DropoutConfig::new(spec.dropout).init(),
            scaling: spec.alpha / spec.rank as f64,
        }
    }

    /// `[.., in] → [.., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        // Dropout does nothing without autodiff, and a frozen trunk's states have none.
        let x = if self.lora_A.weight.val().is_autodiff() { x.autodiff() } else { x };
        let inner = self.lora_A.forward(self.dropout.forward(x));
        self.lora_B.forward(inner).mul_scalar(self.scaling)
    }
}

/// The adapters of one attention layer.
#[derive(Module, Debug)]
pub struct AttentionLora {
    pub(crate) q_proj: Lora,
    pub(crate) k_proj: Lora,
    pub(crate) v_proj: Lora,
    pub(crate) o_proj: Lora,
}

impl AttentionLora {
    /// Adapters of a layer of width `dim`, whose queries have `heads` features and whose
    /// keys and values have `kv` each.
    pub fn new(dim: usize, heads: usize, kv: usize, spec: LoraSpec, init: &mut Init) -> Self {
        Self {
            q_proj: Lora::new(dim, heads, spec, init),
            k_proj: Lora::new(dim, kv, spec, init),
            v_proj: Lora::new(dim, kv, spec, init),
            o_proj: Lora::new(heads, dim, spec, init),
        }
    }

    /// What is added to queries, keys and values, in this order on the last axis.
    pub fn qkv(&self, x: Tensor<3>) -> Tensor<3> {
        let parts = [&self.q_proj, &self.k_proj, &self.v_proj];
        Tensor::cat(parts.map(|lora| lora.forward(x.clone())).to_vec(), 2)
    }
}

/// Adapters of consecutive layers of a decoder.
#[derive(Module, Debug)]
pub struct Adapters {
    /// The first one belongs to the first adapted layer.
    pub layers: Vec<AttentionLora>,
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn states_without_autodiff_are_dropped_too() {
        let device = Device::flex();
        let x = Tensor::<3>::ones([1, 8, 64], &device);
        let outputs = |on: &Device| {
            let spec = LoraSpec { rank: 4, alpha: 4.0, dropout: 0.5 };
            let mut init = Init::new(3, on);
            let lora = Lora {
                lora_B: Linear::new(4, 16, &mut init),
                ..Lora::new(64, 16, spec, &mut init)
            };
            // 512 masks of one half: two draws of one generator are never equal.
            [(); 2].map(|()| lora.forward(x.clone()).without_autodiff().into_data())
        };
        let [one, other] = outputs(&device.clone().autodiff());
        assert_ne!(one, other, "nothing is dropped in training");
        let [one, other] = outputs(&device);
        assert_eq!(one, other, "something is dropped where nothing is trained");
    }
}
