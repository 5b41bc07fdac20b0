//! Parity with the official TRM: every folder of fixtures of its form is
//! reproduced, from single blocks to weights and averages after six updates.

use std::path::PathBuf;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use trm_core::models::trm::{PuzzleInput, Trm};
use trm_core::{Engine, Init, Recursive};
use trm_data::puzzles::PuzzleBatch;
use trm_spec::{Decay, LossType, Optimizer, RunConfig, TrainSpec, TrmSpec, VariantSpec};
use trm_train::{Average, Carry, PuzzleTask, Puzzles, Updates, collect, sign_descent};

use super::numbers::{Numbers, TOLERANCE, close, fill, read};
use crate::support::fixtures::{fixtures, host, named_gradients};

/// Other systems have fixtures of other forms beside these.
const FORM: &str = "H_cycles";

/// Of weights and averages after the last update.
const AFTER: f64 = 1e-4;

struct Fixture {
    path: PathBuf,
    config: Value,
    spec: TrmSpec,
    vocab: usize,
    io: Numbers,
}

impl Fixture {
    fn open(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(path.join("config.json")).unwrap();
        let weights = std::fs::read(path.join("weights.safetensors")).unwrap();
        let checkpoint = trm_train::samsung_trm(&weights, &text, &Device::flex()).unwrap();
        let header = trm_train::checkpoint::read_header(&checkpoint).unwrap();
        let VariantSpec::Trm(spec) = header.config.model else { panic!("a dual model") };
        Self {
            config: serde_json::from_str(&text).unwrap(),
            spec,
            vocab: header.vocab.size(),
            io: read(&path.join("io.safetensors")),
            path,
        }
    }

    fn model(&self, device: &Device) -> Trm {
        let weights = read(&self.path.join("weights.safetensors"));
        fill(Trm::new(&self.spec, self.vocab, &mut Init::new(0, device)), &weights, original)
    }

    fn train(&self) -> TrainSpec {
        let number = |key: &str| self.config["train"][key].as_f64().unwrap();
        let betas = self.config["train"]["betas"].as_array().unwrap();
        TrainSpec {
            optimizer: Optimizer::AdamAtan2,
            beta1: betas[0].as_f64().unwrap(),
            beta2: betas[1].as_f64().unwrap(),
            weight_decay: number("weight_decay"),
            decay: Decay::All,
            grad_clip: 0.0,
            loss_type: LossType::Stablemax,
            halt_exploration_prob: self.config["halt_exploration_prob"].as_f64().unwrap(),
            ..RunConfig::of("trm").unwrap().train
        }
    }

    fn batch(&self, name: &str) -> PuzzleBatch {
        let values = |part: &str| -> Vec<u32> {
            // Labels of −100 do not count, in the original as here.
            self.io[&format!("{name}.{part}")].iter().map(|&x| (x as i64).max(-1) as u32).collect()
        };
        PuzzleBatch {
            inputs: values("inputs"),
            labels: values("labels"),
            puzzle_identifiers: values("puzzle_identifiers"),
            seq_len: self.spec.seq_len,
        }
    }

    fn check(&self, name: &str, found: &[f32]) {
        close(&format!("{}: {name}", self.path.display()), found, &self.io[name], TOLERANCE);
    }
}

/// The original's name of a weight.
fn original(name: &str) -> String {
    format!("inner.{name}")
}

