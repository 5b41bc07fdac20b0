//! The original's weights become a checkpoint that answers as the original did.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Place, says, shipped};
use safetensors::SafeTensors;
use serde_json::{Value, json};

/// The folders of Chat-TRM fixtures: those with weights, answers and sizes.
fn fixtures() -> Vec<PathBuf> {
    let root = std::env::var_os("TRM_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures"),
        PathBuf::from,
    );
    let folders: Vec<_> = fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|entry| entry.expect("readable").path())
        .filter(|folder| {
            fs::read_to_string(folder.join("config.json"))
                .is_ok_and(|config| config.contains("recursion_steps"))
        })
        .collect();
    assert!(!folders.is_empty(), "{} holds no fixture", root.display());
    folders
}

#[test]
fn converted_weights_answer_as_the_original_did() {
    for folder in fixtures() {
        let place = Place::new();
        let weights = folder.join("weights.safetensors").display().to_string();
        place.done(&["convert", &weights, "--from", "chat-trm", "--to", "our.safetensors"]);

        let io = fs::read(folder.join("io.safetensors")).expect("answers");
        let io = SafeTensors::deserialize(&io).expect("safetensors");
        let rows = rows(&io, "idx");
        place.write("rows.json", json!({ "inputs": rows }).to_string());
        let traced = place.done(&[
            "trace",
            "our.safetensors",
            "--tokens",
            "rows.json",
            "--logits",
            "--json",
            "--device",
            "cpu",
        ]);
        for (index, step) in traced.json()["steps"].as_array().expect("steps").iter().enumerate() {
            let expected = floats(&io, &format!("recursion_logits.{index}"));
            let mut found = Vec::new();
            flatten(&step["logits"], &mut found);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                let off = (found - expected).abs();
                assert!(off <= 2e-5 * expected.abs().max(1.0), "{found} instead of {expected}");
            }
        }
    }
}

fn rows(file: &SafeTensors, name: &str) -> Vec<Vec<i64>> {
    let tensor = file.tensor(name).expect("there");
    let numbers: Vec<i64> = tensor
        .data()
        .chunks_exact(8)
        .map(|bytes| i64::from_le_bytes(bytes.try_into().expect("eight bytes")))
        .collect();
    numbers.chunks(tensor.shape()[1]).map(<[i64]>::to_vec).collect()
}

fn floats(file: &SafeTensors, name: &str) -> Vec<f64> {
    let data = file.tensor(name).expect("there").data().to_vec();
    data.chunks_exact(4)
        .map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().expect("four bytes"))))
        .collect()
}

fn flatten(value: &Value, into: &mut Vec<f64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, into)),
        number => into.push(number.as_f64().expect("a number")),
    }
}

#[test]
fn characters_can_be_given_to_the_tokens() {
    let folder = fixtures().into_iter().next().expect("a fixture");
    let weights = folder.join("weights.safetensors").display().to_string();
    let place = Place::new();
    let convert = |more: &[&str]| {
        let arguments = ["convert", &weights, "--from", "chat-trm", "--to", "our.safetensors"];
        place.run(&[&arguments, more].concat())
    };
    let generate = ["generate", "our.safetensors", "--max-new-tokens", "8", "--device", "cpu"];

    assert_eq!(convert(&[]).code, 0);
    let numbers = place.done(&generate).stdout;
    assert_eq!(numbers.split_whitespace().filter(|n| n.parse::<u32>().is_ok()).count(), 8);
    let error = place.refused(1, &[&generate[..], &["--prompt", "a"]].concat());
    says(&error, &["no characters", "hint:"]);

    let config = fs::read_to_string(folder.join("config.json")).expect("sizes");
    let config: Value = serde_json::from_str(&config).expect("JSON");
    if config["vocab_size"] == 65 {
        assert_eq!(convert(&["--dataset", "shakespeare"]).code, 0);
        let text = place.done(&[&generate[..], &["--prompt", "ROMEO:"]].concat()).stdout;
        assert!(text.starts_with("ROMEO:"), "{text}");
    }
    place.write("ab.txt", "abba");
    let refused = convert(&["--data", "ab.txt"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    says(&refused.stderr, &["2 different characters"]);
}

#[test]
fn what_is_missing_or_foreign_is_named() {
    let place = Place::new();
    place.write("weights.safetensors", "nothing of the kind");
    let convert =
        ["convert", "weights.safetensors", "--from", "chat-trm", "--to", "our.safetensors"];
    says(&place.refused(1, &convert), &["weights.safetensors is a text", "hint:"]);
    let foreign = b"\x3c\0\0\0\0\0\0\0{\"a.weight\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}\0";
    place.write("weights.safetensors", foreign);
    says(&place.refused(2, &convert), &["config.json", "--config"]);
    place.write("config.json", "{}");
    says(&place.refused(1, &convert), &["weights.safetensors", "configuration", "hint:"]);
    assert!(!place.path("our.safetensors").exists());
}

/// Large weights take long to read, and a flag that does not go with them is wrong all the same.
#[test]
fn flags_are_refused_before_the_weights_are_read() {
    let place = Place::new();
    let convert = |from: &str, flag: [&str; 2]| {
        let arguments = ["convert", "missing.bin", "--from", from, "--to", "our.safetensors"];
        place.refused(2, &[&arguments[..], &flag].concat())
    };
    says(&convert("hf-vit", ["--dataset", "shakespeare"]), &["--dataset and --data"]);
    says(&convert("gguf", ["--data", "text.txt"]), &["tokenizer of their own"]);
    says(&convert("chat-trm", ["--base", "base.safetensors"]), &["--base", "peft"]);
    says(&convert("trm", ["--config", "config.json"]), &["--config", "holds its own"]);
    says(&convert("samsung-trm", ["--image-size", "32"]), &["--image-size", "hf-vit"]);
    says(&convert("peft", ["--config", "config.json"]), &["--base FILE"]);
}

#[test]
fn a_checkpoint_of_this_program_is_known_whatever_format_is_named() {
    let place = Place::new();
    let solver = shipped("sudoku-4x4.safetensors");
    fs::create_dir(place.path("run")).expect("made");
    fs::copy(&solver, place.path("run/best.safetensors")).expect("copied");
    for from in ["hf-vit", "samsung-trm", "chat-trm", "trm-vit", "hf-llama", "gguf"] {
        for (input, name) in [(&*solver, "sudoku-4x4"), ("run", "run/best")] {
            let error = place.refused(2, &["convert", input, "--from", from, "--to", "x"]);
            let words = format!("{name}.safetensors is a checkpoint of this program");
            says(&error, &[&words, "--from trm"]);
        }
    }
    // Nor is it of every other format.
    let digits = shipped("digits.safetensors");
    for (input, format, words) in [
        (
            &solver,
            "peft",
            ["sudoku-4x4.safetensors: a `trm` model has no adapters", "choose another"],
        ),
        (
            &solver,
            "hf-vit",
            ["sudoku-4x4.safetensors: a `trm` model is no vision", "Choose the form"],
        ),
        (&digits, "samsung-trm", ["no place in the official TRM", "Choose the form"]),
    ] {
        let to = ["convert", input, "--from", "trm", "--to-format", format, "--to", "x"];
        says(&place.refused(2, &to), &words);
    }
    assert!(!place.path("x").exists());
}
