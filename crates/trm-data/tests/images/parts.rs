//! Patches, normalisation, and what is refused of images in memory.

use proptest::prelude::*;
use trm_data::images::{
    ImageDataset, ImageError, ImageSize, ImageSource, LabelledImages, Preprocessing, patches,
};

use crate::{options, sample};

proptest! {
    #[test]
    fn patches_are_the_unfolded_image(batch in 0_usize..3, channels in 1_usize..4, side in 1_usize..5, patch in 1_usize..4) {
        let size = side * patch;
        let pixels: Vec<f32> = (0..batch * channels * size * size).map(|value| value as f32).collect();
        let unfolded = patches(&pixels, batch, channels, size, patch);
        prop_assert_eq!(unfolded.len(), pixels.len());
        let features = channels * patch * patch;
        for (place, value) in unfolded.into_iter().enumerate() {
            let (image, rest) = (place / (channels * size * size), place % (channels * size * size));
            let (token, feature) = (rest / features, rest % features);
            let (c, y, x) = (feature / (patch * patch), feature / patch % patch, feature % patch);
            let (y, x) = (token / side * patch + y, token % side * patch + x);
            prop_assert_eq!(value, pixels[((image * channels + c) * size + y) * size + x]);
        }
    }
}

#[test]
fn a_patch_is_ordered_as_a_kernel() {
    let pixels: Vec<f32> = (0..32_u8).map(f32::from).collect();
    let unfolded = patches(&pixels, 1, 2, 4, 2);
    assert_eq!(unfolded[..8], [0.0, 1.0, 4.0, 5.0, 16.0, 17.0, 20.0, 21.0]);
    assert_eq!(unfolded[8..10], [2.0, 3.0]);
}

#[test]
fn channels_have_their_own_mean() {
    let preprocessing = Preprocessing {
        mean: vec![0.0, 0.5, 1.0],
        std: vec![1.0, 0.5, 0.25],
        ..Preprocessing::new(3, 1)
    };
    assert_eq!(preprocessing.normalised(&[255, 255, 0], 255), [1.0, 1.0, -4.0]);
    let imagenet =
        Preprocessing { mean: vec![0.485], std: vec![0.229], ..Preprocessing::new(3, 1) };
    assert_eq!(imagenet.normalised(&[255, 0, 0], 255)[0], ((1.0 - 0.485) / 0.229) as f32);
    assert_eq!(Preprocessing::new(1, 1).normalised(&[0, 255], 255), [-1.0, 1.0]);
}

fn refused(images: LabelledImages, preprocessing: Preprocessing) -> ImageError {
    let source = ImageSource::Memory(images);
    ImageDataset::load(&source, &options(preprocessing)).expect_err("refused")
}

#[test]
fn what_no_classifier_can_learn_is_refused() {
    let size = ImageSize { channels: 1, height: 2, width: 2 };
    let one = LabelledImages { classes: vec!["a".into()], ..sample(9, size) };
    let error = refused(one, Preprocessing::new(1, 2));
    assert!(matches!(error, ImageError::Classes { found: 1, .. }), "{error}");
    let error = refused(sample(2, size), Preprocessing::new(1, 2));
    assert!(matches!(error, ImageError::TooFew { images: 2, split: "val", .. }), "{error}");
    let error = refused(sample(0, size), Preprocessing::new(1, 2));
    assert!(matches!(error, ImageError::Empty { .. }), "{error}");
    let mut labels = sample(9, size);
    labels.labels[4] = 2;
    let error = refused(labels, Preprocessing::new(1, 2));
    assert!(
        matches!(error, ImageError::Label { label: 2, position: 4, classes: 2, .. }),
        "{error}"
    );
    let mut short = sample(9, size);
    short.pixels.pop();
    assert!(matches!(refused(short, Preprocessing::new(1, 2)), ImageError::Damaged { .. }));
    let error = refused(sample(9, size), Preprocessing::new(1, 3));
    assert!(error.to_string().contains("2 × 2 pixels, but the model takes 3 × 3"), "{error}");
}

#[test]
fn unusable_settings_are_refused() {
    let size = ImageSize { channels: 1, height: 2, width: 2 };
    for (preprocessing, words) in [
        (Preprocessing::new(2, 2), "2 channels"),
        (Preprocessing::new(1, 0), "size 0"),
        (Preprocessing { mean: vec![0.5; 2], ..Preprocessing::new(3, 2) }, "2 values for 3"),
        (Preprocessing { std: vec![0.0], ..Preprocessing::new(1, 2) }, "above 0"),
        (Preprocessing { mean: vec![f64::NAN], ..Preprocessing::new(1, 2) }, "not a number"),
    ] {
        let error = refused(sample(9, size), preprocessing);
        assert!(error.to_string().contains(words), "{error}");
    }
    for fraction in [-0.1, 0.8, f64::NAN] {
        let mut options = options(Preprocessing::new(1, 2));
        options.val_fraction = fraction;
        let error = ImageDataset::load(&ImageSource::Memory(sample(9, size)), &options);
        assert!(matches!(error, Err(ImageError::ValFraction { .. })), "{fraction}");
    }
}
