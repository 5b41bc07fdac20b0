//! Ctrl-C, kills and full disks: what was learned is kept.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use common::{Ended, Place, QUICK, bytes, says};

/// A training that would go on for long, with its standard error up to the first
/// line that holds `word`.
fn started(
    place: &Place,
    more: &[&str],
    word: &str,
    times: usize,
) -> (Child, BufReader<ChildStderr>) {
    let arguments = [QUICK, &["--max-iters", "1000000", "--out", "run"], more].concat();
    spawned(place, &arguments, word, times)
}

/// A program that goes on for long, as in [`started`].
fn spawned(
    place: &Place,
    arguments: &[&str],
    word: &str,
    times: usize,
) -> (Child, BufReader<ChildStderr>) {
    let mut child = place
        .program()
        .args(arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped"));
    let mut seen = 0;
    while seen < times {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("readable") > 0, "ended before `{word}`");
        seen += usize::from(line.contains(word));
    }
    (child, lines)
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.expect("kill starts").success());
}

#[test]
fn a_signal_ends_the_step_saves_and_says_how_to_go_on() {
    for name in ["-INT", "-TERM"] {
        let place = Place::new();
        let (mut child, mut lines) = started(&place, &["--eval-interval", "1000000"], "step 1/", 1);
        signal(&child, name);
        let mut rest = String::new();
        lines.read_to_string(&mut rest).expect("readable");
        assert!(child.wait().expect("ends").success(), "{rest}");
        says(&rest, &["stopped at step", "interrupted", "continue with: "]);

        let step = number_after(&rest, "stopped at step ");
        let command = rest.split("continue with: ").nth(1).expect("a command").trim();
        let command = format!("{command} --max-iters {}", step + 1);
        let mut shell = Command::new("sh");
        // The folder is said as it was typed, so it holds from the same place.
        let output = shell.args(["-c", &command]).current_dir(place.path("")).output();
        let ended = Ended::from(output.expect("a shell"));
        assert_eq!(ended.code, 0, "{command}\n{}", ended.stderr);
        says(&ended.stderr, &[&format!("step {0}/{0}", step + 1), "done"]);
    }
}

/// Nobody looks for signals while puzzles are generated, which takes long.
#[test]
fn a_signal_before_the_run_begins_ends_the_program() {
    for name in ["-INT", "-TERM"] {
        let place = Place::new();
        let many = ["--num-puzzles", "500000", "--device", "cpu", "--out", "run"];
        let train = [&["train", "sudoku-9x9"], &many[..]].concat();
        let (mut child, mut lines) = spawned(&place, &train, "generating puzzles", 1);
        signal(&child, name);
        let mut rest = String::new();
        lines.read_to_string(&mut rest).expect("readable");
        assert_eq!(child.wait().expect("ends").code(), Some(130), "{rest}");
        says(&rest, &["interrupted before the first step"]);
        assert!(!place.path("run").exists(), "nothing was made");
    }
}

/// Features are computed with the signal caught, and so are the baselines after them.
#[test]
fn a_signal_ends_an_evaluation_that_has_computed_features() {
    let place = Place::new();
    let small = ["--hidden-size", "16", "--batch-size", "16", "--eval-interval", "8"];
    let vit = ["--variant", "vit", "--dataset", "digits", "--n-layers", "2", "--num-heads", "2"];
    let more = ["--intermediate-size", "32", "--max-iters", "8", "--out", "vit"];
    place.done(&[&["train", "--device", "cpu"], &small[..], &vit, &more].concat());
    let head = ["--base", "vit", "--inner-steps", "1", "--outer-steps", "2", "--out", "head"];
    let long = ["--max-iters", "1000000", "--max-minutes", "0.001"];
    place.done(&[&["train", "digits", "--device", "cpu"], &small[..], &head, &long].concat());
    for name in ["-INT", "-TERM"] {
        for file in std::fs::read_dir(place.path("vit")).expect("the base's folder") {
            let path = file.expect("readable").path();
            if path.display().to_string().contains("features-") {
                std::fs::remove_file(path).expect("removed");
            }
        }
        let eval = ["eval", "head/last.safetensors", "--baselines", "--device", "cpu"];
        let trained = "% of the validation images correct";
        let (mut child, mut lines) = spawned(&place, &eval, trained, 1);
        signal(&child, name);
        let mut rest = String::new();
        while lines.read_line(&mut rest).expect("readable") > 0 {
            if rest.matches(trained).count() > 100 {
                child.kill().expect("killed");
                panic!("it goes on:\n{rest}");
            }
        }
        assert_eq!(child.wait().expect("ends").code(), Some(1), "{rest}");
        says(&rest, &["error: interrupted"]);
    }
}

