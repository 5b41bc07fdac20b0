//! Features of a frozen backbone, in memory and on disk.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;
use trm_data::images::{FeatureKey, FeatureWriter, Features, ImageError, ImageSplit};

fn key() -> FeatureKey {
    FeatureKey { base: "vit".into(), data: "0123".into(), preprocessing: "square".into() }
}

fn go_on(_: usize, _: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn write(path: &Path, [tokens, width]: [usize; 2], counts: [usize; 3], values: &[f32]) {
    let mut writer = FeatureWriter::create(path, &key(), tokens, width, counts).expect("created");
    for piece in values.chunks((tokens * width).max(1)) {
        writer.push(piece, &mut go_on).expect("pushed");
    }
    writer.finish().expect("finished");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn rows_come_back(tokens in 1_usize..5, width in 1_usize..9, train in 1_usize..6, val in 0_usize..4, test in 0_usize..4) {
        let counts = [train, val, test];
        // Numbers that half precision holds exactly.
        let values: Vec<f32> = (0..(train + val + test) * tokens * width).map(|i| i as f32 / 8.0).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("features.safetensors");
        write(&path, [tokens, width], counts, &values);
        let file = Features::open(&path, &key()).expect("a file");
        let mut memory = Features::in_memory(tokens, width, counts);
        memory.push(&values);
        for features in [&file, &memory] {
            prop_assert_eq!((features.tokens(), features.width()), (tokens, width));
            let mut rows = values.chunks_exact(tokens * width);
            for (split, count) in ImageSplit::ALL.into_iter().zip(counts) {
                prop_assert_eq!((features.len(split), features.is_empty(split)), (count, count == 0));
                let all = features.gather(split, 0..count);
                for row in 0..count {
                    let expected = rows.next().expect("a row");
                    prop_assert_eq!(&features.row(split, row), expected);
                    prop_assert_eq!(&all[row * tokens * width..][..tokens * width], expected);
                }
            }
        }
    }
}

#[test]
fn features_of_anything_else_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("features.safetensors");
    write(&path, [2, 3], [2, 1, 1], &[0.5; 24]);
    for (other, words) in [
        (FeatureKey { base: "dino".into(), ..key() }, "another base model (vit, not dino)"),
        (FeatureKey { data: "4567".into(), ..key() }, "another dataset"),
        (FeatureKey { preprocessing: "crop".into(), ..key() }, "another preprocessing"),
    ] {
        let error = Features::open(&path, &other).expect_err("refused");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().contains("features.safetensors"), "{error}");
    }
    let whole = fs::read(&path).expect("read");
    for length in [0, 7, 60, whole.len() - 1] {
        fs::write(&path, &whole[..length]).expect("written");
        let error = Features::open(&path, &key()).expect_err("cut short");
        assert!(error.to_string().contains("features.safetensors"), "{error}");
    }
    let mut changed = whole;
    *changed.last_mut().expect("a byte") ^= 1;
    fs::write(&path, changed).expect("written");
    assert!(Features::open(&path, &key()).expect_err("changed").to_string().contains("digest"));
}

#[test]
fn an_unfinished_file_leaves_the_old_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("features.safetensors");
    write(&path, [1, 2], [2, 1, 1], &[1.0; 8]);
    let before = fs::read(&path).expect("read");
    let start = || FeatureWriter::create(&path, &key(), 1, 2, [2, 1, 1]).expect("created");

    let mut writer = start();
    writer.push(&[0.0; 6], &mut go_on).expect("pushed");
    let error = writer.finish().expect_err("two values are missing");
    assert!(matches!(error, ImageError::Unwritable { .. }), "{error}");
    let mut writer = start();
    assert!(writer.push(&[0.0; 10], &mut go_on).is_err(), "too many");
    drop(writer);
    let mut writer = start();
    let mut seen = Vec::new();
    let error = writer.push(&[0.0; 4], &mut |done, total| {
        seen.push((done, total));
        ControlFlow::Break(())
    });
    assert!(matches!(error, Err(ImageError::Stopped { .. })));
    assert_eq!(seen, [(2, 4)]);
    drop(writer);
    assert_eq!(fs::read(&path).expect("read"), before);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}
