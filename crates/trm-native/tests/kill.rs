//! A run that is killed again and again ends as one that never was, and a command that is
//! killed leaves the old or the new file, never half of one.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use common::{Place, bytes, content, shipped};
use safetensors::SafeTensors;

const KILLS: usize = 50;
/// More than the run can make while it is being killed.
const STEPS: usize = 400;

/// Everything that draws random numbers or is kept beside the weights.
const SETTINGS: &[&str] = &[
    "--dropout",
    "0.1",
    "--objective",
    "every_cycle",
    "--depth-sampling",
    "uniform",
    "--ema-decay",
    "0.9",
    "--gradient-accumulation-steps",
    "2",
    "--batch-size",
    "2",
    "--eval-interval",
    "3",
    "--eval-iters",
    "1",
    "--save-top-k",
    "3",
    "--log-interval",
    "1",
    "--sampling",
    "epochs",
    "--device",
    "cpu",
];

/// Numbers that look random and are the same every time (a linear congruential generator).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[test]
fn fifty_kills_at_random_moments_change_nothing() {
    let place = Place::new();
    let steps = STEPS.to_string();
    let train = ["train", "tiny", "--max-iters", &steps];
    place.done(&[&train[..], SETTINGS, &["--out", "whole"]].concat());

    let begin = [&train[..], SETTINGS, &["--out", "run"]].concat();
    let resume = ["train", "--resume", "run", "--device", "cpu"];
    let mut random = Random(1);
    let mut resumed = 0;
    for kill in 0..KILLS {
        let begun = place.path("run/last.safetensors").exists();
        resumed += usize::from(begun);
        let mut child = place
            .program()
            .args(if begun { &resume[..] } else { &begin })
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        // The first lines tell the plan, the others come with every step and
        // just before every save, which takes some milliseconds.
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        for _ in 0..random.below(24) {
            let line = lines.next().unwrap_or_else(|| panic!("kill {kill}: it ended by itself"));
            assert!(!line.expect("readable").starts_with("error"), "kill {kill}");
        }
        std::thread::sleep(Duration::from_micros(random.below(10_000)));
        child.kill().expect("killed");
        child.wait().expect("ended");
        for file in ["last.safetensors", "best.safetensors"] {
            let path = place.path("run").join(file);
            if path.exists() {
                SafeTensors::deserialize(&bytes(&path)).expect("a whole checkpoint");
            }
        }
    }
    assert!(resumed > KILLS / 2, "{resumed} of {KILLS} went on from a checkpoint");
    place.done(&resume);

    assert_eq!(place.metrics("run"), place.metrics("whole"), "the same losses");
    let kept = |run: &str| -> Vec<String> {
        let entries = std::fs::read_dir(place.path(run)).expect("a folder");
        let names = entries.map(|e| e.expect("readable").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<_> = names.filter(|name| !name.starts_with("events")).collect();
        names.sort();
        names
    };
    assert_eq!(kept("run"), kept("whole"), "the same files, nothing left over");
    for file in kept("run").iter().filter(|name| name.ends_with(".safetensors")) {
        let [broken, whole] = ["run", "whole"].map(|run| content(&place.path(run).join(file)));
        assert!(broken == whole, "{file} differs");
    }
}

/// Starts `arguments` `kills` times, kills them after random times up to `longest`, and
/// calls `check` after each.
fn kill_often(
    place: &Place,
    kills: usize,
    longest: Duration,
    arguments: &[&str],
    check: impl Fn(usize),
) {
    let mut random = Random(7);
    for kill in 0..kills {
        let mut child = place
            .program()
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        std::thread::sleep(Duration::from_micros(random.below(longest.as_micros() as u64)));
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("ended");
        check(kill);
    }
}

/// How long a command takes here, which says when to kill it.
fn time_of(place: &Place, arguments: &[&str]) -> Duration {
    let began = std::time::Instant::now();
    place.done(arguments);
    began.elapsed()
}

#[test]
fn data_prepare_and_convert_leave_the_old_or_the_new_file() {
    let place = Place::new();
    let model = shipped("maze-10x10.safetensors");
    place.write("a.txt", "The first text, which is the longer one.\n".repeat(40_000));
    place.write("b.txt", "Another text.\n".repeat(60_000));
    place.done(&["data", "prepare", "b.txt", "--out", "old.safetensors"]);
    place.done(&["convert", &model, "--from", "trm", "--to", "old-model.safetensors"]);
    let prepare = ["data", "prepare", "a.txt", "--out", "tokens.safetensors"];
    let convert =
        ["convert", &model, "--from", "trm", "--dtype", "f32", "--to", "model.safetensors"];
    for (arguments, old, out) in [
        (&prepare[..], "old.safetensors", "tokens.safetensors"),
        (&convert[..], "old-model.safetensors", "model.safetensors"),
    ] {
        let longest = time_of(&place, arguments);
        let out = place.path(out);
        let (old, new) = (bytes(&place.path(old)), bytes(&out));
        assert!(old != new);
        std::fs::write(&out, &old).expect("written");
        kill_often(&place, 60, longest, arguments, |kill| {
            let found = bytes(&out);
            assert!(found == old || found == new, "kill {kill} of {arguments:?}");
        });
        // Whatever the kills left, the command ends well afterwards.
        place.done(arguments);
        assert!(bytes(&out) == new, "{arguments:?}");
    }
}

#[test]
fn a_killed_sweep_leaves_whole_results_and_goes_on() {
    let place = Place::new();
    let sweep = [
        "sweep",
        "tiny",
        "--recursion-steps",
        "1,2",
        "--seeds",
        "1",
        "--max-iters",
        "20",
        "--batch-size",
        "2",
        "--eval-interval",
        "5",
        "--eval-iters",
        "1",
        "--device",
        "cpu",
        "--out",
        "sweep",
    ];
    let longest = time_of(&place, &sweep);
    let results = place.path("sweep/sweep.json");
    let losses = || -> Vec<serde_json::Value> {
        let document: serde_json::Value =
            serde_json::from_slice(&bytes(&results)).expect("a whole document");
        document["rows"].as_array().expect("rows").iter().map(|row| row["losses"].clone()).collect()
    };
    let undisturbed = losses();
    assert!(!undisturbed.is_empty());
    std::fs::remove_dir_all(place.path("sweep")).expect("removed");
    kill_often(&place, 12, longest, &sweep, |_| {
        if results.exists() {
            losses();
        }
    });
    place.done(&sweep);
    assert_eq!(losses(), undisturbed);
}
