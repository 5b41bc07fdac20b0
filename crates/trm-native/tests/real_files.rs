//! Files as people bring them, and what every command says of those that it cannot use:
//! the file, what it is, the place in it and the next step, with one exit code.

mod common;

use std::fs;

use common::{Place, QUICK, says, shipped};

const SOLVER: &str = "sudoku-4x4.safetensors";

/// Files of many kinds, with words of what each is and of what to do with it.
const KINDS: [(&str, &[u8], &str, &str); 9] = [
    ("a.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "a gzip file", "gunzip"),
    (
        "a.zip",
        b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.txt",
        "a zip archive",
        "Unpack",
    ),
    ("a.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF", "UTF-8"),
    ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture", "classify"),
    ("a.gguf", b"GGUF\x03\0\0\0\0\0\0\0", "a GGUF model", "--from gguf"),
    ("a.npy", b"\x93NUMPY\x01\0\x46\0{'descr': '<f4'", "a NumPy array", "FOLDER"),
    (
        "lfs.safetensors",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n",
        "Git LFS",
        "git lfs pull",
    ),
    ("page.safetensors", b"<!DOCTYPE html>\n<title>404</title>\n", "a web page", "Download"),
    ("wide.txt", b"a\0 \0t\0e\0x\0t\0 \0i\0n\0 \0U\0T\0F\0\n\0", "UTF-16", "iconv"),
];

#[test]
fn every_command_says_what_a_file_is() {
    let place = Place::new();
    let (solver, classifier) = (shipped(SOLVER), shipped("digits.safetensors"));
    let (solver, classifier) = (solver.as_str(), classifier.as_str());
    for (name, content, what, next) in KINDS {
        place.write(name, content);
        for arguments in [
            vec!["generate", name, "--device", "cpu"],
            vec!["eval", name, "--device", "cpu"],
            vec!["solve", name, "puzzles.txt", "--device", "cpu"],
            vec!["solve", solver, name, "--device", "cpu"],
            vec!["train", "tiny", "--data", name, "--device", "cpu"],
            vec!["train", "sudoku-4x4", "--data", name, "--device", "cpu"],
            vec!["classify", classifier, name, "--device", "cpu"],
            vec!["train", "digits", "--data", name, "--device", "cpu"],
            vec!["train", "tiny", "--init", name, "--device", "cpu"],
            vec!["train", "--config", name, "--device", "cpu"],
            vec!["convert", name, "--from", "samsung-trm", "--to", "x.safetensors"],
            vec!["data", "prepare", name, "--out", "x.safetensors"],
            vec!["data", "export", name, "x.safetensors"],
            vec!["data", "list", name],
        ] {
            // A picture is what `classify` wants, and this one is damaged.
            if (name, arguments[0]) == ("a.png", "classify") {
                continue;
            }
            // `list` goes on to the other files, and prints them.
            let error = match arguments[..2] == ["data", "list"] {
                false => place.refused(1, &arguments),
                true => {
                    let ended = place.run(&arguments);
                    assert_eq!(ended.code, 1, "{arguments:?}\n{}", ended.stderr);
                    ended.stderr
                }
            };
            says(&error, &[name, what, "hint:", next]);
            assert!(
                !error.contains("damaged"),
                "{arguments:?} calls a healthy file damaged:\n{error}"
            );
        }
    }
    assert!(!place.path("runs").exists() && !place.path("x.safetensors").exists());
    // A text is right for `train` and `prepare`, but there is nothing to export in it.
    place.write("book.txt", "To be, or not to be.\n");
    let error = place.refused(1, &["data", "export", "book.txt", "out.txt"]);
    says(&error, &["book.txt is a text, not a file that `data prepare` wrote", "hint:", "--data"]);
    assert!(!place.path("out.txt").exists());
}

#[test]
fn a_text_that_looks_like_something_else_can_be_insisted_on() {
    let place = Place::new();
    place.write("lines.json", "{\"text\": \"to be, or not to be\"}\n".repeat(60));
    let train = [QUICK, &["--data", "lines.json", "--out", "run"]].concat();
    says(&place.refused(1, &train), &["lines.json is JSON lines", ".jsonl", "--as-text"]);
    assert!(!place.path("run").exists());
    place.done(&[&train[..], &["--as-text"]].concat());
    let resume = ["train", "--resume", "run", "--max-iters", "5", "--device", "cpu", "--data"];
    let ended = place.done(&[&resume[..], &["lines.json", "--as-text"]].concat());
    assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
    let prepare = ["data", "prepare", "lines.json", "--out", "t.safetensors"];
    says(&place.refused(1, &prepare), &["JSON lines"]);
    place.done(&[&prepare[..], &["--as-text"]].concat());
    place.done(&["eval", "run", "--test", "lines.json", "--as-text", "--device", "cpu"]);
}

#[test]
fn the_same_text_in_other_line_ends_goes_on_and_another_is_named() {
    let place = Place::new();
    let text = "To be, or not to be: that is the question.\n".repeat(40);
    place.write("plain.txt", &text);
    place.write("windows.txt", format!("\u{feff}{}", text.replace('\n', "\r\n")));
    place.write("other.txt", text.chars().rev().collect::<String>());
    place.quick_model(&["--data", "plain.txt"]);
    let resume =
        ["train", "--resume", "run/last.safetensors", "--max-iters", "5", "--device", "cpu"];
    place.done(&[&resume[..], &["--data", "windows.txt"]].concat());
    let eval =
        |data: &str| place.done(&["eval", "run", "--data", data, "--device", "cpu", "--json"]);
    assert!(!eval("windows.txt").stderr.contains("not the text"));
    let ended = eval("other.txt");
    says(&ended.stderr, &["other.txt", "not the text that the run was trained on"]);
    assert_eq!(ended.json()["corpus"], "other.txt");
    let best = place.refused(2, &["train", "--resume", "run/best.safetensors", "--device", "cpu"]);
    says(&best, &["--resume run", "--init run/best.safetensors"]);
}

#[test]
fn numbers_out_of_their_range_are_refused() {
    let place = Place::new();
    for arguments in [
        &["eval", "x", "--stride", "0"][..],
        &["eval", "x", "--stride", "-1"],
        &["generate", "x", "--num-samples", "0"],
        &["generate", "x", "--max-new-tokens", "0"],
        &["generate", "x", "--temperature", "nan"],
        &["classify", "x", "y.png", "--top", "0"],
        &["bench", "--runs", "0"],
        &["bench", "--threads", "0"],
        &["bench", "--part", "questions"],
        &["bench", "--part", "texts", "--base", "x"],
        &["overfit", "--target", "nan"],
        &["overfit", "--target", "-1"],
        &["data", "prepare", "x", "--out", "y", "--image-size", "0"],
        &["data", "prepare", "x", "--out", "y", "--image-size", "8", "--num-channels", "2"],
        &["convert", "x", "--from", "hf-vit", "--to", "y", "--image-size", "0"],
        &["train", "tiny", "--max-minutes", "0"],
    ] {
        let flag = arguments.iter().rev().find(|word| word.starts_with("--")).expect("a flag");
        says(&place.refused(2, arguments), &[flag]);
    }
    let error = place.refused(2, &["generate", "x", "--prompt", "-x"]);
    says(&error, &["--prompt=-x"]);
}

#[test]
fn configuration_files_of_other_kinds_are_told_apart() {
    let place = Place::new();
    let refused = |name: &str, text: &str, words: &[&str]| {
        place.write(name, text);
        let error = place.refused(2, &["train", "--config", name, "--device", "cpu"]);
        says(&error, &[&[name], words].concat());
        assert!(!error.contains("usize") && !error.contains("f64"), "Rust's words: {error}");
    };
    refused("a.toml", "n_embd = 64", &["unknown setting `n_embd`; did you mean `hidden_size`?"]);
    refused(
        "b.toml",
        "[train]\nmax_iters = 1e3",
        &["`max_iters` is 1000.0", "whole number", "write 1000"],
    );
    refused("c.toml", "[train]\nmax_iters = \"100\"", &["the text \"100\"", "without quotes"]);
    refused("d.toml", "[train]\nbatch_size = 1.5", &["`batch_size` is 1.5", "whole number"]);
    refused("e.toml", "[train]\nbatch_size = -3", &["`batch_size` is -3", "whole number"]);
    refused("f.toml", "[data]\naugment = 1", &["`augment` is 1", "true or false"]);
    refused("g.yaml", "train:\n  max_iters: 100\n", &["YAML", "max_iters = 100"]);
    refused("config.json", "{\"model_type\": \"llama\"}", &["Hugging Face", "convert"]);
    refused("h.json", "{\"train\": {\"max_iter\": 1}}", &["did you mean `max_iters`?"]);
    place.write("good.json", "\u{feff}{\"train\": {\"max_iters\": 1}}");
    place.write("good.toml", "\u{feff}[train]\r\nmax_iters = 1\r\n");
    for (name, out) in [("good.json", "a"), ("good.toml", "b")] {
        let small =
            ["--hidden-size", "16", "--num-heads", "2", "--block-size", "16", "--eval-iters", "1"];
        let train = ["train", "--config", name, "--out", out, "--device", "cpu"];
        place.done(&[&train[..], &small].concat());
    }
}

#[test]
fn a_run_that_cannot_fit_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let train = ["train", "tiny", "--device", "cpu", "--batch-size", "10000000", "--out", "run"];
    let error = place.refused(2, &train);
    says(&error, &["of memory", "available", "hint:", "--batch-size"]);
    assert!(!place.path("run").exists(), "nothing was made");
    let ended = place.quick_model(&[]);
    says(&ended.stderr, &["memory    about", "for a step"]);
    let before = fs::read(place.path("run/last.safetensors")).expect("a run");
    let init = ["--init", "run/last.safetensors", "--batch-size", "10000000", "--out", "new"];
    place.refused(2, &[&["train", "--device", "cpu"], &init[..]].concat());
    assert!(!place.path("new").exists());
    assert_eq!(fs::read(place.path("run/last.safetensors")).expect("a run"), before);
}

