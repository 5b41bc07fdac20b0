//! Random crops and mirror images, drawn for each training image.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::set::ImageSize;

/// How training images are changed each time they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augment {
    /// Largest shift in each direction, in pixels; what comes into view is black.
    /// The crop of a padded image, as for CIFAR.
    pub random_crop: usize,
    /// Whether every second image is mirrored, left to right.
    pub flip: bool,
}

impl Augment {
    /// Draws the change of one image.
    pub fn draw(&self, generator: &mut ChaCha8Rng) -> Augmentation {
        let most = self.random_crop as i32;
        // In this order and always, so that one setting does not change the other's draws.
        let shift = [(); 2].map(|()| generator.random_range(-most..=most));
        let flip = generator.random_bool(0.5) && self.flip;
        Augmentation { down: shift[0], right: shift[1], flip }
    }
}

/// The change of one image. The default leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// How far the content moves down, in pixels.
    pub down: i32,
    /// How far the content moves to the right, in pixels.
    pub right: i32,
    /// Whether it is then mirrored, left to right.
    pub flip: bool,
}

impl Augmentation {
    /// The changed image, `[channels, height, width]` as before.
    pub fn apply(&self, image: &[u8], size: ImageSize) -> Vec<u8> {
        let ImageSize { height, width, .. } = size;
        let mut changed = vec![0; image.len()];
        if *self == Self::default() {
            changed.copy_from_slice(image);
            return changed;
        }
        let rows = changed.chunks_exact_mut(width.max(1));
        for (number, row) in rows.enumerate() {
            let (channel, y) = (number / height, number % height);
            let Some(y) = y.checked_add_signed(-self.down as isize).filter(|y| *y < height) else {
                continue;
            };
            let source = &image[(channel * height + y) * width..][..width];
            for (x, pixel) in row.iter_mut().enumerate() {
                let x = if self.flip { width - 1 - x } else { x };
                if let Some(x) = x.checked_add_signed(-self.right as isize).filter(|x| *x < width) {
                    *pixel = source[x];
                }
            }
        }
        changed
    }
}
