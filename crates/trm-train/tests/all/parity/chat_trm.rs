//! Parity with the original Chat-TRM: every folder of fixtures with a
//! `config.json` and `io.safetensors` of its form is reproduced.

use std::path::{Path, PathBuf};

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_core::models::chat_trm::ChatTrm;
use trm_core::{Autoregressive, Engine, Init, Recursive};
use trm_data::Batch;
use trm_spec::{ChatTrmSpec, Decay, GenerateOptions, Objective, TrainSpec, Vocab};
use trm_train::{Generation, LanguageTask, Overflow, TextStream, TraceRequest, Updates, collect};

use super::numbers::{Numbers, TOLERANCE, close, fill, read};
use crate::support::fixtures::{fixtures, host, named_gradients};

/// Other systems have fixtures of other forms beside these.
const FORM: &str = "recursion_steps";

struct Fixture {
    spec: ChatTrmSpec,
    vocab: usize,
    io: Numbers,
    path: PathBuf,
    checkpoint: Vec<u8>,
}

impl Fixture {
    fn open(path: &Path) -> Self {
        let config = std::fs::read_to_string(path.join("config.json")).unwrap();
        let weights = std::fs::read(path.join("weights.safetensors")).unwrap();
        let checkpoint = trm_train::chat_trm(&weights, &config, &Device::flex()).unwrap();
        let header = trm_train::checkpoint::read_header(&checkpoint).unwrap();
        let trm_spec::VariantSpec::ChatTrm(spec) = header.config.model else { panic!("chat_trm") };
        Self {
            spec,
            vocab: header.vocab.size(),
            io: read(&path.join("io.safetensors")),
            path: path.to_path_buf(),
            checkpoint,
        }
    }

    fn model(&self, device: &Device) -> ChatTrm {
        let weights = read(&self.path.join("weights.safetensors"));
        let mut init = Init::new(0, device);
        fill(ChatTrm::new(&self.spec, self.vocab, &mut init), &weights, str::to_owned)
    }

    fn tokens(&self, name: &str, device: &Device) -> Tensor<2, Int> {
        let values: Vec<i32> = self.io[name].iter().map(|&x| x as i32).collect();
        let length = if name.starts_with("short") { values.len() } else { self.spec.block_size };
        let rows = values.len() / length;
        Tensor::from_data(TensorData::new(values, [rows, length]), device)
    }

    fn batch(&self) -> Batch {
        // -1 marks targets that do not count, in the original as here.
        let values =
            |name: &str| self.io[name].iter().map(|&x| x as i64 as u32).collect::<Vec<_>>();
        let inputs = values("idx");
        Batch {
            batch_size: inputs.len() / self.spec.block_size,
            block_size: self.spec.block_size,
            inputs,
            targets: values("targets"),
        }
    }
}

fn original_objective(fixture: &Fixture) -> (LanguageTask<ChatTrm>, TrainSpec) {
    let train = TrainSpec {
        objective: Objective::LastCycle,
        decay: Decay::All,
        learning_rate: 1e-3,
        beta1: 0.9,
        beta2: 0.99,
        weight_decay: 0.1,
        grad_clip: 1.0,
        ..TrainSpec::default()
    };
    (LanguageTask::new(fixture.spec.recursion_steps, &train), train)
}

#[test]
fn logits_of_every_cycle() {
    for path in fixtures(FORM) {
        let fixture = Fixture::open(&path);
        let device = Device::flex();
        let model = fixture.model(&device);
        let x = model.encode(&fixture.tokens("idx", &device));
        let depth = fixture.spec.recursion_steps;
        let mut steps = 0;
        let end = Engine::new(depth).run(&model, &x, model.start(&x), |step, state| {
            let name = format!("recursion_logits.{}", step - 1);
            close(&name, &host(model.read(state).logits), &fixture.io[&name], TOLERANCE);
            steps += 1;
        });
        assert_eq!(steps, depth);
        close("logits", &host(model.read(&end).logits), &fixture.io["logits"], TOLERANCE);

        let x = model.encode(&fixture.tokens("short_idx", &device));
        let end = Engine::new(depth).run(&model, &x, model.start(&x), |_, _| {});
        close("short", &host(model.read(&end).logits), &fixture.io["short_logits"], TOLERANCE);
    }
}

