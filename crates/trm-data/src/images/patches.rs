//! Images cut into patches, the tokens of a vision transformer.

/// Unfolds `pixels`, `[batch, channels, size, size]`, into squares of `patch` pixels:
/// `[batch, (size / patch)², channels · patch²]`. Patches come row after row; the
/// values of one are ordered by channel, row and column, as the kernel of a
/// convolution `[width, channels, patch, patch]` is.
///
/// # Panics
/// If `pixels` has another length, or `patch` does not divide `size`.
pub fn patches(
    pixels: &[f32],
    batch: usize,
    channels: usize,
    size: usize,
    patch: usize,
) -> Vec<f32> {
    assert_eq!(pixels.len(), batch * channels * size * size, "images of one size");
    assert!(patch > 0 && size.is_multiple_of(patch), "patches fill an image");
    let mut unfolded = Vec::with_capacity(pixels.len());
    for image in pixels.chunks_exact((channels * size * size).max(1)) {
        for top in (0..size).step_by(patch) {
            for left in (0..size).step_by(patch) {
                for channel in 0..channels {
                    for row in top..top + patch {
                        let start = (channel * size + row) * size + left;
                        unfolded.extend_from_slice(&image[start..start + patch]);
                    }
                }
            }
        }
    }
    unfolded
}
