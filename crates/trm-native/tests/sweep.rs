//! Depths compared through the binary.

mod common;

use std::fs;

use common::{Ended, GROWING, Place, says};
use serde_json::Value;

/// Seconds at most.
const SMALL: &[&str] =
    &["--eval-iters", "1", "--log-interval", "1", "--batch-size", "2", "--device", "cpu"];

const SWEEP: &[&str] = &[
    "sweep",
    "tiny",
    "--recursion-steps",
    "1,2",
    "--seeds",
    "1,2",
    "--max-iters",
    "6",
    "--eval-interval",
    "3",
];

#[test]
fn depths_are_compared_under_equal_settings_and_equal_compute() {
    let place = Place::new();
    let ended = place.done(&[SWEEP, SMALL, &["--out", "sweep"]].concat());
    says(&ended.stderr, &["6 runs", "0 finished before", "run 6 of 6", "done"]);
    says(&ended.stdout, &["equal settings", "equal compute", "FLOPs/token", "±", "minutes"]);
    let text = fs::read_to_string(place.path("sweep/sweep.json")).expect("the table");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let rows = document["rows"].as_array().expect("rows");
    let keys: Vec<_> = rows
        .iter()
        .map(|row| {
            (row["equal"].as_str().expect("a word"), row["depth"].as_u64().expect("a depth"))
        })
        .collect();
    assert_eq!(keys, [("settings", 1), ("settings", 2), ("compute", 1), ("compute", 2)]);
    let number = |row: usize, key: &str| rows[row][key].as_f64().expect("a number");
    assert_eq!((number(0, "steps"), number(1, "steps"), number(3, "steps")), (6.0, 6.0, 6.0));
    assert!(number(2, "steps") > 6.0, "a shallower model takes more steps");
    let spent = number(2, "training_flops") / number(3, "training_flops");
    assert!((spent - 1.0).abs() < 0.1, "{spent}");
    for row in rows {
        let losses: Vec<_> =
            row["losses"].as_array().expect("losses").iter().filter_map(Value::as_f64).collect();
        assert!(losses.len() == 2 && losses[0] != losses[1], "{losses:?}");
        let mean = row["mean_loss"].as_f64().expect("a mean");
        assert!((mean - (losses[0] + losses[1]) / 2.0).abs() < 1e-9, "{mean} of {losses:?}");
    }
    // The loss is that of `eval` for the member's best checkpoint.
    let member = "sweep/depth-2-seed-1-steps-6";
    let eval = place.done(&["eval", member, "--depths", "2", "--json", "--device", "cpu"]).json();
    let [eval, swept] = [&eval["depths"][0]["loss"], &rows[1]["losses"][0]]
        .map(|loss| loss.as_f64().expect("a loss"));
    assert!((eval - swept).abs() < 1e-9, "{eval} and {swept}");
    let svg = fs::read_to_string(place.path("sweep/sweep.svg")).expect("the picture");
    says(&svg, &["<svg", "equal settings", "equal compute", "validation loss", "</svg>"]);

    // What is finished is not trained again, and one more seed is only added.
    let again = place.done(&[SWEEP, SMALL, &["--out", "sweep"]].concat());
    says(&again.stderr, &["6 finished before"]);
    assert!(!again.stderr.contains("step 1/"), "{}", again.stderr);
    assert_eq!(again.stdout, ended.stdout);
    let more = place.done(
        &[SWEEP, SMALL, &["--seeds", "1,2,3", "--equal", "settings", "--json", "--out", "sweep"]]
            .concat(),
    );
    says(&more.stderr, &["6 runs", "4 finished before"]);
    assert_eq!(more.json()["rows"].as_array().map(Vec::len), Some(2));

    let error =
        place.refused(2, &[SWEEP, SMALL, &["--out", "sweep", "--learning-rate", "1"]].concat());
    says(&error, &["other settings", "--out"]);
}

