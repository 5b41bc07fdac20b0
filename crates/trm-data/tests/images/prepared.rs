//! Prepared files give what their folders give.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use trm_data::images::{
    Augment, ImageDataset, ImageError, ImageSplit, OtherPictures, PreparedImages, Preprocessing,
    Resize, prepare_images,
};

use crate::{load, png};

fn folder(root: &Path) -> PathBuf {
    let source = root.join("pets");
    for (class, images) in [("cat", 13_u8), ("dog", 11)] {
        fs::create_dir_all(source.join(class)).expect("a folder");
        for image in 0..images {
            let path = source.join(class).join(format!("{image:02}.png"));
            fs::write(path, png(3 + u32::from(image), 5, [image, 9, image + 99])).expect("written");
        }
    }
    source
}

fn prepare(
    source: &Path,
    out: &Path,
    preprocessing: &Preprocessing,
) -> Result<OtherPictures, ImageError> {
    prepare_images(source, out, preprocessing, &mut |_, _| ControlFlow::Continue(()))
}

fn same(a: &ImageDataset, b: &ImageDataset) {
    assert_eq!((&a.name, &a.classes, &a.sha256), (&b.name, &b.classes, &b.sha256));
    for split in ImageSplit::ALL {
        let (a, b) = (a.set(split), b.set(split));
        assert_eq!((a.rows(), a.size(), a.levels()), (b.rows(), b.size(), b.levels()));
        for image in 0..a.len() {
            assert_eq!((a.image(image), a.label(image)), (b.image(image), b.label(image)));
        }
    }
    let augment = Augment { random_crop: 1, flip: true };
    assert_eq!(a.batch(1, 2, 8, augment), b.batch(1, 2, 8, augment));
}

#[test]
fn a_file_gives_what_its_folder_gives() {
    let root = tempfile::tempdir().expect("a folder");
    let (source, out) = (folder(root.path()), root.path().join("out/pets.safetensors"));
    let preprocessing = Preprocessing::resizing(3, 6);
    let mut seen = Vec::new();
    let mut progress = |done, total| {
        seen.push((done, total));
        ControlFlow::Continue(())
    };
    prepare_images(&source, &out, &preprocessing, &mut progress).expect("prepared");
    assert_eq!(seen, (1..=24).map(|done| (done, 24)).collect::<Vec<_>>());
    same(
        &load(&out, preprocessing.clone()).expect("a file"),
        &load(&source, preprocessing.clone()).expect("a folder"),
    );

    let file = PreparedImages::open(&out).expect("a file");
    assert_eq!((file.name(), file.counts()), ("pets", [24, 0, 0]));
    assert_eq!(file.classes(), ["cat", "dog"]);
    assert_eq!(file.preprocessing(), &preprocessing);
    file.verify().expect("whole");
    // Any safetensors reader sees the same.
    let bytes = fs::read(&out).expect("read");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    assert_eq!(tensors.tensor("pixels").expect("pixels").shape(), [24, 3, 6, 6]);
    assert_eq!(tensors.tensor("labels").expect("labels").shape(), [24]);
}

#[test]
fn other_preprocessing_is_refused_and_other_normalisation_is_not() {
    let root = tempfile::tempdir().expect("a folder");
    let (source, out) = (folder(root.path()), root.path().join("pets.safetensors"));
    let preprocessing = Preprocessing::resizing(3, 6);
    prepare(&source, &out, &preprocessing).expect("prepared");
    let normalised = Preprocessing { mean: vec![0.1], std: vec![2.0], ..preprocessing.clone() };
    assert!(load(&out, normalised).is_ok());
    // Images of the model's size, however they came by it.
    assert!(load(&out, Preprocessing::new(3, 6)).is_ok());
    for other in [
        Preprocessing::resizing(3, 7),
        Preprocessing::resizing(1, 6),
        Preprocessing::new(3, 5),
        Preprocessing { resize: Resize::Exact { height: 6, width: 6 }, ..preprocessing },
    ] {
        let error = load(&out, other).expect_err("refused");
        assert!(matches!(error, ImageError::OtherPreprocessing { .. }), "{error}");
        assert!(error.to_string().contains("pets.safetensors"), "{error}");
    }
}

