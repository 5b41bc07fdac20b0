//! Image classifiers: the class of an image, read out after every outer step.

mod base;
mod baselines;
mod batch;
mod classifier;
mod classify;
mod features;
mod model;
mod probe;
mod scores;
mod task;

pub use base::FrozenBase;
pub use baselines::Baseline;
pub use features::OnFeatures;
pub use model::ImageModel;
pub use probe::Probe;
pub use task::ImageTask;
