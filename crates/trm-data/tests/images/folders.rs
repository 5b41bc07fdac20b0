//! Folders with one folder of images for each class.

use std::fs;
use std::path::Path;

use trm_data::images::{ImageError, OtherPictures, Preprocessing};

use crate::{load, png, refused};

/// `images` images in a class folder, of colours of their own.
fn class(folder: &Path, name: &str, images: u8) {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder");
    for image in 0..images {
        let path = folder.join(format!("{image:03}.PNG"));
        fs::write(path, png(4, 4, [image, name.len() as u8, 9])).expect("written");
    }
}

#[test]
fn classes_at_the_root_are_split() {
    let folder = tempfile::tempdir().expect("a folder");
    class(folder.path(), "dogs", 10);
    class(folder.path(), "cats", 20);
    class(folder.path(), "birds", 10);
    // What is no image or hidden does not count.
    fs::write(folder.path().join("cats/notes.txt"), "a cat").expect("written");
    fs::write(folder.path().join("cats/.hidden.png"), "no image").expect("written");
    fs::create_dir(folder.path().join(".cache")).expect("a folder");
    let images = load(folder.path(), Preprocessing::new(3, 4)).expect("images");
    assert_eq!(images.classes, ["birds", "cats", "dogs"]);
    assert_eq!(images.train.class_counts(3), [7, 14, 7]);
    assert_eq!(images.val.class_counts(3), [1, 2, 1]);
    assert_eq!(images.test.class_counts(3), [2, 4, 2]);
    assert_eq!(images.sha256.len(), 64);
    let again = load(folder.path(), Preprocessing::new(3, 4)).expect("images");
    assert_eq!((again.test.rows(), &again.sha256), (images.test.rows(), &images.sha256));
    // Rows are in the order of classes and names.
    let row = images.train.rows().iter().position(|row| *row >= 10).expect("a cat");
    let cat = images.train.rows()[row] as u8 - 10;
    assert_eq!(images.train.image(row), [[cat; 16], [4; 16], [9; 16]].concat());
    assert_eq!(images.train.label(row), 1);
}

#[test]
fn parts_of_its_own_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    for (part, images) in [("train", 10), ("val", 2), ("test", 3)] {
        class(&folder.path().join(part), "a", images);
        class(&folder.path().join(part), "b", images);
    }
    let images = load(folder.path(), Preprocessing::new(3, 4)).expect("images");
    assert_eq!((images.train.len(), images.val.len(), images.test.len()), (20, 4, 6));
    // A part need not have every class.
    fs::remove_dir_all(folder.path().join("val")).expect("removed");
    fs::remove_dir_all(folder.path().join("test/a")).expect("removed");
    let images = load(folder.path(), Preprocessing::new(3, 4)).expect("images");
    assert_eq!((images.train.len(), images.val.len(), images.test.len()), (18, 2, 3));
    assert_eq!(images.test.label(0), 1);
    class(&folder.path().join("test"), "c", 1);
    let message = refused(folder.path(), Preprocessing::new(3, 4), "test");
    assert!(message.contains("no class of this name"), "{message}");
}

/// Keras and Roboflow call the validation split otherwise.
#[test]
fn a_validation_split_of_another_name_is_read() {
    for name in ["valid", "validation"] {
        let folder = tempfile::tempdir().expect("a folder");
        for (part, images) in [("train", 10), (name, 2)] {
            class(&folder.path().join(part), "a", images);
            class(&folder.path().join(part), "b", images);
        }
        let images = load(folder.path(), Preprocessing::new(3, 4)).expect("images");
        assert_eq!(images.val.len(), 4, "{name}");
        class(&folder.path().join("extra"), "a", 1);
        let message = refused(folder.path(), Preprocessing::new(3, 4), "extra");
        assert!(message.contains("would be passed over"), "{message}");
    }
}

