//! Tables of pixels and labels.

use trm_data::images::{ImageDataset, ImageError, ImageSource, Preprocessing, digits, read_table};

use crate::options;

/// The digits as UCI distributes them.
fn table() -> String {
    let digits = digits();
    let lines = digits.pixels.chunks(64).zip(&digits.labels).map(|(pixels, label)| {
        let pixels: Vec<_> = pixels.iter().map(u8::to_string).collect();
        format!("{},{label}\n", pixels.join(","))
    });
    lines.collect()
}

#[test]
fn the_digits_come_back_out_of_their_table() {
    let read = read_table("digits", &table()).expect("a table");
    assert_eq!(trm_data::images::LabelledImages { sha256: digits().sha256, ..read }, digits());
}

#[test]
fn a_header_says_where_the_label_is() {
    let text = "\"label\",pixel0,pixel1,pixel2,pixel3\r\n1,0,255,7,8\r\n\r\n0,1,2,3,4\r\n";
    let read = read_table("kaggle", text).expect("a table");
    assert_eq!((read.labels, read.levels, read.size.height), (vec![1, 0], 255, 2));
    assert_eq!(read.pixels, [0, 255, 7, 8, 1, 2, 3, 4]);
    assert_eq!(read.classes, ["0", "1"]);
}

#[test]
fn a_byte_order_mark_and_capitals_change_nothing() {
    for start in ["\u{feff}Label", "CLASS", "\u{feff}\"label\""] {
        let text = format!("{start},a,b,c,d\n1,0,255,7,8\n0,1,2,3,4\n");
        let read = read_table("t", &text).expect("a table");
        assert_eq!(read.labels, [1, 0], "{start}");
    }
    let read = read_table("t", "\u{feff}1,2,3,4,0\n5,6,7,8,1\n").expect("a table");
    assert_eq!(read.labels, [0, 1]);
}

/// pandas writes one where the columns have no names.
#[test]
fn a_header_of_numbers_is_no_image() {
    let images = "1,2,3,4,0\n5,6,7,8,1\n";
    for header in ["0,1,2,3,4", "1,2,3,4,5", "\"0\",\"1\",\"2\",\"3\",\"4\"", "0, 1, 2, 3, 4"] {
        let read = read_table("t", &format!("{header}\n{images}")).expect("a table");
        assert_eq!((read.labels, read.pixels.len()), (vec![0, 1], 8), "{header}");
    }
    let read = read_table("t", &format!("0,1,2,3,3\n{images}")).expect("a table");
    assert_eq!(read.labels, [3, 0, 1], "an image");
}

#[test]
fn what_is_no_table_of_images_is_refused_with_its_line() {
    for (text, expected) in [
        ("", "has no images"),
        ("label,pixel0\n", "has no images"),
        ("3\n", "has no images"),
        ("1,2,3,4,0\n1,2,3,0\n", "line 2: 4 columns, where the first image has 5"),
        ("1,2,3,0\n", "3 pixels make no square image"),
        ("1,2,3,4,0\n1,2,256,4,0\n", "line 2: column 3: \"256\" is no whole number up to 255"),
        ("1,2,,4,0\n", "line 1: column 3: \"\" is no whole number"),
        ("i,a,b,c,d,label\n1,2,3,4,0\n", "line 2: 5 columns, fewer than the header names"),
        ("1;2;3;4;0\n", "line 1: column 1: \"1;2;3;4;0\""),
    ] {
        let error = read_table("table", text).map(|_| ()).expect_err(text).to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_file_of_a_table_is_split_like_the_digits() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("optdigits.csv");
    std::fs::write(&path, table()).expect("written");
    let load = |source| ImageDataset::load(&source, &options(Preprocessing::new(1, 8)));
    let read = load(ImageSource::Files(path.clone())).expect("images");
    let known = load(ImageSource::Digits).expect("digits");
    assert_eq!((read.test.rows(), read.name.as_str()), (known.test.rows(), "optdigits"));
    assert_ne!(read.sha256, "");

    std::fs::write(&path, "Once upon a time\n").expect("written");
    let error = load(ImageSource::Files(path)).map(|_| ()).expect_err("a story");
    assert!(matches!(error, ImageError::Empty { .. }), "{error}");
}
