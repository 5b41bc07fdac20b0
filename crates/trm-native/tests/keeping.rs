//! What a run keeps, when it stops by itself, and what it refuses to resume with.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{GREY, GROWING, Place, QUICK, bytes, content, says};
use safetensors::SafeTensors;
use serde_json::Value;

/// A text whose training part teaches what is wrong in the part kept for
/// validation, so that the loss falls and then rises again.
const WRONG: &[&str] = &[
    "--data",
    "two.txt",
    "--learning-rate",
    "0.01",
    "--lr-schedule",
    "constant",
    "--warmup-iters",
    "0",
    "--eval-interval",
    "1",
];

fn place_with_wrong_text() -> Place {
    let place = Place::new();
    place.write("two.txt", "ab".repeat(450) + &"a".repeat(100));
    place
}

/// Validation losses by step.
fn losses(place: &Place, run: &str) -> BTreeMap<u64, f64> {
    let of = |line: &Value| Some((line["step"].as_u64()?, line["val_loss"].as_f64()?));
    place.metrics(run).iter().filter_map(of).collect()
}

/// The metrics in a checkpoint's own header, read as any safetensors reader would.
fn header(path: &Path) -> Value {
    let bytes = bytes(path);
    let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("safetensors");
    let metadata = metadata.metadata().clone().expect("metadata");
    assert_eq!(metadata["format"], "trm/1");
    serde_json::from_str(&metadata["metrics"]).expect("JSON")
}

