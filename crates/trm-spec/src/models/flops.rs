//! How much arithmetic training costs: the formulas that several models share.
//!
//! Only matrix products count, two floating-point operations for each multiplication
//! and its addition, as in nanoGPT and PaLM: norms, activations, the optimizer and
//! whatever is recomputed to save memory are left out. With `d` features, `i` inner
//! features of the SwiGLU, `L` blocks and `T` tokens of context, the forward pass of
//! one token costs
//!
//! - in a cycle: `2·(L·(4d² + 3d·i) + 2d² with an adapter) + L·4·d·T`. The last term is
//!   attention, counted over the whole row although a causal mask leaves out half;
//! - in a readout: `2·d·vocab`.
//!
//! The backward pass costs twice the forward pass.

use crate::{DepthSampling, ModelSpec, Objective, TrainSpec};

/// Operations of one position's forward pass through `layers` blocks that attend to
/// `seen` positions: `[hidden size, inner size, layers, seen]`.
pub fn blocks(sizes: [usize; 4]) -> f64 {
    let [d, inner, layers, seen] = sizes.map(|size| size as f64);
    2.0 * layers * (4.0 * d * d + 3.0 * d * inner) + layers * 4.0 * d * seen
}

/// Operations of one token's readout.
pub fn readout(hidden_size: usize, vocab_size: usize) -> f64 {
    2.0 * hidden_size as f64 * vocab_size as f64
}

/// Operations of one token's forward pass in a language model.
pub struct Forward {
    /// Before the first cycle.
    pub once: f64,
    /// In each cycle.
    pub cycle: f64,
    /// In each readout.
    pub readout: f64,
}

impl Forward {
    /// Operations that training spends on one token on average: over the depths it
    /// draws, with a readout for every loss, and without a backward pass through cycles
    /// that leave no gradient.
    pub fn training(&self, spec: &impl ModelSpec, train: &TrainSpec) -> f64 {
        let Self { once, cycle, readout } = self;
        let depth = mean_depth(spec.depth(), train, usize::MAX);
        let back = match train.backprop_cycles {
            // Cut off from the loss, the cycles before the last have no backward pass.
            0 if train.detach_cycles && train.objective == Objective::LastCycle => 1.0,
            0 => depth,
            cycles => mean_depth(spec.depth(), train, cycles),
        };
        let readouts = match train.objective {
            Objective::LastCycle => 1.0,
            Objective::EveryCycle => back,
        };
        3.0 * once + (depth + 2.0 * back) * cycle + 3.0 * readouts * readout
    }
}

/// Mean over the drawn depths of the cycles of a pass, at most `most` of each.
fn mean_depth(deepest: usize, train: &TrainSpec, most: usize) -> f64 {
    match train.depth_sampling {
        DepthSampling::Fixed => deepest.min(most) as f64,
        // The draw has this mean but for its cut ends; where passes are capped, an upper bound.
        DepthSampling::LogNormal => deepest.min(most) as f64,
        DepthSampling::Uniform => {
            let depths = train.min_depth.min(deepest)..=deepest;
            let count = depths.clone().count() as f64;
            depths.map(|depth| depth.min(most) as f64).sum::<f64>() / count
        }
    }
}
