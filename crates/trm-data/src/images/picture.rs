//! One image on its way into a model: channels, resizing and the crop of its centre.

use super::error::ImageError;
use super::preprocessing::{Preprocessing, Resize};
use super::resize::resize;
use super::set::ImageSize;

/// An image of any size, with 1 or 3 channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub size: ImageSize,
    /// `[channels, height, width]`, from 0 to 255.
    pub pixels: Vec<u8>,
}

/// Parts of red, green and blue in grey, of 65,536: ITU-R 601, as in Pillow.
const LUMA: [u32; 3] = [19595, 38470, 7471];

impl Picture {
    /// An image whose pixels lie one after the other, each grey, grey and alpha, RGB or
    /// RGB and alpha, as `samples` of 1 to 4 says. It is laid on white.
    pub fn interleaved(bytes: &[u8], height: usize, width: usize, samples: usize) -> Self {
        let channels = if samples < 3 { 1 } else { 3 };
        let sample = |pixel: &[u8], channel: usize| match pixel {
            [colours @ .., alpha] if samples.is_multiple_of(2) => {
                let alpha = u32::from(*alpha);
                ((u32::from(colours[channel]) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
            }
            _ => pixel[channel],
        };
        let plane = |channel| bytes.chunks_exact(samples).map(move |pixel| sample(pixel, channel));
        Self {
            size: ImageSize { channels, height, width },
            pixels: (0..channels).flat_map(plane).collect(),
        }
    }

    /// Bytes of the image as a model takes them: `[channels, size, size]`, from 0 to
    /// 255. `name` is for messages.
    pub fn fit(self, name: &str, preprocessing: &Preprocessing) -> Result<Vec<u8>, ImageError> {
        let mut picture = self.with_channels(preprocessing.channels);
        let ImageSize { height, width, .. } = picture.size;
        let sides = match preprocessing.resize {
            Resize::Off => [height, width],
            Resize::Exact { height, width } => [height, width],
            Resize::ShortestEdge { length } => {
                let longer = |side: usize| side * length / height.min(width);
                [longer(height), longer(width)]
            }
        };
        if sides != [height, width] {
            let planes = picture.pixels.chunks_exact(height * width);
            picture.pixels = planes
                .flat_map(|plane| resize(plane, [height, width], sides, preprocessing.filter))
                .collect();
            [picture.size.height, picture.size.width] = sides;
        }
        let size = preprocessing.size;
        match [picture.size.height, picture.size.width] {
            sides if sides == [size, size] => Ok(picture.pixels),
            _ if preprocessing.crop => Ok(picture.centre(size)),
            [height, width] => {
                Err(ImageError::OtherSize { path: name.into(), width, height, size })
            }
        }
    }

    /// The image as its orientation of Exif says that it is meant: from 5 on mirrored along
    /// the diagonal from the top left, then turned by 180° or mirrored.
    #[cfg(feature = "files")]
    pub fn upright(self, orientation: u32) -> Self {
        // Whether rows and columns are exchanged, and which run backwards then.
        let (exchanged, up, left) = match orientation {
            2 => (false, false, true),
            3 => (false, true, true),
            4 => (false, true, false),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => return self,
        };
        let ImageSize { channels, height, width } = self.size;
        let (rows, columns) = if exchanged { (width, height) } else { (height, width) };
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for plane in self.pixels.chunks_exact(height * width) {
            for row in 0..rows {
                let row = if up { rows - 1 - row } else { row };
                pixels.extend((0..columns).map(|column| {
                    let column = if left { columns - 1 - column } else { column };
                    let (from_row, from_column) =
                        if exchanged { (column, row) } else { (row, column) };
                    plane[from_row * width + from_column]
                }));
            }
        }
        Self { size: ImageSize { channels, height: rows, width: columns }, pixels }
    }

    fn with_channels(self, channels: usize) -> Self {
        let size = ImageSize { channels, ..self.size };
        let plane = self.size.height * self.size.width;
        let pixels = match (self.size.channels, channels) {
            (1, 3) => self.pixels.repeat(3),
            (3, 1) => (0..plane)
                .map(|pixel| {
                    let part = |channel: usize| {
                        LUMA[channel] * u32::from(self.pixels[channel * plane + pixel])
                    };
                    ((part(0) + part(1) + part(2) + 0x8000) >> 16) as u8
                })
                .collect(),
            _ => self.pixels,
        };
        Self { size, pixels }
    }

    /// The square of `side` pixels in the centre, with a black border where the image
    /// is smaller. Of an odd rest the larger half is cut off behind.
    fn centre(&self, side: usize) -> Vec<u8> {
        let ImageSize { channels, height, width } = self.size;
        let mut square = vec![0; channels * side * side];
        // Where the image's part begins, where it goes, and how long it is.
        let place = |length: usize| {
            (
                length.saturating_sub(side) / 2,
                side.saturating_sub(length).div_ceil(2),
                length.min(side),
            )
        };
        let ((top, down, rows), (left, right, columns)) = (place(height), place(width));
        for channel in 0..channels {
            for row in 0..rows {
                let from = (channel * height + top + row) * width + left;
                let to = (channel * side + down + row) * side + right;
                square[to..to + columns].copy_from_slice(&self.pixels[from..from + columns]);
            }
        }
        square
    }
}

/// An image of the page, red, green, blue and alpha for each pixel, as bytes of the
/// model's size and channels: `[channels, size, size]`, from 0 to 255.
///
/// # Errors
/// If the bytes are no such image, or do not fit a preprocessing that resizes nothing.
pub fn from_rgba(
    rgba: &[u8],
    height: usize,
    width: usize,
    preprocessing: &Preprocessing,
) -> Result<Vec<u8>, ImageError> {
    const NAME: &str = "the image";
    preprocessing.validate()?;
    let bytes = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(4));
    if rgba.is_empty() || bytes != Some(rgba.len()) {
        let reason = format!("it has {} bytes for {width} × {height} pixels", rgba.len());
        return Err(ImageError::Damaged { path: NAME.into(), reason });
    }
    check_shape(NAME, height, width, preprocessing)?;
    Picture::interleaved(rgba, height, width, 4).fit(NAME, preprocessing)
}

/// Longest side and most pixels of an image that is read.
pub(crate) const LONGEST: u64 = 16384;
pub(crate) const MOST_PIXELS: u64 = 64 << 20;

/// Refuses sizes that would take too much memory, before and after resizing.
pub(crate) fn check_shape(
    name: &str,
    height: usize,
    width: usize,
    preprocessing: &Preprocessing,
) -> Result<(), ImageError> {
    if height == 0 || width == 0 {
        let reason = format!("it has {width} × {height} pixels");
        return Err(ImageError::Damaged { path: name.into(), reason });
    }
    let (path, side, pixels) = (name.to_owned(), LONGEST, MOST_PIXELS);
    let (width, height) = (width as u64, height as u64);
    let (long, short) = (height.max(width), height.min(width));
    let fits = |long: u64, short: u64| long <= LONGEST && long.saturating_mul(short) <= MOST_PIXELS;
    if !fits(long, short) {
        return Err(ImageError::TooLarge { path, width, height, side, pixels });
    }
    match preprocessing.resize {
        Resize::ShortestEdge { length }
            if !fits(long.saturating_mul(length as u64) / short, length as u64) =>
        {
            Err(ImageError::TooNarrow { path, width, height, length, side, pixels })
        }
        _ => Ok(()),
    }
}
