//! Which images are held out: of every class alike, and the same ones each time.

use crate::epochs::mix;

pub use trm_spec::ImageSplit;

/// Fixes which images are held out, whatever the seed of a run: scores of several
/// runs are of the same images.
const SEED: u64 = 0x7472_6d5f_696d_6167;

/// Classes with fewer images are only trained on.
const FEWEST: usize = 3;

/// Part of the images for the test, where a source has no test set of its own.
pub(crate) const TEST_FRACTION: f64 = 0.2;

/// Rows for training, validation and test, each in ascending order: of each class
/// the fractions `val` and `test`, rounded, and at least one where it has three.
pub(crate) fn stratified(
    labels: &[u16],
    rows: impl Iterator<Item = u32>,
    val: f64,
    test: f64,
) -> [Vec<u32>; 3] {
    let mut classes: Vec<Vec<u32>> = Vec::new();
    for row in rows {
        let label = usize::from(labels[row as usize]);
        classes.resize_with(classes.len().max(label + 1), Vec::new);
        classes[label].push(row);
    }
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for mut rows in classes {
        rows.sort_by_key(|row| mix(SEED ^ mix(u64::from(*row))));
        let test = share(rows.len(), test);
        // At least one is left to train on.
        let held_out = (test + share(rows.len(), val)).min(rows.len().saturating_sub(1)).max(test);
        parts[2].extend(&rows[..test]);
        parts[1].extend(&rows[test..held_out]);
        parts[0].extend(&rows[held_out..]);
    }
    parts.iter_mut().for_each(|rows| rows.sort_unstable());
    parts
}

fn share(images: usize, fraction: f64) -> usize {
    if fraction <= 0.0 || images < FEWEST {
        return 0;
    }
    ((images as f64 * fraction).round() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_keeps_an_image_to_train_on() {
        for (images, val) in [(3, 0.6), (3, 0.9), (4, 0.75), (10, 0.8)] {
            // A larger class beside it.
            let labels: Vec<u16> = (0..images + 40).map(|row| u16::from(row >= images)).collect();
            let [train, val, test] = stratified(&labels, 0..images as u32 + 40, val, TEST_FRACTION);
            let of_class =
                |rows: &[u32]| rows.iter().filter(|row| labels[**row as usize] == 0).count();
            let counts = [&train, &val, &test].map(|rows| of_class(rows));
            assert!(counts.iter().all(|count| *count > 0), "{images} images: {counts:?}");
            assert_eq!(counts.iter().sum::<usize>(), images);
        }
    }
}
