//! Decoding of PNG, JPEG and WebP. Sizes are read and checked before any pixel is, and
//! photographs are turned as their camera says.

use std::fmt::Display;
use std::io::Cursor;

use exif::{In, Reader, Tag};
use image_webp::WebPDecoder;
use png::{ColorType, Decoder, Limits, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::error::ImageError;
use super::picture::{MOST_PIXELS, Picture, check_shape};
use super::preprocessing::Preprocessing;
use crate::file_kind::FileKind;

/// Memory for one image: its pixels and what a decoder needs beside them.
const MEMORY: usize = 8 * MOST_PIXELS as usize;

/// The PNG, JPEG or WebP image in `bytes` as a model takes it: `[channels, size, size]`,
/// from 0 to 255, the right way up. Of an animation it is the first frame; `name` is for messages.
///
/// # Errors
/// If it is no such image, is cut short or too large, or has another size than the
/// model's and nothing resizes it.
pub fn decode_image(
    name: &str,
    bytes: &[u8],
    preprocessing: &Preprocessing,
) -> Result<Vec<u8>, ImageError> {
    preprocessing.validate()?;
    let decode = match bytes {
        [0x89, b'P', b'N', b'G', ..] => png,
        [0xff, 0xd8, 0xff, ..] => jpeg,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp,
        [] => return Err(damaged(name, "it is empty")),
        _ => {
            return Err(match FileKind::of_start(bytes) {
                FileKind::Binary | FileKind::OtherEncoding => {
                    damaged(name, "it is neither PNG, JPEG nor WebP")
                }
                kind => ImageError::OtherKind {
                    path: name.into(),
                    kind,
                    other: "neither PNG, JPEG nor WebP",
                },
            });
        }
    };
    decode(name, bytes, preprocessing)?.upright(orientation(bytes)).fit(name, preprocessing)
}

/// The orientation of Exif, from 1 to 8: how the stored image has to be turned. 1 where the
/// file does not say it.
fn orientation(bytes: &[u8]) -> u32 {
    let exif = Reader::new().read_from_container(&mut Cursor::new(bytes)).ok();
    exif.and_then(|exif| exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0))
        .filter(|orientation| (1..=8).contains(orientation))
        .unwrap_or(1)
}

fn damaged(name: &str, reason: impl Display) -> ImageError {
    ImageError::Damaged { path: name.into(), reason: reason.to_string() }
}

fn png(name: &str, bytes: &[u8], preprocessing: &Preprocessing) -> Result<Picture, ImageError> {
    let failed = |error: png::DecodingError| damaged(name, format!("as a PNG: {error}"));
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MEMORY });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    let (width, height) = decoder.read_header_info().map_err(failed)?.size();
    let (width, height) = (width as usize, height as usize);
    check_shape(name, height, width, preprocessing)?;
    let mut reader = decoder.read_info().map_err(failed)?;
    let size = reader.output_buffer_size().ok_or_else(|| damaged(name, "it has no size"))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(failed)?;
    let samples = match frame.color_type {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => return Err(damaged(name, "its palette is missing")),
    };
    if (frame.width as usize, frame.height as usize) != (width, height) {
        return Err(damaged(name, "its first frame has another size"));
    }
    Ok(Picture::interleaved(&pixels, height, width, samples))
}

fn jpeg(name: &str, bytes: &[u8], preprocessing: &Preprocessing) -> Result<Picture, ImageError> {
    let failed =
        |error: zune_jpeg::errors::DecodeErrors| damaged(name, format!("as a JPEG: {error}"));
    let options = DecoderOptions::default()
        // Refused below, where the message says why.
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(failed)?;
    let info = decoder.info().ok_or_else(|| damaged(name, "it has no size"))?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    check_shape(name, height, width, preprocessing)?;
    if !has_end(bytes) {
        return Err(damaged(name, "as a JPEG: it is cut short"));
    }
    let grey = info.components == 1;
    let colours = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let pixels = decoder.decode().map_err(failed)?;
    Ok(Picture::interleaved(&pixels, height, width, if grey { 1 } else { 3 }))
}

/// Whether the mark of the end follows the image's first scan. Without it the decoder
/// fills the rest with grey.
fn has_end(bytes: &[u8]) -> bool {
    let mut place = 2;
    while let Some([0xff, marker, high, low]) = bytes.get(place..).and_then(|b| b.first_chunk()) {
        match marker {
            // A byte that fills, or a mark without content.
            0xff => place += 1,
            0x01 | 0xd0..=0xd8 => place += 2,
            0xda => return bytes[place..].windows(2).any(|mark| mark == [0xff, 0xd9]),
            _ => place += 2 + usize::from(u16::from_be_bytes([*high, *low])),
        }
    }
    false
}

fn webp(name: &str, bytes: &[u8], preprocessing: &Preprocessing) -> Result<Picture, ImageError> {
    let failed = |error: image_webp::DecodingError| damaged(name, format!("as a WebP: {error}"));
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(failed)?;
    decoder.set_memory_limit(MEMORY);
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    check_shape(name, height, width, preprocessing)?;
    let size = decoder.output_buffer_size().ok_or_else(|| damaged(name, "it has no size"))?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(failed)?;
    let samples = if decoder.has_alpha() { 4 } else { 3 };
    Ok(Picture::interleaved(&pixels, height, width, samples))
}
