//! Two processes never write to one run's folder; a lock that a killed process left does
//! not matter.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use common::{Place, QUICK, says};

/// The run in the folder `run`, trained on until it is stopped, once it says that it has begun.
fn running(place: &Place) -> Child {
    let mut child = place
        .program()
        .args(["train", "--resume", "run", "--device", "cpu", "--max-iters", "1000000"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let mut lines = lines.map_while(Result::ok);
    // The last line of the plan, which is printed when the folder is open.
    assert!(lines.any(|line| line.contains("output")), "the plan is printed");
    // Whoever writes to nobody does not stop.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

#[test]
fn a_second_process_is_refused_by_the_name_of_the_first() {
    let place = Place::new();
    place.quick_model(&[]);
    let mut first = running(&place);
    let owner = format!("process {}", first.id());
    for arguments in [
        vec!["train", "--resume", "run", "--device", "cpu"],
        [
            QUICK,
            &[
                "--out",
                "run",
                "--auto-resume",
                "--max-iters",
                "1000000",
                "--eval-interval",
                "1000000",
            ],
        ]
        .concat(),
    ] {
        let error = place.refused(2, &arguments);
        says(&error, &["run is in use", &owner]);
    }
    // Reading is not affected.
    place.done(&["generate", "run", "--max-new-tokens", "2", "--device", "cpu"]);
    first.kill().expect("killed");
    first.wait().expect("ended");
    assert!(place.path("run/.lock").exists(), "it was killed before it could remove it");
    place.done(&["train", "--resume", "run", "--max-minutes", "0.0001", "--device", "cpu"]);
    assert!(!place.path("run/.lock").exists(), "removed at the end");
}

#[test]
fn a_stale_lock_of_any_content_is_taken_over() {
    let place = Place::new();
    place.quick_model(&[]);
    for content in ["", "1", "no number", "99999999999999999999"] {
        fs::write(place.path("run/.lock"), content).expect("written");
        place.done(&["train", "--resume", "run", "--device", "cpu", "--max-iters", "4"]);
        assert!(!place.path("run/.lock").exists());
    }
}
