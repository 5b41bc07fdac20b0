//! The head of TRM-ViT.

use std::path::Path;

use burn::tensor::Device;
use safetensors::Dtype;
use serde_json::Value;
use trm_core::models::trm::DualState;
use trm_core::models::trm_vit::TrmVit;
use trm_core::{Engine, Init, Recursive};
use trm_spec::{TrmVitSpec, VariantSpec};
use trm_train::checkpoint::read_header;
use trm_train::{BaseFile, HfVitOptions};

use crate::support::fixtures::*;

fn head(folder: &Path) -> (TrmVitSpec, usize, Vec<u8>) {
    let weights = bytes(folder.join("weights.safetensors"));
    let config = text(folder.join("config.json"));
    let checkpoint = trm_train::trm_vit(&weights, &config, None, &Device::flex()).unwrap();
    let header = read_header(&checkpoint).unwrap();
    let VariantSpec::TrmVit(spec) = header.config.model else { panic!("a head") };
    (spec, header.vocab.size(), checkpoint)
}

fn run(model: &TrmVit, io: &Tensors, n: usize, t: usize, device: &Device) -> DualState {
    let context = model.encode(&input(io, "vit_hidden", device));
    let start = DualState { y: input(io, "y0", device), z: input(io, "z0", device) };
    Engine::new(t).run(&model.with_inner_steps(n), &context, start, |_, _| {})
}

#[test]
fn a_head_has_its_states_and_logits() {
    for folder in heads() {
        let io = tensors(&bytes(folder.join("io.safetensors")));
        let (spec, classes, checkpoint) = head(&folder);
        let device = Device::flex();
        let model = filled(TrmVit::new(&spec, classes, &mut Init::new(5, &device)), &checkpoint);
        let mut sets = 0;
        for set in io.keys().filter_map(|name| name.strip_suffix(".logits")) {
            let (n, t) = set.trim_start_matches('n').split_once('T').expect("n{N}T{T}");
            let (n, t) = (n.parse().unwrap(), t.parse().unwrap());
            let end = run(&model, &io, n, t, &device);
            let name = |part: &str| format!("{set}.{part}");
            let logits = host(model.read(&end).logits);
            close(&name("logits"), &logits, &io[&name("logits")].1, TOLERANCE);
            let states = if n * t > 8 { STATES } else { TOLERANCE };
            close(&name("y"), &host(end.y), &io[&name("y")].1, states);
            close(&name("z"), &host(end.z), &io[&name("z")].1, states);
            sets += 1;
        }
        assert!(sets > 0, "no recorded runs in {}", folder.display());
        assert_eq!(spec.inner_steps, 6);
        assert_eq!(spec.outer_steps, 4);
    }
}

/// Our parameter of an original one, and which half of its rows, of how many.
fn ours(name: &str) -> (String, usize, usize) {
    let renamed = match name {
        "a" => "alpha".to_owned(),
        _ => name.replace("patchifier.1.", "patchifier."),
    };
    let Some(rest) = name.strip_prefix("backbone.") else { return (renamed, 0, 1) };
    let [part, linear, end] = rest.split('.').collect::<Vec<_>>()[..] else { panic!("{name}") };
    let part: usize = part.parse().unwrap();
    let mlp = if part.is_multiple_of(2) { "token_mlp" } else { "mlp" };
    let (linear, half, of) = match linear {
        "linearIn" => ("gate_up_proj", 0, 2),
        "gate" => ("gate_up_proj", 1, 2),
        _ => ("down_proj", 0, 1),
    };
    (format!("blocks.{}.{mlp}.{linear}.{end}", part / 2), half, of)
}

#[test]
fn a_head_has_its_gradients() {
    for folder in heads() {
        let io = tensors(&bytes(folder.join("io.safetensors")));
        let expected = tensors(&bytes(folder.join("grads.safetensors")));
        let (spec, classes, checkpoint) = head(&folder);
        let device = Device::flex().autodiff();
        let model = filled(TrmVit::new(&spec, classes, &mut Init::new(5, &device)), &checkpoint);
        let end = run(&model, &io, 2, 2, &device);
        let found = gradients(&model, cross_entropy(model.read(&end).logits, 3));
        for (name, (_, expected)) in &expected {
            let (ours, half, of) = ours(name);
            let found = &found[&ours];
            let length = found.len() / of;
            close(name, &found[half * length..][..length], expected, TOLERANCE);
        }
    }
}

