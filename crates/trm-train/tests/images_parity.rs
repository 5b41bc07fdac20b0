//! Parity of image models with their originals: every folder of fixtures of their forms
//! is converted and reproduced, and conversion goes back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use trm_core::models::trm::DualState;
use trm_core::models::trm_vit::TrmVit;
use trm_core::models::vit::Vit;
use trm_core::{Engine, Init, Recursive};
use trm_spec::{TrmVitSpec, VariantSpec, VitSpec, Vocab};
use trm_train::checkpoint::read_header;
use trm_train::{BaseFile, HfVitOptions};

/// Shape and numbers by name.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Absolute or relative, whichever is looser.
const TOLERANCE: f32 = 1e-4;
/// Of states after many steps: rounding grows with each, and the recorded numbers are
/// up to 7e-5 away from those in f64.
const STATES: f32 = 2.5e-4;

fn root() -> PathBuf {
    std::env::var_os("TRM_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures"),
        PathBuf::from,
    )
}

/// The folders whose configuration mentions `key`.
fn fixtures(key: &str) -> Vec<PathBuf> {
    let found: Vec<_> = std::fs::read_dir(root())
        .expect("fixtures")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("io.safetensors").exists())
        .filter(|path| {
            std::fs::read_to_string(path.join("config.json")).is_ok_and(|text| text.contains(key))
        })
        .collect();
    assert!(!found.is_empty(), "no fixture with {key} in {}", root().display());
    found
}

fn vits() -> Vec<PathBuf> {
    fixtures("\"model_type\": \"vit\"")
}

fn heads() -> Vec<PathBuf> {
    fixtures("residual_alpha")
}

fn bytes(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(path: PathBuf) -> String {
    String::from_utf8(bytes(path)).unwrap()
}

fn tensors(file: &[u8]) -> Tensors {
    let file = SafeTensors::deserialize(file).unwrap();
    let number = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            (name, (view.shape().to_vec(), view.data().chunks_exact(4).map(number).collect()))
        })
        .collect()
}

fn input<const D: usize>(io: &Tensors, name: &str, device: &Device) -> Tensor<D> {
    let (shape, values) = &io[name];
    Tensor::from_data(TensorData::new(values.clone(), shape.clone()), device)
}

/// Compares numbers and returns the largest difference.
fn close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let mut worst = 0f32;
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        worst = worst.max(difference);
        assert!(
            difference <= tolerance * expected.abs().max(1.0),
            "{what}[{i}]: {found} for {expected}"
        );
    }
    println!("{what}: largest difference {worst:.1e}");
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().into_data().try_into_vec().unwrap()
}

/// Puts a checkpoint's tensors into a module, or collects gradients by name.
#[derive(Default)]
struct Walk {
    path: Vec<String>,
    values: Tensors,
    gradients: Option<Gradients>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleMapper for Walk {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let (_, values) = self.values.remove(&name).unwrap_or_else(|| panic!("{name}"));
        param.map(|old| {
            let new = Tensor::from_data(TensorData::new(values, old.dims()), &old.device());
            if old.is_require_grad() { new.require_grad() } else { new }
        })
    }
}

impl ModuleVisitor for Walk {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let name = self.path.join(".");
        if tensor.is_require_grad() {
            let gradient = tensor.grad(self.gradients.as_ref().unwrap());
            self.found.insert(name.clone(), host(gradient.unwrap_or_else(|| panic!("{name}"))));
        }
    }
}

fn filled<M: Module>(module: M, checkpoint: &[u8]) -> M {
    let mut walk = Walk { values: tensors(checkpoint), ..Walk::default() };
    let module = module.map(&mut walk);
    assert!(walk.values.is_empty(), "left over: {:?}", walk.values.keys());
    module
}

/// The gradients of all trained parameters; each must have one that is not zero.
fn gradients<M: Module>(module: &M, loss: Tensor<1>) -> BTreeMap<String, Vec<f32>> {
    let mut walk = Walk { gradients: Some(loss.backward()), ..Walk::default() };
    module.visit(&mut walk);
    for (name, gradient) in &walk.found {
        assert!(gradient.iter().any(|g| *g != 0.0), "{name} has a gradient of zero");
    }
    walk.found
}

fn cross_entropy(logits: Tensor<3>, label: i64) -> Tensor<1> {
    let [batch, _, classes] = logits.dims();
    let labels =
        Tensor::<1, Int>::from_data(TensorData::new(vec![label; batch], [batch]), &logits.device());
    trm_kernels::cross_entropy(logits.reshape([batch, classes]), labels).mean()
}

