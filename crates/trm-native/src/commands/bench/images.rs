//! The time that a ViT takes for the features of images.

use std::time::Instant;

use pollster::block_on;
use serde::Serialize;
use trm_spec::{RunConfig, VitSpec};
use trm_train::ClassifyRequest;

use super::common::{Spread, fresh};
use crate::machine::device::OpenDevice;

/// The time of a forward pass of a ViT.
#[derive(Serialize)]
pub struct FeatureTiming {
    name: &'static str,
    parameters: usize,
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
    let run = fresh(&config, device)?;
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
        parameters: run.summary().parameters,
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