#[test]
fn wrong_usage_of_a_sweep_is_said_before_anything_is_trained() {
    let place = Place::new();
    for (flags, word) in [
        (&["--seeds", "1,x"][..], "`x` is not a seed"),
        (&["--seed", "3"], "cannot be used with"),
        (&["--equal", "time"], "settings, compute, both"),
        (&["--min-depth", "2", "--depth-sampling", "uniform"], "min_depth"),
        (&["--val-fraction", "0"], "val_fraction must be above 0"),
    ] {
        says(&place.refused(2, &[SWEEP, SMALL, flags].concat()), &[word]);
    }
    says(&place.refused(2, &["sweep", "tiny"]), &["required", "--recursion-steps", "--vary"]);
    // Of the base settings, or of one combination only.
    for (preset, flags, word) in [
        ("tiny", &["--vary", "val_fraction=0.1,0"][..], "val_fraction must be above 0"),
        ("tiny", &["--vary", "seed=1"], "--seeds"),
        ("tiny", &["--vary", "variant=chat_trm,trm_lm"], "settings of one model"),
        ("tiny", &["--vary", "batch_size=2,4", "--val-fraction", "0"], "val_fraction must be"),
        ("sudoku-4x4", &["--vary", "num_val_puzzles=8,0"], "num_val_puzzles must be above 0"),
        ("cups", &["--vary", "num_val_questions=8,0"], "num_val_questions"),
    ] {
        let sweep = [&["sweep", preset, "--device", "cpu"], flags].concat();
        says(&place.refused(2, &sweep), &[word]);
    }
    let images = ["sweep", "digits", "--vary", "val_fraction=0.1,0", "--device", "cpu"];
    says(&place.refused(1, &images), &["too few for its val part", "raise val_fraction"]);
    for equal in ["compute", "both"] {
        let varied = ["sweep", "tiny", "--vary", "batch_size=2,4", "--equal", equal];
        let refused = place.refused(2, &varied);
        says(&refused, &[&format!("--equal {equal}"), "sweeps of the recursion depth"]);
    }
    assert!(!place.path("runs").exists(), "nothing was made");
}

/// One of the runs uses what the other one does not.
#[test]
fn a_flag_may_be_for_some_of_the_varied_runs() {
    let place = Place::new();
    let flags = ["--lr-schedule", "constant", "--min-lr", "1e-5"];
    let short = ["--max-iters", "2", "--eval-interval", "2", "--out", "sweep", "--vary"];
    let sweep = [&["sweep", "tiny"], SMALL, &flags, &short].concat();
    let ended = place.done(&[&sweep[..], &["lr_schedule=constant,cosine"]].concat());
    says(&ended.stdout, &["lr_schedule constant", "lr_schedule cosine"]);
    let other = place.refused(2, &[&sweep[..], &["batch_size=2,4"]].concat());
    says(&other, &["--min-lr has no effect without --lr-schedule cosine"]);
}

/// Their own validations score more tokens where the batch is larger.
#[test]
fn varied_settings_are_compared_on_the_whole_validation_split() {
    let place = Place::new();
    let sweep = [
        "sweep",
        "tiny",
        "--vary",
        "batch_size=2,4",
        "--equal",
        "settings",
        "--max-iters",
        "4",
        "--eval-interval",
        "2",
        "--eval-iters",
        "2",
        "--out",
        "varied",
        "--device",
        "cpu",
    ];
    let ended = place.done(&sweep);
    says(&ended.stderr, &["2 runs", "over the whole validation split", "done"]);
    says(&ended.stdout, &["batch_size 2", "batch_size 4", "over the whole validation split"]);
    let text = fs::read_to_string(place.path("varied/sweep.json")).expect("the table");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let rows = document["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    for row in rows {
        let size = &row["settings"]["batch_size"];
        let best = format!("varied/batch_size-{size}-seed-{}/best.safetensors", row["seed"]);
        let eval = ["eval", &best, "--depths", "2", "--json", "--device", "cpu"];
        let eval = place.done(&eval).json();
        let [eval, swept] = [&eval["depths"][0]["loss"], &row["val_loss"]]
            .map(|loss| loss.as_f64().expect("a loss"));
        assert!((eval - swept).abs() < 1e-8, "batch_size {size}: {eval} and {swept}");
        assert!(row["accuracy"].is_null(), "a language model has none");
    }

    let again = place.done(&sweep);
    says(&again.stderr, &["2 finished before"]);
    assert!(!again.stderr.contains("best checkpoint"), "scored again: {}", again.stderr);
    assert_eq!(again.stdout, ended.stdout);
    // Runs of an earlier version have no such score: they are scored, and not trained.
    let seed = &rows[0]["seed"];
    let kept = place.path(&format!("varied/batch_size-2-seed-{seed}/whole_split.json"));
    fs::remove_file(kept).expect("removed");
    let again = place.done(&sweep);
    says(&again.stderr, &["2 finished before", "best checkpoint: loss"]);
    assert_eq!(again.stdout, ended.stdout);
}

