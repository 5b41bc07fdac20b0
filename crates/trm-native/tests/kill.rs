//! A run that is killed again and again ends as one that never was.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use common::{Place, bytes, content};
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