#[test]
fn evaluation_steps_are_the_originals() {
    for fixture in fixtures(FORM).into_iter().map(Fixture::open) {
        let device = Device::flex();
        let model = fixture.model(&device);
        let puzzles = Puzzles::new(&fixture.batch("eval.batch"), &device);
        let [rows, _] = puzzles.inputs.dims();
        let embedding = model.embedding(puzzles.identifiers);
        let context = model.encode(&PuzzleInput { tokens: puzzles.inputs, embedding });
        fixture.check("eval.input_embeddings", &host(context.x.clone()));
        let mut state = model.start(&context);
        let first = model.first_block(state.y.clone() + state.z.clone() + context.x.clone());
        fixture.check("eval.block0.first_out", &host(first));
        let engine = Engine::truncated(fixture.spec.h_cycles, 1);
        for step in 1.. {
            let name = |part: &str| format!("eval.step{step}.{part}");
            if !fixture.io.contains_key(&name("logits")) {
                assert!(step > 1, "no evaluation steps");
                break;
            }
            state = engine.run(&model, &context, state, |_, _| ());
            fixture.check(&name("z_H"), &host(state.y.clone()));
            fixture.check(&name("z_L"), &host(state.z.clone()));
            fixture.check(&name("logits"), &host(model.read(&state).logits));
            let halting = host(model.halting(&state));
            let of = |which: usize| -> Vec<f32> {
                halting.chunks_exact(2).map(|row| row[which]).collect()
            };
            fixture.check(&name("q_halt_logits"), &of(0));
            fixture.check(&name("q_continue_logits"), &of(1));
            // In evaluation nothing halts before the last step.
            let last = step == fixture.spec.halt_max_steps;
            fixture.check(&name("steps"), &vec![step as f32; rows]);
            fixture.check(&name("halted"), &vec![f32::from(u8::from(last)); rows]);
        }
    }
}

#[test]
fn streamed_training_calls_are_the_originals() {
    for fixture in fixtures(FORM).into_iter().map(Fixture::open) {
        let plain = Device::flex();
        let mut model = fixture.model(&plain.clone().autodiff());
        let train = fixture.train();
        let number = |key: &str| fixture.config["train"][key].as_f64().unwrap();
        let task = PuzzleTask::new(&fixture.spec, &train);
        let grads_of_first = read(&fixture.path.join("grads.safetensors"));
        let mut updates = Updates::default();
        let mut average = Average::new(&model);

        let first = Puzzles::new(&fixture.batch("train.call1.batch"), &plain);
        let rows = first.identifiers.dims()[0];
        let bare = model.valid();
        let embedding = bare.embedding(first.identifiers.clone());
        let x = bare.encode(&PuzzleInput { tokens: first.inputs.clone(), embedding });
        let mut carry = Carry::empty(bare.start(&x), first);
        let calls =
            (1..).take_while(|call| fixture.io.contains_key(&format!("train.call{call}.loss")));
        let mut done = 0;
        for call in calls {
            let name = |part: &str| format!("train.call{call}.{part}");
            let batch = fixture.batch(&name("batch"));
            let (step, next) = task.advance(&model, carry, &batch, call);
            // The original's loss is the sum over the rows.
            let loss = host(step.objective.clone().inner())[0] * rows as f32;
            fixture.check(&name("loss"), &[loss]);
            fixture.check(&name("steps"), &host(next.steps.clone().float()));
            fixture.check(&name("halted"), &host(next.halted.clone().float()));
            fixture.check(&name("current_inputs"), &host(next.puzzles.inputs.clone().float()));
            let sums = host(step.scores.summary(&next));
            for (metric, sum) in [
                "count",
                "accuracy",
                "exact_accuracy",
                "q_halt_accuracy",
                "steps",
                "lm_loss",
                "q_halt_loss",
            ]
            .into_iter()
            .zip(&sums)
            {
                fixture.check(&name(&format!("metric.{metric}")), &[*sum]);
            }

            let mut grads = step.objective.backward();
            let table = step.embedding.map(|rows| rows.grad_remove(&mut grads).unwrap());
            let grads = GradientsParams::from_grads(grads, &model);
            if call == 1 {
                let found = named_gradients(&model, &grads);
                for (name, found) in &found {
                    close(name, found, &grads_of_first[&original(name)], TOLERANCE);
                }
                let rows_of_puzzles = usize::from(table.is_some());
                if let Some(table) = &table {
                    let expected = &grads_of_first[&original("puzzle_emb.local_weights")];
                    close("puzzle_emb", &host(table.clone()), expected, TOLERANCE);
                }
                assert_eq!(found.len() + rows_of_puzzles, grads_of_first.len());
            }
            model = updates.update(model, grads, &train, number("lr"), 1.0, &plain);
            if let Some(grad) = table {
                let (rate, decay) = (number("puzzle_emb_lr"), number("puzzle_emb_weight_decay"));
                let met: Tensor<1, Int> = next.puzzles.identifiers.clone();
                model = model.with_puzzles(|table| {
                    Tensor::from_inner(sign_descent(table.inner(), met, grad, rate, decay))
                });
            }
            average.update(&model, number("ema"));
            carry = next;
            done = call;
        }
        assert!(done > 0, "no training calls");

        let after = read(&fixture.path.join("after.safetensors"));
        let mut checked = 0;
        for (kind, model) in [("after", model.valid()), ("ema", average.apply(model.valid()))] {
            for weight in collect(&model) {
                let Some(expected) = after.get(&format!("{kind}{done}.inner.{}", weight.name))
                else {
                    continue;
                };
                close(&weight.name, &host(weight.values), expected, AFTER);
                checked += 1;
            }
        }
        assert_eq!(checked, after.len(), "all that is there was compared");
    }
}

