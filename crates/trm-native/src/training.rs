//! The loop around a run: steps, validation, saving, stopping and metrics.

pub mod run_metrics;
pub mod stop;
pub mod trainer;
pub mod validation;
