//! Batches: every image once in an epoch, and the same after a resume.

use proptest::prelude::*;
use trm_data::images::{
    Augment, Augmentation, ImageDataset, ImageSize, ImageSource, ImageSplit, Preprocessing,
};

use crate::{options, sample};

fn load(images: usize) -> ImageDataset {
    let size = ImageSize { channels: 3, height: 4, width: 4 };
    let source = ImageSource::Memory(sample(images, size));
    ImageDataset::load(&source, &options(Preprocessing::new(3, 4))).expect("images")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn an_epoch_has_each_image_once(images in 20_usize..90, size in 1_usize..20, seed in any::<u64>()) {
        let train = load(images).train;
        let rows: Vec<usize> =
            (0..2 * train.len()).flat_map(|number| train.batch_rows(seed, number as u64, size)).collect();
        for epoch in rows.chunks_exact(train.len()).take(3) {
            let mut epoch = epoch.to_vec();
            epoch.sort_unstable();
            prop_assert_eq!(epoch, (0..train.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn splits_share_no_image_and_miss_none(images in 12_usize..300, val in 0.01..0.5_f64) {
        let size = ImageSize { channels: 1, height: 2, width: 2 };
        let mut options = options(Preprocessing::new(1, 2));
        options.val_fraction = val;
        let source = ImageSource::Memory(sample(images, size));
        let dataset = ImageDataset::load(&source, &options).expect("images");
        let mut all = Vec::new();
        for split in ImageSplit::ALL {
            let set = dataset.set(split);
            prop_assert!(set.rows().is_sorted());
            all.extend_from_slice(set.rows());
            // Of every class the same part, but for rounding.
            for (class, count) in set.class_counts(2).into_iter().enumerate() {
                let of_class = source_count(images, class) as f64;
                let part = match split {
                    ImageSplit::Train => 0.8 - val,
                    ImageSplit::Val => val,
                    ImageSplit::Test => 0.2,
                };
                prop_assert!((count as f64 - part * of_class).abs() <= 1.5, "{split:?} {class} {count}");
            }
        }
        all.sort_unstable();
        prop_assert_eq!(all, (0..images as u32).collect::<Vec<_>>());
        let again = ImageDataset::load(&source, &options).expect("images");
        prop_assert_eq!(again.test.rows(), dataset.test.rows());
    }

    #[test]
    fn changes_keep_the_size(down in -9_i32..9, right in -9_i32..9, flip in any::<bool>(), height in 1_usize..7, width in 1_usize..7) {
        let size = ImageSize { channels: 3, height, width };
        let image: Vec<u8> = (1..=size.bytes() as u8).collect();
        let changed = Augmentation { down, right, flip }.apply(&image, size);
        prop_assert_eq!(changed.len(), image.len());
        let mirror = Augmentation { flip: true, ..Augmentation::default() };
        prop_assert_eq!(mirror.apply(&mirror.apply(&changed, size), size), changed.clone());
        // Each pixel comes from where it was, or is black.
        let at = |image: &[u8], c: usize, y: i32, x: i32| {
            let inside = (0..height as i32).contains(&y) && (0..width as i32).contains(&x);
            if inside { image[(c * height + y as usize) * width + x as usize] } else { 0 }
        };
        for c in 0..3 {
            for y in 0..height as i32 {
                for x in 0..width as i32 {
                    let from = if flip { width as i32 - 1 - x } else { x };
                    prop_assert_eq!(at(&changed, c, y, x), at(&image, c, y - down, from - right));
                }
            }
        }
    }
}

fn source_count(images: usize, class: usize) -> usize {
    (0..images).filter(|image| usize::from(image % 3 == 0) == class).count()
}

#[test]
fn a_batch_is_a_function_of_seed_and_number() {
    let dataset = load(50);
    let augment = Augment { random_crop: 2, flip: true };
    let batch = |seed, number| dataset.batch(seed, number, 8, augment);
    assert_eq!(batch(1, 7), batch(1, 7));
    assert_ne!(batch(1, 7).rows, batch(1, 8).rows);
    assert_ne!(batch(1, 7).rows, batch(2, 7).rows);
    let first = batch(1, 0);
    assert_eq!((first.len(), first.pixels.len()), (8, 8 * 48));
    assert_eq!(first.augmentations.len(), 8);
    for (number, row) in first.rows.iter().enumerate() {
        assert_eq!(first.labels[number], dataset.train.label(*row));
        let image =
            first.augmentations[number].apply(dataset.train.image(*row), dataset.train.size());
        let values = dataset.preprocessing.normalised(&image, 255);
        assert_eq!(first.pixels[number * 48..][..48], values);
    }
    // Without augmentation the images come as they are, in the same order.
    let plain = dataset.batch(1, 0, 8, Augment::default());
    assert_eq!(plain.rows, first.rows);
    assert_eq!(plain.pixels[..48], dataset.train.normalised(plain.rows[0], &dataset.preprocessing));
    assert!(plain.augmentations.is_empty());
}

#[test]
fn every_change_is_drawn() {
    let dataset = load(50);
    let augment = Augment { random_crop: 1, flip: true };
    let mut seen = std::collections::HashSet::new();
    for number in 0..40 {
        for change in dataset.batch(3, number, 8, augment).augmentations {
            seen.insert((change.down, change.right, change.flip));
        }
    }
    assert_eq!(seen.len(), 18);
    let shifted = dataset.batch(3, 0, 8, Augment { random_crop: 1, flip: false }).augmentations;
    let both = dataset.batch(3, 0, 8, augment).augmentations;
    assert!(shifted.iter().zip(&both).all(|(a, b)| (a.down, a.right) == (b.down, b.right)));
}
