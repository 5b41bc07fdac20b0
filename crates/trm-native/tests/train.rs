//! Training through the binary: what it leaves behind, and that going on is exact.

mod common;

use std::fs;

use common::{Place, QUICK, content, says, shipped};

/// Training with everything that draws random numbers.
const RANDOM: &[&str] = &[
    "--dropout",
    "0.1",
    "--objective",
    "every_cycle",
    "--depth-sampling",
    "uniform",
    "--recursion-steps",
    "3",
    "--lr-decay-iters",
    "8",
    "--eval-interval",
    "4",
];

#[test]
fn a_run_leaves_its_files_and_says_what_it_did() {
    let place = Place::new();
    let ended = place.quick_model(&["--sample-interval", "4"]);
    says(
        &ended.stderr,
        &[
            "preset tiny",
            "1,003,854 training tokens",
            "65 characters",
            "CPU",
            "step 1/4",
            "loss",
            "tokens/s",
            "left",
            "validation loss",
            "sample at step 4",
            "done",
        ],
    );
    assert!(ended.stdout.is_empty(), "progress goes to standard error");
    let mut files: Vec<_> = fs::read_dir(place.path("run"))
        .expect("the run's folder")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    files.sort();
    let events = files.iter().position(|name| name.starts_with("events.out.tfevents."));
    files.remove(events.expect("for TensorBoard"));
    let expected = [
        "best.safetensors",
        "config.toml",
        "last.optim.safetensors",
        "last.safetensors",
        "metrics.jsonl",
        "results.json",
    ];
    assert_eq!(files, expected);
    let metrics = place.metrics("run");
    let steps = |key: &str| -> Vec<u64> {
        let with_key = metrics.iter().filter(|line| line.get(key).is_some());
        with_key.map(|line| line["step"].as_u64().expect("a step")).collect()
    };
    assert_eq!((steps("loss"), steps("val_loss")), (vec![1, 2, 3, 4], vec![2, 4]));
}

#[test]
fn a_run_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let place = Place::new();
    place.quick_model(&[RANDOM, &["--max-iters", "8"]].concat());
    place.done(&[QUICK, RANDOM, &["--max-iters", "4", "--out", "broken"]].concat());
    place.done(&["train", "--resume", "broken", "--max-iters", "8", "--device", "cpu"]);
    let whole = place.metrics("run");
    assert_eq!(whole.iter().filter(|line| line.get("loss").is_some()).count(), 8);
    assert_eq!(place.metrics("broken"), whole);
    for file in ["last.safetensors", "last.optim.safetensors", "best.safetensors"] {
        let [broken, whole] = ["broken", "run"].map(|run| content(&place.path(run).join(file)));
        assert!(broken == whole, "{file} differs");
    }
}

#[test]
fn weights_can_start_a_new_run() {
    let place = Place::new();
    place.quick_model(&["--max-iters", "60", "--eval-interval", "60"]);
    let ended = place.done(&[
        "train",
        "--init",
        "run",
        "--out",
        "second",
        "--max-iters",
        "1",
        "--device",
        "cpu",
        "--recursion-steps",
        "3",
        "--log-interval",
        "1",
    ]);
    says(&ended.stderr, &["weights of run", "steps 0 to 1", "recursion_steps 3"]);
    let first = place.metrics("second")[0]["loss"].as_f64().expect("a loss");
    let from_nothing = place.metrics("run")[0]["loss"].as_f64().expect("a loss");
    assert!(first < from_nothing - 0.3, "{first} after {from_nothing}");
    let error = place
        .refused(2, &["train", "page-tiny", "--init", "run", "--out", "third", "--device", "cpu"]);
    says(&error, &["--init", "hidden_size 32", "64"]);
}

#[test]
fn own_text_is_trained_on_by_its_name() {
    let place = Place::new();
    place.write("poem.txt", "Grüße, ein Gedicht.\n".repeat(100));
    let ended = place.quick_model(&["--data", "poem.txt"]);
    says(&ended.stderr, &["poem.txt: 1,800 training tokens, 200 validation tokens"]);
    // The text is not in the folder, so it is asked for.
    let error = place.refused(2, &["train", "--resume", "run", "--max-iters", "5"]);
    says(&error, &["poem.txt", "--data FILE"]);
    place.done(&[
        "train",
        "--resume",
        "run",
        "--max-iters",
        "5",
        "--data",
        "poem.txt",
        "--device",
        "cpu",
    ]);
    let error = place.refused(1, &["eval", "run", "--device", "cpu", "--data", "run/config.toml"]);
    says(&error, &["does not know these characters", "hint:"]);
}

