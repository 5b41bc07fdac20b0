//! How images are prepared, by the original's preprocessor_config.json and here.

use trm_data::images::{Filter, Preprocessing, Resize};

/// What to say if `original`, a preprocessor_config.json, resizes or crops images in another
/// way than `ours`, that of the checkpoint. It is no error: the weights are the same.
pub fn other_preprocessing(original: &str, ours: &Preprocessing) -> Option<String> {
    let here = in_words(ours);
    let theirs = match Preprocessing::from_preprocessor_config(original, ours.channels) {
        Ok(theirs) => theirs,
        Err(error) => {
            return Some(format!(
                "how the original's preprocessor_config.json resizes images is not taken over ({error}); here images are {here}"
            ));
        }
    };
    // It takes only images of the model's size, and these stay as they are here too.
    if theirs.resize == Resize::Off && !theirs.crop {
        return None;
    }
    let geometry = |of: &Preprocessing| (of.resize, of.crop, of.size, of.filter);
    (geometry(&theirs) != geometry(ours)).then(|| {
        format!(
            "by the original's preprocessor_config.json images are {}; here they are {here}, so answers can differ from the original's",
            in_words(&theirs)
        )
    })
}

/// What is done to images before their pixels are normalised.
fn in_words(images: &Preprocessing) -> String {
    let filter = match images.filter {
        Filter::Nearest => "nearest pixel",
        Filter::Bilinear => "bilinear",
        Filter::Bicubic => "bicubic",
        Filter::Lanczos => "Lanczos",
    };
    let resized = match images.resize {
        Resize::Off => "not resized".into(),
        Resize::Exact { height, width } => {
            format!("resized to {width} × {height} whatever their shape ({filter})")
        }
        Resize::ShortestEdge { length } => {
            format!("resized to {length} on the shorter side ({filter})")
        }
    };
    let size = images.size;
    match images.crop {
        true => format!("{resized}, then cropped to {size} × {size}"),
        false => resized,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_way_to_resize_is_told_in_words() {
        let ours = Preprocessing::resizing(3, 224);
        for same in [
            r#"{"do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "resample": 2,
                "size": {"shortest_edge": 224}, "image_mean": [0.1, 0.2, 0.3]}"#,
            r#"{"do_resize": false, "size": {"height": 224, "width": 224}}"#,
        ] {
            assert_eq!(other_preprocessing(same, &ours), None, "{same}");
        }
        let here = "here they are resized to 224 on the shorter side (bilinear), then cropped to 224 × 224";
        for (other, words) in [
            (
                r#"{"size": {"height": 224, "width": 224}}"#,
                "are resized to 224 × 224 whatever their shape (bilinear);",
            ),
            (
                r#"{"crop_size": 224, "do_center_crop": true, "resample": 3,
                    "size": {"shortest_edge": 256}}"#,
                "are resized to 256 on the shorter side (bicubic), then cropped to 224 × 224;",
            ),
            (
                r#"{"crop_size": 224, "do_center_crop": true, "resample": 3,
                    "size": {"shortest_edge": 224}}"#,
                "(bicubic), then cropped to 224 × 224;",
            ),
            (
                r#"{"do_resize": false, "do_center_crop": true, "crop_size": 224}"#,
                "are not resized, then cropped to 224 × 224;",
            ),
        ] {
            let note = other_preprocessing(other, &ours).expect(other);
            assert!(note.contains(words) && note.contains(here), "{note}");
        }
        let note = other_preprocessing(r#"{"size": 224, "crop_pct": 0.9}"#, &ours).expect("a note");
        assert!(note.contains("`crop_pct`") && note.contains("here images are"), "{note}");
    }
}
