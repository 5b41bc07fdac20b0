//! Decoding of PNG, JPEG and WebP; files that are damaged, cut short or too large.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image_webp::{ColorType, WebPEncoder};
use trm_data::images::{ImageError, Preprocessing, Resize, decode_image};

use crate::png;

/// Images of 16 × 12 pixels by Pillow: red grows to the right, green downwards.
const BASELINE: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wAARCAAMABADASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwD4n+Ef7E4/dZ0j0/gr6i+Ef7EoPlY0n0/gr6g+Enwn8E/uv+JZ6dx/hX1B8JPhR4KHlY0z07j/AAr7XP8AxQzLXc+a+jh49Z3+50l06/8ABP/Z";
const PROGRESSIVE: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wgARCAAMABADASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAAB//EABQBAQAAAAAAAAAAAAAAAAAAAAX/2gAMAwEAAhADEAAAARNRUFBoz//EABcQAQEBAQAAAAAAAAAAAAAAAAUABAb/2gAIAQEAAQUCI4mI4mJJxRJWK//EABkRAAEFAAAAAAAAAAAAAAAAAAAEBgciMf/aAAgBAwEBPwGOH6tpp//EABYRAQEBAAAAAAAAAAAAAAAAAAQABv/aAAgBAgEBPwF+oTf/xAAWEAADAAAAAAAAAAAAAAAAAAAAASP/2gAIAQEABj8CUhSFMUz/xAAWEAEBAQAAAAAAAAAAAAAAAADxABD/2gAIAQEAAT8hBhdrn//aAAwDAQACAAMAAAAQD//EABYRAQEBAAAAAAAAAAAAAAAAAEEA4f/aAAgBAwEBPxAoO3//xAAWEQADAAAAAAAAAAAAAAAAAAAAITH/2gAIAQIBAT8Qcp//xAAbEAACAgMBAAAAAAAAAAAAAAAAASFRMUHRkf/aAAgBAQABPxBGdShxofJ7XBeNdrh//9k=";
const LOSSY_WEBP: &str = "UklGRmgAAABXRUJQVlA4IFwAAABwAgCdASoQAAwAAMASJbACdLcAowFX/gef4LVAAP7/l8aXXcDiLKFF+ejk1Hv4AM0nWtAoxX/uGX/Ct+9n+FSyp/f4g5QDf5v34U1/+F+34wf+pP2+sjI2mW8AAA==";
/// The red channel of them alone.
const GREY: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/wAALCAAMABABAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APj/APZt/wCXX8K/VX9m3/l1/Cvyq/Zt/wCXX8K/VX9m3/l1/Cv/2Q==";

fn file(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).expect("base64")
}

/// The image as it is, but for a black border below.
fn preprocessing(channels: usize) -> Preprocessing {
    Preprocessing { crop: true, ..Preprocessing::new(channels, 16) }
}

fn decode(bytes: &[u8], channels: usize) -> Result<Vec<u8>, ImageError> {
    decode_image("cat.png", bytes, &preprocessing(channels))
}

fn refused(bytes: &[u8], words: &str) {
    let error = decode(bytes, 3).expect_err("refused");
    let message = error.to_string();
    assert!(message.contains("cat.png"), "the file is named: {message}");
    assert!(message.contains(words), "`{words}` is not in: {message}");
}

#[test]
fn colours_are_those_that_pillow_decodes() {
    for text in [BASELINE, PROGRESSIVE, LOSSY_WEBP] {
        let image = decode(&file(text), 3).expect("an image");
        assert_eq!(image.len(), 3 * 256);
        for (y, x, colour) in
            [(0, 0, [1, 1, 121]), (11, 15, [239, 218, 189]), (5, 8, [130, 100, 154])]
        {
            for (channel, value) in colour.into_iter().enumerate() {
                // Two rows of border stand above.
                let found = image[channel * 256 + (y + 2) * 16 + x];
                assert!(found.abs_diff(value) <= 4, "{y} {x} {channel}: {found}, not {value}");
            }
        }
    }
    let grey = decode(&file(GREY), 1).expect("an image");
    for (place, value) in [(2 * 16, 0), (13 * 16 + 15, 240), (7 * 16 + 8, 128)] {
        assert!(grey[place].abs_diff(value) <= 2, "{}", grey[place]);
    }
}