#[test]
fn loss_and_every_gradient() {
    for path in fixtures(FORM) {
        let fixture = Fixture::open(&path);
        let model = fixture.model(&Device::flex().autodiff());
        let (task, _) = original_objective(&fixture);
        let losses = task.losses(&model, &fixture.batch(), fixture.spec.recursion_steps, &|_| {});
        close("loss", &host(losses.last.inner()), &fixture.io["loss"], TOLERANCE);
        let grads = GradientsParams::from_grads(losses.objective.backward(), &model);
        let found = named_gradients(&model, &grads);
        let expected = read(&path.join("grads.safetensors"));
        assert!(found.keys().eq(expected.keys()), "names: {:?}", found.keys());
        for (name, grad) in &found {
            close(name, grad, &expected[name], TOLERANCE);
        }
        let norm = found.values().flatten().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        close("norm", &[norm as f32], &fixture.io["grad_norm_before_clip"], TOLERANCE);
    }
}

#[test]
fn weights_after_three_updates() {
    for path in fixtures(FORM) {
        let fixture = Fixture::open(&path);
        let device = Device::flex();
        let mut model = fixture.model(&device.clone().autodiff());
        let (task, train) = original_objective(&fixture);
        let mut optimizer = Updates::default();
        let depth = fixture.spec.recursion_steps;
        for _ in 0..3 {
            let losses = task.losses(&model, &fixture.batch(), depth, &|_| {});
            let grads = GradientsParams::from_grads(losses.objective.backward(), &model);
            model = optimizer.update(model, grads, &train, train.learning_rate, 1.0, &device);
        }
        let expected = read(&path.join("after.safetensors"));
        for named in collect(&model) {
            close(&named.name, &host(named.values), &expected[&named.name], TOLERANCE);
        }
        let losses = task.losses(&model, &fixture.batch(), depth, &|_| {});
        close("loss after", &host(losses.last.inner()), &fixture.io["loss_after3"], TOLERANCE);
    }
}

#[test]
fn greedy_decoding_is_identical_across_the_block() {
    for path in fixtures(FORM) {
        let fixture = Fixture::open(&path);
        let model = fixture.model(&Device::flex());
        let expected: Vec<u32> = fixture.io["greedy_40"].iter().map(|&x| x as u32).collect();
        let (prompt, rest) = expected.split_at(expected.len() - 40);
        assert!(expected.len() > model.block_size(), "the fixture crosses the block");
        let options = GenerateOptions {
            prompt: String::new(),
            depth: fixture.spec.recursion_steps,
            draft_depth: 0,
            temperature: 0.0,
            top_k: 1,
            seed: 0,
            max_new_tokens: 40,
        };
        let vocab = Vocab::Plain { size: fixture.vocab };
        let mut stream = Generation::new(model, &vocab, prompt.to_vec(), &options, Overflow::Crop);
        let found = wait(stream.pull(40, false)).unwrap();
        assert_eq!(found.tokens, rest);
        assert!(found.done);
    }
}

#[test]
fn a_converted_checkpoint_traces_the_same_logits() {
    for path in fixtures(FORM) {
        let fixture = Fixture::open(&path);
        let run = trm_train::load(&fixture.checkpoint, None, None, &Device::flex()).unwrap();
        let request = TraceRequest {
            tokens: vec![fixture.io["short_idx"].iter().map(|&x| x as u32).collect()],
            depth: fixture.spec.recursion_steps,
            logits: true,
            ..TraceRequest::default()
        };
        let trace = wait(run.trace(&request)).unwrap();
        let logits: Vec<f32> =
            trace.steps.last().unwrap().logits.as_ref().unwrap().concat().concat();
        close("trace", &logits, &fixture.io["short_logits"], TOLERANCE);
    }
}

/// Runs a future that never waits: the CPU answers at once.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the CPU made somebody wait"),
    }
}
