//! The digits are UCI's, and are held out as they always were.

use trm_data::images::{
    BITMAP, ImageDataset, ImageSource, ImageSplit, Preprocessing, digits, draw_to_digit,
    fit_drawing,
};

use crate::options;

fn load() -> ImageDataset {
    ImageDataset::load(&ImageSource::Digits, &options(Preprocessing::new(1, 8))).expect("digits")
}

#[test]
fn all_are_there() {
    let digits = digits();
    assert_eq!((digits.labels.len(), digits.pixels.len()), (1797, 1797 * 64));
    assert_eq!(digits.pixels.iter().max(), Some(&16));
    assert_eq!(digits.labels[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    // The first image, as scikit-learn shows it.
    let first = [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
        [0, 4, 12, 0, 0, 8, 8, 0],
        [0, 5, 8, 0, 0, 9, 8, 0],
        [0, 4, 11, 0, 1, 12, 7, 0],
        [0, 2, 14, 5, 10, 12, 0, 0],
        [0, 0, 6, 13, 10, 0, 0, 0],
    ];
    assert_eq!(digits.pixels[..64], *first.as_flattened());
}

#[test]
fn the_split_is_fixed_and_of_every_class_alike() {
    let digits = load();
    assert_eq!(ImageSplit::ALL.map(|split| digits.set(split).len()), [1259, 179, 359]);
    assert_eq!(digits.train.class_counts(10), [124, 128, 124, 128, 127, 128, 127, 125, 122, 126]);
    assert_eq!(digits.val.class_counts(10), [18, 18, 18, 18, 18, 18, 18, 18, 17, 18]);
    assert_eq!(digits.test.class_counts(10), [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]);
    assert_eq!(digits.train.rows()[..5], [3, 4, 5, 8, 13]);
    assert_eq!(digits.val.rows()[..5], [1, 7, 10, 23, 52]);
    assert_eq!(digits.test.rows()[..5], [0, 2, 6, 9, 11]);
    assert_eq!(digits.classes.join(""), "0123456789");
    assert_eq!(digits.sha256[..12], *"59da24565482");
}

#[test]
fn full_brightness_is_16() {
    let digits = load();
    let image = digits.train.image(0);
    let values = digits.train.normalised(0, &digits.preprocessing);
    let expected: Vec<f32> = image.iter().map(|v| f32::from(*v) / 8.0 - 1.0).collect();
    assert_eq!(values, expected);
}

#[test]
fn a_drawing_is_counted_in_blocks() {
    let mut bitmap = [false; 1024];
    assert_eq!(draw_to_digit(&bitmap), [0; 64]);
    for (place, set) in bitmap.iter_mut().enumerate() {
        let (row, column) = (place / 32, place % 32);
        // All of block (0, 1), and a column of the blocks below the last row of it.
        *set = (4..8).contains(&column) && row < 4 || column == 31 && row >= 30;
    }
    let digit = draw_to_digit(&bitmap);
    let set: Vec<_> = digit.iter().enumerate().filter(|(_, count)| **count > 0).collect();
    assert_eq!(set, [(1, &16), (63, &2)]);
    assert_eq!(draw_to_digit(&[true; 1024]), [16; 64]);
}

#[test]
fn a_drawing_fills_the_height_and_is_in_the_middle() {
    let drawn = |height: usize, width: usize, ink: &dyn Fn(usize, usize) -> bool| {
        let drawing: Vec<bool> =
            (0..height * width).map(|place| ink(place / width, place % width)).collect();
        fit_drawing(&drawing, width).map(|bitmap| draw_to_digit(&bitmap))
    };
    assert_eq!(drawn(50, 70, &|_, _| false), None);
    // A bar of 8 × 2 of any size in any corner: 8 of 32 columns.
    for scale in [1, 3, 20] {
        let bar = |y: usize, x: usize| y < 8 * scale && x < 2 * scale;
        let expected = Some(std::array::from_fn(|place| [0, 0, 0, 16, 16, 0, 0, 0][place % 8]));
        assert_eq!(drawn(10 * scale, 9 * scale, &bar), expected);
        assert_eq!(drawn(8 * scale, 2 * scale, &bar), expected);
    }
    // A wide one leaves paper on both sides.
    let wide = drawn(4, 40, &|_, _| true).expect("a drawing");
    assert_eq!(wide[..8], [0, 16, 16, 16, 16, 16, 16, 0]);
    // A bitmap that fills the height comes back.
    let ring: Vec<bool> = (0..BITMAP * BITMAP)
        .map(|place| (place / 32, place % 32))
        .map(|(y, x)| (6..26).contains(&x) && (!(8..24).contains(&x) || !(3..29).contains(&y)))
        .collect();
    assert_eq!(fit_drawing(&ring, BITMAP).expect("a drawing"), *ring);
}

/// Labels belong to their images: the most similar training image has the same one.
#[test]
fn the_nearest_image_has_the_same_label() {
    let digits = load();
    let distance = |a: &[u8], b: &[u8]| -> u32 {
        a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
    };
    let right = (0..digits.test.len())
        .filter(|i| {
            let image = digits.test.image(*i);
            let nearest =
                (0..digits.train.len()).min_by_key(|j| distance(image, digits.train.image(*j)));
            nearest.map(|j| digits.train.label(j)) == Some(digits.test.label(*i))
        })
        .count();
    assert!(right >= 350, "{right} of 359");
}
