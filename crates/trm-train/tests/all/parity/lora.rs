//! Low-rank adapters against numbers recorded from the library peft, for every recorded folder
//! of its form. `TRM_FIXTURES` may name another place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::fixtures::{
    Tensors, bytes, close, filled, gradients, host, integers, plain_adamw, root, tensors, text,
};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::Value;
use trm_core::Init;
use trm_core::layers::{Adapters, AttentionLora, LoraSpec, Placement};
use trm_core::models::llama::Llama;
use trm_spec::{LlamaSpec, VariantSpec};
use trm_train::checkpoint::read_header;
use trm_train::{BaseFile, Updates, collect, merge_lora};

const TOLERANCE: f32 = 1e-4;

/// Changes shape and numbers of a tensor by its name; whether it is kept.
type Change<'a> = dyn Fn(&str, &mut Vec<usize>, &mut Vec<f32>) -> bool + 'a;

struct Fixture {
    folder: PathBuf,
    lora: LoraSpec,
    base: Vec<u8>,
    spec: LlamaSpec,
    io: Tensors,
    ids: (Vec<usize>, Vec<i64>),
    labels: Vec<i64>,
}

fn fixtures() -> Vec<Fixture> {
    let found: Vec<_> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("adapter_config.json").exists())
        .map(|path| Fixture::open(&path))
        .collect();
    assert!(!found.is_empty(), "no adapter in {}", root().display());
    found
}

impl Fixture {
    fn open(folder: &Path) -> Self {
        let config: Value =
            serde_json::from_str(&text(folder.join("adapter_config.json"))).unwrap();
        // The folder of the decoder is named as peft names it.
        let decoder = root().join(config["base_model_name_or_path"].as_str().unwrap());
        let weights = [bytes(decoder.join("model.safetensors"))];
        let described = text(decoder.join("config.json"));
        let base = trm_train::hf_llama(&weights, &described, None, &Device::flex()).unwrap();
        let VariantSpec::Llama(spec) = read_header(&base).unwrap().config.model else {
            panic!("a decoder")
        };
        let io = bytes(folder.join("io.safetensors"));
        let file = SafeTensors::deserialize(&io).unwrap();
        let floats = tensors(&io)
            .into_iter()
            .filter(|(name, _)| file.tensor(name).unwrap().dtype() == safetensors::Dtype::F32);
        Self {
            folder: folder.into(),
            lora: LoraSpec {
                rank: config["r"].as_u64().unwrap() as usize,
                alpha: config["lora_alpha"].as_f64().unwrap(),
                dropout: 0.0,
            },
            io: floats.collect(),
            ids: integers(&file, "input_ids"),
            labels: integers(&file, "labels").1,
            base,
            spec,
        }
    }

    fn llama(&self, bytes: &[u8]) -> Llama {
        let vocab = read_header(bytes).unwrap().vocab.size();
        let empty = Llama::new(&self.spec, vocab, &mut Init::new(3, &Device::flex()));
        filled(empty, bytes)
    }

    /// The recorded adapters on a device with autodiff.
    fn adapters(&self) -> Adapters {
        let (spec, device) = (&self.spec, Device::flex().autodiff());
        let (q, kv) = (spec.num_heads * spec.head_dim(), spec.num_kv_heads * spec.head_dim());
        let mut init = Init::new(1, &device);
        let layer = |_| AttentionLora::new(spec.hidden_size, q, kv, self.lora, &mut init);
        let fresh = Adapters { layers: (0..spec.n_layers).map(layer).collect() };
        let weights = tensors(&bytes(self.folder.join("adapter_model.safetensors")));
        let stored: Vec<(String, Vec<usize>, Vec<u8>)> = weights
            .into_iter()
            .map(|(name, (shape, values))| {
                (ours(&name), shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
            })
            .collect();
        let views = stored.iter().map(|(name, shape, bytes)| {
            let dtype = safetensors::Dtype::F32;
            (
                name.as_str(),
                safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes).unwrap(),
            )
        });
        filled(fresh, &safetensors::serialize(views, None).unwrap())
    }

