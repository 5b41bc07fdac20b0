//! Image models of other programs, converted and compared through the binary with what
//! those programs computed. `TRM_FIXTURES` may name another folder of recorded numbers.

mod common;

use std::path::{Path, PathBuf};

use common::{GREY, Place, bytes, says};
use safetensors::SafeTensors;
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    std::env::var_os("TRM_FIXTURES").map_or_else(own, PathBuf::from).join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A recorded tensor.
fn recorded(io: &Path, name: &str) -> Vec<f64> {
    let bytes = bytes(io);
    let file = SafeTensors::deserialize(&bytes).expect("whole");
    let data = file.tensor(name).expect(name).data().to_vec();
    data.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect()
}

fn close(found: &Value, wanted: &[f64]) {
    let found: Vec<_> =
        found.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect();
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-4, "{found} {wanted}");
    }
}

#[test]
fn a_vit_of_hugging_face_answers_the_same_in_both_namings_and_comes_back() {
    let place = Place::new();
    let folder = fixture("vit_tiny");
    let (io, config) = (folder.join("io.safetensors"), folder.join("config.json"));
    let wanted = recorded(&io, "logits");
    let check = |checkpoint: &str| {
        let arguments = [
            "classify",
            checkpoint,
            "--tensors",
            text(&io),
            "--json",
            "--logits",
            "--device",
            "cpu",
        ];
        let document = place.done(&arguments).json();
        let images = document["images"].as_array().expect("two images");
        let classes = wanted.len() / images.len();
        for (image, wanted) in images.iter().zip(wanted.chunks_exact(classes)) {
            let steps = image["steps"].as_array().expect("steps");
            assert_eq!(steps.len(), 1, "a plain ViT has one step");
            close(&steps[0]["logits"], wanted);
        }
    };
    let hub = folder.join("hf_save_pretrained/model.safetensors");
    for (name, weights) in [("new", folder.join("weights.safetensors")), ("hub", hub)] {
        let out = format!("{name}.safetensors");
        let from = ["convert", text(&weights), "--from", "hf-vit", "--config", text(&config)];
        place.done(&[&from[..], &["--to", &out]].concat());
        check(&out);
    }
    // The folder is made with the files.
    let back = ["convert", "hub.safetensors", "--from", "trm", "--to-format", "hf-vit"];
    place.done(&[&back[..], &["--to", "hf/model.safetensors"]].concat());
    let again =
        ["convert", "hf/model.safetensors", "--from", "hf-vit", "--to", "again.safetensors"];
    place.done(&again);
    check("again.safetensors");
    let weights = folder.join("weights.safetensors");
    let from = ["convert", text(&weights), "--from", "hf-vit", "--config", text(&config)];
    place.done(&[&from[..], &["--vit-depth", "2", "--image-size", "48", "--to", "part"]].concat());
    says(
        &place.refused(2, &[&from[..], &["--vit-depth", "9", "--to", "x"]].concat()),
        &["9", "vit_depth to a number from 1 to 3"],
    );
    says(
        &place.refused(2, &["convert", "part", "--from", "trm", "--vit-depth", "1", "--to", "x"]),
        &["hf-vit"],
    );
}

#[test]
fn a_published_head_answers_the_same_from_given_states() {
    let place = Place::new();
    let folder = fixture("trm_vit_head");
    let (io, weights) = (folder.join("io.safetensors"), folder.join("weights.safetensors"));
    let config = folder.join("config.json");
    let from = ["convert", text(&weights), "--from", "trm-vit", "--config", text(&config)];
    place.done(&[&from[..], &["--to", "head.safetensors"]].concat());
    for (inner, outer) in [("6", "4"), ("2", "1")] {
        let arguments = [
            "classify",
            "head.safetensors",
            "--tensors",
            text(&io),
            "--inner-steps",
            inner,
            "--outer-steps",
            outer,
            "--json",
            "--logits",
            "--device",
            "cpu",
        ];
        let document = place.done(&arguments).json();
        let steps = document["steps"].as_array().expect("steps");
        assert_eq!(steps.len().to_string(), outer);
        let wanted = recorded(&io, &format!("n{inner}T{outer}.logits"));
        close(&steps[steps.len() - 1]["logits"], &wanted);
    }
    // Pictures need the ViT that made the features.
    place.write("image.png", GREY);
    let error = place.refused(2, &["classify", "head.safetensors", "image.png", "--device", "cpu"]);
    says(&error, &["frozen ViT", "hint"]);
}