#[test]
fn every_kind_of_png_is_read() {
    use png::{BitDepth, ColorType, Encoder};

    let of = |colour: ColorType, depth: BitDepth, data: &[u8], palette: Option<&[u8]>| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if let Some(palette) = palette {
            encoder.set_palette(palette.to_vec());
            encoder.set_trns(vec![255, 0]);
        }
        encoder.write_header().expect("a header").write_image_data(data).expect("in memory");
        decode_image("x", &bytes, &Preprocessing { crop: true, ..Preprocessing::new(3, 2) })
    };
    let colours = |image: Result<Vec<u8>, ImageError>| {
        let image = image.expect("an image");
        // Each channel has an empty row, which the border adds before or after.
        let row = if image[0] == 0 && image[1] == 0 { 2 } else { 0 };
        [0, 1].map(|x| [0, 4, 8].map(|channel| image[channel + row + x]))
    };
    let grey = of(ColorType::Grayscale, BitDepth::Eight, &[7, 200], None);
    assert_eq!(colours(grey), [[7; 3], [200; 3]]);
    // 16 bits are cut to 8, a single one becomes black or white.
    let deep = of(ColorType::Grayscale, BitDepth::Sixteen, &[7, 255, 200, 1], None);
    assert_eq!(colours(deep), [[7; 3], [200; 3]]);
    let bits = of(ColorType::Grayscale, BitDepth::One, &[0b1000_0000], None);
    assert_eq!(colours(bits), [[255; 3], [0; 3]]);
    let alpha = of(ColorType::GrayscaleAlpha, BitDepth::Eight, &[7, 255, 7, 0], None);
    assert_eq!(colours(alpha), [[7; 3], [255; 3]]);
    let rgba = of(ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 255, 0, 0, 0, 51], None);
    assert_eq!(colours(rgba), [[1, 2, 3], [204; 3]]);
    let palette = of(ColorType::Indexed, BitDepth::Eight, &[0, 1], Some(&[1, 2, 3, 4, 5, 6]));
    assert_eq!(colours(palette), [[1, 2, 3], [255; 3]]);
}

#[test]
fn lossless_webp_is_read_with_its_alpha() {
    let mut bytes = Vec::new();
    let pixels = [9, 8, 7, 255, 9, 8, 7, 0, 1, 1, 1, 255, 2, 2, 2, 255];
    WebPEncoder::new(&mut bytes).encode(&pixels, 2, 2, ColorType::Rgba8).expect("in memory");
    let image = decode_image("x", &bytes, &Preprocessing::new(3, 2)).expect("an image");
    assert_eq!(image, [9, 255, 1, 2, 8, 255, 1, 2, 7, 255, 1, 2]);
}

#[test]
fn damaged_files_are_refused_by_name() {
    for text in [BASELINE, PROGRESSIVE, GREY, LOSSY_WEBP] {
        let whole = file(text);
        for length in 1..whole.len() - 2 {
            let error = decode(&whole[..length], 3).expect_err("cut short");
            assert!(error.to_string().contains("cat.png"), "{error}");
        }
    }
    let whole = png(16, 16, [1, 2, 3]);
    // The last twelve bytes only say that it ends.
    for length in 1..whole.len() - 13 {
        refused(&whole[..length], "");
    }
    let mut changed = whole;
    let middle = changed.len() / 2;
    changed[middle] ^= 0x55;
    refused(&changed, "as a PNG");
    refused(b"", "empty");
    refused(b"GIF89a, or so", "neither PNG, JPEG nor WebP");
    refused(b"\xff\xd8\xff\xe0", "as a JPEG");
}

