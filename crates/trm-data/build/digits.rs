//! The 1,797 handwritten digits of UCI's "Optical Recognition of Handwritten
//! Digits", one byte for a pixel.

use std::error::Error;

use crate::locked::{Locked, write};

/// SHA-256 of the package's file.
const SHA256: &str = "59da24565482d2eafeef38bbb76be99d6eab56fe0a21a0676256efae85428fe6";

/// Pixels of an image, and images.
const PIXELS: usize = 64;
const IMAGES: usize = 1797;

/// Writes all first pixels, then all second ones and so on, which compresses better
/// than image after image (36 kB instead of 39 by brotli), then the labels.
pub fn prepare() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-env=DIGITS_SHA256={SHA256}");
    let file = Locked::find("smartcore", "src/dataset/digits.xy")?;
    let bytes = file.read()?;
    file.check(&bytes, SHA256, "")?;
    // The digest has fixed the layout: two counts of 8 bytes, then little-endian f32.
    let values: Vec<u8> =
        bytes[16..].as_chunks().0.iter().map(|value| f32::from_le_bytes(*value) as u8).collect();
    let (pixels, labels) = values.split_at(PIXELS * IMAGES);
    let mut packed = Vec::with_capacity(values.len());
    for pixel in 0..PIXELS {
        packed.extend(pixels.iter().skip(pixel).step_by(PIXELS));
    }
    packed.extend(labels);
    write("digits.bin", &packed)
}
