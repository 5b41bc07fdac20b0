//! What one might not expect of a run is said when it starts, and it starts all the same.

mod common;

use common::{Place, QUICK, says};

/// What is said beside the plan.
fn notes(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("note ")).collect()
}

#[test]
fn a_rate_that_cannot_fall_is_named() {
    let place = Place::new();
    // The preset's own min_lr is 3e-4.
    let flat = place.quick_model(&["--learning-rate", "2e-4"]);
    says(&flat.stderr, &["note      min_lr 0.0003 is not below learning_rate 0.0002"]);
    let falls = place.done(&[QUICK, &["--out", "other"]].concat());
    assert!(notes(&falls.stderr).is_empty(), "{}", falls.stderr);
}

#[test]
fn a_longer_schedule_that_raises_the_rate_is_named() {
    let place = Place::new();
    place.quick_model(&[]);
    let longer = ["train", "--resume", "run", "--device", "cpu", "--max-iters", "6"];
    // The schedule as it was: nothing changes.
    let same = place.done(&[&longer[..], &["--lr-decay-iters", "4"]].concat());
    assert!(notes(&same.stderr).is_empty(), "{}", same.stderr);
    place.done(&[QUICK, &["--out", "again", "--warmup-iters", "1"]].concat());
    let longer = ["train", "--resume", "again", "--device", "cpu", "--max-iters", "400"];
    let raised = place.done(&[&longer[..], &["--max-minutes", "0.01"]].concat());
    says(&raised.stderr, &["note      the learning rate of step 4 is now 3.00e-3", "3.00e-4"]);
}

#[test]
fn weights_that_may_have_seen_the_held_out_part_are_named() {
    let place = Place::new();
    place.quick_model(&[]);
    let other = ["train", "--init", "run/last.safetensors", "--device", "cpu", "--max-iters", "1"];
    let same = place.done(&[&other[..], &["--out", "same"]].concat());
    assert!(notes(&same.stderr).is_empty(), "{}", same.stderr);
    let split = place.done(&[&other[..], &["--val-fraction", "0.5", "--out", "split"]].concat());
    says(&split.stderr, &["note      other data are held out than when run/last.safetensors"]);
}

/// Held-out images are nested: with a larger part, some of it were training images of the base.
#[test]
fn a_base_that_was_trained_on_what_validates_is_named() {
    let place = Place::new();
    let small =
        ["--dataset", "digits", "--hidden-size", "8", "--num-heads", "2", "--max-iters", "1"];
    let base = ["train", "vit-mnist", "--image-size", "8", "--n-layers", "1", "--out", "base"];
    place.done(&[&base[..], &small, &["--device", "cpu"]].concat());
    let head = ["train", "trm-vit-mnist", "--base", "base", "--vit-depth", "1", "--device", "cpu"];
    let alike = place.done(&[&head[..], &small, &["--out", "alike"]].concat());
    assert!(notes(&alike.stderr).is_empty(), "{}", alike.stderr);
    let more =
        place.done(&[&head[..], &small, &["--val-fraction", "0.4", "--out", "more"]].concat());
    says(&more.stderr, &["note      base was trained with val_fraction 0.1", "validated by"]);
}

/// Images in colour are read in grey where the model has one channel.
#[test]
fn colours_that_are_lost_are_named() {
    let place = Place::new();
    std::fs::create_dir(place.path("images")).unwrap();
    let record = |label: u8| [vec![label], vec![label * 20; 3072]].concat();
    let records: Vec<u8> = (0..20).flat_map(|image| record(image % 10)).collect();
    for batch in 1..=5 {
        place.write(&format!("images/data_batch_{batch}.bin"), &records);
    }
    place.write("images/test_batch.bin", &records);
    let names: String = (0..10).map(|class| format!("class {class}\n")).collect();
    place.write("images/batches.meta.txt", names);
    let train = [
        "train",
        "vit-mnist",
        "--data",
        "images",
        "--image-size",
        "32",
        "--patch-size",
        "8",
        "--hidden-size",
        "8",
        "--num-heads",
        "2",
        "--n-layers",
        "1",
        "--max-iters",
        "1",
        "--device",
        "cpu",
    ];
    let grey = place.done(&[&train[..], &["--out", "grey"]].concat());
    says(&grey.stderr, &["read in grey", "--num-channels 3"]);
    let colour = place.done(&[&train[..], &["--num-channels", "3", "--out", "colour"]].concat());
    assert!(!colour.stderr.contains("grey"), "{}", colour.stderr);
}

/// No two are copies of one puzzle.
const BOARDS: [&str; 10] = [
    ".234341221434321",
    "..34341221434321",
    ".2343.1221434321",
    ".23434.221434321",
    "...4341221434321",
    "..34.41221434321",
    ".2343.1221.34321",
    "....341221434321",
    "..34..1221434321",
    ".2343.1221.3432.",
];

/// The last puzzles of a file are held out, as many as the setting says.
#[test]
fn what_becomes_of_a_file_of_puzzles_is_named() {
    let place = Place::new();
    place.write("mine.txt", BOARDS.join("\n"));
    let small = ["--hidden-size", "16", "--num-heads", "2", "--halt-max-steps", "2"];
    let few = ["--batch-size", "2", "--num-puzzles", "3", "--num-val-puzzles", "2"];
    let short = ["--data", "mine.txt", "--max-iters", "2", "--device", "cpu"];
    let start = ["train", "sudoku-4x4", "--out", "run"];
    let ended = place.done(&[&start[..], &small, &few, &short].concat());
    let used = ["3 of 8 training puzzles of mine are used (num_puzzles)", "--num-puzzles 8"];
    says(&ended.stderr, &used);
    // What a puzzle model is trained on are puzzles, whose numbers say nothing.
    says(&ended.stderr, &[": 3 training puzzles, 2 validation puzzles\n", "2 × 16 cells,"]);
    // A resumed run keeps their number.
    let resume = ["train", "--resume", "run", "--data", "mine.txt", "--max-iters", "3"];
    let resumed = place.done(&[&resume[..], &["--device", "cpu"]].concat());
    assert!(!resumed.stderr.contains("are used"), "{}", resumed.stderr);

    let init = ["train", "--init", "run/last.safetensors"];
    let held_out = "other data are held out than when run/last.safetensors";
    let same = place.done(&[&init[..], &short, &["--out", "same"]].concat());
    says(&same.stderr, &used);
    assert!(!same.stderr.contains(held_out), "{}", same.stderr);
    let fewer = ["--num-val-puzzles", "1", "--out", "fewer"];
    let other = place.done(&[&init[..], &short, &fewer].concat());
    says(&other.stderr, &[held_out, "3 of 9 training puzzles"]);
    // Generated ones are held out whatever their number.
    let made = ["--device", "cpu", "--max-iters", "1", "--num-val-puzzles", "1", "--out", "made"];
    let made = place.done(&[&init[..], &made].concat());
    assert!(!made.stderr.contains(held_out), "{}", made.stderr);
}
