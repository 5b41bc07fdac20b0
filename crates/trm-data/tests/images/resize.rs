//! Resizing gives the bytes that Pillow 13.0 gives, and the centre is cut out as
//! transformers does it.

use sha2::{Digest, Sha256};
use trm_data::images::{
    Filter, ImageDataset, ImageSize, ImageSource, LabelledImages, Preprocessing, Resize, from_rgba,
};

use crate::options;

/// The grey image that the numbers below are of, as the page has it.
fn rgba([height, width]: [usize; 2]) -> Vec<u8> {
    let grey = (0..height * width).map(|i| ((i * i * 7 + i * 31) % 256) as u8);
    grey.flat_map(|grey| [grey, grey, grey, 255]).collect()
}

#[test]
fn every_filter_is_pillows() {
    for (filter, from, to, first, sha256) in [
        (Filter::Nearest, [5, 7], 3, [38, 156, 74, 248, 246, 44, 130, 8, 198], "a34a61e07ce5"),
        (Filter::Nearest, [5, 7], 9, [0, 38, 38, 90, 156, 236, 74, 74, 182], "12931ff2b5cd"),
        (Filter::Nearest, [23, 31], 8, [224, 204, 152, 68, 208, 60, 136, 180, 98], "4085e100ef52"),
        (Filter::Lanczos, [5, 7], 3, [54, 170, 131, 166, 173, 49, 156, 89, 163], "6c8fcc99e1c4"),
        (Filter::Lanczos, [5, 7], 9, [0, 6, 56, 107, 146, 244, 134, 95, 211], "d4b61f15222b"),
        (
            Filter::Lanczos,
            [23, 31],
            8,
            [130, 154, 139, 123, 123, 107, 114, 115, 123],
            "509149d7ee6d",
        ),
        (Filter::Bilinear, [5, 7], 3, [69, 159, 125, 153, 162, 72, 154, 100, 154], "630698d83e5e"),
        (Filter::Bilinear, [5, 7], 9, [0, 25, 61, 105, 156, 218, 146, 110, 182], "3732b83c9dbd"),
        (
            Filter::Bilinear,
            [23, 31],
            8,
            [131, 150, 138, 121, 126, 108, 115, 116, 121],
            "be2a55f085af",
        ),
        (Filter::Bicubic, [5, 7], 3, [60, 167, 127, 159, 167, 62, 158, 92, 159], "c23cb0ef5e65"),
        (Filter::Bicubic, [5, 7], 9, [0, 12, 52, 103, 149, 238, 142, 98, 198], "b3e2bb01305c"),
        (
            Filter::Bicubic,
            [23, 31],
            8,
            [128, 153, 139, 122, 126, 106, 115, 115, 122],
            "0ad4cae82dd6",
        ),
    ] {
        let resize = Resize::Exact { height: to, width: to };
        let preprocessing = Preprocessing { filter, resize, ..Preprocessing::new(1, to) };
        let image = from_rgba(&rgba(from), from[0], from[1], &preprocessing).expect("an image");
        assert_eq!(image[..9], first, "{filter:?} {from:?} {to}");
        let digest: String =
            Sha256::digest(&image).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest[..12], *sha256, "{filter:?} {from:?} {to}");
    }
}

#[test]
fn the_centre_is_cut_out() {
    let image = |height: usize, width: usize, size: usize| {
        let rgba: Vec<u8> = (1..=(height * width) as u8).flat_map(|v| [v, v, v, 255]).collect();
        let preprocessing = Preprocessing { crop: true, ..Preprocessing::new(1, size) };
        from_rgba(&rgba, height, width, &preprocessing).expect("an image")
    };
    assert_eq!(image(2, 4, 2), [2, 3, 6, 7]);
    // An odd rest: more is cut off behind, and less of the border is before.
    assert_eq!(image(2, 5, 2), [2, 3, 7, 8]);
    assert_eq!(image(1, 2, 2), [0, 0, 1, 2]);
    assert_eq!(image(4, 1, 3), [0, 1, 0, 0, 2, 0, 0, 3, 0]);
}

#[test]
fn the_shorter_side_decides() {
    let preprocessing = Preprocessing::resizing(3, 4);
    let white = [255; 4 * 8 * 3];
    for (height, width) in [(8, 3), (3, 8), (4, 6)] {
        let image = from_rgba(&white, height, width, &preprocessing).expect("an image");
        assert_eq!(image, [255; 48]);
    }
}

#[test]
fn transparent_pixels_are_white_and_colours_grey_as_in_pillow() {
    let pixels =
        [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [9, 9, 9, 0], [0, 0, 0, 51]];
    let image = |pixel: [u8; 4], channels| {
        from_rgba(&pixel, 1, 1, &Preprocessing::new(channels, 1)).expect("an image")
    };
    assert_eq!(pixels.map(|pixel| image(pixel, 1)[0]), [76, 150, 29, 255, 204]);
    assert_eq!(image([10, 20, 30, 255], 3), [10, 20, 30]);
}

#[test]
fn digits_fit_a_larger_model_too() {
    let resize = Resize::Exact { height: 32, width: 32 };
    let preprocessing = Preprocessing { resize, ..Preprocessing::new(3, 32) };
    let digits = ImageDataset::load(&ImageSource::Digits, &options(preprocessing)).expect("digits");
    assert_eq!(digits.train.size(), ImageSize { channels: 3, height: 32, width: 32 });
    assert_eq!(digits.train.levels(), 255);
    let image = digits.train.image(0);
    assert!(image.iter().max() > Some(&200), "16 has become 255");
    assert_eq!(image[..1024], image[2048..]);
}

#[test]
fn what_is_no_image_is_refused() {
    let preprocessing = Preprocessing::resizing(1, 8);
    for (bytes, height, width, words) in [
        (15, 2, 2, "15 bytes for 2 × 2"),
        (0, 0, 0, "0 bytes"),
        (4, usize::MAX, 3, "4 bytes"),
        (4 * 20_000, 1, 20_000, "20000 × 1 pixels; up to 16384 a side"),
        (4 * 16_000, 1, 16_000, "16000 × 1 pixels: with 8 on the shorter side"),
    ] {
        let error = from_rgba(&vec![0; bytes], height, width, &preprocessing).expect_err("refused");
        assert!(error.to_string().contains(words), "{error}");
    }
    let strange = LabelledImages {
        name: "strange".into(),
        classes: vec!["a".into(), "b".into()],
        size: ImageSize { channels: 2, height: 1, width: 1 },
        levels: 255,
        pixels: vec![0; 12],
        labels: vec![0; 6],
        counts: [6, 0, 0],
        sha256: String::new(),
    };
    let source = ImageSource::Memory(strange);
    assert!(ImageDataset::load(&source, &options(preprocessing)).is_err());
}