    fn tokens(&self) -> Tensor<2, Int> {
        let (shape, ids) = &self.ids;
        Tensor::from_data(TensorData::new(ids.clone(), shape.clone()), &Device::flex())
    }

    fn logits(&self, llama: &Llama, adapters: Option<&Adapters>) -> Tensor<3> {
        let [rows, seq] = self.tokens().dims();
        let positions: Vec<i32> = (0..rows * seq).map(|at| (at % seq) as i32).collect();
        let device = Device::flex();
        let positions = Tensor::from_data(TensorData::new(positions, [rows, seq]), &device);
        // Padding is on the right, so that the causal mask hides it.
        let mask: Vec<f32> = (0..rows * seq * seq)
            .map(|at| if at % seq > at / seq % seq { f32::NEG_INFINITY } else { 0.0 })
            .collect();
        let mask = Tensor::from_data(TensorData::new(mask, [rows, 1, seq, seq]), &device);
        let placement = Placement::new(llama.rope(), positions, mask);
        let x = llama.embed(self.tokens());
        let (x, _) = llama.run_layers(0..self.spec.n_layers, x, &placement, None, adapters);
        llama.logits(llama.normed(x))
    }

    /// The mean loss of the next scored tokens.
    fn loss(&self, logits: Tensor<3>) -> Tensor<1> {
        let [rows, seq, classes] = logits.dims();
        let next: Vec<i64> = self
            .labels
            .chunks(seq)
            .flat_map(|row| row[1..].iter().copied().chain([-1]))
            .map(|label| label.max(-1))
            .collect();
        let scored = next.iter().filter(|label| **label >= 0).count();
        let data = TensorData::new(next, [rows * seq]);
        let labels = Tensor::<1, Int>::from_data(data, &logits.device());
        let losses = trm_kernels::cross_entropy(logits.reshape([rows * seq, classes]), labels);
        losses.sum().div_scalar(scored as f64)
    }
}

/// A name of peft's as our adapters have it.
fn ours(name: &str) -> String {
    let rest = name.strip_prefix("base_model.model.model.").unwrap_or(name);
    rest.replace(".self_attn.", ".")
}

#[test]
fn logits_losses_gradients_and_updates_are_the_recorded_ones() {
    for fixture in fixtures() {
        let llama = fixture.llama(&fixture.base).no_grad();
        let mut adapters = fixture.adapters();
        let logits = host(fixture.logits(&llama, Some(&adapters)));
        let (_, wanted) = &fixture.io["logits"];
        // Recorded as zero where there is padding.
        let classes = read_header(&fixture.base).unwrap().vocab.size();
        let real = logits
            .chunks(classes)
            .zip(wanted.chunks(classes))
            .filter(|(_, row)| row.iter().any(|x| *x != 0.0));
        let (found, wanted): (Vec<_>, Vec<_>) = real.unzip();
        close("logits", &found.concat(), &wanted.concat(), TOLERANCE);

        let train = plain_adamw();
        let mut updates = Updates::default();
        let (_, losses) = fixture.io["losses"].clone();
        for (number, wanted) in (1..).zip(&losses) {
            let loss = fixture.loss(fixture.logits(&llama, Some(&adapters)));
            close("loss", &host(loss.clone()), &[*wanted], TOLERANCE);
            if number == 1 {
                let again = fixture.loss(fixture.logits(&llama, Some(&adapters)));
                let found = gradients(&adapters, again);
                let recorded = |name: &str| name.strip_prefix("grad.").map(ours);
                let mut compared = 0;
                for (name, (_, wanted)) in &fixture.io {
                    let Some(name) = recorded(name) else { continue };
                    close(&name, &found[&name], wanted, TOLERANCE);
                    compared += 1;
                }
                assert_eq!(compared, found.len());
            }
            let grads = GradientsParams::from_grads(loss.backward(), &adapters);
            adapters = updates.update(adapters, grads, &train, 1e-2, 1.0, &Device::flex());
            let after = format!("after{number}.");
            let found: BTreeMap<String, Vec<f32>> = collect(&adapters)
                .into_iter()
                .map(|named| (named.name, named.values.into_data().try_into_vec().unwrap()))
                .collect();
            for (name, (_, wanted)) in &fixture.io {
                if let Some(name) = name.strip_prefix(&after) {
                    // AdamW divides by the size of a gradient: where that is nearly zero,
                    // rounding decides its sign, and a weight moves by the learning rate.
                    let found = &found[&ours(name)];
                    let far: f32 = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).sum();
                    let mean = far / wanted.len() as f32;
                    assert!(mean < 2e-4, "{name} after {number} updates: {mean:.1e}");
                }
            }
        }
    }
}

