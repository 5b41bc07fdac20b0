//! Recorded numbers, and what compares a model with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use safetensors::SafeTensors;
use trm_core::Init;
use trm_core::models::vit::Vit;
use trm_spec::{TrainSpec, VariantSpec, VitSpec};
use trm_train::HfVitOptions;
use trm_train::checkpoint::read_header;

/// Shape and numbers by name.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Absolute or relative, whichever is looser.
pub const TOLERANCE: f32 = 1e-4;
/// Of states after many steps: rounding grows with each, and the recorded numbers are
/// up to 7e-5 away from those in f64.
pub const STATES: f32 = 2.5e-4;

pub fn root() -> PathBuf {
    std::env::var_os("TRM_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures"),
        PathBuf::from,
    )
}

/// The folders whose configuration mentions `key`.
pub fn fixtures(key: &str) -> Vec<PathBuf> {
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

pub fn vits() -> Vec<PathBuf> {
    fixtures("\"model_type\": \"vit\"")
}

pub fn heads() -> Vec<PathBuf> {
    fixtures("residual_alpha")
}

pub fn bytes(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn text(path: PathBuf) -> String {
    String::from_utf8(bytes(path)).unwrap()
}

pub fn tensors(file: &[u8]) -> Tensors {
    let file = SafeTensors::deserialize(file).unwrap();
    let number = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            (name, (view.shape().to_vec(), view.data().chunks_exact(4).map(number).collect()))
        })
        .collect()
}

/// Whole numbers of a file.
pub fn integers(file: &SafeTensors<'_>, name: &str) -> (Vec<usize>, Vec<i64>) {
    let view = file.tensor(name).unwrap();
    let number = |b: &[u8]| i64::from_le_bytes(b.try_into().unwrap());
    (view.shape().to_vec(), view.data().chunks_exact(8).map(number).collect())
}

pub fn input<const D: usize>(io: &Tensors, name: &str, device: &Device) -> Tensor<D> {
    let (shape, values) = &io[name];
    Tensor::from_data(TensorData::new(values.clone(), shape.clone()), device)
}

/// Compares numbers and returns the largest difference.
pub fn close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
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

pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().into_data().try_into_vec().unwrap()
}

/// Puts a checkpoint's tensors into a module, or collects gradients by name.
#[derive(Default)]
pub struct Walk {
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

pub fn filled<M: Module>(module: M, checkpoint: &[u8]) -> M {
    let mut walk = Walk { values: tensors(checkpoint), ..Walk::default() };
    let module = module.map(&mut walk);
    assert!(walk.values.is_empty(), "left over: {:?}", walk.values.keys());
    module
}

/// The gradients of all trained parameters; each must have one that is not zero.
pub fn gradients<M: Module>(module: &M, loss: Tensor<1>) -> BTreeMap<String, Vec<f32>> {
    let mut walk = Walk { gradients: Some(loss.backward()), ..Walk::default() };
    module.visit(&mut walk);
    for (name, gradient) in &walk.found {
        assert!(gradient.iter().any(|g| *g != 0.0), "{name} has a gradient of zero");
    }
    walk.found
}

/// Every gradient by the name of its parameter.
pub fn named_gradients<M: Module>(
    module: &M,
    grads: &GradientsParams,
) -> BTreeMap<String, Vec<f32>> {
    struct Visit<'a>(Vec<String>, &'a GradientsParams, BTreeMap<String, Vec<f32>>);
    impl ModuleVisitor for Visit<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.into());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.1.get::<D>(param.id) {
                self.2.insert(self.0.join("."), host(grad));
            }
        }
    }
    let mut visit = Visit(Vec::new(), grads, BTreeMap::new());
    module.visit(&mut visit);
    visit.2
}

pub fn cross_entropy(logits: Tensor<3>, label: i64) -> Tensor<1> {
    let [batch, _, classes] = logits.dims();
    let labels =
        Tensor::<1, Int>::from_data(TensorData::new(vec![label; batch], [batch]), &logits.device());
    trm_kernels::cross_entropy(logits.reshape([batch, classes]), labels).mean()
}

pub fn spec_of_vit(checkpoint: &[u8]) -> (VitSpec, usize) {
    let header = read_header(checkpoint).unwrap();
    let VariantSpec::Vit(spec) = header.config.model else { panic!("a ViT") };
    (spec, header.vocab.size())
}

pub fn vit(checkpoint: &[u8], device: &Device) -> Vit {
    let (spec, classes) = spec_of_vit(checkpoint);
    filled(Vit::new(&spec, classes, &mut Init::new(5, device)), checkpoint)
}

/// `[batch, channels, size, size]` as patches, features in the order channel, row, column.
pub fn patches(pixels: Tensor<4>, patch: usize) -> Tensor<3> {
    let [batch, channels, height, width] = pixels.dims();
    let (rows, columns) = (height / patch, width / patch);
    let pixels: Tensor<6> = pixels.reshape([batch, channels, rows, patch, columns, patch]);
    pixels.permute([0, 2, 4, 1, 3, 5]).reshape([batch, rows * columns, channels * patch * patch])
}

/// The weights of a fixture in both namings, converted.
pub fn converted(folder: &Path, options: HfVitOptions) -> Vec<Vec<u8>> {
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

/// AdamW with the defaults of PyTorch, without decay and clipping.
pub fn plain_adamw() -> TrainSpec {
    TrainSpec {
        beta1: 0.9,
        beta2: 0.999,
        adam_eps: 1e-8,
        weight_decay: 0.0,
        grad_clip: 0.0,
        ..TrainSpec::default()
    }
}
