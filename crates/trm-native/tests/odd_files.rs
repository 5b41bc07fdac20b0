//! Files that are none, or not what their header says: nothing hangs, nothing is read in part,
//! and the message names the right one.

mod common;

use std::fs;
#[cfg(unix)]
use std::process::{Command, Stdio};

use common::{Place, QUICK, says, shipped};

/// A line that is longer than a glance at a file, all in all.
#[cfg(unix)]
const LINE: &str = "to be or not to be, that is the question\n";

#[test]
#[cfg(unix)]
fn devices_without_an_end_are_refused() {
    let place = Place::new();
    let solver = shipped("sudoku-4x4.safetensors");
    for arguments in [
        vec!["generate", "/dev/zero", "--device", "cpu"],
        vec!["solve", &solver, "/dev/zero", "--device", "cpu"],
        vec!["train", "tiny", "--data", "/dev/zero", "--device", "cpu"],
        vec!["train", "tiny", "--data", "/dev/zero", "--as-text", "--device", "cpu"],
        vec!["train", "cups", "--data", "/dev/zero", "--device", "cpu"],
        vec!["train", "sudoku-4x4", "--data", "/dev/zero", "--device", "cpu"],
        vec!["train", "arc", "--data", "/dev/zero", "--device", "cpu"],
        vec!["train", "--config", "/dev/zero", "--device", "cpu"],
        vec!["train", "tiny", "--init", "/dev/zero", "--device", "cpu"],
        vec!["convert", "/dev/zero", "--from", "gguf", "--to", "x.safetensors"],
        vec!["convert", "/dev/zero", "--from", "samsung-trm", "--to", "x.safetensors"],
        vec!["data", "prepare", "/dev/zero", "--out", "x.safetensors"],
    ] {
        says(&place.refused(1, &arguments), &["/dev/zero", "it is a device, not a file", "hint:"]);
    }
    assert!(!place.path("runs").exists() && !place.path("x.safetensors").exists());
}

/// What is read twice, a look at its beginning first, would lose that part of a pipe.
#[test]
#[cfg(unix)]
fn a_pipe_is_read_whole_or_refused() {
    let place = Place::new();
    place.write("text.txt", LINE.repeat(4000));
    place.write("puzzles.txt", "1...2...3...4...\n".repeat(2));
    let solver = shipped("sudoku-4x4.safetensors");
    let piped = |file: &str, arguments: &[&str]| {
        let mut cat =
            Command::new("cat").arg(place.path(file)).stdout(Stdio::piped()).spawn().unwrap();
        let pipe = cat.stdout.take().unwrap();
        let output = place.program().args(arguments).stdin(pipe).output().unwrap();
        cat.wait().unwrap();
        common::Ended::from(output)
    };
    let train = [QUICK, &["--data", "/dev/stdin", "--out", "run"]].concat();
    let ended = piped("text.txt", &train);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    says(&ended.stderr, &["/dev/stdin", "it is a pipe", "save it as a file first"]);
    assert!(!place.path("run").exists());
    let ended = piped("puzzles.txt", &["solve", &solver, "/dev/stdin", "--device", "cpu"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    says(&ended.stderr, &["of 2 solved"]);
}

#[test]
fn what_stands_in_the_way_is_said_with_the_next_step() {
    let place = Place::new();
    place.write("file", "something");
    fs::create_dir(place.path("folder")).unwrap();
    let train = |out: &str| place.refused(1, &[QUICK, &["--out", out]].concat());
    says(&train("file"), &["file", "hint: There is a file where a folder is needed"]);
    says(&train("file/run"), &["file/run", "hint: There is a file where a folder is needed"]);
    says(&train(&"x".repeat(300)), &["hint: Choose a shorter name"]);
    let classifier = shipped("digits.safetensors");
    let error = place.refused(1, &["classify", &classifier, "folder", "--device", "cpu"]);
    says(&error, &["cannot read folder", "hint: It is a folder"]);
    assert_eq!(fs::read(place.path("file")).unwrap(), b"something");
}

/// The shipped language model with `from` in its header replaced by as long a text.
fn changed(place: &Place, from: &str, to: &str) {
    let bytes = fs::read(shipped("shakespeare-elastic.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    assert!(header.contains(from) && from.len() == to.len(), "{header}");
    let header = header.replacen(from, to, 1);
    place.write("x.safetensors", [&bytes[..8], header.as_bytes(), &bytes[8 + length..]].concat());
}

#[test]
fn headers_of_later_versions_and_with_ambiguous_characters_are_refused() {
    let place = Place::new();
    let generate = ["generate", "x.safetensors", "--device", "cpu"];
    changed(&place, "trm/1", "trm/2");
    says(
        &place.refused(1, &generate),
        &["format `trm/2`", "hint: A newer version of this program"],
    );
    changed(&place, "trm/1", "xyz/2");
    says(&place.refused(1, &generate), &["format `xyz/2`", "hint: Choose a .safetensors file"]);
    changed(&place, "ABC", "ABA");
    says(&place.refused(1, &generate), &["`vocab`", "the character 'A' comes twice"]);
}

#[test]
fn foreign_characters_are_said_of_the_text_that_has_them() {
    let place = Place::new();
    place.write("greek.txt", "αβγδε ".repeat(500));
    let model = shipped("shakespeare-elastic.safetensors");
    let error = place.refused(1, &["eval", &model, "--data", "greek.txt", "--device", "cpu"]);
    says(&error, &["these characters of greek.txt: 'α'"]);
}
