//! Images into a prepared file, some at a time: they are never in memory whole.

use std::ops::ControlFlow;
use std::path::Path;

use safetensors::Dtype;

use super::error::ImageError;
use super::load::open_layout;
use super::prepared::{FORMAT, LABELS, PIXELS};
use super::preprocessing::Preprocessing;
use super::source::OtherPictures;
use crate::tensor_writer::TensorWriter;

/// Turns the images in the folder `source` into a file at `out`, from which they can be
/// trained on without being in memory. `progress` is told how many images are done and
/// how many there are, and may stop it.
///
/// Training on the file gives what training on the folder gives: it keeps the parts
/// that the folder has, and no others. Returns which pictures are left out.
///
/// # Errors
/// If an image cannot be read, does not fit the preprocessing, or the file cannot be
/// written.
pub fn prepare_images(
    source: &Path,
    out: &Path,
    preprocessing: &Preprocessing,
    progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<OtherPictures, ImageError> {
    preprocessing.validate()?;
    let opened = open_layout(source)?;
    let content = &opened.content;
    let images = content.labels.len();
    let failed = |source| ImageError::Unwritable { path: out.display().to_string(), source };
    let json = |value: serde_json::Result<String>| value.map_err(|error| failed(error.into()));
    let metadata = [
        ("format", FORMAT.to_owned()),
        ("name", content.name.clone()),
        ("classes", json(serde_json::to_string(&content.classes))?),
        ("counts", json(serde_json::to_string(&content.counts))?),
        ("preprocessing", json(serde_json::to_string(preprocessing))?),
    ];
    let Preprocessing { channels, size, .. } = *preprocessing;
    let tensors: [(_, _, &[usize]); 2] =
        [(LABELS, Dtype::U16, &[images]), (PIXELS, Dtype::U8, &[images, channels, size, size])];
    let mut file = TensorWriter::create(out, &metadata, &tensors).map_err(failed)?;
    let labels: Vec<u8> = content.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    file.push(&labels).map_err(failed)?;
    let mut done = 0;
    opened.each(preprocessing, &mut |image| {
        file.push(&image).map_err(failed)?;
        done += 1;
        match progress(done, images) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ImageError::Stopped { path: out.display().to_string() }),
        }
    })?;
    file.finish().map_err(failed)?;
    Ok(opened.other)
}
