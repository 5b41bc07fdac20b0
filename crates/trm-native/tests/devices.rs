//! Training on several devices of one process gives what one device gives, bit by bit.

mod common;

#[cfg(not(feature = "mpi"))]
use common::Ended;
use common::{Place, content, says};

/// Four batches in an update, validation and saving in between.
const SHARDS: &[&str] = &[
    "--gradient-accumulation-steps",
    "4",
    "--batch-size",
    "2",
    "--max-iters",
    "6",
    "--eval-interval",
    "3",
    "--eval-iters",
    "1",
    "--log-interval",
    "1",
];

impl Place {
    fn on(&self, run: &str, devices: &str, arguments: &[&str]) {
        self.done(&[&["train"], arguments, SHARDS, &["--out", run, "--devices", devices]].concat());
    }
}

fn equal(place: &Place, one: &str, other: &str) {
    assert_eq!(place.metrics(one), place.metrics(other));
    for file in ["last.safetensors", "last.optim.safetensors", "best.safetensors"] {
        let [one, other] = [one, other].map(|run| content(&place.path(run).join(file)));
        assert!(one == other, "{file} differs");
    }
}

#[test]
fn the_number_of_devices_changes_no_bit_of_a_language_model() {
    let place = Place::new();
    let arguments = ["tiny", "--recursion-steps", "3", "--objective", "every_cycle"];
    place.on("one", "cpu", &arguments);
    place.on("two", "cpu,cpu", &arguments);
    place.on("four", "cpu,cpu,cpu,cpu", &arguments);
    equal(&place, "one", "two");
    equal(&place, "one", "four");
}

#[test]
fn neither_with_muon_averaged_weights_clipping_and_checkpointed_cycles() {
    let place = Place::new();
    let arguments = [
        "tiny",
        "--optimizer",
        "muon",
        "--ema-decay",
        "0.9",
        "--grad-clip",
        "0.5",
        "--gradient-checkpointing",
        "true",
        "--depth-sampling",
        "uniform",
    ];
    place.on("one", "cpu", &arguments);
    place.on("two", "cpu,cpu", &arguments);
    equal(&place, "one", "two");
}

#[test]
fn nor_of_an_image_classifier() {
    let place = Place::new();
    place.on("one", "cpu", &["digits"]);
    place.on("two", "cpu,cpu", &["digits"]);
    equal(&place, "one", "two");
}

/// Puzzles under way stay with the shard that works on them, also through a save; the rows of
/// their embedding are updated for all shards together.
#[test]
fn nor_of_a_puzzle_solver() {
    let place = Place::new();
    let arguments = [
        "sudoku-4x4",
        "--hidden-size",
        "32",
        "--num-puzzles",
        "40",
        "--num-val-puzzles",
        "8",
        "--halt-max-steps",
        "4",
        "--halt-exploration-prob",
        "0.5",
        "--puzzle-emb-len",
        "1",
        "--puzzle-emb-ndim",
        "32",
    ];
    place.on("one", "cpu", &arguments);
    place.on("two", "cpu,cpu", &arguments);
    place.on("four", "cpu,cpu,cpu,cpu", &arguments);
    equal(&place, "one", "two");
    equal(&place, "one", "four");
    // What was under way is in the files, so that other numbers of devices go on with it.
    let further = ["--max-iters", "9", "--devices"];
    for (run, devices) in [("one", "cpu,cpu"), ("two", "cpu"), ("four", "cpu,cpu")] {
        place.done(&[&["train", "--resume", run], &further[..], &[devices]].concat());
    }
    equal(&place, "one", "two");
    equal(&place, "one", "four");
}

/// Otherwise equality would prove nothing.
#[test]
fn the_number_of_batches_changes_the_result() {
    let place = Place::new();
    place.on("four", "cpu,cpu", &["tiny"]);
    let two = ["train", "tiny", "--out", "two", "--devices", "cpu,cpu"];
    let halved = ["--gradient-accumulation-steps", "2", "--batch-size", "4"];
    place.done(&[&two, SHARDS, &halved].concat());
    assert_ne!(place.metrics("four"), place.metrics("two"));
}

#[test]
fn a_run_goes_on_with_another_number_of_devices() {
    let place = Place::new();
    place.on("whole", "cpu", &["tiny"]);
    place.on("parts", "cpu,cpu", &["tiny", "--max-iters", "6"]);
    let further = ["--max-iters", "9", "--devices"];
    place.done(&[&["train", "--resume", "whole"], &further[..], &["cpu"]].concat());
    let ended =
        place.done(&[&["train", "--resume", "parts"], &further[..], &["cpu,cpu,cpu,cpu"]].concat());
    says(&ended.stderr, &["devices", "each computes 1 batch of an update"]);
    equal(&place, "whole", "parts");
}

#[test]
fn devices_that_cannot_share_an_update_are_refused_before_anything_is_written() {
    let place = Place::new();
    let refused = |code: i32, arguments: &[&str]| {
        let error = place.refused(code, &[&["train"], arguments, &["--out", "run"]].concat());
        assert!(!place.path("run").exists(), "{error}");
        error
    };
    let error = refused(2, &["tiny", "--devices", "cpu,cpu"]);
    says(&error, &["an update has one batch", "2 devices", "gradient_accumulation_steps"]);
    let three = ["tiny", "--gradient-accumulation-steps", "4", "--devices", "cpu,cpu,cpu"];
    says(&refused(2, &three), &["4 batches", "3 devices"]);
    let dropout =
        ["tiny", "--gradient-accumulation-steps", "2", "--dropout", "0.1", "--devices", "cpu,cpu"];
    says(&refused(2, &dropout), &["dropout", "train on one device"]);
    says(&refused(2, &["tiny", "--devices", "two"]), &["--devices", "cpu,cpu"]);
    says(&refused(2, &["tiny", "--devices", "2", "--device", "cpu"]), &["--device"]);
    says(&refused(2, &["tiny", "--devices", "cpu,gpu:99"]), &["gpu"]);
    let alone = refused(2, &["tiny", "--device", "cpu", "--rank-timeout", "5"]);
    says(&alone, &["--rank-timeout", "started alone", "mpirun -n N", "leave it out"]);
}

/// Otherwise each of them would write the same folder.
#[cfg(not(feature = "mpi"))]
#[test]
fn several_processes_are_refused_without_mpi() {
    let place = Place::new();
    for size in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"] {
        let started = |processes: &str, command: &[&str]| {
            let output = place.program().args(command).env(size, processes).output();
            Ended::from(output.expect("the program starts"))
        };
        let train = ["train", "tiny", "--device", "cpu", "--max-iters", "1", "--out", size];
        let refused = started("4", &train);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        says(&refused.stderr, &["4 processes were started", "--features trm-native/mpi"]);
        let refused = started("2", &["sweep", "tiny", "--recursion-steps", "1,2"]);
        says(&refused.stderr, &["`sweep` is for one"]);
        assert!(!place.path(size).exists() && !place.path("runs").exists());
        // A script that varies their number may start one.
        let alone = started("1", &[&train[..], &["--rank-timeout", "5"]].concat());
        assert_eq!(alone.code, 0, "{}", alone.stderr);
    }
}