fn spec_of_vit(checkpoint: &[u8]) -> (VitSpec, usize) {
    let header = read_header(checkpoint).unwrap();
    let VariantSpec::Vit(spec) = header.config.model else { panic!("a ViT") };
    (spec, header.vocab.size())
}

fn vit(checkpoint: &[u8], device: &Device) -> Vit {
    let (spec, classes) = spec_of_vit(checkpoint);
    filled(Vit::new(&spec, classes, &mut Init::new(5, device)), checkpoint)
}

/// `[batch, channels, size, size]` as patches, features in the order channel, row, column.
fn patches(pixels: Tensor<4>, patch: usize) -> Tensor<3> {
    let [batch, channels, height, width] = pixels.dims();
    let (rows, columns) = (height / patch, width / patch);
    let pixels: Tensor<6> = pixels.reshape([batch, channels, rows, patch, columns, patch]);
    pixels.permute([0, 2, 4, 1, 3, 5]).reshape([batch, rows * columns, channels * patch * patch])
}

/// The weights of a fixture in both namings, converted.
fn converted(folder: &Path, options: HfVitOptions) -> Vec<Vec<u8>> {
    let convert = |weights: PathBuf, config: PathBuf| {
        trm_train::hf_vit(&bytes(weights), &text(config), None, options, &Device::flex()).unwrap()
    };
    let mut found = vec![convert(folder.join("weights.safetensors"), folder.join("config.json"))];
    let saved = folder.join("hf_save_pretrained");
    if saved.exists() {
        found.push(convert(saved.join("model.safetensors"), saved.join("config.json")));
    }
    found
}

#[test]
fn a_vit_has_its_hidden_states_and_logits() {
    for folder in vits() {
        let io = tensors(&bytes(folder.join("io.safetensors")));
        for checkpoint in converted(&folder, HfVitOptions::default()) {
            let (spec, _) = spec_of_vit(&checkpoint);
            for device in [Device::flex(), Device::flex().autodiff()] {
                let model = vit(&checkpoint, &device);
                let patches = patches(input(&io, "pixel_values", &device), spec.patch_size);
                let states = model.hidden_states(patches.clone(), spec.n_layers);
                assert_eq!(states.len(), spec.n_layers + 1);
                for (depth, state) in states.into_iter().enumerate() {
                    let name = format!("hidden_states.{depth}");
                    close(&name, &host(state.clone()), &io[&name].1, TOLERANCE);
                    // A head on top reads the same, without the final layer norm.
                    assert_eq!(host(model.features(patches.clone(), depth)), host(state));
                }
                let context = model.encode(&patches);
                let end = Engine::new(1).run(&model, &context, model.start(&context), |_, _| {});
                let logits = model.read(&end).logits;
                close("logits", &host(logits.clone()), &io["logits"].1, TOLERANCE);
                let rows = |weights: Tensor<4>| host(weights.sum_dim(3));
                for weights in model.attend(&context, &model.start(&context)) {
                    close(
                        "attention",
                        &rows(weights.clone()),
                        &vec![1.0; rows(weights).len()],
                        TOLERANCE,
                    );
                }
                if device.is_autodiff() {
                    gradients(&model, cross_entropy(logits, 1));
                }
            }
        }
    }
}

#[test]
fn a_vit_goes_back_to_the_naming_of_the_hub() {
    for folder in vits() {
        let saved = folder.join("hf_save_pretrained");
        let original = tensors(&bytes(saved.join("model.safetensors")));
        let preprocessor = r#"{"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.25]}"#;
        let ours = trm_train::hf_vit(
            &bytes(saved.join("model.safetensors")),
            &text(saved.join("config.json")),
            Some(preprocessor),
            HfVitOptions::default(),
            &Device::flex(),
        )
        .unwrap();
        let header = read_header(&ours).unwrap();
        assert_eq!(header.config.data.pixel_mean, [0.4, 0.5, 0.6]);
        assert_eq!(header.config.data.pixel_std, [0.2, 0.3, 0.25]);
        let back = trm_train::to_hf_vit(&ours).unwrap();
        assert_eq!(tensors(&back.weights), original);
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let (before, after) = (json(&text(saved.join("config.json"))), json(&back.config));
        for (key, value) in after.as_object().unwrap() {
            if !["encoder_stride", "initializer_range"].contains(&key.as_str()) {
                assert_eq!(Some(value), before.get(key), "{key}");
            }
        }
        assert_eq!(json(&back.preprocessor)["image_mean"], json(preprocessor)["image_mean"]);
        // What was written is read again, to the same checkpoint.
        let again = trm_train::hf_vit(
            &back.weights,
            &back.config,
            Some(&back.preprocessor),
            HfVitOptions::default(),
            &Device::flex(),
        );
        let again = again.unwrap();
        assert_eq!(tensors(&again), tensors(&ours));
        assert_eq!(read_header(&again).unwrap().config, header.config);
    }
}

