//! How much arithmetic training costs, counted in one place.
//!
//! Only matrix products count, two floating-point operations for each
//! multiplication and its addition, as is usual (nanoGPT, PaLM): norms,
//! activations and the optimiser are left out, and so is whatever is computed
//! again to save memory. With `d` features, `i` inner features of the SwiGLU,
//! `L` blocks and `T` tokens of context, one token costs, on its way forward,
//!
//! - in a cycle: `2·(L·(4d² + 3d·i) + 2d² with an adapter) + L·4·d·T`; the last
//!   part is attention, counted over the whole block though the mask spares half;
//! - in a readout: `2·d·vocab`.
//!
//! The way back costs twice the way forward.

use super::{CausalSpec, DepthSampling, Injection, Objective, RunConfig, VariantSpec};

impl CausalSpec {
    /// Operations of one token's way forward through one cycle.
    fn cycle_flops(&self) -> f64 {
        let [d, inner, layers, block] =
            [self.hidden_size, self.inner_size(), self.n_layers, self.block_size]
                .map(|size| size as f64);
        let adapter = if self.input_injection == Injection::Adapter { 2.0 * d * d } else { 0.0 };
        let weights = layers * (4.0 * d * d + 3.0 * d * inner) + adapter;
        2.0 * weights + layers * 4.0 * d * block
    }

    /// Operations of one token's readout.
    fn readout_flops(&self, vocab_size: usize) -> f64 {
        2.0 * self.hidden_size as f64 * vocab_size as f64
    }

    /// Operations that training spends on one token, forward and backward,
    /// through `depth` cycles and one readout: six for every weight a token
    /// meets, as often as it meets it, and attention.
    pub fn flops_per_token(&self, vocab_size: usize, depth: usize) -> f64 {
        3.0 * (depth as f64 * self.cycle_flops() + self.readout_flops(vocab_size))
    }
}

impl RunConfig {
    /// Operations that this run's training spends on one token on average: over
    /// the depths it draws, with a readout for every loss, and no way back
    /// through cycles that leave no gradient.
    pub fn training_flops_per_token(&self, vocab_size: usize) -> f64 {
        let VariantSpec::Causal(model) = &self.model;
        let deepest = model.recursion_steps as f64;
        let depth = match self.train.depth_sampling {
            // The log-normal draw has this mean but for its cut ends.
            DepthSampling::Fixed | DepthSampling::LogNormal => deepest,
            DepthSampling::Uniform => (self.train.min_depth as f64 + deepest) / 2.0,
        };
        let back = match self.train.backprop_cycles {
            0 => depth,
            cycles => depth.min(cycles as f64),
        };
        let readouts = match self.train.objective {
            Objective::LastCycle => 1.0,
            Objective::EveryCycle => back,
        };
        (depth + 2.0 * back) * model.cycle_flops()
            + 3.0 * readouts * model.readout_flops(vocab_size)
    }

    /// Tokens that one update of the weights sees.
    pub fn tokens_per_step(&self) -> usize {
        let VariantSpec::Causal(model) = &self.model;
        self.train.batch_size * self.train.gradient_accumulation_steps * model.block_size
    }
}
