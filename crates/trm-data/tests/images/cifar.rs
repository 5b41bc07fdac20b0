//! CIFAR-10 and CIFAR-100 in their binary versions.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use trm_data::images::Preprocessing;

use crate::{load, refused};

/// Records of `labels` labels and an image of one byte value.
fn records(labels: &[&[u8]]) -> Vec<u8> {
    let record = |labels: &&[u8]| [labels, [labels[labels.len() - 1]; 3072].as_slice()].concat();
    labels.iter().flat_map(record).collect()
}

fn cifar_10(folder: &Path) {
    for batch in 1..=5 {
        let labels: Vec<[u8; 1]> = (0..20).map(|image| [image % 10]).collect();
        let labels: Vec<&[u8]> = labels.iter().map(|label| label.as_slice()).collect();
        let path = folder.join(format!("data_batch_{batch}.bin"));
        fs::write(path, records(&labels)).expect("written");
    }
    fs::write(folder.join("test_batch.bin"), records(&[&[3], &[9]])).expect("written");
    let names: String = (0..10).map(|class| format!("class {class}\n")).collect();
    fs::write(folder.join("batches.meta.txt"), names + "\n").expect("written");
}

#[test]
fn the_ten_classes_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    cifar_10(folder.path());
    let images = load(folder.path(), Preprocessing::new(3, 32)).expect("images");
    assert_eq!((images.train.len(), images.val.len(), images.test.len()), (90, 10, 2));
    assert_eq!(images.classes[3], "class 3");
    assert_eq!((images.test.label(0), images.test.label(1)), (3, 9));
    assert_eq!(images.test.image(1), [9; 3072]);
    assert_eq!(images.val.class_counts(10), [1; 10]);
    fs::remove_file(folder.path().join("batches.meta.txt")).expect("removed");
    let images = load(folder.path(), Preprocessing::new(3, 32)).expect("images");
    assert_eq!(images.classes[3], "3");
}

#[test]
fn the_fine_label_of_the_hundred_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let labels: Vec<[u8; 2]> = (0..200).map(|image| [image % 20, image % 100]).collect();
    let labels: Vec<&[u8]> = labels.iter().map(|label| label.as_slice()).collect();
    fs::write(folder.path().join("train.bin"), records(&labels)).expect("written");
    fs::write(folder.path().join("test.bin"), records(&[&[1, 99]])).expect("written");
    let error = load(folder.path(), Preprocessing::new(3, 32)).expect_err("two of each class");
    assert!(error.to_string().contains("too few for its val part"), "{error}");
    fs::write(folder.path().join("train.bin"), records(&labels.repeat(2))).expect("written");
    let images = load(folder.path(), Preprocessing::new(3, 32)).expect("images");
    assert_eq!((images.train.len(), images.val.len(), images.test.label(0)), (300, 100, 99));
    assert_eq!(images.classes.len(), 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    #[test]
    fn pixels_come_back(pixels in prop::collection::vec(any::<u8>(), 3072), label in 0_u8..10) {
        let folder = tempfile::tempdir().expect("a folder");
        cifar_10(folder.path());
        let record = [&[label], pixels.as_slice()].concat();
        fs::write(folder.path().join("test_batch.bin"), record).expect("written");
        let images = load(folder.path(), Preprocessing::new(3, 32)).expect("images");
        prop_assert_eq!(images.test.image(0), pixels);
        prop_assert_eq!(images.test.label(0), u32::from(label));
    }
}

#[test]
fn damaged_files_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let pre = || Preprocessing::new(3, 32);
    let bad = |name: &str, bytes: &[u8], words: &str| {
        cifar_10(folder.path());
        fs::write(folder.path().join(name), bytes).expect("written");
        let message = refused(folder.path(), pre(), name);
        assert!(message.contains(words), "{message}");
    };
    let records = records(&[&[1], &[10]]);
    bad("data_batch_3.bin", &records[1..], "its 6145 bytes are not images of 3073 bytes each");
    bad("test_batch.bin", &[], "its 0 bytes");
    bad("data_batch_2.bin", &records, "label 10 at position 1");
    bad("batches.meta.txt", b"cat\ndog\n", "names 2 classes, not 10");
    cifar_10(folder.path());
    fs::remove_file(folder.path().join("data_batch_5.bin")).expect("removed");
    refused(folder.path(), pre(), "data_batch_5.bin");
}
