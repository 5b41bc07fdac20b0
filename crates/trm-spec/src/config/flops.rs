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
//! attention. TRM-LM makes `N + 1` calls in a cycle. A chunk model reads its
//! context once, and a refinement makes `n + 1` calls for two positions of every
//! token, one of the draft and one of its reasoning, which look at the context
//! and at their chunk.

use super::{
    ChatTrmSpec, ChunkLmSpec, DepthSampling, Objective, RunConfig, Supervision, TrainSpec,
    TrmLmSpec, TrmSpec, VariantSpec,
};
use crate::models::Injection;

/// Operations of one position's way forward through `layers` blocks that look at
/// `seen` positions.
fn blocks([d, inner, layers, seen]: [usize; 4]) -> f64 {
    let [d, inner, layers, seen] = [d, inner, layers, seen].map(|size| size as f64);
    2.0 * layers * (4.0 * d * d + 3.0 * d * inner) + layers * 4.0 * d * seen
}

/// What one token of a language model costs on its way forward.
struct Forward {
    /// Before the first cycle.
    once: f64,
    cycle: f64,
    readout: f64,
}

/// Operations of one token's readout.
fn readout(hidden_size: usize, vocab_size: usize) -> f64 {
    2.0 * hidden_size as f64 * vocab_size as f64
}

impl ChatTrmSpec {
    fn forward(&self, vocab_size: usize) -> Forward {
        let d = self.hidden_size as f64;
        let adapter = if self.input_injection == Injection::Adapter { 4.0 * d * d } else { 0.0 };
        let sizes = [self.hidden_size, self.inner_size(), self.n_layers, self.block_size];
        Forward {
            once: 0.0,
            cycle: blocks(sizes) + adapter,
            readout: readout(self.hidden_size, vocab_size),
        }
    }

    /// Operations that training spends on one token, forward and backward,
    /// through `depth` cycles and one readout: six for every weight a token
    /// meets, as often as it meets it, and attention.
    pub fn flops_per_token(&self, vocab_size: usize, depth: usize) -> f64 {
        let Forward { once, cycle, readout } = self.forward(vocab_size);
        3.0 * (once + depth as f64 * cycle + readout)
    }
}

impl ChunkLmSpec {
    fn forward(&self, vocab_size: usize) -> Forward {
        let [d, inner, layers] = [self.hidden_size, self.inner_size(), self.n_layers];
        let seen = self.block_size + 2 * self.chunk_size;
        let calls = (self.l_cycles + 1) as f64;
        Forward {
            once: blocks([d, inner, layers, self.block_size]),
            cycle: calls * 2.0 * blocks([d, inner, layers, seen]),
            readout: readout(d, vocab_size),
        }
    }
}

impl TrmLmSpec {
    fn forward(&self, vocab_size: usize) -> Forward {
        let sizes = [self.hidden_size, self.inner_size(), self.n_layers, self.block_size];
        Forward {
            once: 0.0,
            cycle: (self.l_cycles + 1) as f64 * blocks(sizes),
            readout: readout(self.hidden_size, vocab_size),
        }
    }
}

impl TrmSpec {
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

/// Operations that training spends on one token of a language model on average:
/// over the depths it draws, with a readout for every loss, and no way back
/// through cycles that leave no gradient.
fn language(cost: Forward, cycles: usize, train: &TrainSpec) -> f64 {
    let Forward { once, cycle, readout } = cost;
    let deepest = cycles as f64;
    let depth = match train.depth_sampling {
        // The log-normal draw has this mean but for its cut ends.
        DepthSampling::Fixed | DepthSampling::LogNormal => deepest,
        DepthSampling::Uniform => (train.min_depth as f64 + deepest) / 2.0,
    };
    let back = match train.backprop_cycles {
        // Cut off from its cycle's loss, an earlier cycle has no way back.
        0 if train.detach_cycles && train.objective == Objective::LastCycle => 1.0,
        0 => depth,
        cycles => depth.min(cycles as f64),
    };
    let readouts = match train.objective {
        Objective::LastCycle => 1.0,
        Objective::EveryCycle => back,
    };
    3.0 * once + (depth + 2.0 * back) * cycle + 3.0 * readouts * readout
}

/// The same for one cell of a puzzle.
fn dual(model: &TrmSpec, train: &TrainSpec, vocab_size: usize) -> f64 {
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
    let readout = readout(model.hidden_size, vocab_size);
    steps * share * (calls * model.call_flops() + 3.0 * readout)
}

impl RunConfig {
    /// Operations that this run's training spends on one token on average.
    pub fn training_flops_per_token(&self, vocab_size: usize) -> f64 {
        let (depth, train) = (self.model.depth(), &self.train);
        match &self.model {
            VariantSpec::ChatTrm(model) => language(model.forward(vocab_size), depth, train),
            VariantSpec::ChunkLm(model) => language(model.forward(vocab_size), depth, train),
            VariantSpec::TrmLm(model) => language(model.forward(vocab_size), depth, train),
            VariantSpec::Trm(model) => dual(model, train, vocab_size),
        }
    }

    /// Tokens that one update of the weights sees.
    pub fn tokens_per_step(&self) -> usize {
        self.train.batch_size * self.train.gradient_accumulation_steps * self.model.length()
    }
}
