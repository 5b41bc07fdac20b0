//! How many bytes training keeps for the backward pass: the terms that several models
//! share. Their factors are measured (docs/robustness.md, `bench --peak-of`), since they
//! depend on what the fused operations of `trm-kernels` store and on what Burn keeps beside
//! it. The matrix of attention is never stored whole.

use crate::{DepthSampling, MAX_SAMPLED, ModelSpec, Objective, TrainSpec};

/// Bytes of a number.
pub(super) const NUMBER: f64 = 4.0;

/// Numbers kept of a block's state, for each of its features.
const STATE: f64 = 10.0;

/// Numbers kept for each inner feature of a SwiGLU.
const INNER: f64 = 3.0;

/// Numbers kept for each inner position of a SwiGLU over positions, and each feature.
const MIXED: f64 = 2.4;

/// Numbers kept for each weight of an attention that is stored.
const ATTENTION: f64 = 2.3;

/// Numbers kept for each entry of a readout.
const READOUT: f64 = 1.5;

/// Numbers kept for each feature of a state between cycles, where these are computed again.
const BETWEEN: f64 = 6.0;

/// Bytes kept of `calls` blocks at one position: `[hidden size, inner size]`.
pub fn block(calls: usize, sizes: [usize; 2]) -> f64 {
    let [d, inner] = sizes.map(|size| size as f64);
    NUMBER * calls as f64 * (STATE * d + INNER * inner)
}

/// Bytes kept of `calls` blocks of a whole row that mix its positions by a SwiGLU:
/// `[hidden size, inner size, positions, inner positions]`.
pub fn mixing_block(calls: usize, sizes: [usize; 4]) -> f64 {
    let [d, inner, positions, mixer] = sizes.map(|size| size as f64);
    let of_positions = positions * (STATE * d + INNER * inner);
    NUMBER * calls as f64 * (of_positions + MIXED * mixer * d)
}

/// Bytes kept of an attention whose weights are stored: `[heads, positions seen]`.
pub fn stored_attention(calls: usize, sizes: [usize; 2]) -> f64 {
    let [heads, seen] = sizes.map(|size| size as f64);
    NUMBER * calls as f64 * ATTENTION * heads * seen
}

/// Bytes kept of one position's readout.
pub fn readout(vocab_size: usize) -> f64 {
    NUMBER * READOUT * vocab_size as f64
}

/// Bytes kept of a gated MLP at one position that reads its state and as many embeddings,
/// twice as wide as the state: `context` embeddings of `d` features; none without any.
pub fn gated(context: usize, d: usize) -> f64 {
    if context == 0 {
        return 0.0;
    }
    NUMBER * d as f64 * (2.0 * (context + 1) as f64 + 2.0 * INNER + 2.0)
}

/// Bytes that one position keeps in a language model.
pub struct Kept {
    /// Before the first cycle.
    pub once: f64,
    /// In each cycle.
    pub cycle: f64,
    /// Features of the state between cycles.
    pub state: usize,
    /// In each readout.
    pub readout: f64,
}

impl Kept {
    /// Bytes that a position keeps at most: of all cycles that leave a gradient, or of one
    /// cycle and the states between them where they are computed again.
    pub fn training(&self, spec: &impl ModelSpec, train: &TrainSpec) -> f64 {
        let Self { once, cycle, state, readout } = self;
        let deepest = match train.depth_sampling {
            DepthSampling::LogNormal => MAX_SAMPLED * spec.depth(),
            DepthSampling::Fixed | DepthSampling::Uniform => spec.depth(),
        };
        let cycles = cycles_back(deepest, train) as f64;
        let readouts = match train.objective {
            Objective::LastCycle => 1.0,
            Objective::EveryCycle => cycles,
        };
        let of_cycles = match train.gradient_checkpointing {
            false => cycles * cycle,
            true => cycle + NUMBER * cycles * BETWEEN * *state as f64,
        };
        once + of_cycles + readouts * readout
    }
}

/// Cycles of the deepest pass that leave a gradient, of `depth`.
pub fn cycles_back(depth: usize, train: &TrainSpec) -> usize {
    match train.backprop_cycles {
        0 if train.detach_cycles && train.objective == Objective::LastCycle => 1,
        0 => depth,
        cycles => depth.min(cycles),
    }
}
