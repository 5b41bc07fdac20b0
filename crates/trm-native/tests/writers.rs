//! What the program does with every model that writes, and how runs go on by
//! themselves.

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{Place, QUICK, bytes, content, says};
use safetensors::SafeTensors;

/// A chunk model of seconds.
const CHUNK: &[&str] = &[
    "train",
    "page-chunk",
    "--device",
    "cpu",
    "--hidden-size",
    "32",
    "--n-layers",
    "1",
    "--max-iters",
    "4",
    "--eval-interval",
    "2",
    "--eval-iters",
    "2",
    "--log-interval",
    "1",
    "--out",
    "run",
];

#[test]
fn every_model_overfits_one_sentence_or_the_command_fails() {
    let place = Place::new();
    let sizes = ["--hidden-size", "32", "--num-heads", "2", "--device", "cpu"];
    for preset in ["tiny", "page-chunk", "shakespeare-trm-lm"] {
        let learned = place.done(&[&["overfit", preset, "--json"][..], &sizes].concat());
        let learned = &learned.json()[0];
        assert_eq!(learned["preset"], preset);
        assert!(learned["loss"].as_f64().expect("a loss") < 0.01, "{learned}");
    }
    // A text is for the models that write: the others are left out.
    let text = ["overfit", "--text", "To be or not", "--max-iters", "1", "--target", "9", "--json"];
    let learned = place.done(&[&text[..], &sizes].concat()).json();
    assert_eq!(learned.as_array().expect("a list").len(), 3, "{learned}");
    let puzzle = place.done(&["overfit", "sudoku-4x4", "--device", "cpu"]);
    says(&puzzle.stdout, &["sudoku-4x4 (trm,"]);
    let few = ["overfit", "tiny", "--max-iters", "5", "--device", "cpu"];
    let ended = place.run(&few);
    assert_eq!(ended.code, 1);
    says(&ended.stderr, &["did not reach a loss below 0.01: tiny"]);
    says(&ended.stdout, &["target loss not reached"]);
    let wrong = ["overfit", "sudoku-4x4", "--text", "To be", "--device", "cpu"];
    says(&place.refused(2, &wrong), &["--text", "puzzle model"]);
    let short = place.refused(2, &["overfit", "page-chunk", "--text", "To", "--device", "cpu"]);
    says(&short, &["--text", "2 tokens are too few", "at least 5"]);
}

#[test]
fn the_same_command_begins_a_run_and_goes_on_with_it() {
    let place = Place::new();
    let begin = |out: &str, steps: &str, more: &[&str]| {
        let settings = ["--out", out, "--max-iters", steps, "--lr-schedule", "constant"];
        place.run(&[QUICK, &settings, more].concat())
    };
    let first = begin("run", "2", &["--auto-resume"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let second = begin("run", "4", &["--auto-resume"]);
    says(&second.stderr, &["step 2 of run", "done"]);
    assert_eq!(begin("whole", "4", &[]).code, 0);
    let [run, whole] =
        ["run", "whole"].map(|run| content(&place.path(run).join("last.safetensors")));
    assert_eq!(run, whole);
    // Another run is not this one.
    let other = begin("run", "4", &["--auto-resume", "--batch-size", "3"]);
    assert_eq!(other.code, 2);
    says(&other.stderr, &["batch_size", "this command"]);
    // From weights, which it reads the first time only.
    let tuned = ["--auto-resume", "--init", "weights.safetensors"];
    std::fs::copy(place.path("run/best.safetensors"), place.path("weights.safetensors")).unwrap();
    let began = begin("tuned", "2", &tuned);
    says(&began.stderr, &["weights of weights.safetensors", "steps 0 to 2"]);
    let went_on = begin("tuned", "4", &tuned);
    says(&went_on.stderr, &["step 2 of tuned", "done"]);
    // It needs a folder to look in.
    says(&place.refused(2, &["train", "tiny", "--auto-resume"]), &["--out"]);
}

#[test]
fn a_run_is_saved_between_validations() {
    let place = Place::new();
    let arguments = ["--eval-interval", "100000", "--save-interval", "2", "--max-iters", "100000"];
    let mut child = place
        .program()
        .args([QUICK, &arguments, &["--out", "run"]].concat())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let reached = lines.map_while(Result::ok).find(|line| line.starts_with("step 7/"));
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(reached.is_some(), "it never came to step 7");
    let last = bytes(&place.path("run").join("last.safetensors"));
    let (_, header) = SafeTensors::read_metadata(&last).expect("whole");
    let step: usize = header.metadata().as_ref().expect("entries")["step"].parse().expect("a step");
    assert!(step >= 4 && step.is_multiple_of(2), "step {step}");
}

#[test]
fn results_tell_what_a_run_came_to() {
    let place = Place::new();
    place.write("poem.txt", "A poem of some lines.\n".repeat(200));
    place.done(&["data", "prepare", "poem.txt", "--name", "A poem", "--out", "poem.safetensors"]);
    place.done(&[CHUNK, &["--data", "poem.safetensors"]].concat());
    let text = std::fs::read_to_string(place.path("run/results.json")).expect("results");
    let results: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    // Its true name, not the file's.
    assert_eq!(results["corpus"], "A poem");
    assert_eq!((&results["step"], &results["finished"]), (&4.into(), &true.into()));
    assert_eq!(results["tokens_seen"], 4 * 8 * 64);
    let loss = |key: &str| results[key].as_f64().expect("a loss");
    assert!(loss("best_val_loss") <= loss("val_loss"));
    assert!(results["seconds"].as_f64().expect("a time") > 0.0);
    assert_eq!(results["config"]["model"]["variant"], "chunk_lm");
}

#[test]
fn chunks_are_drafted_traced_and_written() {
    let place = Place::new();
    place.done(CHUNK);
    let draft = place.done(&[
        "trace", "run", "--prompt", "ROMEO:", "--draft", "--depth", "3", "--json", "--device",
        "cpu",
    ]);
    let draft = draft.json();
    assert_eq!(draft["steps"].as_array().expect("steps").len(), 3);
    for step in draft["steps"].as_array().expect("steps") {
        assert_eq!(step["argmax"][0].as_array().expect("a chunk").len(), 4);
    }
    let written = place.done(&[
        "generate",
        "run",
        "--prompt",
        "ROMEO:",
        "--max-new-tokens",
        "30",
        "--device",
        "cpu",
    ]);
    // The prompt, thirty characters and the line's end.
    assert_eq!(written.stdout.chars().count(), 6 + 30 + 1);
    says(&written.stderr, &["30 tokens in"]);
    let error = place.refused(2, &["train", "page-chunk", "--chunk-size", "5", "--device", "cpu"]);
    says(&error, &["chunk_size", "does not divide block_size 64"]);
    let error = place.refused(2, &["eval", "run", "--stride", "6", "--device", "cpu"]);
    says(&error, &["stride of 6", "in steps of 4"]);
}

#[test]
fn the_leak_is_told_beside_the_loss() {
    let place = Place::new();
    place.done(&[CHUNK, &["--draft-start", "targets", "--detach-cycles", "true"]].concat());
    let scored = place.done(&["eval", "run", "--depths", "2", "--json", "--device", "cpu"]).json();
    assert!(scored["depths"][0]["leaking_loss"].as_f64().is_some(), "{scored}");
    let table = place.done(&["eval", "run", "--depths", "2", "--device", "cpu"]);
    says(&table.stdout, &["label leakage"]);
}
