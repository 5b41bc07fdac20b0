//! MNIST's files, in all spellings, and those that are damaged.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use trm_data::images::{Preprocessing, read_idx_images, read_idx_labels};

use crate::{load, refused};

/// An idx file of bytes.
fn idx(shape: &[u32], data: &[u8]) -> Vec<u8> {
    let sizes = shape.iter().flat_map(|size| size.to_be_bytes());
    [0, 0, 8, shape.len() as u8].into_iter().chain(sizes).chain(data.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// The four files: 40 images to train on and 10 for the test, of 3 × 3 pixels.
fn mnist(folder: &Path) {
    for (part, images) in [("train", 40_u8), ("t10k", 10)] {
        let pixels: Vec<u8> = (0..images).flat_map(|image| [image; 9]).collect();
        let labels: Vec<u8> = (0..images).map(|image| image % 10).collect();
        let file = |kind: &str| folder.join(format!("{part}-{kind}-ubyte"));
        fs::write(file("images-idx3"), idx(&[images.into(), 3, 3], &pixels)).expect("written");
        fs::write(file("labels-idx1"), idx(&[images.into()], &labels)).expect("written");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn files_come_back(height in 1_usize..6, width in 1_usize..6, data in prop::collection::vec(any::<u8>(), 0..300), compressed in any::<bool>(), named in any::<bool>()) {
        let images = data.len() / (height * width);
        let pixels = &data[..images * height * width];
        let folder = tempfile::tempdir().expect("a folder");
        // Its first bytes count, whatever browsers and archive tools made of its name.
        let path = folder.path().join(if named { "images.gz" } else { "images" });
        let write = |bytes: Vec<u8>| {
            fs::write(&path, if compressed { gzip(&bytes) } else { bytes }).expect("written");
        };
        write(idx(&[images as u32, height as u32, width as u32], pixels));
        let read = read_idx_images(&path).expect("whole");
        prop_assert_eq!((read.height, read.width, read.len()), (height, width, images));
        prop_assert_eq!(&read.pixels[..], pixels);
        write(idx(&[data.len() as u32], &data));
        prop_assert_eq!(read_idx_labels(&path).expect("whole"), data);
    }
}

#[test]
fn a_folder_is_known_by_its_files() {
    for (compressed, dotted) in [(false, false), (true, false), (false, true), (true, true)] {
        let folder = tempfile::tempdir().expect("a folder");
        mnist(folder.path());
        for entry in fs::read_dir(folder.path()).expect("a folder") {
            let path = entry.expect("a file").path();
            let mut bytes = fs::read(&path).expect("read");
            let mut name = path.file_name().expect("a name").to_str().expect("text").to_owned();
            fs::remove_file(&path).expect("removed");
            if dotted {
                name = name.replace("-idx", ".idx");
            }
            if compressed {
                name += ".gz";
                bytes = gzip(&bytes);
            }
            fs::write(folder.path().join(name), bytes).expect("written");
        }
        let dataset = load(folder.path(), Preprocessing::new(1, 3)).expect("images");
        assert_eq!((dataset.train.len(), dataset.val.len(), dataset.test.len()), (30, 10, 10));
        assert_eq!(dataset.val.class_counts(10), [1; 10]);
        assert_eq!(dataset.test.image(7), [7; 9]);
        assert_eq!(dataset.test.label(7), 7);
        let (row, first) = (dataset.train.rows()[0], dataset.train.image(0));
        assert_eq!(first, [row as u8; 9]);
        assert_eq!(dataset.classes.len(), 10);
    }
}

#[test]
fn damaged_files_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let pre = || Preprocessing::new(1, 3);
    let images = folder.path().join("train-images-idx3-ubyte");
    let labels = folder.path().join("train-labels-idx1-ubyte");
    let write = |path: &Path, bytes: &[u8]| {
        mnist(folder.path());
        fs::write(path, bytes).expect("written");
    };
    let pixels = [0; 360];
    for (path, bytes, words) in [
        (&images, idx(&[40, 3, 3], &pixels[1..]), "promises 360 bytes of images, and it has 359"),
        (&images, idx(&[40, 3, 3], &[0; 361]), "it has more"),
        (&images, idx(&[360], &pixels), "begins with 00000801"),
        (&images, b"\x89PNG, or so".to_vec(), "begins with 89504e47"),
        (&images, vec![0, 0, 8], "cut short"),
        (&images, idx(&[40, 3, 3], &[])[..9].to_vec(), "cut short"),
        (&images, idx(&[u32::MAX, u32::MAX, u32::MAX], &[]), "claims the shape"),
        (&images, idx(&[40, 0, 3], &[]), "no pixels"),
        (&images, idx(&[40, 9, 1], &pixels), "9 × 1"),
        (&labels, idx(&[39], &[0; 39]), "39 labels for 40 images"),
        (&labels, idx(&[40], &[10; 40]), "label 10 at position 0, but there are 10 classes"),
        (&labels, idx(&[40, 3, 3], &pixels), "begins with 00000803"),
    ] {
        write(path, &bytes);
        let name = path.file_name().expect("a name").to_str().expect("text");
        let message = match words {
            "9 × 1" => refused(folder.path(), pre(), "t10k-images-idx3-ubyte"),
            _ => refused(folder.path(), pre(), name),
        };
        assert!(message.contains(words) || words == "9 × 1", "`{words}` is not in: {message}");
    }
    mnist(folder.path());
    fs::remove_file(&labels).expect("removed");
    refused(folder.path(), pre(), "lacks MNIST's file train-labels-idx1-ubyte");
    mnist(folder.path());
    fs::remove_file(&labels).expect("removed");
    let gz = folder.path().join("train-labels-idx1-ubyte.gz");
    let whole = gzip(&idx(&[40], &[1; 40]));
    for bytes in [&whole[..whole.len() / 2], b"no gzip at all", &whole[..whole.len() - 9]] {
        fs::write(&gz, bytes).expect("written");
        refused(folder.path(), pre(), "train-labels-idx1-ubyte.gz");
    }
    mnist(folder.path());
    let message = refused(folder.path(), Preprocessing::new(1, 4), "3 × 3");
    assert!(message.contains("4 × 4"), "{message}");
}
