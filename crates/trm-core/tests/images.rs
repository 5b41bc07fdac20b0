//! Image models against recorded numbers of the originals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use trm_core::models::trm::DualState;
use trm_core::models::trm_vit::TrmVit;
use trm_core::models::vit::Vit;
use trm_core::{Engine, Init, Recursive};
use trm_spec::{StateStart, TrmVitSpec, VitSpec};

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn folder(name: &str) -> PathBuf {
    std::env::var_os("TRM_FIXTURES")
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures"),
            PathBuf::from,
        )
        .join(name)
}

fn read(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            let numbers = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                .collect();
            (name, (view.shape().to_vec(), numbers))
        })
        .collect()
}

struct Fill {
    path: Vec<String>,
    values: Tensors,
}

impl ModuleMapper for Fill {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let (_, values) = self.values.remove(&name).unwrap_or_else(|| panic!("{name}"));
        param.map(|old| Tensor::from_data(TensorData::new(values, old.dims()), &old.device()))
    }
}

fn join(weights: &mut Tensors, parts: &[String], into: &str) {
    let mut all = (vec![0], Vec::new());
    for part in parts {
        let (shape, values) = weights.remove(part).unwrap_or_else(|| panic!("{part}"));
        all.0 = vec![all.0[0] + shape[0]];
        all.1.extend(values);
    }
    weights.insert(into.into(), all);
}

fn rank3(tensors: &Tensors, name: &str) -> Tensor<3> {
    let (shape, values) = &tensors[name];
    Tensor::from_data(TensorData::new(values.clone(), shape.clone()), &Device::flex())
}

fn close<const D: usize>(what: &str, found: Tensor<D>, tensors: &Tensors) {
    let found: Vec<f32> = found.into_data().try_into_vec().unwrap();
    let expected = &tensors[what].1;
    assert_eq!(found.len(), expected.len());
    if let Ok(dir) = std::env::var("DUMP") {
        std::fs::write(
            format!("{dir}/{what}.f32"),
            found.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>(),
        )
        .unwrap();
    }
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{what}: {worst:e}");
    assert!(worst < 1e-3, "{what}: {worst}");
}

#[test]
fn trm_vit() {
    let folder = folder("trm_vit_head");
    let mut weights = read(&folder.join("weights.safetensors"));
    let io = read(&folder.join("io.safetensors"));
    let spec = TrmVitSpec {
        vit_depth: 2,
        feature_size: 16,
        feature_tokens: 197,
        hidden_size: 24,
        state_start: StateStart::Zero,
        ..TrmVitSpec::default()
    };
    for (i, part) in ["token_mlp", "mlp"].into_iter().enumerate() {
        for end in ["weight", "bias"] {
            let old = |name: &str| format!("backbone.{i}.{name}.{end}");
            join(
                &mut weights,
                &[old("linearIn"), old("gate")],
                &format!("blocks.0.{part}.gate_up_proj.{end}"),
            );
            join(&mut weights, &[old("linearOut")], &format!("blocks.0.{part}.down_proj.{end}"));
            if i == 0 {
                join(&mut weights, &[format!("patchifier.1.{end}")], &format!("patchifier.{end}"));
            }
        }
    }
    join(&mut weights, &["a".into()], "alpha");
    let model = TrmVit::new(&spec, 10, &mut Init::zeros(&Device::flex()));
    let model = model.map(&mut Fill { path: vec![], values: weights });
    let context = model.encode(&rank3(&io, "vit_hidden"));
    for (n, t) in [(6, 4), (2, 1)] {
        let model = model.with_inner_steps(n);
        let start = DualState { y: rank3(&io, "y0"), z: rank3(&io, "z0") };
        let end = Engine::new(t).run(&model, &context, start, |_, _| {});
        close(&format!("n{n}T{t}.y"), end.y.clone(), &io);
        close(&format!("n{n}T{t}.z"), end.z.clone(), &io);
        close(&format!("n{n}T{t}.logits"), model.read(&end).logits, &io);
    }
}

/// `[batch, channels, size, size]` as patches.
fn patches(io: &Tensors, patch: usize) -> Tensor<3> {
    let (shape, values) = &io["pixel_values"];
    let [b, c, h, w] = shape[..] else { panic!("{shape:?}") };
    let image: Tensor<4> =
        Tensor::from_data(TensorData::new(values.clone(), [b, c, h, w]), &Device::flex());
    let (rows, columns) = (h / patch, w / patch);
    let image: Tensor<6> = image.reshape([b, c, rows, patch, columns, patch]);
    image.permute([0, 2, 4, 1, 3, 5]).reshape([b, rows * columns, c * patch * patch])
}

#[test]
fn vit() {
    let folder = folder("vit_tiny");
    let mut weights: Tensors = read(&folder.join("weights.safetensors"))
        .into_iter()
        .map(|(name, value)| (name.trim_start_matches("vit.").to_string(), value))
        .collect();
    let io = read(&folder.join("io.safetensors"));
    for end in ["weight", "bias"] {
        for i in 0..3 {
            let old = |name: &str| format!("layers.{i}.attention.{name}.{end}");
            join(&mut weights, &["q_proj", "k_proj", "v_proj"].map(old), &old("qkv_proj"));
        }
        join(
            &mut weights,
            &[format!("embeddings.patch_embeddings.projection.{end}")],
            &format!("embeddings.patch_embeddings.{end}"),
        );
    }
    let spec = VitSpec {
        image_size: 32,
        num_channels: 3,
        patch_size: 8,
        hidden_size: 32,
        n_layers: 3,
        num_heads: 4,
        intermediate_size: 64,
        layer_norm_eps: 1e-12,
        dropout: 0.0,
    };
    let model = Vit::new(&spec, 10, &mut Init::zeros(&Device::flex()));
    let model = model.map(&mut Fill { path: vec![], values: weights });
    let patches = patches(&io, 8);
    for (i, state) in model.hidden_states(patches.clone(), 3).into_iter().enumerate() {
        close(&format!("hidden_states.{i}"), state, &io);
    }
    let context = model.encode(&patches);
    let end = Engine::new(1).run(&model, &context, model.start(&context), |_, _| {});
    close("logits", model.read(&end).logits, &io);
}
