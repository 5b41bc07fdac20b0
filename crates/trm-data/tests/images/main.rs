//! Images: what is read is checked, what is held out is fixed, and batches are a
//! function of the seed and their number.

mod batches;
mod cifar;
mod config;
mod decode;
mod digits;
mod features;
mod folders;
mod idx;
mod parts;
mod prepared;
mod resize;
mod table;

use std::path::Path;

use trm_data::images::{
    ImageDataset, ImageError, ImageOptions, ImageSize, ImageSource, LabelledImages, Preprocessing,
};

/// `images` small images of two classes in memory; no two are alike.
fn sample(images: usize, size: ImageSize) -> LabelledImages {
    let labels: Vec<u16> = (0..images).map(|image| (image % 3 == 0).into()).collect();
    LabelledImages {
        name: "sample".into(),
        classes: vec!["a".into(), "b".into()],
        size,
        levels: 255,
        pixels: (0..images * size.bytes()).map(|byte| (byte * 31 % 251) as u8).collect(),
        counts: [labels.len(), 0, 0],
        labels,
        sha256: String::new(),
    }
}

fn options(preprocessing: Preprocessing) -> ImageOptions {
    ImageOptions { preprocessing, val_fraction: 0.1 }
}

fn load(folder: &Path, preprocessing: Preprocessing) -> Result<ImageDataset, ImageError> {
    ImageDataset::load(&ImageSource::Files(folder.into()), &options(preprocessing))
}

/// A PNG of one colour.
fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("in memory");
    writer.write_image_data(&colour.repeat((width * height) as usize)).expect("in memory");
    writer.finish().expect("in memory");
    bytes
}

/// What loading a folder says, which names `file`, and has a hint.
fn refused(folder: &Path, preprocessing: Preprocessing, file: &str) -> String {
    let error = load(folder, preprocessing).expect_err("refused");
    let message = error.to_string();
    assert!(message.contains(file), "`{file}` is not in: {message}");
    assert!(error.hint().len() > 10, "{}", error.hint());
    message
}