/// Under a limit of address space (`ulimit -v`), which the plan reads too.
#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_memory_is_respected() {
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_trm-native");
    let limited = |command: &str| {
        let script = format!("ulimit -v 3000000; {program} {command}");
        let mut shell = std::process::Command::new("sh");
        let shell = shell.args(["-c", &script]).current_dir(place.path("")).env_remove("CARGO");
        common::Ended::from(shell.output().expect("a shell"))
    };
    let ended = limited("train tiny --device cpu --batch-size 1000000 --out run");
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    says(&ended.stderr, &["memory", "--batch-size"]);
    assert!(!place.path("run").exists());
    let ended = limited("train tiny --device cpu --max-iters 1 --eval-iters 1 --out run");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// The limit comes when the run has its folder, so that no estimate can know of it.
#[cfg(target_os = "linux")]
#[test]
fn after_an_allocation_that_fails_the_folder_is_what_it_was() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    for before in [None, Some("notes.txt")] {
        let place = Place::new();
        let run = place.path("run");
        if let Some(name) = before {
            fs::create_dir(&run).expect("a folder");
            place.write(&format!("run/{name}"), "mine");
        }
        let entries = || fs::read_dir(&run).map_or(0, Iterator::count);
        let had = entries();
        let child = Command::new(env!("CARGO_BIN_EXE_trm-native"))
            .args(["train", "tiny", "--device", "cpu", "--batch-size", "8000"])
            .args(["--max-iters", "2", "--eval-iters", "1", "--out", "run"])
            .current_dir(place.path(""))
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let began = Instant::now();
        while entries() < had + 2 && began.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let limited = Command::new("prlimit")
            .args(["--pid", &child.id().to_string(), "--as=100000000"])
            .status()
            .expect("prlimit, of util-linux");
        assert!(limited.success());
        let ended = common::Ended::from(child.wait_with_output().expect("an end"));
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        says(&ended.stderr, &["out of memory", "--batch-size"]);
        match before {
            None => assert!(!run.exists(), "a new folder goes"),
            Some(name) => {
                assert_eq!(entries(), had, "what was written goes");
                assert_eq!(fs::read(run.join(name)).expect("kept"), b"mine");
            }
        }
    }
}
