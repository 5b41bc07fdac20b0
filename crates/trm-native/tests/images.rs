//! Image classifiers through the binary: training, scores, single images, frozen bases,
//! sweeps and preparation.

mod common;

use std::fs;

use common::{GREY, Place, bytes, says, shipped};
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::Value;

const QUICK: &[&str] = &[
    "train",
    "digits",
    "--device",
    "cpu",
    "--hidden-size",
    "16",
    "--inner-steps",
    "1",
    "--outer-steps",
    "2",
    "--batch-size",
    "16",
    "--max-iters",
    "20",
    "--eval-interval",
    "10",
    "--warmup-iters",
    "2",
    "--learning-rate",
    "5e-3",
];

/// A ViT of a few thousand weights, for a frozen base.
const VIT: &[&str] = &[
    "train",
    "--variant",
    "vit",
    "--device",
    "cpu",
    "--hidden-size",
    "16",
    "--n-layers",
    "2",
    "--num-heads",
    "2",
    "--intermediate-size",
    "32",
    "--max-iters",
    "6",
    "--eval-interval",
    "3",
    "--dataset",
    "digits",
];

#[test]
fn digits_are_trained_scored_and_compared_with_baselines() {
    let place = Place::new();
    let ended = place.done(&[QUICK, &["--out", "run"]].concat());
    says(
        &ended.stderr,
        &[
            "1,259 training images, 179 validation images",
            "% of the images correct",
            "--split test",
        ],
    );
    let eval = ["eval", "run", "--device", "cpu", "--json"];
    let val = place.done(&eval).json();
    assert_eq!((val["split"].as_str(), val["images"].as_u64()), (Some("val"), Some(179)));
    let steps = val["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 4, "up to twice the trained two");
    // What training logged is what eval finds.
    let logged = place.metrics("run");
    let last = logged.iter().rev().find_map(|line| line["accuracy"].as_f64()).expect("logged");
    let best = steps[1]["top1"].as_f64().expect("a share");
    assert!((last - best).abs() < 1e-6, "{last} {best}");
    let test = place.done(&[&eval[..], &["--split", "test", "--baselines"]].concat()).json();
    assert_eq!(test["images"].as_u64(), Some(359));
    let models: Vec<_> = test["baselines"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["model"].as_str().expect("a name").to_owned())
        .collect();
    let expected = ["this model", "linear probe", "MLP probe", "head with N = T = 1", "plain ViT"];
    assert_eq!(models, expected);
    let again = place.done(&[&eval[..], &["--split", "test"]].concat()).json();
    assert_eq!(again["steps"], test["steps"], "evaluation repeats exactly");
    // A language model's flags, and an image model's on a language model.
    says(&place.refused(2, &["eval", "run", "--stride", "1"]), &["--split"]);
    says(&place.refused(2, &["solve", "run", "x"]), &["image classifier", "classify"]);
}

/// The table of steps goes on to twice the trained number; classes and mistakes do not.
#[test]
fn classes_and_mistakes_are_those_of_the_trained_depth() {
    let place = Place::new();
    place.done(&[QUICK, &["--out", "run"]].concat());
    let eval = ["eval", "run", "--split", "test", "--device", "cpu"];
    let number = |word: &str| word.parse::<f64>().expect("a number");
    let text = place.done(&eval).stdout;
    let row = text.lines().find(|line| line.ends_with("(as trained)")).expect("its row");
    let row: Vec<_> = row.split_whitespace().collect();
    let (_, classes) = text.split_once("class accuracy after outer step 2\n").expect("classes");
    let numbers =
        |line: &str| -> Vec<f64> { line.split_whitespace().flat_map(str::parse::<f64>).collect() };
    let right: f64 = classes.lines().skip(1).map(numbers).map(|row| row[1] * row[2]).sum();
    assert!((right / 359.0 - number(row[2])).abs() < 0.02, "{text}");
    // Other steps have classes too where they are asked for.
    for (more, step) in [(&["--depths", "1,4"][..], 4), (&["--depths", "1"], 1), (&[], 2)] {
        let document = place.done(&[&eval[..], &["--json"], more].concat()).json();
        assert_eq!(document["class_step"], step);
        let mut steps = document["steps"].as_array().expect("steps").iter();
        let row = steps.find(|row| row["step"] == step).expect("its row");
        let top1 = row["top1"].as_f64().expect("a share");
        let of = |class: &Value, key: &str| class[key].as_f64().expect("a number");
        let classes = document["class_accuracy"].as_array().expect("classes").iter();
        let right: f64 = classes.map(|class| of(class, "images") * of(class, "accuracy")).sum();
        assert!((right / 359.0 - top1).abs() < 1e-6, "step {step}: {right} and {top1}");
        let mistakes = document["mistakes"].as_array().expect("mistakes").len() as f64;
        assert!((mistakes / 359.0 - (1.0 - top1)).abs() < 1e-6, "step {step}: {mistakes}");
    }
}

#[test]
fn images_of_any_size_are_classified() {
    let place = Place::new();
    place.done(&[QUICK, &["--out", "run"]].concat());
    place.write("grey.png", GREY);
    let text = place.done(&["classify", "run", "grey.png", "--device", "cpu"]).stdout;
    says(&text, &["grey.png", "outer step  1", "outer step  2", "%"]);
    let arguments = [
        "classify",
        "run",
        "grey.png",
        "--outer-steps",
        "3",
        "--logits",
        "--json",
        "--device",
        "cpu",
    ];
    let document = place.done(&arguments).json();
    let steps = document["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 3);
    for (number, step) in steps.iter().enumerate() {
        assert_eq!(step["step"].as_u64(), Some(number as u64 + 1));
        assert_eq!(step["prob"].as_array().map(Vec::len), Some(10));
        assert_eq!(step["logits"].as_array().map(Vec::len), Some(10));
    }
    place.write("cut.png", &GREY[..40]);
    place.write("text.png", "no image");
    for file in ["cut.png", "text.png", "missing.png"] {
        says(&place.refused(1, &["classify", "run", file, "--device", "cpu"]), &[file]);
    }
    says(&place.refused(2, &["classify", "run"]), &["IMAGE"]);
}

#[test]
fn images_are_classified_in_their_order_up_to_one_that_cannot_be_read() {
    let place = Place::new();
    let digits = shipped("digits.safetensors");
    // More than are decoded at once.
    let names: Vec<_> = (0..66).map(|number| format!("{number}.png")).collect();
    for name in &names {
        place.write(name, GREY);
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let classify = ["classify", &digits, "--device", "cpu"];
    let document = place.done(&[&classify[..], &["--json"], &names[..]].concat()).json();
    let images = document["images"].as_array().expect("a list");
    let found: Vec<_> = images.iter().map(|image| image["image"].as_str().expect("name")).collect();
    assert_eq!(found, names);
    let class = |image: &Value| image["steps"][0]["argmax"].as_u64().expect("a class");
    assert!(images.iter().all(|image| class(image) == class(&images[0])), "{document}");

    place.write("65.png", &GREY[..40]);
    let ended = place.run(&[&classify[..], &names[..]].concat());
    assert_eq!(ended.code, 1);
    says(&ended.stderr, &["65.png"]);
    let shown: Vec<_> = ended.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(shown, names[..65]);
    // A document of some of the images would pass for one of all.
    says(&place.refused(1, &[&classify[..], &["--json"], &names[..]].concat()), &["65.png"]);
}

#[test]
fn a_model_without_recursion_is_scored_at_its_one_depth() {
    let place = Place::new();
    place.done(&[VIT, &["--out", "vit"]].concat());
    let eval = ["eval", "vit", "--device", "cpu"];
    let one = place.done(&[&eval[..], &["--depths", "1", "--json"]].concat()).json();
    assert_eq!(one["steps"].as_array().map(Vec::len), Some(1));
    for depths in ["3", "1..2"] {
        let error = place.refused(2, &[&eval[..], &["--depths", depths]].concat());
        says(&error, &["a `vit` model has no recursion", "its depth is 1", "hint:"]);
    }
    let error = place.refused(2, &[&eval[..], &["--inner-steps", "2"]].concat());
    says(&error, &["--inner-steps", "has no recursion"]);
}

#[test]
fn a_head_is_trained_on_cached_features_of_its_base() {
    let place = Place::new();
    place.done(&[VIT, &["--out", "vit"]].concat());
    let taken = place.refused(2, &[QUICK, &["--base", "vit", "--out", "vit"]].concat());
    assert!(taken.contains("contains a run") && !taken.contains("features"), "{taken}");
    let head = [QUICK, &["--base", "vit", "--out", "head"]].concat();
    let ended = place.done(&head);
    says(&ended.stderr, &["computing the features of 1,797 images", "vit_depth 2"]);
    let cached = || -> Vec<String> {
        fs::read_dir(place.path("vit"))
            .expect("the base's folder")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
            .filter(|name| name.starts_with("features-"))
            .collect()
    };
    assert_eq!(cached().len(), 1, "{:?}", cached());
    // The second run reads them, and learns the same.
    let again = place.done(&[&head[..head.len() - 1], &["again"]].concat());
    says(&again.stderr, &["features of the frozen base"]);
    assert_eq!(place.metrics("again"), place.metrics("head"));
    // Pixels that are normalised in another way have features of their own, beside the others.
    let other = ["other", "--pixel-mean", "0.1", "--pixel-std", "0.3"];
    let ended = place.done(&[&head[..head.len() - 1], &other].concat());
    says(&ended.stderr, &["computing the features of 1,797 images"]);
    assert_eq!(cached().len(), 2, "{:?}", cached());
    // The base is found by its name beside the run; elsewhere it has to be given.
    let ended = place.done(&["eval", "head", "--device", "cpu", "--json"]);
    says(&ended.stderr, &["features of the frozen base"]);
    fs::create_dir(place.path("alone")).expect("a folder");
    fs::create_dir(place.path("alone/deep")).expect("a folder");
    fs::create_dir(place.path("alone/deep/down")).expect("a folder");
    let moved = "alone/deep/down/head.safetensors";
    fs::copy(place.path("head/best.safetensors"), place.path(moved)).expect("copied");
    let lost = place.refused(2, &["eval", moved, "--device", "cpu"]);
    says(&lost, &["frozen base, vit", "--base FILE (SHA-256 "]);
    place.done(&["eval", moved, "--base", "vit", "--device", "cpu"]);
    says(
        &place.refused(2, &["eval", moved, "--base", "head", "--device", "cpu"]),
        &["a frozen base is a ViT"],
    );
    says(
        &place.refused(2, &[QUICK, &["--vit-depth", "2", "--out", "none"]].concat()),
        &["--base FILE"],
    );
    assert!(!place.path("none").exists(), "nothing was made");
    // New runs from its weights find the base beside it, and say where it is.
    let deep = ["--out", "a/b/c/d", "--max-iters", "2", "--device", "cpu"];
    let ended = place.done(&[&["train", "--init", "head"], &deep[..]].concat());
    says(&ended.stderr, &["eval a/b/c/d --split test --base ", "/vit"]);
    // A preset of another model keeps its own form.
    for (preset, word) in [("tiny", "holds a `trm_vit` model"), ("digits", "the checkpoint has")] {
        let init = ["train", preset, "--init", "head", "--out", "none", "--device", "cpu"];
        says(&place.refused(2, &init), &["--init", word]);
    }
    // The plain ViT among the baselines reads pixels, not the cached features.
    let eval = ["eval", "head", "--baselines", "--json", "--device", "cpu"];
    assert_eq!(place.done(&eval).json()["baselines"].as_array().map(Vec::len), Some(5));
    // Resumed, it goes on with its base.
    place.done(&["train", "--resume", "head", "--max-iters", "30", "--device", "cpu"]);
}

#[test]
fn a_run_that_was_stopped_goes_on_bit_equal() {
    let place = Place::new();
    place.done(&[QUICK, &["--out", "whole"]].concat());
    place.done(
        &[QUICK, &["--out", "parts", "--max-iters", "10", "--lr-decay-iters", "20"]].concat(),
    );
    place.done(&["train", "--resume", "parts", "--max-iters", "20", "--device", "cpu"]);
    let tensors = |run: &str| {
        let mut content = common::content(&place.path(run).join("last.safetensors"));
        content.retain(|key, _| !key.starts_with("header"));
        content
    };
    assert_eq!(tensors("whole"), tensors("parts"));
}

#[test]
fn settings_are_swept_and_finished_runs_are_kept() {
    let place = Place::new();
    let mut sweep = QUICK.to_vec();
    sweep[0] = "sweep";
    let without = |flag: &str, words: &mut Vec<&str>| {
        let at = words.iter().position(|word| *word == flag).expect("given");
        words.drain(at..at + 2);
    };
    without("--inner-steps", &mut sweep);
    sweep.extend(["--vary", "n=1,2", "--vary", "residual=false,true", "--out", "sweep"]);
    let ended = place.done(&sweep);
    says(&ended.stderr, &["4 runs", "run 4 of 4", "done"]);
    says(&ended.stdout, &["inner_steps 1", "residual true", "accuracy"]);
    let document: Value =
        serde_json::from_slice(&bytes(&place.path("sweep/sweep.json"))).expect("JSON");
    assert_eq!(document["rows"].as_array().map(Vec::len), Some(4));
    let chart = String::from_utf8(bytes(&place.path("sweep/sweep.svg"))).expect("UTF-8");
    says(&chart, &["<svg", "validation accuracy"]);
    says(&place.done(&sweep).stderr, &["4 finished before"]);
    // With other data, or a setting that no table shows, they are other runs.
    for other in [["--random-crop", "1"], ["--alpha", "0.25"], ["--learning-rate", "1e-3"]] {
        says(&place.refused(2, &[&sweep[..], &other].concat()), &["a sweep with other settings"]);
    }
    for (vary, word) in [("n=0", "inner_steps"), ("speed=3", "speed"), ("n", "SETTING=VALUE")] {
        says(&place.refused(2, &["sweep", "digits", "--vary", vary]), &[word]);
    }
    says(&place.refused(2, &["sweep", "digits", "--recursion-steps", "1,2"]), &["--vary"]);
}

#[test]
fn runs_that_stop_early_are_in_the_table() {
    let place = Place::new();
    // Without a learning rate no validation is better than the first.
    let sweep = [
        &["sweep"][..],
        &QUICK[1..QUICK.len() - 2],
        &["--learning-rate", "1e-12", "--min-lr", "0", "--ema-decay", "0", "--max-iters", "40"],
        &["--early-stopping-patience", "1", "--vary", "hidden_size=8,16", "--out", "sweep"],
    ]
    .concat();
    let ended = place.done(&sweep);
    says(&ended.stdout, &["hidden_size 8", "hidden_size 16"]);
    says(&place.done(&sweep).stderr, &["2 finished before"]);
}

#[test]
fn raw_and_averaged_weights_are_scored_apart() {
    let place = Place::new();
    place.done(&[QUICK, &["--ema-decay", "0.9", "--out", "run"]].concat());
    let loss = |weights: &str| {
        let eval = ["eval", "run", "--device", "cpu", "--json", "--weights", weights];
        place.done(&eval).json()["steps"][1]["loss"].as_f64().expect("a loss")
    };
    assert_ne!(loss("raw"), loss("average"));
    let best = ["eval", "run/best.safetensors", "--device", "cpu", "--weights", "raw"];
    says(&place.refused(2, &best), &["give the folder of the run"]);
    for other in [["--augmentations", "2"], ["--puzzles", "3"]] {
        let eval = [&["eval", "run", "--device", "cpu"][..], &other].concat();
        place.refused(2, &eval);
    }
}

#[test]
fn pixels_in_another_order_are_refused() {
    let place = Place::new();
    place.done(&[QUICK, &["--out", "run"]].concat());
    let given = |shape: [usize; 4]| {
        let count: usize = shape.iter().product();
        let data = vec![0; 4 * count];
        let view = TensorView::new(Dtype::F32, shape.to_vec(), &data).expect("a tensor");
        let file = serialize([("pixel_values", view)], None).expect("a file");
        place.write("in.safetensors", file);
        place.run(&["classify", "run", "--tensors", "in.safetensors", "--device", "cpu"])
    };
    assert_eq!(given([2, 1, 8, 8]).code, 0);
    let ended = given([2, 8, 8, 1]);
    assert_eq!(ended.code, 2);
    says(&ended.stderr, &["[2, 8, 8, 1]", "[B, 1, 8, 8]"]);
}

#[test]
fn folders_of_images_are_prepared_and_trained_on() {
    let place = Place::new();
    for class in ["cat", "dog"] {
        fs::create_dir_all(place.path(&format!("photos/train/{class}"))).expect("folders");
        for number in 0..10 {
            place.write(&format!("photos/train/{class}/{number}.png"), GREY);
        }
    }
    let quick =
        ["--device", "cpu", "--max-iters", "2", "--eval-interval", "2", "--hidden-size", "8"];
    let train = ["train", "--variant", "trm_vit", "--data", "photos", "--image-size", "4"];
    let error = place.refused(1, &[&train[..], &quick, &["--out", "run"]].concat());
    says(&error, &["8 × 8 pixels", "4 × 4"]);
    assert!(!place.path("run").exists(), "nothing was made");
    place.done(&[&train[..], &quick, &["--resize", "true", "--out", "run"]].concat());
    let prepare =
        ["data", "prepare", "photos", "--image-size", "4", "--num-channels", "1", "--out", "all"];
    let said = place.done(&prepare).stdout;
    says(&said, &["20 images of 4 × 4 in 2 classes"]);
    // As it says.
    let (_, train) = said.split_once("train with: ").expect("the command");
    let train: Vec<_> = train.split_whitespace().skip(1).collect();
    place.done(&[&train[..], &quick, &["--out", "prepared"]].concat());
    assert_eq!(place.metrics("prepared"), place.metrics("run"));
    // Without resizing, prepared images are used as they are.
    let train = ["train", "--variant", "trm_vit", "--data", "all", "--image-size", "4"];
    place.done(&[&train[..], &quick, &["--out", "as-they-are"]].concat());
    assert_eq!(place.metrics("as-they-are"), place.metrics("run"));
    fs::create_dir_all(place.path("empty/train/cat")).expect("folders");
    let train = ["train", "--variant", "trm_vit", "--data", "empty", "--image-size", "4"];
    says(&place.refused(1, &[&train[..], &quick].concat()), &["empty"]);
}