#[test]
fn merged_weights_are_the_decoder_with_its_adapters() {
    for fixture in fixtures() {
        let weights = bytes(fixture.folder.join("adapter_model.safetensors"));
        let config = text(fixture.folder.join("adapter_config.json"));
        let base = BaseFile { name: "base.safetensors", bytes: &fixture.base };
        let merged = merge_lora(&weights, &config, base, &Device::flex()).unwrap();
        let merged = fixture.logits(&fixture.llama(&merged), None);
        let llama = fixture.llama(&fixture.base).no_grad();
        let adapted = fixture.logits(&llama, Some(&fixture.adapters()));
        close("merged", &host(merged), &host(adapted), TOLERANCE);

        let refused = |weights: &[u8], config: &str| {
            merge_lora(weights, config, base, &Device::flex()).unwrap_err().message
        };
        let other = config.replace("\"LORA\"", "\"IA3\"");
        assert!(refused(&weights, &other).contains("IA3"));
        let dora = config.replace("\"use_dora\": false", "\"use_dora\": true");
        assert!(refused(&weights, &dora).contains("DoRA"));
        let rank = config.replace("\"r\": 4", "\"r\": 5");
        assert!(rank == config || refused(&weights, &rank).contains("r = 5"));
        assert!(refused(&weights[..weights.len() / 2], &config).contains("safetensors"));
        let written = |change: &Change<'_>| {
            let mut kept = tensors(&weights);
            kept.retain(|name, (shape, numbers)| change(name, shape, numbers));
            let kept: Vec<_> = kept
                .into_iter()
                .map(|(name, (shape, numbers))| {
                    let data: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
                    (name, shape, data)
                })
                .collect();
            let views = kept.iter().map(|(name, shape, data)| {
                (name, TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap())
            });
            safetensors::serialize(views, None).unwrap()
        };
        assert!(refused(&written(&|_, _, _| false), &config).contains("no weights"));
        let without_a =
            written(&|name, _, _| !name.ends_with("layers.0.self_attn.q_proj.lora_A.weight"));
        assert!(refused(&without_a, &config).contains("lora_A.weight` of the adapter is missing"));
        let broken = written(&|_, _, numbers| {
            numbers[0] = f32::NAN;
            true
        });
        assert!(refused(&broken, &config).contains("NaN"));
        // Of a decoder with other heads: its rows would lie in those of the queries and values.
        for change in [-1, 1] {
            let other = written(&|name, shape, numbers| {
                if name.ends_with("k_proj.lora_B.weight") {
                    shape[0] = shape[0].checked_add_signed(change * 4).unwrap();
                    numbers.resize(shape[0] * shape[1], 0.5);
                }
                true
            });
            assert!(refused(&other, &config).contains("k_proj` is ["));
        }
        // Weights in one row, which have no columns.
        let file = SafeTensors::deserialize(&fixture.base).unwrap();
        let (_, header) = SafeTensors::read_metadata(&fixture.base).unwrap();
        let flat = file.tensors().into_iter().map(|(name, view)| {
            let numbers = view.shape().iter().product();
            let view = TensorView::new(view.dtype(), vec![numbers], view.data()).unwrap();
            (name, view)
        });
        let flat = safetensors::serialize(flat, header.metadata().clone()).unwrap();
        let base = BaseFile { name: "flat.safetensors", bytes: &flat };
        let message = merge_lora(&weights, &config, base, &Device::flex()).unwrap_err().message;
        assert!(message.contains("flat.safetensors has ["), "{message}");
    }
}
