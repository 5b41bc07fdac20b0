//! What all tests of questions use: a small base, and a small model on it.

use std::rc::Rc;

use burn::tensor::Device;
use trm_data::questions::{QuestionDataset, QuestionKind, QuestionSource};
use trm_data::{Dataset, TextDataset};
use trm_spec::{LlamaSpec, LlmTrmSpec, RunConfig, VariantSpec};
use trm_train::{BaseFile, FrozenLlm, create, open_decoder};

use super::wait;

/// A decoder of characters that has seen the form of questions, and knows no answer.
pub fn base(width: usize) -> Vec<u8> {
    let spec = LlamaSpec {
        hidden_size: width,
        n_layers: 3,
        num_heads: 4,
        num_kv_heads: 2,
        intermediate_size: 2 * width,
        block_size: 256,
        ..LlamaSpec::default()
    };
    let mut config = RunConfig { model: spec.into(), ..RunConfig::default() };
    config.train.batch_size = 2;
    config.train.max_iters = 60;
    config.train.learning_rate = 5e-3;
    config.train.warmup_iters = 0;
    // The last character ends an answer.
    let form = "Question: The ball is under cup A. Swap B and C. Which cup?\nAnswer: A~\n";
    let text: String = (' '..='~').chain(form.repeat(60).chars()).collect();
    let text = TextDataset::from_text("forms", &text, 0.1).unwrap();
    let mut run = create(&config, text, &Device::flex()).unwrap();
    wait(run.steps(60)).unwrap();
    wait(run.export(serde_json::Value::Null)).unwrap()
}

/// Small sizes on a small base.
pub fn config() -> RunConfig {
    let spec = LlmTrmSpec {
        cut: 1,
        num_latents: 6,
        window: 4,
        hidden_size: 32,
        num_heads: 2,
        n_layers: 1,
        intermediate_size: 64,
        h_cycles: 2,
        l_cycles: 2,
        supervision_steps: 2,
        fourier_bands: 4,
        lora_rank: 2,
        ..LlmTrmSpec::default()
    };
    let mut config = RunConfig { model: spec.into(), ..RunConfig::default() };
    config.data.dataset = "cups".into();
    config.data.num_questions = 40;
    config.data.num_val_questions = 12;
    config.data.min_difficulty = 1;
    config.data.max_difficulty = 3;
    config.train.batch_size = 8;
    config.train.max_iters = 60;
    config.train.learning_rate = 3e-3;
    config.train.warmup_iters = 0;
    config.train.halt_loss_weight = 0.5;
    config
}

/// The compressor reads the question one layer below the cut.
pub fn compressed_below() -> RunConfig {
    let mut config = config();
    let VariantSpec::LlmTrm(spec) = &mut config.model else { unreachable!() };
    (spec.cut, spec.compressor_layer) = (2, 1);
    config
}

/// The questions of a configuration.
pub fn questions(config: &RunConfig) -> Dataset {
    let source = QuestionSource::Generated(QuestionKind::Cups);
    Dataset::Questions(QuestionDataset::load(&source, &config.data, config.train.seed).unwrap())
}

/// A base that is open.
pub fn opened(bytes: &[u8]) -> Rc<FrozenLlm> {
    Rc::new(open_decoder(BaseFile { name: "open.gguf", bytes }, &Device::flex(), None).unwrap())
}
