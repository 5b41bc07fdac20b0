//! Training on a GPU gives the losses of the CPU. A software adapter will do;
//! without any adapter, asking for one must be refused with a clear message.

mod common;

use common::{Ended, Place, QUICK, says};

/// Trains two steps in the folder `out`.
fn train(place: &Place, device: &str, out: &str, more: &[&str]) -> Ended {
    place.run(&[QUICK, &["--max-iters", "2", "--device", device, "--out", out], more].concat())
}

/// Whether this machine has an adapter. Without one, `--device gpu` must say so.
fn has_gpu(place: &Place) -> bool {
    let devices = place.done(&["devices", "--json"]).json();
    let some = devices["gpus"].as_array().is_some_and(|gpus| !gpus.is_empty());
    if !some {
        let ended = train(place, "gpu", "none", &[]);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        says(&ended.stderr, &["there is no GPU here", "--device cpu"]);
    }
    some
}

/// Both runs log the same steps, with losses that differ by less than `tolerance`.
#[track_caller]
fn same_losses(place: &Place, run: &str, reference: &str, tolerance: f64) {
    let (run_lines, reference_lines) = (place.metrics(run), place.metrics(reference));
    assert_eq!(run_lines.len(), reference_lines.len(), "{run} and {reference}");
    assert!(!run_lines.is_empty(), "{run} logged nothing");
    for (line, reference_line) in run_lines.iter().zip(&reference_lines) {
        assert_eq!(line["step"], reference_line["step"]);
        let key = if line.get("loss").is_some() { "loss" } else { "val_loss" };
        let [loss, expected] = [line, reference_line].map(|line| line[key].as_f64().expect(key));
        assert!(
            (loss - expected).abs() < tolerance,
            "step {}: {key} {loss} in {run}, {expected} in {reference}",
            line["step"]
        );
    }
}

#[test]
fn a_gpu_trains_as_the_cpu_does_or_is_said_to_be_missing() {
    let place = Place::new();
    if !has_gpu(&place) {
        return;
    }
    for device in ["gpu", "cpu"] {
        let ended = train(&place, device, device, &[]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    same_losses(&place, "gpu", "cpu", 1e-3);
    // Either reads what the other wrote.
    place.done(&["generate", "gpu", "--max-new-tokens", "4", "--device", "cpu"]);
    place.done(&["generate", "cpu", "--max-new-tokens", "4", "--device", "gpu"]);
}

#[test]
fn half_precision_on_a_gpu_follows_full_precision_or_is_refused() {
    let place = Place::new();
    if !has_gpu(&place) {
        return;
    }
    let full = train(&place, "gpu", "f32", &[]);
    assert_eq!(full.code, 0, "{}", full.stderr);
    for precision in ["f16", "bf16"] {
        let ended = train(&place, "gpu", precision, &["--precision", precision]);
        if ended.code == 0 {
            same_losses(&place, precision, "f32", 0.02);
            continue;
        }
        // The only failure that is accepted: the adapter lacks this number type.
        let kind = precision.to_uppercase();
        let refusal = format!("error: this device does not compute in {kind}");
        assert_eq!(ended.code, 2, "{precision}: {}", ended.stderr);
        assert!(
            ended.stderr.lines().any(|line| line == refusal),
            "{precision} failed for another reason than `{refusal}`:\n{}",
            ended.stderr
        );
        says(&ended.stderr, &["hint:", "precision"]);
        assert!(!place.path(precision).exists(), "{precision}: refused before anything is made");
        // It scores what another device has trained: that computes in 32 bits.
        let run = format!("cpu-{precision}");
        let trained = train(&place, "cpu", &run, &["--precision", precision]);
        assert_eq!(trained.code, 0, "{}", trained.stderr);
        std::fs::write(place.path("short.txt"), "To be, or not to be. ".repeat(40)).unwrap();
        place.done(&["eval", &run, "--test", "short.txt", "--device", "gpu"]);
        eprintln!("{precision} is not supported by this adapter; its losses were not compared");
    }
}

#[test]
fn listing_devices_prints_nothing_on_standard_error() {
    let place = Place::new();
    // Where this is not set, or not to a folder, the Vulkan driver used to print errors.
    for folder in [None, Some(""), Some("relative"), Some("/does/not/exist")] {
        let mut command = place.program();
        match folder {
            None => command.env_remove("XDG_RUNTIME_DIR"),
            Some(folder) => command.env("XDG_RUNTIME_DIR", folder),
        };
        let ended = Ended::from(command.arg("devices").output().expect("the program starts"));
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{folder:?}");
        says(&ended.stdout, &["cpu", "--device auto uses"]);
    }
}
