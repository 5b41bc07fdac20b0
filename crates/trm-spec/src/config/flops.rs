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
//! The way back costs twice the way forward. A dual-state model's token costs
//! the same per call of its network, of which a supervision step makes
//! `T·(n + 1)`; token mixing costs `6·i·d` over `i` inner positions in place of
//! attention.

use super::{
    CausalSpec, DepthSampling, DualSpec, Injection, Objective, RunConfig, Supervision, TrainSpec,
    VariantSpec,
};

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

impl DualSpec {
    /// Operations of one position's way forward through one call of the network.
    fn call_flops(&self) -> f64 {
        let [d, inner, layers, length, mixer] = [
            self.hidden_size,
            self.inner_size(),
            self.n_layers,
            self.positions(),
            self.mixer_size(),
        ]
        .map(|size| size as f64);
        // Token mixing spends `3·length·mixer` on each feature of a whole row.
        let mixing = if self.mlp_t { 6.0 * mixer * d } else { 8.0 * d * d + 4.0 * d * length };
        layers * (mixing + 6.0 * d * inner)
    }
}

/// Operations that training spends on one token on average: over the depths it
/// draws, with a readout for every loss, and no way back through cycles that
/// leave no gradient.
fn causal(model: &CausalSpec, train: &TrainSpec, vocab_size: usize) -> f64 {
    let deepest = model.recursion_steps as f64;
    let depth = match train.depth_sampling {
        // The log-normal draw has this mean but for its cut ends.
        DepthSampling::Fixed | DepthSampling::LogNormal => deepest,
        DepthSampling::Uniform => (train.min_depth as f64 + deepest) / 2.0,
    };
    let back = match train.backprop_cycles {
        0 => depth,
        cycles => depth.min(cycles as f64),
    };
    let readouts = match train.objective {
        Objective::LastCycle => 1.0,
        Objective::EveryCycle => back,
    };
    (depth + 2.0 * back) * model.cycle_flops() + 3.0 * readouts * model.readout_flops(vocab_size)
}

/// The same for one cell of a puzzle.
fn dual(model: &DualSpec, train: &TrainSpec, vocab_size: usize) -> f64 {
    let cycles = model.h_cycles as f64;
    let back = match train.backprop_cycles {
        0 => cycles,
        kept => cycles.min(kept as f64),
    };
    let steps = match train.supervision {
        Supervision::Carry => 1.0,
        Supervision::Unrolled => model.halt_max_steps as f64,
    };
    let calls = (cycles + 2.0 * back) * (model.l_cycles + 1) as f64;
    let share = model.positions() as f64 / model.seq_len as f64;
    let readout = 2.0 * model.hidden_size as f64 * vocab_size as f64;
    steps * share * (calls * model.call_flops() + 3.0 * readout)
}

impl RunConfig {
    /// Operations that this run's training spends on one token on average.
    pub fn training_flops_per_token(&self, vocab_size: usize) -> f64 {
        match &self.model {
            VariantSpec::Causal(model) => causal(model, &self.train, vocab_size),
            VariantSpec::Dual(model) => dual(model, &self.train, vocab_size),
        }
    }

    /// Tokens that one update of the weights sees.
    pub fn tokens_per_step(&self) -> usize {
        self.train.batch_size * self.train.gradient_accumulation_steps * self.model.length()
    }
}
