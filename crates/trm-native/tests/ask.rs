//! Asking a trained model: generate, eval, trace, and the shapes of their JSON.

mod common;

use common::{GREY, Place, bytes, says, shipped};
use serde_json::{Value, json};

const CPU: [&str; 2] = ["--device", "cpu"];

#[test]
fn text_is_repeatable_and_begins_with_the_prompt() {
    let place = Place::new();
    place.quick_model(&[]);
    let write = |more: &[&str]| {
        let arguments = ["generate", "run", "--prompt", "ROMEO:", "--max-new-tokens", "40"];
        place.done(&[&arguments, more, &CPU].concat()).stdout
    };
    let text = write(&[]);
    assert!(text.starts_with("ROMEO:"), "{text:?}");
    assert_eq!(text.chars().count(), "ROMEO:".len() + 40 + 1, "{text:?}");
    assert_eq!(write(&[]), text);
    assert_ne!(write(&["--seed", "2"]), text);
    assert_ne!(write(&["--depth", "5"]), text);
    let greedy = write(&["--temperature", "0"]);
    assert_eq!(write(&["--temperature", "0", "--seed", "2"]), greedy);
    assert_eq!(write(&["--top-k", "1"]), greedy);
}

#[test]
fn several_samples_are_several_texts() {
    let place = Place::new();
    place.quick_model(&[]);
    let arguments =
        ["generate", "run/best.safetensors", "--num-samples", "3", "--max-new-tokens", "20"];
    let text = place.done(&[&arguments[..], &CPU].concat()).stdout;
    let samples: Vec<_> = text.split("---------------\n").collect();
    assert_eq!(samples.len(), 3, "{text}");
    assert!(samples[0] != samples[1] && samples[1] != samples[2]);
}

#[test]
fn foreign_characters_in_a_prompt_are_named() {
    let place = Place::new();
    place.quick_model(&[]);
    let error = place.refused(1, &["generate", "run", "--prompt", "Grüße", "--device", "cpu"]);
    says(&error, &["--prompt", "'ü', 'ß'", "hint:", "65 characters"]);
}

#[test]
fn losses_come_for_every_depth_asked_for() {
    let place = Place::new();
    place.write("poem.txt", "A poem of some lines.\n".repeat(200));
    place.quick_model(&["--data", "poem.txt"]);
    let eval = |depths: &str| {
        let arguments = ["eval", "run", "--data", "poem.txt", "--depths", depths, "--json"];
        place.done(&[&arguments[..], &CPU].concat())
    };
    let document = eval("1..3").json();
    let rows = document["depths"].as_array().expect("rows");
    let depths: Vec<_> = rows.iter().map(|row| row["depth"].clone()).collect();
    assert_eq!(depths, [1, 2, 3]);
    for row in rows {
        let loss = row["loss"].as_f64().expect("a loss");
        assert!(
            (row["perplexity"].as_f64().expect("a number") - loss.exp()).abs() < 1e-6 * loss.exp()
        );
        let bits = loss / std::f64::consts::LN_2;
        assert!((row["bits_per_char"].as_f64().expect("a number") - bits).abs() < 1e-6);
    }
    for (key, value) in [("corpus", json!("poem.txt")), ("stride", json!(32))] {
        assert_eq!(document[key], value);
    }
    let text = std::fs::read_to_string(place.path("poem.txt")).expect("text");
    assert!(document["tokens"].as_u64().expect("a number") < text.len() as u64);
    // With context from before each window the same tokens are easier.
    let close = place.done(&[
        "eval", "run", "--data", "poem.txt", "--depths", "2", "--stride", "1", "--json",
        "--device", "cpu",
    ]);
    let close = close.json();
    assert_eq!(close["tokens"], document["tokens"]);
    assert_ne!(close["depths"][0]["loss"], rows[1]["loss"]);
    // A text that is scored whole.
    let whole = place
        .done(&["eval", "run", "--test", "poem.txt", "--depths", "2", "--json", "--device", "cpu"]);
    let characters = text.chars().count() as u64;
    assert_eq!(whole.json()["tokens"].as_u64(), Some(characters - 1));
    assert_eq!(whole.json()["corpus"], json!("poem.txt"));
    assert_eq!(eval("3,1").json()["depths"], json!([rows[2], rows[0]]), "deterministic");
    let table =
        place.done(&["eval", "run", "--data", "poem.txt", "--depths", "2", "--device", "cpu"]);
    says(&table.stdout, &["perplexity", "bits/char"]);
    says(&table.stderr, &["scoring ", " tokens …"]);
}