/// A split whose images lie in no class, and images beside the folders of classes.
#[test]
fn loose_images_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let refuses = |place: &str| {
        let path = folder.path().join(place).join("loose.JPG");
        fs::create_dir_all(folder.path().join(place)).expect("a folder");
        fs::write(&path, png(4, 4, [0; 3])).expect("written");
        let message = refused(folder.path(), Preprocessing::new(3, 4), place);
        assert!(message.contains("loose.JPG"), "{message}");
        assert!(message.contains("would be passed over"), "{message}");
        fs::remove_file(path).expect("removed");
    };
    class(folder.path(), "a", 10);
    class(folder.path(), "b", 10);
    refuses("");
    load(folder.path(), Preprocessing::new(3, 4)).expect("images");
    fs::create_dir(folder.path().join("train")).expect("a folder");
    for name in ["a", "b"] {
        let classes = folder.path().join("train").join(name);
        fs::rename(folder.path().join(name), classes).expect("moved");
    }
    refuses("test");
    refuses("train");
    class(&folder.path().join("val"), "a", 1);
    refuses("val");
    load(folder.path(), Preprocessing::new(3, 4)).expect("images");
}

/// A telephone's photographs, and what was saved as something else.
#[test]
fn pictures_of_types_that_are_not_read_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    class(folder.path(), "a", 10);
    class(folder.path(), "b", 10);
    let images = || load(folder.path(), Preprocessing::new(3, 4)).expect("images");
    assert_eq!(images().other_pictures, OtherPictures::default());
    for name in ["a/IMG_1.HEIC", "b/2.gif", "b/3.tiff", "b/.4.bmp", "b/5.txt"] {
        fs::write(folder.path().join(name), "not read").expect("written");
    }
    let images = images();
    let OtherPictures { count, first } = &images.other_pictures;
    assert_eq!(*count, 3, "{first:?}");
    assert!(first.as_ref().is_some_and(|first| first.ends_with("IMG_1.HEIC")), "{first:?}");
    assert_eq!(images.train.len() + images.val.len() + images.test.len(), 20);
}

#[test]
fn two_folders_of_one_split_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["train", "val", "valid"] {
        class(&folder.path().join(part), "a", 10);
        class(&folder.path().join(part), "b", 10);
    }
    let message = refused(folder.path(), Preprocessing::new(3, 4), "valid");
    assert!(message.contains("the same split as `val`"), "{message}");
    assert!(message.contains("would be passed over"), "{message}");
}

#[test]
fn a_class_may_be_called_as_a_split() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["bus", "train"] {
        class(folder.path(), name, 10);
    }
    let images = load(folder.path(), Preprocessing::new(3, 4)).expect("images");
    assert_eq!(images.classes, ["bus", "train"]);
}

#[test]
fn unusable_folders_are_refused() {
    let pre = || Preprocessing::new(3, 4);
    let folder = tempfile::tempdir().expect("a folder");
    let message = refused(folder.path(), pre(), "");
    assert!(message.contains("no known layout"), "{message}");
    class(folder.path(), "a", 4);
    assert!(matches!(load(folder.path(), pre()), Err(ImageError::Classes { found: 1, .. })));
    class(folder.path(), "empty", 0);
    let message = refused(folder.path(), pre(), "empty");
    assert!(message.contains("has no images"), "{message}");
    class(folder.path(), "empty", 4);
    assert!(load(folder.path(), pre()).is_ok());
    class(&folder.path().join("a"), "more", 1);
    let message = refused(folder.path(), pre(), "more");
    assert!(message.contains("would be passed over"), "{message}");
    fs::remove_dir_all(folder.path().join("a/more")).expect("removed");
    let other = folder.path().join("a/other.png");
    fs::write(&other, png(5, 4, [0; 3])).expect("written");
    let message = refused(folder.path(), pre(), "other.png");
    assert!(message.contains("5 × 4 pixels, but the model takes 4 × 4"), "{message}");
    assert!(load(folder.path(), Preprocessing::resizing(3, 4)).is_ok());
    fs::write(&other, &png(4, 4, [0; 3])[..50]).expect("written");
    refused(folder.path(), pre(), "other.png");
    fs::write(&other, "no image").expect("written");
    refused(folder.path(), pre(), "other.png");
    fs::remove_file(&other).expect("removed");
    let error = load(&folder.path().join("nowhere"), pre()).expect_err("missing");
    assert!(matches!(error, ImageError::Unreadable { .. }), "{error}");
    // Only paths are counted before the images would fill the memory.
    for image in 0..200 {
        let path = folder.path().join(format!("a/more-{image}.jpg"));
        fs::write(path, "not read").expect("written");
    }
    let error = load(folder.path(), Preprocessing::resizing(3, 4096)).expect_err("refused");
    assert!(matches!(error, ImageError::TooMuchMemory { .. }), "{error}");
    assert!(error.hint().contains("data prepare"), "{}", error.hint());
}