#[test]
fn the_best_models_are_those_with_the_lowest_validation_losses() {
    let place = place_with_wrong_text();
    place.quick_model(&[WRONG, &["--max-iters", "10", "--save-top-k", "3"]].concat());
    let losses = losses(&place, "run");
    let mut ranked: Vec<_> = losses.iter().map(|(step, loss)| (*loss, *step)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(ranked[0].1 < 10, "the last is not the best: {losses:?}");
    let mut expected: Vec<_> =
        ranked[..3].iter().map(|(_, step)| format!("best-{step}.safetensors")).collect();
    expected.sort();
    let mut found: Vec<_> = fs::read_dir(place.path("run"))
        .expect("the run's folder")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .filter(|name| name.starts_with("best-"))
        .collect();
    found.sort();
    assert_eq!(found, expected);
    for (loss, step) in &ranked[..3] {
        let file = place.path(&format!("run/best-{step}.safetensors"));
        assert_eq!(header(&file)["val_loss"].as_f64(), Some(*loss));
        place.done(&["generate", &format!("run/best-{step}.safetensors"), "--device", "cpu"]);
    }
    let best = content(&place.path("run/best.safetensors"));
    assert!(best == content(&place.path(&format!("run/best-{}.safetensors", ranked[0].1))));
}

#[test]
fn patience_ends_a_run_and_is_counted_over_a_stop() {
    let place = place_with_wrong_text();
    let patient = ["--max-iters", "200", "--early-stopping-patience", "3"];
    let ended = place.quick_model(&[WRONG, &patient[..]].concat());
    let (best, last) = {
        let losses = losses(&place, "run");
        let best = losses.iter().min_by(|a, b| a.1.total_cmp(b.1)).expect("a loss");
        (*best.0, *losses.keys().last().expect("a step"))
    };
    assert_eq!(last, best + 3, "three validations after the best");
    says(
        &ended.stderr,
        &[
            &format!("stopped early at step {last}: 3 validations in a row"),
            "best validation loss",
            &format!("at step {best}"),
            "run/best.safetensors",
        ],
    );

    // Stopped one validation after the best, it has two left.
    let first = (best + 1).to_string();
    place.done(&[QUICK, WRONG, &patient, &["--max-iters", &first, "--out", "two"]].concat());
    let go_on = ["train", "--resume", "two", "--data", "two.txt", "--device", "cpu"];
    let ended = place.done(&[&go_on[..], &["--max-iters", "200"]].concat());
    says(&ended.stderr, &[&format!("stopped early at step {last}")]);
    assert_eq!(losses(&place, "two"), losses(&place, "run"));

    // Without more patience there is nothing left to do, with more there is.
    let ended = place.done(&go_on);
    says(&ended.stderr, &[&format!("stopped early at step {last}"), "--early-stopping-patience"]);
    place.done(&[&go_on[..], &["--early-stopping-patience", "4"]].concat());
    assert!(losses(&place, "two").len() as u64 > last, "it went on");
}

#[test]
fn a_run_whose_minutes_are_up_is_saved_and_goes_on() {
    let place = Place::new();
    let ended = place.quick_model(&["--max-iters", "1000000", "--max-minutes", "0.02"]);
    says(
        &ended.stderr,
        &["stopped at step", "time limit of 0:01 reached", "continue with:", "--resume run"],
    );
    let text = ended.stderr.split("stopped at step ").nth(1).expect("a step");
    let step: usize = text.split(':').next().expect("a step").parse().expect("a number");
    let goal = (step + 2).to_string();
    let ended = place.done(&["train", "--resume", "run", "--max-iters", &goal, "--device", "cpu"]);
    says(&ended.stderr, &[&format!("steps {step} to {goal}"), "done"]);
    for minutes in ["0", "-1", "soon"] {
        let error = place.refused(2, &[QUICK, &["--max-minutes", minutes]].concat());
        says(&error, &["max-minutes", "minutes above 0"]);
    }
}

#[test]
fn a_run_of_another_configuration_is_not_gone_on_with() {
    let place = Place::new();
    place.quick_model(&[]);
    let before = bytes(&place.path("run/last.safetensors"));
    let resume = ["train", "--resume", "run", "--device", "cpu"];
    let error = place.refused(2, &[&resume[..], &["--batch-size", "4"]].concat());
    says(&error, &["the command line asks for batch_size 4", "trained with 8", "--init"]);

    let config = fs::read_to_string(place.path("run/config.toml")).expect("the plan");
    let edited = |from: &str, to: &str| {
        assert!(config.contains(from), "{from} is not in {config}");
        place.write("run/config.toml", config.replace(from, to));
    };
    edited("hidden_size = 32", "hidden_size = 64");
    let error = place.refused(2, &resume);
    says(&error, &["run/config.toml asks for hidden_size 64", "trained with 32", "--init"]);
    edited("hidden_size = 32", "hiden_size = 32");
    says(&place.refused(2, &resume), &["run/config.toml", "did you mean `hidden_size`?"]);
    edited("[model]", "[model");
    says(&place.refused(2, &resume), &["run/config.toml is not valid TOML"]);
    assert!(bytes(&place.path("run/last.safetensors")) == before, "nothing was lost");

    // What is the same, and what changes nothing that was learned, may be said.
    edited("max_iters = 4", "max_iters = 6");
    let ended = place.done(&[&resume[..], &["--hidden-size", "32", "--save-top-k", "2"]].concat());
    says(&ended.stderr, &["steps 4 to 6", "step 6/6", "done"]);
}

const DIVERGING: &[&str] = &["--max-iters", "200", "--learning-rate", "10"];

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_model() {
    // With a validation before every save, and without any.
    for more in [&["--val-fraction", "0.1"], &["--val-fraction", "0"]] {
        let place = Place::new();
        let every = [&["--eval-interval", "1", "--out", "run"], &more[..]].concat();
        let error = place.refused(1, &[QUICK, DIVERGING, GROWING, &every].concat());
        says(&error, &["at", "step", "is saved in run/last.safetensors", "hint:"]);
        says(&error, &["learning_rate", "--resume run", "--learning-rate 2.5", "--grad-clip 1"]);
        for file in ["last.safetensors", "last.optim.safetensors"] {
            let kept = bytes(&place.path("run").join(file));
            for (name, tensor) in SafeTensors::deserialize(&kept).expect("whole").tensors() {
                let mut numbers = tensor.data().chunks_exact(4);
                let finite = numbers.all(|bytes| {
                    f32::from_le_bytes(bytes.try_into().expect("four bytes")).is_finite()
                });
                assert!(finite, "{name} of {file}, {more:?}");
            }
        }
        place.done(&["generate", "run", "--max-new-tokens", "4", "--device", "cpu"]);
    }
}

/// With one image more, other images are held out.
#[test]
fn a_folder_with_other_files_is_named() {
    let place = Place::new();
    for class in ["cat", "dog"] {
        fs::create_dir_all(place.path(&format!("photos/train/{class}"))).expect("folders");
        for number in 0..10 {
            place.write(&format!("photos/train/{class}/{number}.png"), GREY);
        }
    }
    let small = ["--image-size", "4", "--resize", "true", "--hidden-size", "8"];
    let short = ["--max-iters", "2", "--eval-interval", "2", "--device", "cpu"];
    let train = ["train", "--variant", "trm_vit", "--data", "photos", "--out", "run"];
    place.done(&[&train[..], &small, &short].concat());
    // Its settings name the folder, and nothing is known by that name.
    let error = place.refused(2, &["train", "--resume", "run", "--device", "cpu"]);
    says(&error, &["this run is trained on photos; give it again with --data"]);
    let eval = || place.done(&["eval", "run", "--data", "photos", "--device", "cpu"]).stderr;
    let resume = |steps: &str| {
        let resume = ["train", "--resume", "run", "--data", "photos", "--device", "cpu"];
        place.done(&[&resume[..], &["--max-iters", steps]].concat()).stderr
    };
    let other = "photos has other files than when";
    assert!(!eval().contains(other) && !resume("3").contains(other));
    place.write("photos/train/cat/10.png", GREY);
    says(&eval(), &[other, "may contain what the run was trained on"]);
    says(&resume("4"), &[other, "may contain what it was trained on"]);
    // Older versions stored the name alone.
    place.write("run/data.json", r#"{ "name": "photos" }"#);
    assert!(!eval().contains(other) && !resume("5").contains(other));
}

/// A run on data that come with the program has none of its own.
#[test]
fn the_name_of_earlier_data_does_not_stay() {
    let place = Place::new();
    fs::create_dir(place.path("run")).expect("a folder");
    place.write("run/data.json", r#"{ "name": "mine.txt", "sha256": "00" }"#);
    place.quick_model(&[]);
    assert!(!place.path("run/data.json").exists());
    place.done(&["train", "--resume", "run", "--max-iters", "5", "--device", "cpu"]);
}
