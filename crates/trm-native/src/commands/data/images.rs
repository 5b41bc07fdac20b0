//! `data prepare --image-size`: a folder of images as one file.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use trm_data::images::{PreparedImages, Preprocessing, prepare_images};
use trm_spec::Failure;

use crate::args::Prepare;
use crate::interrupt::Interrupt;
use crate::output::{print, print_json};
use crate::progress::{LINE_INTERVAL, thousands};
use crate::report::{say, usage};
use crate::shell::{program, quoted};
use crate::text_file;

/// The file that was written.
#[derive(Serialize)]
struct Written {
    path: String,
    name: String,
    classes: usize,
    train_images: usize,
    val_images: usize,
    test_images: usize,
    image_size: usize,
    num_channels: usize,
    sha256: String,
}

/// Prepares the one folder that was named.
///
/// # Errors
/// If it holds no images of a known layout, or the file cannot be written.
pub fn prepare(typed: &Prepare) -> anyhow::Result<()> {
    let [source] = &typed.texts[..] else {
        return Err(usage!(
            "--image-size prepares one folder of images; {} are given",
            typed.texts.len()
        ));
    };
    let (size, channels) = (typed.image_size.unwrap_or_default(), typed.num_channels);
    let preprocessing = match &typed.preprocessor {
        None => Preprocessing::resizing(channels, size),
        Some(path) => {
            let text = text_file::read(path)?;
            let read = Preprocessing::from_preprocessor_config(&text, channels);
            let read = read.map_err(Failure::from).with_context(|| path.display().to_string())?;
            if read.size != size {
                return Err(usage!(
                    "--image-size is {size}, but {} makes images of {}",
                    path.display(),
                    read.size
                ));
            }
            read
        }
    };
    let interrupt = Interrupt::listen()?;
    let mut shown = Instant::now();
    let mut progress = |done: usize, total: usize| {
        if shown.elapsed() > LINE_INTERVAL {
            shown = Instant::now();
            say!("{} of {} images", thousands(done as u64), thousands(total as u64));
        }
        if interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    prepare_images(source, &typed.out, &preprocessing, &mut progress).map_err(Failure::from)?;
    let file = PreparedImages::open(&typed.out).map_err(Failure::from)?;
    let [train_images, val_images, test_images] = file.counts();
    let written = Written {
        path: typed.out.display().to_string(),
        name: file.name().into(),
        classes: file.classes().len(),
        train_images,
        val_images,
        test_images,
        image_size: file.size().height,
        num_channels: file.size().channels,
        sha256: file.sha256().into(),
    };
    if typed.json {
        return print_json(&written);
    }
    print(&format!(
        "{}: {} images of {size} × {size} in {} classes",
        written.path,
        thousands((train_images + val_images + test_images) as u64),
        written.classes
    ))?;
    // Pictures that are classified later are then resized in the same way.
    let resize = if typed.preprocessor.is_none() { " --resize true" } else { "" };
    print(&format!(
        "train with: {} train --variant trm_vit --image-size {size} --num-channels {channels}{resize} --data {}",
        program(),
        quoted(&typed.out)
    ))
}
