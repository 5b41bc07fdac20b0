//! How much the readout after each cycle counts in a loss.

use trm_spec::Objective;

/// The weight of each of `depth` cycles' losses, with sum one. The cycles before the
/// last `taped` ones record no gradients and have weight 0; cycles beyond the `listed`
/// weights have the last one.
pub(crate) fn cycle_weights(
    objective: Objective,
    listed: &[f64],
    depth: usize,
    taped: usize,
) -> Vec<f64> {
    let first = depth - taped;
    let weight = |cycle: usize| match objective {
        _ if cycle < first => 0.0,
        Objective::LastCycle => f64::from(u8::from(cycle + 1 == depth)),
        // The last cycle always has a weight, or there would be no loss to report.
        Objective::EveryCycle => {
            listed.get(cycle).or(listed.last()).copied().unwrap_or(1.0).max(1e-9)
        }
    };
    let weights: Vec<f64> = (0..depth).map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / total).collect()
}
