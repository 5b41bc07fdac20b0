//! Handwritten digits: 1,797 images of 8 × 8 pixels from 0 to 16, the test part of
//! UCI's "Optical Recognition of Handwritten Digits" (CC BY 4.0), in its order.

use super::DIGITS;
use super::set::ImageSize;
use super::source::LabelledImages;

/// SHA-256 of the file that they come from, in hexadecimal; the build stops at any other.
pub const DIGITS_SHA256: &str = env!("DIGITS_SHA256");

/// All first pixels, all second ones and so on, then the labels.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/digits.bin"));

const SIZE: ImageSize = ImageSize { channels: 1, height: 8, width: 8 };

const PIXELS: usize = 64;

/// All digits, not split yet.
pub fn digits() -> LabelledImages {
    let images = PACKED.len() / (PIXELS + 1);
    let (planes, labels) = PACKED.split_at(PIXELS * images);
    let pixel = |place: usize| planes[place % PIXELS * images + place / PIXELS];
    LabelledImages {
        name: DIGITS.into(),
        classes: (0..10).map(|digit| digit.to_string()).collect(),
        size: SIZE,
        levels: 16,
        pixels: (0..planes.len()).map(pixel).collect(),
        labels: labels.iter().map(|label| u16::from(*label)).collect(),
        counts: [images, 0, 0],
        sha256: DIGITS_SHA256.into(),
    }
}
