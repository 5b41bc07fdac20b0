//! Pretrained decoders, converted and used through the binary. `TRM_FIXTURES` may name
//! another folder of recorded numbers.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Place, bytes, says};
use safetensors::SafeTensors;

fn fixture() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    std::env::var_os("TRM_FIXTURES").map_or_else(own, PathBuf::from).join("llama_tiny")
}

fn recorded(name: &str) -> Vec<u8> {
    let io = bytes(&fixture().join("io.safetensors"));
    SafeTensors::deserialize(&io).expect("whole").tensor(name).expect(name).data().to_vec()
}

/// The first row of the recorded batch, which has no padding.
fn first_row() -> Vec<i64> {
    let number = |b: &[u8]| i64::from_le_bytes(b.try_into().expect("8 bytes"));
    let ids: Vec<i64> = recorded("right.input_ids").chunks_exact(8).map(number).collect();
    let mask = recorded("right.attention_mask");
    let length = mask.chunks_exact(8).map(number).take(ids.len() / 2).sum::<i64>();
    ids[..length as usize].to_vec()
}

#[test]
fn a_folder_of_hugging_face_is_converted_traced_and_generated_from() {
    let place = Place::new();
    let folder = fixture();
    let folder = folder.to_str().expect("UTF-8");
    place.done(&["convert", folder, "--from", "hf-llama", "--to", "tiny.safetensors"]);
    let row = first_row();
    let tokens = place.write("rows.json", format!("{{\"inputs\": [{row:?}]}}"));
    let trace = place.done(&[
        "trace",
        "tiny.safetensors",
        "--tokens",
        tokens.to_str().expect("UTF-8"),
        "--json",
        "--logits",
        "--device",
        "cpu",
    ]);
    let trace = trace.json();
    assert_eq!((&trace["variant"], &trace["depth"]), (&"llama".into(), &1.into()));
    let logits = trace["steps"][0]["logits"][0].as_array().expect("rows").iter();
    let found = logits.flat_map(|row| row.as_array().expect("numbers"));
    let found: Vec<f64> = found.map(|x| x.as_f64().expect("a number")).collect();
    let number = |b: &[u8]| f64::from(f32::from_le_bytes(b.try_into().expect("4 bytes")));
    let wanted: Vec<f64> = recorded("right.logits").chunks_exact(4).map(number).collect();
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() < 1e-4, "{found} {wanted}");
    }
    let generate = ["generate", "tiny.safetensors", "--max-new-tokens", "3", "--device", "cpu"];
    assert_eq!(place.done(&generate).stdout.split_whitespace().count(), 3);
    let deep = place.refused(2, &[&generate[..], &["--depth", "2"]].concat());
    says(&deep, &["`llama`", "no recursion"]);
    // In half precision.
    place.done(&[
        "convert",
        "tiny.safetensors",
        "--from",
        "trm",
        "--dtype",
        "f16",
        "--to",
        "half.safetensors",
    ]);
}

#[test]
fn weights_in_several_files_are_read_by_their_index() {
    let place = Place::new();
    let original = bytes(&fixture().join("model.safetensors"));
    let file = SafeTensors::deserialize(&original).expect("whole");
    let folder = place.path("parts");
    fs::create_dir(&folder).expect("a folder");
    fs::copy(fixture().join("config.json"), folder.join("config.json")).expect("copied");
    let mut map = serde_json::Map::new();
    for part in 0..2 {
        let name = format!("model-{part}.safetensors");
        let tensors: Vec<_> = file
            .tensors()
            .into_iter()
            .filter(|(tensor, _)| usize::from(tensor.contains("layers.")) == part)
            .collect();
        for (tensor, _) in &tensors {
            map.insert(tensor.clone(), name.clone().into());
        }
        let bytes = safetensors::serialize(tensors, None).expect("written");
        fs::write(folder.join(name), bytes).expect("written");
    }
    let index = serde_json::json!({ "weight_map": map }).to_string();
    fs::write(folder.join("model.safetensors.index.json"), index).expect("written");
    place.done(&["convert", "parts", "--from", "hf-llama", "--to", "parts.safetensors"]);
    let whole = fixture();
    let whole = whole.to_str().expect("UTF-8");
    place.done(&["convert", whole, "--from", "hf-llama", "--to", "whole.safetensors"]);
    let content = |name: &str| common::content(&place.path(name));
    assert!(content("parts.safetensors") == content("whole.safetensors"));
    fs::remove_file(folder.join("model-1.safetensors")).expect("removed");
    let refused = place.refused(1, &["convert", "parts", "--from", "hf-llama", "--to", "x"]);
    says(&refused, &["model-1.safetensors"]);
    assert!(!place.path("x").exists());
}

#[test]
fn files_that_cannot_be_used_are_refused_clearly() {
    let place = Place::new();
    place.write("cut.gguf", [&b"GGUF\x03\0\0\0"[..], &[1; 12]].concat());
    let cut = place.refused(1, &["convert", "cut.gguf", "--from", "gguf", "--to", "x"]);
    says(&cut, &["cut.gguf", "truncated"]);
    place.write("other.gguf", [0xa5; 40]);
    let other = place.refused(1, &["convert", "other.gguf", "--from", "gguf", "--to", "x"]);
    says(&other, &["does not begin like a GGUF file"]);
    fs::create_dir(place.path("empty")).expect("a folder");
    let empty = place.refused(2, &["convert", "empty", "--from", "hf-llama", "--to", "x"]);
    says(&empty, &["model.safetensors"]);
    let text = ["convert", "cut.gguf", "--from", "gguf", "--to", "x", "--dataset", "shakespeare"];
    says(&place.refused(2, &text), &["tokenizer"]);
    assert!(!place.path("x").exists());
}