#[test]
fn damaged_files_are_refused_by_name() {
    let root = tempfile::tempdir().expect("a folder");
    let (source, out) = (folder(root.path()), root.path().join("pets.safetensors"));
    prepare(&source, &out, &Preprocessing::resizing(3, 6)).expect("prepared");
    let whole = fs::read(&out).expect("read");
    let refused = |bytes: &[u8], words: &str| {
        fs::write(&out, bytes).expect("written");
        let message = PreparedImages::open(&out).expect_err("damaged").to_string();
        assert!(message.contains("pets.safetensors"), "{message}");
        assert!(message.contains(words), "`{words}` is not in: {message}");
    };
    for length in [0, 5, 100, whole.len() / 2, whole.len() - 1] {
        refused(&whole[..length], "");
    }
    refused(&whole[..whole.len() - 1], "shorter or longer");
    refused(&[&whole[..], b"x"].concat(), "shorter or longer");
    let mut changed = whole.clone();
    *changed.last_mut().expect("a byte") ^= 1;
    refused(&changed, "digest");
    let replaced = |from: &str, to: &str| {
        let place = whole.windows(from.len()).position(|w| w == from.as_bytes()).expect(from);
        let mut bytes = whole.clone();
        bytes[place..place + from.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    refused(&replaced("trm-images/1", "trm-tokens/1"), "`trm-tokens/1`, not `trm-images/1`");
    refused(&replaced("[24,0,0]", "[23,0,0]"), "disagree");
    refused(&replaced("\"pixels\"", "\"pixelz\""), "no tensor `pixels`");
    refused(&replaced("[24,3,6,6]", "[24,3,36] "), "not U8 with 4 axes");
    refused(&replaced("\\\"cat\\\",\\\"dog\\\"", "\\\"caterpillar\\\""), "1 classes");
}

#[test]
fn a_stopped_or_failed_preparation_leaves_nothing() {
    let root = tempfile::tempdir().expect("a folder");
    let source = folder(root.path());
    let out = root.path().join("out/pets.safetensors");
    let preprocessing = Preprocessing::resizing(3, 6);
    let mut stop = |done, _| match done {
        5 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let error = prepare_images(&source, &out, &preprocessing, &mut stop).expect_err("stopped");
    assert!(matches!(error, ImageError::Stopped { .. }), "{error}");
    fs::write(source.join("dog/10.png"), "no image").expect("written");
    let error = prepare(&source, &out, &preprocessing).expect_err("refused");
    assert!(error.to_string().contains("10.png"), "{error}");
    assert_eq!(fs::read_dir(root.path().join("out")).expect("a folder").count(), 0);
    let error = prepare(&source, &source.join("cat/00.png/below"), &preprocessing);
    assert!(matches!(error, Err(ImageError::Unwritable { .. })), "no folder can be made there");
}

/// Nine gigabytes of images, of which only the pages that are read are loaded.
#[cfg(target_os = "linux")]
#[test]
fn more_images_than_fit_into_memory() {
    use std::io::Write;

    const IMAGES: usize = 60_000;
    const BYTES: u64 = 2 * IMAGES as u64 + (IMAGES * 3 * 224 * 224) as u64;
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("large.safetensors");
    let preprocessing = Preprocessing::new(3, 224);
    let metadata = serde_json::json!({
        "format": "trm-images/1", "name": "zeros", "sha256": "0", "counts": "[60000,0,0]",
        "classes": r#"["a","b"]"#,
        "preprocessing": serde_json::to_string(&preprocessing).expect("JSON"),
    });
    let header = serde_json::json!({
        "__metadata__": metadata,
        "labels": { "dtype": "U16", "shape": [IMAGES], "data_offsets": [0, 2 * IMAGES] },
        "pixels": { "dtype": "U8", "shape": [IMAGES, 3, 224, 224], "data_offsets": [2 * IMAGES as u64, BYTES] },
    })
    .to_string();
    let mut file = fs::File::create(&path).expect("created");
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("written");
    file.write_all(header.as_bytes()).expect("written");
    // A hole: it takes no room on the disk.
    file.set_len(8 + header.len() as u64 + BYTES).expect("made longer");
    drop(file);
    let resident = || -> usize {
        let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
        let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("its memory");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    };
    let before = resident();
    let images = load(&path, preprocessing).expect("opened without reading it");
    assert_eq!(images.train.len() + images.val.len() + images.test.len(), IMAGES);
    let batch = images.batch(1, 3, 8, Augment::default());
    assert!(batch.pixels.iter().all(|value| *value == -1.0));
    let grown = resident().saturating_sub(before);
    assert!(grown < 100 << 10, "{grown} kB for a file of {BYTES} bytes");
}
