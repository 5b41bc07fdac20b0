//! The size of an image.

/// Channels, height and width of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl ImageSize {
    /// Bytes of an image.
    pub fn bytes(&self) -> usize {
        self.channels * self.height * self.width
    }
}