/// A head on a small ViT, which it names; with another one it is refused.
#[test]
fn a_head_names_its_base() {
    let vit = converted(&vits()[0], HfVitOptions::default()).remove(0);
    let (on, _) = spec_of_vit(&vit);
    let (positions, dim, classes) = (on.patches() + 2, 6, 4);
    let mut shapes = vec![
        ("a".to_owned(), vec![dim]),
        ("cls_token".into(), vec![1, 1, dim]),
        ("patchifier.1.weight".into(), vec![dim, on.hidden_size]),
        ("patchifier.1.bias".into(), vec![dim]),
        // Of the frozen ViT; left out.
        ("patchifier.0.model.classifier.bias".into(), vec![3]),
        ("lm_head.weight".into(), vec![classes, dim]),
        ("lm_head.bias".into(), vec![classes]),
    ];
    for (part, width) in [positions, dim].into_iter().enumerate() {
        for (name, out, input) in [
            ("linearIn", 2 * width, width),
            ("gate", 2 * width, width),
            ("linearOut", width, 2 * width),
        ] {
            shapes.push((format!("backbone.{part}.{name}.weight"), vec![out, input]));
            shapes.push((format!("backbone.{part}.{name}.bias"), vec![out]));
        }
    }
    let stored: Vec<_> = shapes
        .into_iter()
        .map(|(name, shape)| {
            let numbers = shape.iter().product::<usize>();
            (name, shape, [0x3f, 0x80, 0, 0].repeat(numbers).into_iter().rev().collect::<Vec<u8>>())
        })
        .collect();
    let views = stored.iter().map(|(name, shape, data)| {
        (name, safetensors::tensor::TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
    });
    let weights = safetensors::serialize(views, None).unwrap();
    let config = serde_json::json!({
        "input_dim": on.hidden_size, "dim": dim, "output_classes": classes, "n": 2, "T": 3,
        "learnable_alpha": false, "residual_alpha": 0.25, "vit_depth": 2,
    });
    let base = BaseFile { name: "vit.safetensors", bytes: &vit };
    let convert = |config: &Value| {
        trm_train::trm_vit(&weights, &config.to_string(), Some(base), &Device::flex())
    };
    let checkpoint = convert(&config).unwrap();
    let header = read_header(&checkpoint).unwrap();
    assert_eq!(header.base, Some(base.identity()));
    let VariantSpec::TrmVit(spec) = header.config.model else { panic!("a head") };
    assert_eq!((spec.image_size, spec.patch_size), (on.image_size, on.patch_size));
    assert_eq!((spec.vit_depth, spec.alpha, spec.learnable_alpha), (2, 0.25, false));
    assert!(!tensors(&checkpoint).contains_key("alpha"));

    let folder = &heads()[0];
    let (weights, config) =
        (bytes(folder.join("weights.safetensors")), text(folder.join("config.json")));
    let refused = trm_train::trm_vit(&weights, &config, Some(base), &Device::flex());
    let message = refused.expect_err("other sizes").message;
    assert!(message.contains("shape"), "{message}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = &heads()[0];
    let weights = bytes(folder.join("weights.safetensors"));
    let config: Value = serde_json::from_str(&text(folder.join("config.json"))).unwrap();
    let convert = |weights: &[u8], config: &Value| {
        trm_train::trm_vit(weights, &config.to_string(), None, &Device::flex())
            .expect_err("refused")
            .message
    };
    let changed = |key: &str, value: Value| {
        let mut config = config.clone();
        config[key] = value;
        config
    };
    assert!(convert(&weights[..weights.len() - 4], &config).contains("not a whole"));
    let message = convert(&weights, &changed("attention", true.into()));
    assert!(message.contains("attention"), "{message}");
    let message = convert(&weights, &changed("dim", 32.into()));
    assert!(message.contains("shape"), "{message}");
}
