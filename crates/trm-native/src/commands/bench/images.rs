//! Images for timing, and the time that a ViT takes for their features.

use std::time::Instant;

use pollster::block_on;
use serde::Serialize;
use trm_data::Dataset;
use trm_data::images::{ImageDataset, ImageOptions, ImageSize, ImageSource, LabelledImages};
use trm_spec::{Failure, RunConfig, VitSpec};
use trm_train::ClassifyRequest;

use super::common::Spread;
use crate::device::OpenDevice;

/// Classes of the generated images.
const CLASSES: usize = 100;

/// Generated images of the size that `config` is trained on.
///
/// # Errors
/// If it describes no image classifier.
pub fn generated(config: &RunConfig) -> Result<Dataset, Failure> {
    let preprocessing = trm_data::image_preprocessing(config)?;
    let (channels, side) = (preprocessing.channels, preprocessing.size);
    let images = CLASSES + 2;
    let data = LabelledImages {
        name: "benchmark".into(),
        classes: (0..CLASSES).map(|class| class.to_string()).collect(),
        size: ImageSize { channels, height: side, width: side },
        levels: u8::MAX,
        pixels: (0..images * channels * side * side).map(|i| (i * 31 % 251) as u8).collect(),
        labels: (0..images).map(|i| (i % CLASSES) as u16).collect(),
        counts: [CLASSES, 1, 1],
        sha256: String::new(),
    };
    let options = ImageOptions { preprocessing, val_fraction: 0.0 };
    Ok(ImageDataset::load(&ImageSource::Memory(data), &options)?.into())
}

/// The time of a forward pass of a ViT.
#[derive(Serialize)]
pub struct FeatureTiming {
    name: &'static str,
    batch_size: usize,
    runs: usize,
    ms_per_batch: Spread,
}

/// Images in the timed batch.
const BATCH: usize = 4;

/// Times a forward pass of ViT-B/16 with random weights.
///
/// # Errors
/// If the device cannot hold it.
pub fn features(runs: usize, device: &OpenDevice) -> anyhow::Result<FeatureTiming> {
    let spec = VitSpec {
        image_size: 224,
        num_channels: 3,
        patch_size: 16,
        hidden_size: 768,
        n_layers: 12,
        num_heads: 12,
        intermediate_size: 3072,
        ..VitSpec::default()
    };
    let config = RunConfig { model: spec.into(), ..RunConfig::default() };
    let run = trm_train::create(&config, generated(&config)?, &device.device)?;
    let pixels = BATCH * 3 * 224 * 224;
    let values = (0..pixels).map(|i| (i % 255) as f32 / 127.5 - 1.0).collect();
    let request = ClassifyRequest::Pixels { values, images: BATCH };
    let classifier = run.classifier()?;
    block_on(classifier.classify_all(&request, 0, 1))?;
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        block_on(classifier.classify_all(&request, 0, 1))?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(FeatureTiming {
        name: "features: ViT-B/16, 224 px, batch 4",
        batch_size: BATCH,
        runs,
        ms_per_batch: Spread::of(times),
    })
}

/// The timing, for people to read.
pub fn line(one: &FeatureTiming) -> String {
    let Spread { median, min, max } = one.ms_per_batch;
    format!("{}: {median:.0} ms ({min:.0} to {max:.0})", one.name)
}