/// To diverge in, with [`GROWING`].
const SHORT: &[&str] = &["sweep", "tiny", "--max-iters", "40", "--eval-interval", "20"];

#[test]
fn a_combination_that_diverges_leaves_the_others() {
    let place = Place::new();
    let sweep =
        [SHORT, SMALL, GROWING, &["--out", "sweep", "--vary", "learning_rate=10,0.001"]].concat();
    let ended = place.done(&sweep);
    says(&ended.stderr, &["run 1 of 2", "diverged: ", "run 2 of 2", "done"]);
    let row = |value: &str| {
        let line = ended.stdout.lines().find(|line| line.contains(value)).expect("a row");
        line.to_owned()
    };
    assert!(row("learning_rate 10").ends_with("diverged"), "{}", ended.stdout);
    assert!(!row("learning_rate 0.001").contains("diverged"), "{}", ended.stdout);
    let text = fs::read_to_string(place.path("sweep/sweep.json")).expect("the table");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let rows = document["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    let why = rows[0]["diverged"].as_str().expect("a message");
    assert!(why.contains("step") && rows[0]["val_loss"].is_null(), "{why}");
    assert_eq!(rows[0]["settings"]["learning_rate"], 10.0);
    assert!(rows[1]["val_loss"].is_f64() && rows[1]["diverged"].is_null());
    let svg = fs::read_to_string(place.path("sweep/sweep.svg")).expect("the picture");
    assert_eq!(svg.matches("class=\"bar\"").count(), 1, "{svg}");

    let again = place.done(&sweep);
    says(&again.stderr, &["1 finished before, 1 diverged"]);
    assert!(!again.stderr.contains("step 1/"), "{}", again.stderr);
    assert_eq!(again.stdout, ended.stdout);
}

#[test]
fn a_depth_that_diverges_is_named_below_the_table() {
    let place = Place::new();
    let depths = ["--recursion-steps", "1", "--learning-rate", "10"];
    let sweep =
        [SHORT, SMALL, GROWING, &depths, &["--out", "sweep", "--equal", "settings"]].concat();
    let ended = place.done(&sweep);
    says(&ended.stdout, &["diverged: depth 1, seed 1337, 40 steps: "]);
    let again = place.done(&[&sweep[..], &["--json"]].concat());
    says(&again.stderr, &["0 finished before, 1 diverged"]);
    assert!(!again.stderr.contains("step 1/"), "{}", again.stderr);
    let document = again.json();
    assert_eq!(document["rows"].as_array().map(Vec::len), Some(0));
    assert_eq!(document["diverged"][0]["depth"], 1);
}

#[cfg(unix)]
#[test]
fn a_stopped_sweep_says_how_to_go_on() {
    let place = Place::new();
    let long = ["--max-iters", "40", "--seeds", "1", "--max-minutes", "0.001"];
    let ended = place.done(&[SWEEP, SMALL, &long].concat());
    says(&ended.stderr, &["stopped in run 1 of 3", "continue with: ", "--out runs/sweep-tiny"]);
    let command = ended.stderr.split("continue with: ").nth(1).expect("a command").trim();
    let command = command.replace("--max-minutes 0.001", "--max-minutes 5");
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", &command]).current_dir(place.path("")).output();
    let ended = Ended::from(output.expect("a shell"));
    assert_eq!(ended.code, 0, "{command}\n{}", ended.stderr);
    says(&ended.stderr, &["the last saved step", "done"]);
    says(&ended.stdout, &["one seed"]);
}

#[test]
fn puzzle_solvers_are_not_swept() {
    let place = Place::new();
    let error = place.refused(2, &["sweep", "sudoku-4x4", "--recursion-steps", "1,2"]);
    says(&error, &["sweep over depths compares language models", "sudoku-4x4", "eval"]);
}

/// The files of a sweep do not mix with those of a run, which another process may train.
#[test]
fn the_folder_of_a_run_is_not_taken_for_a_sweep() {
    let place = Place::new();
    place.quick_model(&[]);
    let files = || fs::read_dir(place.path("run")).expect("a folder").count();
    let before = files();
    let varied = ["sweep", "tiny", "--vary", "learning_rate=1e-3,2e-3", "--max-iters", "6"];
    for sweep in [SWEEP, &varied] {
        let error = place.refused(2, &[sweep, SMALL, &["--out", "run"]].concat());
        says(&error, &["run contains a run", "choose another --out"]);
        assert_eq!(files(), before, "nothing was written");
    }
}
