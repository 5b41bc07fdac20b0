//! The recorded numbers of LLM-TRM, and the model that they were recorded from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use trm_core::Init;
use trm_core::models::llama::Llama;
use trm_core::models::llm_trm::{FrozenDecoder, LlmTrm, QuestionRows};
use trm_spec::{LlamaSpec, LlmTrmSpec, VariantSpec};
use trm_train::checkpoint::read_header;

use crate::support::fixtures::{
    Tensors, bytes, close, filled, fixtures, integers, root, tensors, text,
};

pub const TOLERANCE: f32 = 1e-4;
/// After several steps, each of which lets rounding grow: the reference itself, in f32 on
/// another machine, is 1e-4 (states) and 3e-4 (logits) away from its numbers in f64 after
/// three steps.
pub const AFTER_STEPS: f32 = 1e-3;

pub fn folders() -> Vec<PathBuf> {
    fixtures("\"lora_alpha\"")
}

/// The decoder that a folder was recorded on: the one of its width.
fn decoder(width: usize) -> (Llama, LlamaSpec) {
    for folder in fixtures("\"model_type\": \"llama\"") {
        if !folder.join("model.safetensors").exists() {
            continue;
        }
        let weights = [bytes(folder.join("model.safetensors"))];
        let config = text(folder.join("config.json"));
        let checkpoint = trm_train::hf_llama(&weights, &config, None, &Device::flex()).unwrap();
        let header = read_header(&checkpoint).unwrap();
        let VariantSpec::Llama(spec) = header.config.model else { panic!("a decoder") };
        if spec.hidden_size == width {
            let empty = Llama::new(&spec, header.vocab.size(), &mut Init::new(3, &Device::flex()));
            return (filled(empty, &checkpoint), spec);
        }
    }
    panic!("no decoder of width {width} in {}", root().display());
}

pub struct Fixture {
    pub spec: LlmTrmSpec,
    pub steps: usize,
    pub base: FrozenDecoder,
    pub weights: Vec<u8>,
    pub io: Tensors,
    pub whole: BTreeMap<String, (Vec<usize>, Vec<i64>)>,
}

impl Fixture {
    pub fn open(folder: &Path) -> Self {
        let config: Value = serde_json::from_str(&text(folder.join("config.json"))).unwrap();
        let size = |key: &str| config[key].as_u64().unwrap() as usize;
        let number = |key: &str| config[key].as_f64().unwrap();
        let (llama, decoder) = decoder(size("D"));
        let spec = LlmTrmSpec {
            cut: size("cut"),
            num_latents: size("M"),
            window: size("window"),
            hidden_size: size("d"),
            num_heads: size("heads"),
            n_layers: size("blocks"),
            intermediate_size: size("inner"),
            h_cycles: size("T"),
            l_cycles: size("n"),
            supervision_steps: size("steps"),
            fourier_bands: size("bands"),
            fourier_longest: number("longest"),
            soft_scale: number("scale"),
            lora_rank: size("lora_r"),
            lora_alpha: number("lora_alpha"),
            base_hidden_size: decoder.hidden_size,
            base_layers: decoder.n_layers,
            base_query_size: decoder.num_heads * decoder.head_dim(),
            base_kv_size: decoder.num_kv_heads * decoder.head_dim(),
            base_block_size: decoder.block_size,
            ..LlmTrmSpec::default()
        };
        let io = bytes(folder.join("io.safetensors"));
        let file = SafeTensors::deserialize(&io).unwrap();
        let whole = ["question", "question_mask", "answer", "answer_mask", "labels"]
            .map(|name| (name.to_owned(), integers(&file, name)));
        Self {
            weights: renamed(&bytes(folder.join("model.safetensors")), &spec),
            io: floats(&io),
            whole: whole.into(),
            steps: spec.supervision_steps,
            base: FrozenDecoder::new(llama),
            spec,
        }
    }

    pub fn model(&self, device: &Device) -> LlmTrm {
        let fresh = LlmTrm::new(&self.spec, &self.base, None, &mut Init::new(1, device));
        filled(fresh, &self.weights)
    }

    pub fn tokens(&self, name: &str) -> Tensor<2, Int> {
        let (shape, values) = &self.whole[name];
        Tensor::from_data(TensorData::new(values.clone(), shape.clone()), &Device::flex())
    }

    pub fn lengths(&self, mask: &str) -> Vec<usize> {
        let (shape, values) = &self.whole[mask];
        values.chunks(shape[1]).map(|row| row.iter().sum::<i64>() as usize).collect()
    }

    pub fn rows(&self) -> QuestionRows {
        QuestionRows::new(self.lengths("question_mask"), self.lengths("answer_mask"))
    }

    pub fn close(&self, name: &str, found: &[f32]) {
        close(name, found, &self.io[name].1, TOLERANCE);
    }

    pub fn close_after_steps(&self, name: &str, found: &[f32]) {
        close(name, found, &self.io[name].1, AFTER_STEPS);
    }

    /// 1 where a token of `[<think> | answer]` is no padding, by row.
    pub fn answered(&self) -> Vec<f32> {
        let (shape, mask) = &self.whole["answer_mask"];
        let rows = mask.chunks(shape[1]);
        rows.flat_map(|row| std::iter::once(1.0).chain(row.iter().map(|m| *m as f32))).collect()
    }
}

/// The tensors of 32-bit floats.
fn floats(file: &[u8]) -> Tensors {
    let parsed = SafeTensors::deserialize(file).unwrap();
    let is_float = |name: &str| parsed.tensor(name).unwrap().dtype() == Dtype::F32;
    tensors(file).into_iter().filter(|(name, _)| is_float(name)).collect()
}

/// A recorded name as the model has it.
pub fn name_of(name: &str, spec: &LlmTrmSpec) -> String {
    let Some(rest) = name.strip_prefix("lora.model.layers.") else { return name.into() };
    let (layer, rest) = rest.split_once('.').unwrap();
    let (map, part) = rest.strip_prefix("self_attn.").unwrap().split_once('.').unwrap();
    let layer = layer.parse::<usize>().unwrap() - spec.cut;
    format!("lora.layers.{layer}.{map}.lora_{part}.weight")
}

/// The weights under the model's names, with states that are standard already.
fn renamed(file: &[u8], spec: &LlmTrmSpec) -> Vec<u8> {
    let width = spec.base_hidden_size;
    let mut all: Tensors =
        tensors(file).into_iter().map(|(name, value)| (name_of(&name, spec), value)).collect();
    all.insert("state_mean".into(), (vec![width], vec![0.0; width]));
    all.insert("state_std".into(), (vec![width], vec![1.0; width]));
    // The frozen decoder has it: the mean of all embeddings.
    all.remove("think.input");
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = all
        .into_iter()
        .map(|(name, (shape, values))| {
            (name, shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name.as_str(), view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}