fn number_after(text: &str, words: &str) -> usize {
    let rest = text.split(words).nth(1).expect("the words");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

#[test]
fn a_kill_in_the_middle_of_saving_leaves_a_run_to_go_on_with() {
    let place = Place::new();
    // Saves after every step, so that most moments lie in the middle of one.
    let (mut child, _lines) = started(&place, &["--eval-interval", "1"], "validation loss", 3);
    child.kill().expect("killed");
    child.wait().expect("ended");
    let error = place.refused(2, &["train", "--resume", "run", "--max-iters", "0"]);
    says(&error, &["max_iters"]);
    let header = safetensors_step(&place);
    let limit = (header + 2).to_string();
    let ended = place.done(&["train", "--resume", "run", "--max-iters", &limit, "--device", "cpu"]);
    says(&ended.stderr, &[&format!("step {limit}/{limit}"), "done"]);
    let steps: Vec<_> = place
        .metrics("run")
        .iter()
        .filter(|l| l.get("loss").is_some())
        .map(|l| l["step"].clone())
        .collect();
    let expected: Vec<_> = (1..=header + 2).map(serde_json::Value::from).collect();
    assert_eq!(steps, expected, "each step once");
}

fn safetensors_step(place: &Place) -> usize {
    let bytes = bytes(&place.path("run/last.safetensors"));
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).expect("whole");
    header.metadata().as_ref().expect("metadata")["step"].parse().expect("a step")
}

/// A limit on the size of files stands in for a full disk: the same write fails.
#[test]
fn a_full_disk_is_said_once_and_the_last_checkpoint_stays() {
    let place = Place::new();
    place.quick_model(&[]);
    let files = ["last.safetensors", "last.optim.safetensors", "best.safetensors"];
    let before = files.map(|file| bytes(&place.path("run").join(file)));
    let script = format!(
        "trap '' XFSZ; ulimit -f 16; exec {} train --resume run --max-iters 8 --device cpu",
        env!("CARGO_BIN_EXE_trm-native")
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(place.path("")).output();
    let ended = Ended::from(output.expect("bash starts"));
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    says(
        &ended.stderr,
        &["cannot write run/", ".safetensors", "step 4 is saved in run/last.safetensors", "hint:"],
    );
    assert_eq!(ended.stderr.matches("error:").count(), 1, "{}", ended.stderr);
    assert!(before == files.map(|file| bytes(&place.path("run").join(file))), "a file changed");
    place.done(&["train", "--resume", "run", "--max-iters", "8", "--device", "cpu"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named_before_training() {
    let place = Place::new();
    place.write("file", "not a folder");
    let error = place.refused(1, &[QUICK, &["--out", "file/run"]].concat());
    says(&error, &["cannot write file/run"]);
    assert!(!error.contains("step 1/"), "{error}");
}

#[test]
fn a_reader_of_progress_who_leaves_does_not_end_the_run() {
    let place = Place::new();
    let (mut child, lines) = started(&place, &["--max-iters", "40"], "step 1/", 1);
    drop(lines);
    assert!(child.wait().expect("ends").success());
    assert_eq!(safetensors_step(&place), 40);
}
