//! What a frozen base makes of the data: features of images, computed once and kept in a file,
//! or the place where states of questions are kept.

use std::ops::ControlFlow;
use std::sync::Arc;

use pollster::block_on;
use trm_data::Dataset;
use trm_data::images::{Augment, FeatureWriter, Features, ImageSplit};
use trm_spec::{Failure, RunConfig};
use trm_train::open_base;

use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::machine::interrupt::{self, Interrupt};
use crate::terminal::count::counted;
use crate::terminal::progress::LineProgress;
use crate::terminal::report::say;

/// `data` with the features that the frozen base makes of its images: from the file
/// beside the base if there is one, else computed and written to it. Data that no base belongs
/// to stay as they are.
///
/// # Errors
/// If the base cannot be used, the file cannot be written, or Ctrl-C is pressed.
pub fn cached(
    data: Dataset,
    config: &RunConfig,
    base: Option<&BaseOnDisk>,
    device: &OpenDevice,
) -> anyhow::Result<Dataset> {
    let Some(base) = base else { return Ok(data) };
    if let Dataset::Questions(mut questions) = data {
        // The trainer fills the file as it goes.
        say!("states of the frozen model are kept beside it, for each question once");
        questions.states_in = Some(base.folder().into());
        return Ok(Dataset::Questions(questions));
    }
    let Dataset::Images(mut images) = data.clone() else { return Ok(data) };
    let Some(shape) = config.model.image() else { return Ok(data) };
    let augment = Augment { random_crop: config.data.random_crop, flip: config.data.flip };
    if augment != Augment::default() {
        say!("training images are augmented: the frozen base is run on each of them again");
        return Ok(data);
    }
    let frozen = open_base(config, base.file(), &device.device)?;
    let key = frozen.key(&images, shape);
    let short = |digest: &str| digest.get(..8).unwrap_or(digest).to_owned();
    // All that the features depend on, so that those of other settings stay in their own file.
    let name = format!(
        "features-{}-{}-{}-{}.safetensors",
        short(&key.data),
        short(&key.base),
        shape.vit_depth,
        short(&key.preprocessing)
    );
    let path = base.folder().join(name);
    let open = || Features::open(&path, &key).map_err(Failure::from);
    if path.exists() {
        let features = open()?;
        say!("features of the frozen base: {}", path.display());
        images.features = Some(Arc::new(features));
        return Ok(images.into());
    }
    let counts = ImageSplit::ALL.map(|split| images.set(split).len());
    let total: usize = counts.iter().sum();
    say!(
        "computing the features of {} with {} (once; {})",
        counted(total, "images"),
        base.file().name,
        path.display()
    );
    let interrupt = Interrupt::listen()?;
    // A file that is not whole is removed.
    let _polled = interrupt::polled();
    let mut writer = None;
    let mut lines = LineProgress::new("images");
    block_on(frozen.features_of(&images, shape, &device.device, &mut |dims, values| {
        let [_, tokens, width] = dims;
        let writer = match &mut writer {
            Some(writer) => writer,
            None => writer.insert(
                FeatureWriter::create(&path, &key, tokens, width, counts).map_err(Failure::from)?,
            ),
        };
        let mut progress = |done: usize, total: usize| {
            lines.at(done, total, "");
            if interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        writer.push(values, &mut progress).map_err(Failure::from)?;
        anyhow::Ok(ControlFlow::Continue(()))
    }))?;
    if let Some(writer) = writer {
        writer.finish().map_err(Failure::from)?;
    }
    images.features = Some(Arc::new(open()?));
    Ok(images.into())
}
