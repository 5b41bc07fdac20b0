//! `preprocessor_config.json` as models on the Hugging Face Hub have it.

use trm_data::images::{Filter, Preprocessing, Resize};

fn read(json: &str) -> Preprocessing {
    Preprocessing::from_preprocessor_config(json, 3).expect("a preprocessor")
}

#[test]
fn vit_resizes_to_a_square() {
    let vit = read(
        r#"{"do_normalize": true, "do_rescale": true, "do_resize": true,
            "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "ViTImageProcessor",
            "image_std": [0.5, 0.5, 0.5], "resample": 2, "rescale_factor": 0.00392156862745098,
            "size": {"height": 224, "width": 224}}"#,
    );
    let square = |side| Resize::Exact { height: side, width: side };
    let expected = Preprocessing {
        resize: square(224),
        mean: vec![0.5; 3],
        std: vec![0.5; 3],
        ..Preprocessing::new(3, 224)
    };
    assert_eq!(vit, expected);
    assert_eq!(read("{}"), Preprocessing { mean: vec![], std: vec![], ..expected.clone() });
    // As it was written before sizes had two sides.
    let old = r#"{"do_normalize": true, "do_resize": true, "feature_extractor_type": "ViTFeatureExtractor",
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2, "size": 224}"#;
    assert_eq!(read(old), expected);
}

#[test]
fn others_crop_the_centre() {
    let deit = read(
        r#"{"crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true,
            "feature_extractor_type": "DeiTFeatureExtractor", "image_mean": [0.485, 0.456, 0.406],
            "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 256}"#,
    );
    assert_eq!(deit.resize, Resize::Exact { height: 256, width: 256 });
    assert_eq!((deit.size, deit.crop, deit.filter), (224, true, Filter::Bicubic));
    assert_eq!((deit.mean[0], deit.std[2]), (0.485, 0.225));
    let dino = read(
        r#"{"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_convert_rgb": true,
            "image_processor_type": "BitImageProcessor", "resample": 3, "size": {"shortest_edge": 256}}"#,
    );
    assert_eq!((dino.resize, dino.size), (Resize::ShortestEdge { length: 256 }, 224));
    let clip = read(
        r#"{"crop_size": 224, "do_center_crop": true, "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3, "size": 224}"#,
    );
    assert_eq!(clip.resize, Resize::ShortestEdge { length: 224 });
}

#[test]
fn steps_can_be_left_out() {
    let plain = read(r#"{"do_resize": false, "do_normalize": false, "size": 32}"#);
    assert_eq!((plain.size, plain.resize), (32, Resize::Off));
    assert_eq!(plain.normalised(&[0, 51, 255], 255), [0.0, 0.2, 1.0]);
    let signed = read(
        r#"{"rescale_factor": 0.00784313725490196, "image_mean": [1.0], "image_std": [1.0], "size": 8}"#,
    );
    assert_eq!(signed.normalised(&[0, 255, 0], 255), [-1.0, 1.0, -1.0]);
    let bytes = read(r#"{"do_rescale": false, "do_normalize": false, "size": 8}"#);
    assert_eq!(bytes.normalised(&[0, 7, 255], 255), [0.0, 7.0, 255.0]);
}

#[test]
fn what_is_not_known_is_refused() {
    for (json, words) in [
        ("[]", "invalid type"),
        ("", "EOF"),
        (r#"{"size": {"height": 224, "width": 196}}"#, "196 × 224, not square"),
        (r#"{"size": {"shortest_edge": 224}}"#, "no square"),
        (
            r#"{"size": {"shortest_edge": 224, "longest_edge": 999}, "do_center_crop": true}"#,
            "longest_edge",
        ),
        (r#"{"size": {"side": 3}}"#, "`size` has the length null"),
        (r#"{"size": -3}"#, "`size` has the length -3"),
        (r#"{"size": 0}"#, "size 0"),
        (r#"{"size": 100000}"#, "100000"),
        (r#"{"resample": 5}"#, "`resample` is 5"),
        (r#"{"resample": "bicubic"}"#, "`resample` is \"bicubic\""),
        (r#"{"do_center_crop": true}"#, "no `crop_size`"),
        (r#"{"do_resize": "yes"}"#, "`do_resize` is \"yes\""),
        (r#"{"image_mean": [0.5, 0.5]}"#, "2 values for 3 channels"),
        (r#"{"image_std": [0.5, 0.5, 0.0]}"#, "above 0"),
        (r#"{"image_mean": 0.5}"#, "`image_mean` is 0.5"),
        (r#"{"size": {"shortest_edge": 224}, "crop_pct": 0.875}"#, "crop_pct"),
    ] {
        let error = Preprocessing::from_preprocessor_config(json, 3).expect_err("refused");
        assert!(error.to_string().contains(words), "`{words}` is not in: {error}");
    }
}

#[test]
fn a_size_and_channels_that_are_not_read_come_with_their_flags() {
    for (preprocessing, words, flag) in [
        (
            Preprocessing::resizing(3, 100_000),
            "size 100000 are not read: a side has from 1 to 4096",
            "1 to 4096 (--image-size N",
        ),
        (Preprocessing::new(4, 8), "images of 4 channels", "--num-channels 1 or 3"),
    ] {
        let error = preprocessing.validate().expect_err("refused");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().contains(flag), "{}", error.hint());
    }
}
