//! Decoders of the Llama architecture against numbers recorded from the original program.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;
use trm_core::models::llama::Llama;
use trm_core::{Engine, Init, Recursive};
use trm_spec::{GenerateOptions, LlamaSpec, VariantSpec, Vocab};
use trm_train::checkpoint::read_header;
use trm_train::{Generation, Overflow, Run, TraceRequest};

use crate::support::fixtures::{bytes, filled, fixtures, host, integers, root, tensors, text};
use crate::support::wait;

/// Absolute.
const TOLERANCE: f32 = 1e-4;

pub fn decoders() -> Vec<PathBuf> {
    let found = fixtures("\"model_type\": \"llama\"").into_iter().filter(|folder| {
        let io = bytes(folder.join("io.safetensors"));
        let io = SafeTensors::deserialize(&io).unwrap();
        folder.join("model.safetensors").exists() && io.tensor("right.logits").is_ok()
    });
    let found: Vec<_> = found.collect();
    assert!(!found.is_empty(), "no decoder in {}", root().display());
    found
}

pub fn close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) -> f32 {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "{what}: largest difference {worst:.1e}");
    worst
}

pub fn convert(folder: &Path) -> Vec<u8> {
    let weights = [bytes(folder.join("model.safetensors"))];
    trm_train::hf_llama(&weights, &text(folder.join("config.json")), None, &Device::flex()).unwrap()
}

pub fn spec_of(checkpoint: &[u8]) -> (LlamaSpec, usize) {
    let header = read_header(checkpoint).unwrap();
    let VariantSpec::Llama(spec) = header.config.model else { panic!("a decoder") };
    (spec, header.vocab.size())
}

fn model(checkpoint: &[u8], device: &Device) -> Llama {
    let (spec, vocab) = spec_of(checkpoint);
    filled(Llama::new(&spec, vocab, &mut Init::new(3, device)), checkpoint)
}

pub fn load(checkpoint: &[u8]) -> Box<dyn Run> {
    trm_train::load(checkpoint, None, None, &Device::flex()).unwrap()
}

/// Logits after each token of one row.
pub fn logits(checkpoint: &[u8], row: &[u32]) -> Vec<Vec<f32>> {
    let request =
        TraceRequest { tokens: vec![row.to_vec()], depth: 1, logits: true, ..Default::default() };
    let mut trace = wait(load(checkpoint).trace(&request)).unwrap();
    trace.steps.remove(0).logits.unwrap().remove(0)
}

#[test]
fn a_decoder_has_its_hidden_states_and_logits() {
    for folder in decoders() {
        let (file, checkpoint) = (bytes(folder.join("io.safetensors")), convert(&folder));
        let (io, file) = (tensors(&file), SafeTensors::deserialize(&file).unwrap());
        let (spec, _) = spec_of(&checkpoint);
        let mut worst = [0f32; 2];
        for side in ["right", "left"] {
            let (shape, ids) = integers(&file, &format!("{side}.input_ids"));
            let (_, mask) = integers(&file, &format!("{side}.attention_mask"));
            for row in 0..shape[0] {
                let all = row * shape[1]..(row + 1) * shape[1];
                let real: Vec<usize> = all.filter(|at| mask[*at] == 1).collect();
                let row: Vec<i64> = real.iter().map(|at| ids[*at]).collect();
                let at_real = |name: &str| -> Vec<f32> {
                    let (shape, numbers) = &io[&format!("{side}.{name}")];
                    let width = shape[2];
                    real.iter().flat_map(|at| &numbers[at * width..][..width]).copied().collect()
                };
                for device in [Device::flex(), Device::flex().autodiff()] {
                    let model = model(&checkpoint, &device);
                    let data = TensorData::new(row.clone(), [1, row.len()]);
                    let tokens = Tensor::<2, Int>::from_data(data, &device);
                    let states = model.hidden_states(tokens.clone());
                    assert_eq!(states.len(), spec.n_layers + 1);
                    for (layer, state) in states.into_iter().enumerate() {
                        let mut name = format!("hidden.{layer}");
                        if layer == spec.n_layers {
                            let normed = host(model.normed(state.clone()));
                            let wanted = at_real(&format!("{name}_after_norm"));
                            close("after the norm", &normed, &wanted, TOLERANCE);
                            name.push_str("_before_norm");
                        }
                        let found = host(state);
                        worst[0] = worst[0].max(close(&name, &found, &at_real(&name), TOLERANCE));
                    }
                    let context = model.encode(&tokens);
                    let start = model.start(&context);
                    let end = Engine::new(1).run(&model, &context, start, |_, _| {});
                    let found = host(model.read(&end).logits);
                    worst[1] = worst[1].max(close("logits", &found, &at_real("logits"), TOLERANCE));
                }
            }
        }
        println!("{}: hidden {:.1e}, logits {:.1e}", folder.display(), worst[0], worst[1]);
    }
}

#[test]
fn a_decoder_continues_with_its_cache_as_the_original_does() {
    for folder in decoders() {
        let file = bytes(folder.join("io.safetensors"));
        let file = SafeTensors::deserialize(&file).unwrap();
        let checkpoint = convert(&folder);
        let (shape, ids) = integers(&file, "right.input_ids");
        let (_, mask) = integers(&file, "right.attention_mask");
        for row in 0..shape[0] {
            let all = row * shape[1]..(row + 1) * shape[1];
            let prompt: Vec<u32> =
                all.filter(|at| mask[*at] == 1).map(|at| ids[at] as u32).collect();
            let (_, wanted) = integers(&file, &format!("greedy.row{row}"));
            let options = GenerateOptions {
                prompt: String::new(),
                depth: 1,
                draft_depth: 0,
                temperature: 0.0,
                top_k: 0,
                seed: 1,
                max_new_tokens: wanted.len(),
            };
            let vocab = Vocab::Plain { size: spec_of(&checkpoint).1 };
            let model = model(&checkpoint, &Device::flex());
            let mut stream = Generation::new(model, &vocab, prompt, &options, Overflow::Half);
            let found = wait(trm_train::TextStream::pull(&mut stream, wanted.len(), false));
            let found: Vec<i64> = found.unwrap().tokens.into_iter().map(i64::from).collect();
            assert_eq!(found, wanted, "row {row}");
        }
    }
}