#[test]
fn a_vit_can_be_cut_off_and_take_images_of_another_size() {
    let folder = vits().remove(0);
    let io = tensors(&bytes(folder.join("io.safetensors")));
    let device = Device::flex();
    let cut = HfVitOptions { depth: Some(1), image_size: None };
    for checkpoint in converted(&folder, cut) {
        let (spec, _) = spec_of_vit(&checkpoint);
        let patches = patches(input(&io, "pixel_values", &device), spec.patch_size);
        let features = vit(&checkpoint, &device).features(patches, 1);
        close("features", &host(features), &io["hidden_states.1"].1, TOLERANCE);
    }
    let whole = converted(&folder, HfVitOptions::default()).remove(0);
    let (spec, _) = spec_of_vit(&whole);
    let wider = HfVitOptions { depth: None, image_size: Some(2 * spec.image_size) };
    let wider = converted(&folder, wider).remove(0);
    let positions = |file: &[u8]| tensors(file)["embeddings.position_embeddings"].clone();
    let ((old_shape, old), (new_shape, new)) = (positions(&whole), positions(&wider));
    assert_eq!(new_shape[1], 4 * (old_shape[1] - 1) + 1);
    assert_eq!(new[..old_shape[2]], old[..old_shape[2]], "the class token's");
}

#[test]
fn a_vit_without_a_classifier_is_a_base() {
    let folder = vits().remove(0);
    let file = bytes(folder.join("weights.safetensors"));
    let file = SafeTensors::deserialize(&file).unwrap();
    // As `ViTModel` is saved: without the prefix and the classifier, with a pooler.
    let bare =
        file.tensors().into_iter().filter_map(|(name, view)| match name.strip_prefix("vit.") {
            Some(name) => Some((name.to_owned(), view)),
            None => (name == "classifier.bias").then_some(("pooler.dense.bias".to_owned(), view)),
        });
    let bare = safetensors::serialize(bare, None).unwrap();
    let config = text(folder.join("config.json"));
    let options = HfVitOptions::default();
    let checkpoint = trm_train::hf_vit(&bare, &config, None, options, &Device::flex()).unwrap();
    let io = tensors(&bytes(folder.join("io.safetensors")));
    let (spec, _) = spec_of_vit(&checkpoint);
    let patches = patches(input(&io, "pixel_values", &Device::flex()), spec.patch_size);
    let features = vit(&checkpoint, &Device::flex()).features(patches, spec.n_layers);
    let last = format!("hidden_states.{}", spec.n_layers);
    close("features", &host(features), &io[&last].1, TOLERANCE);
}

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

    let folder = &vits()[0];
    let weights = bytes(folder.join("weights.safetensors"));
    let config: Value = serde_json::from_str(&text(folder.join("config.json"))).unwrap();
    let convert = |config: &Value, options: HfVitOptions| {
        trm_train::hf_vit(&weights, &config.to_string(), None, options, &Device::flex())
            .expect_err("refused")
            .message
    };
    let changed = |key: &str, value: Value| {
        let mut config = config.clone();
        config[key] = value;
        config
    };
    let plain = HfVitOptions::default();
    for (key, value, expected) in [
        ("model_type", Value::from("deit"), "deit"),
        ("hidden_act", Value::from("relu"), "hidden_act"),
        ("num_hidden_layers", Value::from(4), "layers.3"),
        ("patch_size", Value::from(7), "patch_size"),
        ("id2label", serde_json::json!({ "0": "one", "1": "two" }), "id2label"),
    ] {
        let message = convert(&changed(key, value), plain);
        assert!(message.contains(expected), "{message}");
    }
    let message = convert(&config, HfVitOptions { depth: Some(9), ..plain });
    assert!(message.contains("9 blocks"), "{message}");
    let message = convert(&config, HfVitOptions { image_size: Some(30), ..plain });
    assert!(message.contains("multiple"), "{message}");
}

#[test]
fn classes_have_the_originals_names() {
    for checkpoint in converted(&vits()[0], HfVitOptions::default()) {
        let Vocab::Classes { names } = read_header(&checkpoint).unwrap().vocab else {
            panic!("classes")
        };
        assert_eq!(names[0], "LABEL_0");
    }
}
