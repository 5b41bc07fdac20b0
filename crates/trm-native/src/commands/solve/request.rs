//! The request that `solve` sends to a model.

use trm_train::SolveRequest;

use crate::args;

/// The request for a model that was trained with `depth` steps.
pub fn request(
    typed: &args::Solve,
    depth: usize,
    inputs: Vec<Vec<u32>>,
    puzzle_identifiers: Vec<u32>,
) -> SolveRequest {
    let (threshold, max_steps) = (typed.halt_threshold, typed.max_steps.unwrap_or(depth));
    SolveRequest { inputs, puzzle_identifiers, threshold, max_steps, copies: typed.copies }
}