/// In any float type, under any wrapper, and back: the same numbers.
#[test]
fn conversion_goes_both_ways() {
    for fixture in fixtures(FORM).into_iter().map(Fixture::open) {
        let weights = std::fs::read(fixture.path.join("weights.safetensors")).unwrap();
        let ours =
            trm_train::samsung_trm(&weights, &fixture.config.to_string(), &Device::flex()).unwrap();
        let (back, config) = trm_train::to_samsung_trm(&ours).unwrap();
        let (before, after) =
            (SafeTensors::deserialize(&weights).unwrap(), SafeTensors::deserialize(&back).unwrap());
        assert_eq!(before.len(), after.len());
        for (name, view) in before.tensors() {
            let wrapped = after.tensor(&format!("_orig_mod.model.{name}")).unwrap();
            assert_eq!((wrapped.shape(), wrapped.data()), (view.shape(), view.data()), "{name}");
        }
        // What was written is read again, to the same file.
        let again = trm_train::samsung_trm(&back, &config, &Device::flex()).unwrap();
        let (_, first) = SafeTensors::read_metadata(&ours).unwrap();
        let (_, second) = SafeTensors::read_metadata(&again).unwrap();
        let entry = |m: &safetensors::tensor::Metadata, key: &str| {
            m.metadata().as_ref().unwrap()[key].clone()
        };
        let model = |m| serde_json::from_str::<RunConfig>(&entry(m, "config")).unwrap().model;
        assert_eq!(model(&first).sizes(), model(&second).sizes());
        assert_eq!(entry(&first, "vocab"), entry(&second, "vocab"));

        // Half precision, as published checkpoints are.
        let halves: Vec<_> = before
            .tensors()
            .into_iter()
            .map(|(name, view)| {
                // The upper half of an f32 is a bf16.
                let half: Vec<u8> =
                    view.data().chunks_exact(4).flat_map(|b| [b[2], b[3]]).collect();
                (name, view.shape().to_vec(), half)
            })
            .collect();
        let views = halves.iter().map(|(name, shape, half)| {
            let view = safetensors::tensor::TensorView::new(Dtype::BF16, shape.clone(), half);
            (name, view.unwrap())
        });
        let halved = safetensors::serialize(views, None).unwrap();
        trm_train::samsung_trm(&halved, &fixture.config.to_string(), &Device::flex()).unwrap();
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let fixture = Fixture::open(fixtures(FORM).remove(0));
    let weights = std::fs::read(fixture.path.join("weights.safetensors")).unwrap();
    let convert = |weights: &[u8], config: &Value| {
        trm_train::samsung_trm(weights, &config.to_string(), &Device::flex())
            .expect_err("refused")
            .message
    };
    assert!(convert(&weights[..weights.len() - 4], &fixture.config).contains("not a whole"));
    let changed = |key: &str, value: Value| {
        let mut config = fixture.config.clone();
        config[key] = value;
        config
    };
    let message = convert(&weights, &changed("vocab_size", 12.into()));
    assert!(message.contains("embed_tokens.embedding_weight"), "{message}");
    let message = convert(&weights, &changed("L_layers", 3.into()));
    assert!(message.contains("L_level.layers.2") && message.contains("missing"), "{message}");
    let message = convert(&weights, &changed("L_layers", 1.into()));
    assert!(message.contains("does not belong to a `trm` model"), "{message}");
    let message = convert(&weights, &changed("mlp_t", true.into()));
    assert!(message.contains("mlp_t"), "{message}");
}