/// Another model than that of the preset has none of its settings, and so not its name either.
#[test]
fn a_run_of_another_model_than_the_preset_is_called_after_it() {
    let place = Place::new();
    let model = ["--variant", "trm_vit", "--hidden-size", "16", "--device", "cpu"];
    let short = ["--inner-steps", "1", "--outer-steps", "1", "--max-iters", "1"];
    let ended = place.done(&[&["train"][..], &model, &short].concat());
    says(&ended.stderr, &["settings  defaults of `trm_vit`\n", "output    runs/trm_vit\n"]);
    let ended = place.done(&[&["train", "tiny"][..], &model, &short].concat());
    let origin = "settings  defaults of `trm_vit` (preset tiny describes `chat_trm`)";
    says(&ended.stderr, &[origin, "output    runs/trm_vit-2"]);
}

#[test]
fn texts_that_cannot_be_used_say_why() {
    let place = Place::new();
    place.write("empty.txt", "");
    place.write("latin1.txt", b"abc\xe4def");
    place.write("short.txt", "abc");
    for (file, words) in [
        ("empty.txt", ["empty.txt is empty", "hint:"]),
        ("latin1.txt", ["not UTF-8", "offset 3"]),
        ("short.txt", ["training part of short.txt", "block_size"]),
        ("missing.txt", ["missing.txt cannot be read", "hint:"]),
    ] {
        says(&place.refused(1, &[QUICK, &["--data", file]].concat()), &words);
    }
    assert!(!place.path("runs").exists(), "nothing was made");
}

#[test]
fn a_run_without_validation_keeps_its_last_model() {
    let place = Place::new();
    let ended = place.quick_model(&["--val-fraction", "0"]);
    says(&ended.stderr, &[" 0 validation tokens", "done; the model is in run/last.safetensors"]);
    assert!(!place.path("run/best.safetensors").exists());

    // Nor its averaged weights, from which it does not go on.
    let place = Place::new();
    let ended = place.quick_model(&["--val-fraction", "0", "--ema-decay", "0.9"]);
    says(&ended.stderr, &["done; the model is in run/best.safetensors"]);
    let [best, last] =
        ["best", "last"].map(|name| content(&place.path(&format!("run/{name}.safetensors"))));
    assert!(best.keys().eq(last.keys()));
    assert_ne!(best, last);
}

