//! Runs the built binary in a folder of its own.
// Each test file uses its own part of this.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use safetensors::SafeTensors;
use serde_json::Value;
use tempfile::TempDir;

/// A folder to work in, removed at the end.
pub struct Place(TempDir);

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A model of seconds: `tiny`, a few steps, everything due early.
pub const QUICK: &[&str] = &[
    "train",
    "tiny",
    "--device",
    "cpu",
    "--max-iters",
    "4",
    "--eval-interval",
    "2",
    "--eval-iters",
    "2",
    "--log-interval",
    "1",
];

/// With a high learning rate, decay beyond one turns every weight round and grows it, up to
/// infinity.
pub const GROWING: &[&str] = &[
    "--grad-clip",
    "0",
    "--weight-decay",
    "10",
    "--warmup-iters",
    "0",
    "--lr-schedule",
    "constant",
];

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), content).expect("written");
        self.path(name)
    }

    /// The program, ready to start here.
    pub fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trm-native"));
        // As if it had not been started by Cargo.
        command.current_dir(self.0.path()).env_remove("CARGO");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.program().args(arguments).output().expect("the program starts"))
    }

    /// Runs what must succeed.
    pub fn done(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}\n{}", ended.stderr);
        ended
    }

    /// Runs what must be refused with `code`, and gives what was said.
    pub fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, code, "{arguments:?}\n{}", ended.stderr);
        assert!(ended.stdout.is_empty(), "errors are not for standard output: {}", ended.stdout);
        ended.stderr
    }

    /// A quickly trained model in the folder `run`.
    pub fn quick_model(&self, more: &[&str]) -> Ended {
        self.done(&[QUICK, &["--out", "run"], more].concat())
    }

    /// The lines of a run's `metrics.jsonl`, without those that tell the time.
    pub fn metrics(&self, run: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(run).join("metrics.jsonl")).expect("metrics");
        let read = |line| {
            let mut value: Value = serde_json::from_str(line).expect("a JSON line");
            let line = value.as_object_mut().expect("an object");
            line.retain(|key, _| key != "tokens_per_second" && key != "seconds");
            value
        };
        text.lines().map(read).collect()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ended {
    /// The one JSON document on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("one JSON document")
    }
}

/// The path of a checkpoint that comes with the page.
pub fn shipped(name: &str) -> String {
    format!("{}/../../assets/checkpoints/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every entry of the header and every tensor's bytes; the order in the file says nothing.
pub fn content(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = bytes(path);
    let file = SafeTensors::deserialize(&bytes).expect("whole");
    let tensors = file.tensors().into_iter().map(|(name, view)| (name, view.data().to_vec()));
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("whole");
    let header = header.metadata().clone().expect("entries").into_iter();
    tensors.chain(header.map(|(key, text)| (format!("header {key}"), text.into()))).collect()
}

#[track_caller]
pub fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not in:\n{text}");
    }
}

/// A grey PNG of 8 × 8 pixels.
pub const GREY: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0,
    0, 0, 225, 100, 225, 87, 0, 0, 0, 48, 73, 68, 65, 84, 120, 218, 99, 96, 16, 80, 48, 112, 8, 72,
    40, 96, 224, 144, 208, 176, 240, 136, 200, 168, 128, 9, 52, 48, 64, 5, 58, 24, 160, 2, 19, 24,
    160, 2, 51, 24, 160, 2, 11, 24, 160, 2, 43, 0, 128, 230, 21, 1, 8, 144, 77, 205, 0, 0, 0, 0,
    73, 69, 78, 68, 174, 66, 96, 130,
];
