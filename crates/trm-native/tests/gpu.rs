//! Training on a GPU gives the losses of the CPU. A software adapter will do;
//! where there is none, asking for one must be refused in words.

mod common;

use common::{Place, QUICK, says};

#[test]
fn a_gpu_trains_as_the_cpu_does_or_is_said_to_be_missing() {
    let place = Place::new();
    let train = |device: &str, out: &str| {
        place.run(&[QUICK, &["--max-iters", "2", "--device", device, "--out", out]].concat())
    };
    let devices = place.done(&["devices", "--json"]).json();
    let ended = train("gpu", "gpu");
    if devices["gpus"].as_array().is_some_and(Vec::is_empty) {
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        says(&ended.stderr, &["there is no GPU here", "--device cpu"]);
        return;
    }
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(train("cpu", "cpu").code, 0);
    let (gpu, cpu) = (place.metrics("gpu"), place.metrics("cpu"));
    assert_eq!(gpu.len(), cpu.len());
    for (gpu, cpu) in gpu.iter().zip(&cpu) {
        assert_eq!(gpu["step"], cpu["step"]);
        let key = if gpu.get("loss").is_some() { "loss" } else { "val_loss" };
        let [gpu, cpu] = [gpu, cpu].map(|line| line[key].as_f64().expect("a loss"));
        assert!((gpu - cpu).abs() < 1e-3, "{gpu} on the GPU, {cpu} on the CPU");
    }
    // Either reads what the other wrote.
    place.done(&["generate", "gpu", "--max-new-tokens", "4", "--device", "cpu"]);
    place.done(&["generate", "cpu", "--max-new-tokens", "4", "--device", "gpu"]);
}

#[test]
fn half_precision_on_a_gpu_follows_full_precision_or_is_refused() {
    let place = Place::new();
    let train = |precision: &str| {
        let settings = ["--max-iters", "2", "--device", "gpu", "--out", precision];
        place.run(&[QUICK, &settings, &["--precision", precision]].concat())
    };
    if train("f32").code != 0 {
        // Said by the test above.
        return;
    }
    for precision in ["f16", "bf16"] {
        let ended = train(precision);
        if ended.code != 0 {
            says(&ended.stderr, &["this device does not compute in", "precision"]);
            continue;
        }
        for (full, half) in place.metrics("f32").iter().zip(&place.metrics(precision)) {
            let key = if full.get("loss").is_some() { "loss" } else { "val_loss" };
            let [full, half] = [full, half].map(|line| line[key].as_f64().expect("a loss"));
            assert!((full - half).abs() < 0.02, "{half} in {precision}, {full} in f32");
        }
    }
}