#[test]
fn a_run_goes_on_with_its_own_puzzles_only() {
    let place = Place::new();
    let whole = "1234341221434321";
    // No two are copies of one puzzle: those would be held out together.
    let blanks: [&[usize]; 10] = [
        &[0],
        &[0, 1],
        &[0, 5],
        &[0, 6],
        &[0, 1, 2],
        &[0, 1, 4],
        &[0, 5, 10],
        &[0, 1, 2, 3],
        &[0, 1, 4, 5],
        &[0, 5, 10, 15],
    ];
    let boards = |count: usize| -> String {
        let board = |blanks: &&[usize]| -> String {
            let cell = |(place, digit)| if blanks.contains(&place) { '.' } else { digit };
            whole.chars().enumerate().map(cell).chain(['\n']).collect()
        };
        blanks[..count].iter().map(board).collect()
    };
    place.write("mine.txt", boards(10));
    place.write("other.txt", boards(9));
    let train = |more: &[&str]| {
        let small = ["--device", "cpu", "--hidden-size", "16", "--num-heads", "2"];
        let short = ["--batch-size", "2", "--halt-max-steps", "2", "--eval-interval", "2"];
        place.run(&[&["train"][..], more, &small, &short].concat())
    };
    let begun = train(&["sudoku-4x4", "--data", "mine.txt", "--max-iters", "2", "--out", "run"]);
    assert_eq!(begun.code, 0, "{}", begun.stderr);
    let before = content(&place.path("run/last.safetensors"));
    let resume = |data: &[&str]| train(&[&["--resume", "run", "--max-iters", "4"], data].concat());
    says(&resume(&[]).stderr, &["trained on mine.txt", "--data"]);
    says(&resume(&["--data", "other.txt"]).stderr, &["other.txt is not the file", "mine.txt"]);
    assert_eq!(content(&place.path("run/last.safetensors")), before, "nothing was changed");
    let eval = ["eval", "run", "--device", "cpu"];
    let ended = place.done(&eval);
    says(&ended.stderr, &["the run was trained on mine.txt"]);
    says(&ended.stdout, &["puzzles held out of sudoku-4x4"]);
    // Under another name it is the same file.
    fs::rename(place.path("mine.txt"), place.path("moved.txt")).expect("moved");
    let ended = resume(&["--data", "moved.txt"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    says(&ended.stderr, &["step 4"]);
    let eval = |data: &str| place.done(&["eval", "run", "--device", "cpu", "--data", data]);
    let ended = eval("other.txt");
    says(
        &ended.stderr,
        &["the run was trained on mine.txt, but other.txt is scored", "may contain"],
    );
    says(&ended.stdout, &["1 puzzle held out of other.txt"]);
    says(&eval("moved.txt").stdout, &["2 puzzles that the model was not trained on"]);
}

/// What comes with the program is not exchanged for a file on the way.
#[test]
fn a_run_on_the_programs_own_data_goes_on_with_them() {
    let place = Place::new();
    place.quick_model(&[]);
    place.write("poem.txt", "to be, or not to be, that is the question.\n".repeat(100));
    let small = ["--hidden-size", "16", "--num-heads", "2", "--halt-max-steps", "2"];
    let few = ["--num-puzzles", "20", "--num-val-puzzles", "4", "--batch-size", "2"];
    let start = ["train", "sudoku-4x4", "--out", "solver", "--device", "cpu", "--max-iters", "2"];
    place.done(&[&start[..], &small, &few].concat());
    place.write("boards.txt", "12.434122143432.\n");
    for (run, data, own) in
        [("run", "poem.txt", "shakespeare"), ("solver", "boards.txt", "sudoku-4x4")]
    {
        let resume =
            ["train", "--resume", run, "--data", data, "--max-iters", "9", "--device", "cpu"];
        let before = content(&place.path(&format!("{run}/last.safetensors")));
        says(&place.refused(2, &resume), &[&format!("trained on {own}"), data, "--init"]);
        assert_eq!(content(&place.path(&format!("{run}/last.safetensors"))), before);
    }
}

/// Only what comes out of both must fit together.
#[test]
fn a_file_may_need_a_flag() {
    let place = Place::new();
    place.write(
        "wide.toml",
        "[model]\nhidden_size = 20\nnum_heads = 8\nn_layers = 1\nblock_size = 16\n\
         [train]\nbatch_size = 2\nmax_iters = 1\neval_iters = 1\n",
    );
    let train = ["train", "--config", "wide.toml", "--device", "cpu"];
    for more in [&[][..], &["--seed", "7"]] {
        let error = place.refused(2, &[&train, more].concat());
        says(&error, &["wide.toml", "num_heads"]);
    }
    let ended = place.done(&[&train[..], &["--num-heads", "2"]].concat());
    says(&ended.stderr, &["wide.toml", "hidden_size 20", "done"]);
}

#[test]
fn the_command_that_continues_a_run_is_quoted_for_a_shell() {
    let place = Place::new();
    let train = [QUICK, &["--max-iters", "1", "--out", "my run"]].concat();
    place.done(&train);
    says(&place.refused(2, &train), &["my run already contains a run", "--resume 'my run'"]);
}

#[test]
fn a_run_that_has_no_step_left_says_so() {
    let place = Place::new();
    place.quick_model(&[]);
    let again = [QUICK, &["--out", "run", "--auto-resume"]].concat();
    for finished in [&["train", "--resume", "run", "--device", "cpu"][..], &again] {
        let ended = place.done(finished);
        let said = "the run is at step 4 and max_iters is 4: no step is left";
        says(&ended.stderr, &[said, "a higher --max-iters trains on", "no step left (at step 4"]);
        says(&ended.stderr, &["done; "]);
        assert!(!ended.stderr.contains("steps 4 to"), "{}", ended.stderr);
    }
}

/// It cannot be undone by a smaller number, which the configuration would state then.
#[test]
fn fewer_steps_than_a_run_has_made_are_refused() {
    let place = Place::new();
    place.quick_model(&[]);
    let config = || fs::read_to_string(place.path("run/config.toml")).expect("the plan");
    let before = config();
    says(&before, &["max_iters = 4"]);
    for start in
        [&["train", "--resume", "run"][..], &[QUICK, &["--out", "run", "--auto-resume"]].concat()]
    {
        let error = place.refused(2, &[start, &["--max-iters", "3"]].concat());
        says(
            &error,
            &["the run is already at step 4; max_iters 3 is less", "--max-iters 4 or more"],
        );
        assert_eq!(config(), before);
    }
}

/// Before its sizes are compared with those of the model.
#[test]
fn a_base_that_a_model_cannot_use_is_refused_first() {
    let place = Place::new();
    place.write("base.gguf", b"GGUF\x03\0\0\0");
    let on = |preset: &str| {
        place.refused(2, &["train", preset, "--base", "base.gguf", "--device", "cpu"])
    };
    says(&on("digits"), &["base.gguf is a GGUF model, but a frozen base is a ViT", "hf-vit"]);
    says(&on("tiny"), &["has no frozen base", "on a ViT, or a question model on a decoder"]);
    let small = ["--hidden-size", "8", "--inner-steps", "1", "--outer-steps", "1"];
    let quick = ["train", "digits", "--device", "cpu", "--max-iters", "1", "--out", "run"];
    place.done(&[&quick[..], &small].concat());
    let vit = shipped("vit-mnist.safetensors");
    for command in [
        &["train", "--resume", "run", "--base", &vit, "--device", "cpu"][..],
        &["convert", "run", "--from", "trm", "--base", &vit, "--to", "x"],
        &["eval", "run", "--base", &vit, "--device", "cpu"],
    ] {
        let error = place.refused(2, command);
        says(&error, &["this `trm_vit` model reads pixels and has no frozen base", "(--base)"]);
    }
}