/// Only the header is there: nothing is decoded before the size is checked.
#[test]
fn huge_images_are_refused_before_they_are_decoded() {
    for (width, height) in [(20_000, 20_000), (16_385, 1), (16_384, 16_384), (u32::MAX >> 1, 1)] {
        let mut header = Vec::new();
        let mut encoder = png::Encoder::new(&mut header, width, height);
        encoder.set_color(png::ColorType::Rgb);
        drop(encoder.write_header().expect("a header"));
        refused(&header, "up to 16384 a side and 67108864 in all");
    }
    let mut jpeg = file(BASELINE);
    let frame = jpeg.windows(2).position(|mark| mark == [0xff, 0xc0]).expect("a frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x4e, 0x20, 0x4e, 0x20]);
    refused(&jpeg, "20000 × 20000");
    // A canvas of 20,000 × 20,000.
    let mut webp = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    webp.extend([0x1f, 0x4e, 0, 0x1f, 0x4e, 0]);
    refused(&webp, "");
}

#[test]
fn narrow_images_are_refused_that_resizing_would_make_huge() {
    let resize = Resize::ShortestEdge { length: 8 };
    let wanted = Preprocessing { resize, crop: true, ..Preprocessing::new(3, 8) };
    let error = decode_image("cat.png", &png(4000, 1, [1, 2, 3]), &wanted).expect_err("refused");
    assert!(error.to_string().contains("4000 × 1 pixels: with 8 on the shorter side"), "{error}");
    assert_eq!(error.hint(), "Crop the image first.");
}

#[test]
fn other_sizes_need_resizing() {
    let image = png(5, 3, [10, 20, 30]);
    let error = decode_image("cat.png", &image, &Preprocessing::new(3, 4)).expect_err("refused");
    assert!(error.to_string().contains("cat.png is 5 × 3 pixels"), "{error}");
    for preprocessing in [
        Preprocessing::resizing(3, 4),
        Preprocessing { resize: Resize::Exact { height: 4, width: 4 }, ..Preprocessing::new(3, 4) },
    ] {
        let image = decode_image("cat.png", &image, &preprocessing).expect("an image");
        assert_eq!(image, [[10; 16], [20; 16], [30; 16]].concat());
    }
}

/// A camera stores what its sensor saw, and says how it was held: Exif's orientation.
#[test]
fn photographs_are_turned_upright() {
    let plain = file(BASELINE);
    let held = |orientation: u8| {
        // A TIFF header and one entry: tag 0x0112, a short.
        let tiff =
            [&b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation], &[0; 6]];
        let exif = [&b"Exif\0\0"[..], &tiff.concat()].concat();
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat()
    };
    let stored = decode(&plain, 3).expect("an image");
    let upright = |orientation| decode(&held(orientation), 3).expect("an image");
    // Where the pixel in row y and column x of the upright square is stored.
    type Place = fn(usize, usize) -> (usize, usize);
    let places: [Place; 8] = [
        |y, x| (y, x),
        |y, x| (y, 15 - x),
        |y, x| (15 - y, 15 - x),
        |y, x| (15 - y, x),
        |y, x| (x, y),
        |y, x| (15 - x, y),
        |y, x| (15 - x, 15 - y),
        |y, x| (x, 15 - y),
    ];
    for (orientation, place) in (1..).zip(places) {
        let found = upright(orientation);
        let expected = (0..3 * 256).map(|pixel| {
            let (channel, y, x) = (pixel / 256, pixel % 256 / 16, pixel % 16);
            let (row, column) = place(y, x);
            stored[channel * 256 + row * 16 + column]
        });
        assert!(found.iter().copied().eq(expected), "orientation {orientation}");
    }
    assert_eq!(upright(0), stored);
    assert_eq!(upright(9), stored);
}
