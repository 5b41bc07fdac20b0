//! `data prepare --image-size`: a folder of images as one file.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use trm_data::images::{PreparedImages, Preprocessing, prepare_images};
use trm_spec::{Failure, Family, MODELS, ModelInfo};

use crate::args::Prepare;
use crate::inputs::dataset;
use crate::inputs::text_file;
use crate::machine::interrupt::Interrupt;
use crate::run_dir;
use crate::terminal::count::counted;
use crate::terminal::output::{print, print_json};
use crate::terminal::progress::LineProgress;
use crate::terminal::report::{say, usage};
use crate::terminal::shell::{program, quoted};

/// Patches along a side that suit a model: ViT-B/16 has 14 in an image of 224 pixels.
const PATCHES: usize = 14;

/// Most patches along a side for which the default patch size is kept.
const FEW: usize = 16;

/// A file of prepared images.
#[derive(Serialize)]
pub struct Written {
    pub path: String,
    pub name: String,
    classes: usize,
    train_images: usize,
    val_images: usize,
    test_images: usize,
    image_size: usize,
    num_channels: usize,
    sha256: String,
}

impl Written {
    /// The file at `path`, whose content is compared with its digest if `verify` says so.
    ///
    /// # Errors
    /// If it cannot be read, or is damaged.
    pub fn read(path: &Path, verify: bool) -> Result<Self, Failure> {
        let file = PreparedImages::open(path)?;
        if verify {
            file.verify()?;
        }
        Ok(Self::of(path, &file))
    }

    fn of(path: &Path, file: &PreparedImages) -> Self {
        let [train_images, val_images, test_images] = file.counts();
        Self {
            path: path.display().to_string(),
            name: file.name().into(),
            classes: file.classes().len(),
            train_images,
            val_images,
            test_images,
            image_size: file.size().height,
            num_channels: file.size().channels,
            sha256: file.sha256().into(),
        }
    }

    /// How many images of which size, for people to read.
    pub fn counted(&self) -> String {
        let Self { train_images, val_images, test_images, image_size, classes, .. } = self;
        let images = counted(train_images + val_images + test_images, "images");
        let classes = if *classes == 1 { "1 class".into() } else { format!("{classes} classes") };
        format!("{images} of {image_size} × {image_size} in {classes}")
    }
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
    let out = run_dir::target(&typed.out)?;
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
    preprocessing.validate().map_err(Failure::from)?;
    let train = train_command(size, channels);
    if train.is_none() {
        say!(
            "no patch size divides images of {size} pixels into about {PATCHES} × {PATCHES} patches; for training prefer --image-size {}",
            near(size)
        );
    }
    let interrupt = Interrupt::listen()?;
    let mut lines = LineProgress::new("images");
    let mut progress = |done: usize, total: usize| {
        lines.at(done, total, "");
        if interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let other = prepare_images(source, &out, &preprocessing, &mut progress);
    let other = other.map_err(Failure::from)?;
    let file = PreparedImages::open(&out).map_err(Failure::from)?;
    dataset::say_other_pictures(file.name(), &other);
    let written = Written::of(&typed.out, &file);
    if typed.json {
        return print_json(&written);
    }
    print(&format!("{}: {}", written.path, written.counted()))?;
    let Some(train) = train else { return Ok(()) };
    // Pictures that are classified later are then resized in the same way.
    let resize = if typed.preprocessor.is_none() { " --resize true" } else { "" };
    print(&format!("train with: {} {train}{resize} --data {}", program(), quoted(&typed.out)))
}

/// The command that trains the recursive classifier on images of `size` pixels a side; `None` if
/// they have no suitable patch size.
fn train_command(size: usize, channels: usize) -> Option<String> {
    let recursive =
        |model: &&ModelInfo| model.family == Family::Images && model.depth_key.is_some();
    let model = MODELS.iter().find(recursive)?;
    let default = (model.defaults)().0.image()?.patch_size;
    let patch = match patch_size(size, default)? {
        patch if patch == default => String::new(),
        patch => format!(" --patch-size {patch}"),
    };
    let name = model.name;
    Some(format!("train --variant {name} --image-size {size}{patch} --num-channels {channels}"))
}

/// The patch size for images of `size` pixels a side: `default`, where it makes few patches, or
/// that which makes about [`PATCHES`] a side. `None` if every one makes far more or far less.
fn patch_size(size: usize, default: usize) -> Option<usize> {
    if size.is_multiple_of(default) && size / default <= FEW {
        return Some(default);
    }
    // Small images have few patches whatever the size of these is.
    let suits = |patch: &usize| {
        let patches = size / patch;
        size.is_multiple_of(*patch)
            && patches <= 2 * PATCHES
            && (*patch == 1 || patches >= PATCHES / 2)
    };
    (1..=size).filter(suits).min_by_key(|patch| (size / patch).abs_diff(PATCHES))
}

/// The nearest size that is divided into [`FEW`] patches a side.
fn near(size: usize) -> usize {
    (size + FEW / 2) / FEW * FEW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_divide_the_image_and_are_about_fourteen_a_side() {
        for (size, patch) in [
            (8, 2),
            (28, 2),
            (32, 2),
            (64, 4),
            (96, 6),
            (224, 16),
            (225, 15),
            (256, 16),
            (384, 24),
            (518, 37),
            // Odd and small.
            (7, 1),
            (17, 1),
        ] {
            assert_eq!(patch_size(size, 2), Some(patch), "{size}");
        }
        for size in [29, 113, 226, 227] {
            assert_eq!(patch_size(size, 2), None, "{size}");
            // What is recommended has one.
            assert!(patch_size(near(size), 2).is_some(), "{size}");
        }
    }

    #[test]
    fn a_patch_size_is_named_where_the_default_makes_too_many() {
        let command = |size| train_command(size, 3).expect("a command");
        assert!(!command(32).contains("--patch-size"), "{}", command(32));
        assert!(command(224).contains("--image-size 224 --patch-size 16 "), "{}", command(224));
        assert_eq!(train_command(227, 3), None);
    }
}