#[test]
fn a_trace_has_the_shape_of_the_contract() {
    let place = Place::new();
    place.quick_model(&[]);
    place.write("rows.json", r#"{"inputs": [[1, 2, 3], [4, 5, 6]]}"#);
    let arguments = ["trace", "run", "--tokens", "rows.json", "--depth", "3", "--logits", "--json"];
    let trace = place.done(&[&arguments[..], &CPU].concat()).json();
    assert_eq!((&trace["variant"], &trace["depth"]), (&json!("chat_trm"), &json!(3)));
    assert_eq!(trace["tokens"], json!([[1, 2, 3], [4, 5, 6]]));
    let steps = trace["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 3);
    for (index, step) in steps.iter().enumerate() {
        assert_eq!(step["step"], index + 1);
        for key in ["argmax", "prob", "entropy", "logits"] {
            assert_eq!(lengths(&step[key]), [3, 3], "{key}");
        }
        assert!(step["state_rms"].is_f64() && step["halt"].is_null());
        let logits = step["logits"][1][2].as_array().expect("logits");
        assert_eq!(logits.len(), 65);
        let best = (0..65).max_by(|&a, &b| number(&logits[a]).total_cmp(&number(&logits[b])));
        assert_eq!(step["argmax"][1][2].as_u64(), best.map(|b| b as u64));
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn lengths(rows: &Value) -> Vec<usize> {
    let rows = rows.as_array().expect("rows");
    rows.iter().map(|row| row.as_array().expect("a row").len()).collect()
}

#[test]
fn a_prompt_is_traced_as_its_tokens_and_a_table_is_for_people() {
    let place = Place::new();
    place.quick_model(&[]);
    let traced =
        place.done(&["trace", "run", "--prompt", "ab", "--json", "--device", "cpu"]).json();
    assert_eq!(traced["tokens"], json!([[39, 40]]));
    assert_eq!(traced["depth"], 2, "as trained");
    assert!(traced["steps"][0].get("logits").is_none());
    let table = place.done(&["trace", "run", "--prompt", "ab", "--device", "cpu"]).stdout;
    says(&table, &["input     \"ab\"", "entropy", "state RMS"]);
}

#[test]
fn token_files_that_make_no_sense_say_why() {
    let place = Place::new();
    place.quick_model(&[]);
    for (text, word) in [
        ("[[1]]", "is not {\"inputs\""),
        (r#"{"inputs": [[1], []]}"#, "row 1 of rows.json is empty"),
        (r#"{"inputs": [[1], [1, 2]], "lengths": [1, 3]}"#, "row 1 of rows.json has 2 tokens"),
        (r#"{"inputs": [[1], [1, 2]], "lengths": [0, 1]}"#, "its length cannot be 0"),
        (r#"{"inputs": [[1], [1, 2]], "lengths": [1]}"#, "1 lengths for 2 rows"),
        (r#"{"inputs": []}"#, "contains no tokens"),
        (r#"{"inputs": [[65]]}"#, "65"),
    ] {
        place.write("rows.json", text);
        let error = place.refused(1, &["trace", "run", "--tokens", "rows.json", "--device", "cpu"]);
        says(&error, &[word]);
    }
}

#[test]
fn broken_checkpoints_are_refused_by_name() {
    let place = Place::new();
    place.quick_model(&[]);
    let whole = bytes(&place.path("run/best.safetensors"));
    place.write("cut.safetensors", &whole[..whole.len() / 2]);
    place.write("foreign.safetensors", "not a checkpoint at all");
    place.write("empty.safetensors", "");
    for file in ["cut.safetensors", "foreign.safetensors", "empty.safetensors", "none.safetensors"]
    {
        for command in [&["generate", file][..], &["eval", file], &["trace", file, "--prompt", "a"]]
        {
            says(&place.refused(1, &[command, &CPU].concat()), &[file]);
        }
    }
}

#[test]
fn devices_are_listed_with_the_one_that_auto_uses_and_why() {
    let place = Place::new();
    let document = place.done(&["devices", "--json"]).json();
    assert!(document["cpu"]["threads"].as_u64() >= Some(1));
    let gpus = document["gpus"].as_array().expect("a list");
    let real = gpus.iter().position(|gpu| gpu["kind"] != "software");
    let auto = real.map_or("cpu".to_owned(), |number| format!("gpu:{number}"));
    assert_eq!(document["auto"], auto);
    says(
        &place.done(&["devices"]).stdout,
        &["cpu    CPU", &format!("--device auto uses {auto}: ")],
    );
    let beyond = format!("gpu:{}", gpus.len());
    let error = place.refused(2, &["train", "tiny", "--device", &beyond]);
    says(&error, &[if gpus.is_empty() { "no GPU here" } else { &beyond }]);
    if !gpus.is_empty() {
        says(&error, &["these devices: cpu, gpu:0 "]);
    }
}

/// A model without a recursion has no steps to name.
#[test]
fn the_classes_of_a_plain_classifier_are_of_no_step() {
    let place = Place::new();
    place.write("grey.png", GREY);
    for (model, steps) in [("vit-mnist", false), ("digits", true)] {
        let model = shipped(&format!("{model}.safetensors"));
        let text = place.done(&[&["classify", &model, "grey.png"][..], &CPU].concat()).stdout;
        says(&text, &["grey.png\n  ", " %, "]);
        assert_eq!(text.contains("outer step"), steps, "{text}");
    }
}

/// What clap says by itself names neither the range nor, of a negative number, the flag.
#[test]
fn numbers_that_a_flag_cannot_take_are_refused_with_its_range() {
    let place = Place::new();
    for (arguments, words) in [
        (["generate", "--top-k", "-1"], "must be a whole number from 0"),
        (["generate", "--seed", "99999999999"], "must be a whole number from 0 to 4294967295"),
        (["generate", "--depth", "-1"], "is not a depth"),
        (["generate", "--draft-depth", "-1"], "must be a whole number from 1"),
        (["trace", "--attention", "-1"], "must be a whole number from 0"),
        (["eval", "--puzzles", "0"], "must be a whole number from 1 to 1000000"),
        (["eval", "--augmentations", "0"], "must be a whole number from 1 to 1024"),
        (["eval", "--state-noise", "-1"], "must be a number from 0"),
        (["eval", "--halt-threshold", "-1"], "must be a probability from 0 to 1"),
    ] {
        let [command, flag, value] = arguments;
        let error = place.refused(2, &[command, "x", flag, value]);
        says(&error, &[flag, value, words]);
    }
    let train = ["train", "tiny", "--max-iters", "1e1"];
    says(&place.refused(2, &train), &["max-iters", "`1e1`", "a whole number from 1"]);
    let large = ["train", "tiny", "--batch-size", "99999999999999999999"];
    says(&place.refused(2, &large), &["batch-size", "at most 16777216"]);
}
