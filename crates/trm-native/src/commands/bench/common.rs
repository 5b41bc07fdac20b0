//! What all parts of `bench` use: a fresh run, and the spread of repeated measurements.

use std::path::Path;

use serde::Serialize;
use trm_data::Dataset;
use trm_data::images::ImageDataset;
use trm_spec::{DataSource, Failure, Family, RunConfig};
use trm_train::Run;

use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;

/// Median and range of repeated measurements.
#[derive(Clone, Copy, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// The spread of `values`, of which there must be at least one.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { median: (low + high) / 2.0, min: values[0], max: values[values.len() - 1] }
    }
}

/// Classes of the generated images.
const CLASSES: usize = 100;

/// A run of `config` with random weights, on Tiny Shakespeare, or on generated
/// puzzles or images.
///
/// # Errors
/// If the settings do not fit together.
pub fn fresh(config: &RunConfig, device: &OpenDevice) -> anyhow::Result<Box<dyn Run>> {
    let data = match config.model.family() {
        Family::Images => {
            let preprocessing = trm_data::image_preprocessing(config)?;
            ImageDataset::generated(preprocessing, CLASSES, CLASSES).map_err(Failure::from)?.into()
        }
        Family::Language | Family::Puzzles | Family::Questions => {
            Dataset::load(&DataSource::Named, config, None)?
        }
    };
    Ok(trm_train::create(config, data, &device.device)?)
}

/// A run of a question model with random weights on `base`, whose states are kept in
/// `folder`.
///
/// # Errors
/// If the base cannot be used, or the settings do not fit together.
pub fn fresh_on(
    base: &BaseOnDisk,
    folder: &Path,
    config: &RunConfig,
    device: &OpenDevice,
) -> anyhow::Result<Box<dyn Run>> {
    let mut data = Dataset::load(&DataSource::Named, config, None)?;
    if let Dataset::Questions(questions) = &mut data {
        questions.states_in = Some(folder.into());
    }
    Ok(trm_train::create_on(config, data, Some(base.file()), &device.device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let odd = Spread::of(vec![3.0, 1.0, 2.0]);
        assert_eq!((odd.median, odd.min, odd.max), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of(vec![4.0, 1.0, 3.0, 2.0]).median, 2.5);
    }
}
