//! Updates against the same arithmetic written down independently, in f64 and
//! without tensors.

use crate::support::{TEXT, alone, corpus, model, start, text_source, tiny, wait};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};
use trm_core::models::chat_trm::ChatTrm;
use trm_core::{Init, Recursive};
use trm_data::Split;
use trm_spec::{
    Decay, DepthSampling, Injection, Objective, Optimizer, Precision, RunConfig, StateUpdate,
    TrainSpec, VariantSpec,
};
use trm_train::{
    Average, LanguageTask, Updates, Weights, checkpointed, collect, gradients, learning_rate,
};

fn build(config: &RunConfig) -> ChatTrm {
    let VariantSpec::ChatTrm(spec) = &config.model else { panic!("chat_trm") };
    ChatTrm::new(spec, 64, &mut Init::new(5, &Device::flex().autodiff()))
}

/// Every gradient, by parameter in the order of the module; none where there is none.
fn values<M: Module>(module: &M, grads: &GradientsParams) -> Vec<Option<Vec<f32>>> {
    struct Visit<'a>(&'a GradientsParams, Vec<Option<Vec<f32>>>);
    impl ModuleVisitor for Visit<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let grad = self.0.get::<D>(param.id);
            self.1.push(grad.map(|grad| grad.into_data().try_into_vec().unwrap()));
        }
    }
    let mut visit = Visit(grads, Vec::new());
    module.visit(&mut visit);
    visit.1
}

fn close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (&a, &b)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(a) - b).abs();
        assert!(error <= tolerance * b.abs().max(1.0), "{what}[{i}]: {a} for {b}");
    }
}

fn weights(model: &ChatTrm) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    collect(model)
        .into_iter()
        .map(|p| (p.name, p.shape, p.values.into_data().try_into_vec().unwrap()))
        .collect()
}

fn batch(config: &RunConfig, number: u64) -> trm_data::Batch {
    let VariantSpec::ChatTrm(spec) = &config.model else { panic!("chat_trm") };
    corpus(config).batch(Split::Train, 3, number, 4, spec.block_size).unwrap()
}

fn gradients_of(model: &ChatTrm, config: &RunConfig, number: u64) -> GradientsParams {
    let task = LanguageTask::new(config.model.depth(), &config.train);
    gradients(&task, model, &batch(config, number), 2, 1.0, &|_| {}).grads
}

/// A matrix in f64, row-major.
#[derive(Clone)]
struct Matrix(usize, usize, Vec<f64>);

impl Matrix {
    fn t(&self) -> Self {
        let (rows, cols) = (self.0, self.1);
        Self(cols, rows, (0..rows * cols).map(|i| self.2[(i % rows) * cols + i / rows]).collect())
    }

    fn times(&self, other: &Self) -> Self {
        let mut out = vec![0.0; self.0 * other.1];
        for i in 0..self.0 {
            for k in 0..self.1 {
                for j in 0..other.1 {
                    out[i * other.1 + j] += self.2[i * self.1 + k] * other.2[k * other.1 + j];
                }
            }
        }
        Self(self.0, other.1, out)
    }

    fn plus(&self, a: f64, other: &Self, b: f64) -> Self {
        let sum = self.2.iter().zip(&other.2).map(|(x, y)| a * x + b * y);
        Self(self.0, self.1, sum.collect())
    }
}

/// Five steps of the quintic Newton-Schulz iteration towards an orthogonal matrix.
fn orthogonal(matrix: &Matrix) -> Matrix {
    let tall = matrix.0 > matrix.1;
    let mut x = if tall { matrix.t() } else { matrix.clone() };
    let norm = x.2.iter().map(|v| v * v).sum::<f64>().sqrt();
    x.2.iter_mut().for_each(|v| *v /= norm);
    for _ in 0..5 {
        let a = x.times(&x.t());
        let b = a.plus(-4.775, &a.times(&a), 2.0315);
        x = x.plus(3.4445, &b.times(&x), 1.0);
    }
    if tall { x.t() } else { x }
}

#[test]
fn muon_moves_inner_matrices_and_adamw_the_rest() {
    let config = tiny();
    let train = TrainSpec {
        optimizer: Optimizer::Muon,
        muon_momentum: 0.9,
        weight_decay: 0.1,
        decay: Decay::Matrices,
        grad_clip: 0.0,
        adam_eps: 1e-8,
        ..TrainSpec::default()
    };
    let (rate, device) = (0.01, Device::flex());
    let mut model = build(&config);
    let mut updates = Updates::default();
    let mut expected: Vec<_> = weights(&model)
        .into_iter()
        .map(|(name, shape, w)| (name, shape, w.into_iter().map(f64::from).collect::<Vec<_>>()))
        .collect();
    let mut first: Vec<Vec<f64>> = expected.iter().map(|p| vec![0.0; p.2.len()]).collect();
    let mut second = first.clone();
    for time in 1..=3 {
        let grads = gradients_of(&model, &config, time);
        let found = values(&model, &grads);
        for (i, (name, shape, w)) in expected.iter_mut().enumerate() {
            let grad: Vec<f64> =
                found[i].as_ref().expect("a gradient").iter().map(|&g| g.into()).collect();
            let inner = name.starts_with("blocks.");
            let decay = if shape.len() == 2 { 1.0 - rate * 0.1 } else { 1.0 };
            if inner {
                let mut ahead = grad.clone();
                for (k, g) in grad.iter().enumerate() {
                    first[i][k] = 0.9 * first[i][k] + g;
                    ahead[k] = g + 0.9 * first[i][k];
                }
                let step = orthogonal(&Matrix(shape[0], shape[1], ahead));
                let size = rate * 0.2 * (shape[0].max(shape[1]) as f64).sqrt();
                for (w, s) in w.iter_mut().zip(step.2) {
                    *w = *w * decay - size * s;
                }
            } else {
                let t = time as i32;
                for (k, g) in grad.iter().enumerate() {
                    first[i][k] = train.beta1 * first[i][k] + (1.0 - train.beta1) * g;
                    second[i][k] = train.beta2 * second[i][k] + (1.0 - train.beta2) * g * g;
                    let m = first[i][k] / (1.0 - train.beta1.powi(t));
                    let v = second[i][k] / (1.0 - train.beta2.powi(t));
                    w[k] = w[k] * decay - rate * m / (v.sqrt() + 1e-8);
                }
            }
        }
        model = updates.update(model, grads, &train, rate, 1.0, &device);
        for ((name, _, w), (_, _, e)) in weights(&model).iter().zip(&expected) {
            close(&format!("{name} after {time}"), w, e, 1e-4);
        }
    }
}

#[test]
fn the_average_follows_the_weights_at_its_decay() {
    let config = tiny();
    let mut model = build(&config);
    let mut average = Average::new(&model);
    let mut expected: Vec<Vec<f64>> =
        weights(&model).into_iter().map(|p| p.2.into_iter().map(f64::from).collect()).collect();
    let mut updates = Updates::default();
    for number in 0..4 {
        let grads = gradients_of(&model, &config, number);
        model = updates.update(model, grads, &config.train, 0.01, 1.0, &Device::flex());
        average.update(&model, 0.7);
        for (e, (_, _, w)) in expected.iter_mut().zip(weights(&model)) {
            for (e, w) in e.iter_mut().zip(w) {
                *e = 0.7 * *e + 0.3 * f64::from(w);
            }
        }
    }
    let averaged = average.apply(model.clone());
    for ((name, _, a), e) in weights(&averaged).iter().zip(&expected) {
        close(name, a, e, 1e-6);
    }
    assert_ne!(weights(&averaged)[0].2, weights(&model)[0].2);
}

#[test]
fn accumulated_batches_are_averaged() {
    let mut config = tiny();
    config.train.grad_clip = 0.0;
    config.train.warmup_iters = 0;
    let single = build(&config);
    let mut sum = GradientsAccumulator::new();
    for number in 0..3 {
        sum.accumulate(&single, gradients_of(&single, &config, number));
    }
    let expected: Vec<Vec<f64>> = values(&single, &sum.grads())
        .into_iter()
        .map(|g| g.expect("a gradient").into_iter().map(|g| f64::from(g) / 3.0).collect())
        .collect();
    let task = LanguageTask::new(config.model.depth(), &config.train);
    let mut sum = GradientsAccumulator::new();
    for number in 0..3 {
        let part = gradients(&task, &single, &batch(&config, number), 2, 1.0 / 3.0, &|_| {});
        sum.accumulate(&single, part.grads);
    }
    for (found, expected) in values(&single, &sum.grads()).iter().zip(&expected) {
        close("gradient", found.as_ref().expect("a gradient"), expected, 1e-6);
    }

    // A run of three batches a step sees the batches of three steps of one.
    config.train.gradient_accumulation_steps = 3;
    config.train.max_iters = 2;
    let accumulated = wait(start(&config).steps(2)).unwrap();
    config.train.gradient_accumulation_steps = 1;
    config.train.learning_rate = 0.0;
    config.train.min_lr = 0.0;
    config.train.max_iters = 6;
    let singles = wait(start(&config).steps(6)).unwrap();
    let mean = singles[..3].iter().map(|r| r.loss).sum::<f64>() / 3.0;
    assert!((accumulated[0].loss - mean).abs() < 1e-5, "{} for {mean}", accumulated[0].loss);
}

#[test]
fn cycles_computed_again_give_the_same_gradients() {
    let _alone = alone();
    for (objective, kept) in [
        (Objective::LastCycle, 0),
        (Objective::EveryCycle, 0),
        (Objective::LastCycle, 2),
        (Objective::EveryCycle, 2),
    ] {
        for (injection, update) in
            [(Injection::Add, StateUpdate::Replace), (Injection::Adapter, StateUpdate::Gated)]
        {
            let mut config = tiny();
            config.train.objective = objective;
            config.train.backprop_cycles = kept;
            model(&mut config).input_injection = injection;
            model(&mut config).state_update = update;
            model(&mut config).dropout = 0.2;
            let network = build(&config);
            let task = LanguageTask::new(config.model.depth(), &config.train);
            // The masks of a cycle are the same whenever it is computed.
            let before = |cycle: usize| Device::flex().seed(100 + cycle as u64);
            let plain = gradients(&task, &network, &batch(&config, 0), 4, 0.5, &before);
            let again = checkpointed(&task, &network, &batch(&config, 0), 4, 0.5, &before);
            let number = |t: Tensor<1>| t.into_scalar::<f32>();
            assert!((number(plain.metrics) - number(again.metrics)).abs() < 1e-6);
            let (plain, again) = (values(&network, &plain.grads), values(&network, &again.grads));
            for ((name, _, _), (a, b)) in weights(&network).iter().zip(plain.iter().zip(&again)) {
                let what = format!("{name}, {objective:?}, {kept} kept, {injection:?}");
                // The first state is out of reach of the last cycles alone.
                assert_eq!(a.is_none(), kept > 0 && name == "z_init", "{what}");
                assert_eq!(a.is_some(), b.is_some(), "{what}");
                if let (Some(a), Some(b)) = (a, b) {
                    let a: Vec<f64> = a.iter().map(|&x| x.into()).collect();
                    assert!(a.iter().any(|x| *x != 0.0), "{what} does not learn");
                    close(&what, b, &a, 1e-5);
                }
            }
        }
    }
}

#[test]
fn checkpointing_changes_nothing_about_a_run() {
    let _alone = alone();
    let mut config = tiny();
    config.train.objective = Objective::EveryCycle;
    config.train.depth_sampling = DepthSampling::LogNormal;
    model(&mut config).dropout = 0.1;
    let plain = wait(start(&config).steps(12)).unwrap();
    config.train.gradient_checkpointing = true;
    let again = wait(start(&config).steps(12)).unwrap();
    for (a, b) in plain.iter().zip(&again) {
        assert_eq!(a.depth, b.depth);
        assert!((a.loss - b.loss).abs() < 1e-3, "step {}: {} and {}", a.step, a.loss, b.loss);
    }
}

#[test]
fn cycles_off_the_tape_compute_what_taped_ones_compute() {
    let mut config = tiny();
    let network = build(&config);
    let loss = |kept: usize, config: &mut RunConfig| {
        config.train.backprop_cycles = kept;
        let task = LanguageTask::new(config.model.depth(), &config.train);
        task.losses(&network, &batch(config, 0), 5, &|_| {}).last.inner().into_scalar::<f32>()
    };
    let whole = loss(0, &mut config);
    assert!((whole - loss(1, &mut config)).abs() < 1e-6);
    assert!((whole - loss(4, &mut config)).abs() < 1e-6);
    assert!(network.device().is_autodiff());
}

#[test]
fn a_constant_schedule_warms_up_and_stays() {
    let train = TrainSpec {
        lr_schedule: trm_spec::Schedule::Constant,
        learning_rate: 2e-3,
        warmup_iters: 9,
        ..TrainSpec::default()
    };
    assert!((learning_rate(&train, 0) - 2e-4).abs() < 1e-12);
    assert_eq!(learning_rate(&train, 9), 2e-3);
    assert_eq!(learning_rate(&train, 100_000), 2e-3);
}

#[test]
fn either_weights_can_answer() {
    let mut config = tiny();
    config.train.ema_decay = 0.9;
    let mut run = start(&config);
    wait(run.steps(20)).unwrap();
    let average = wait(run.evaluate(&[3], 0)).unwrap()[0].loss;
    let exported = wait(run.export(serde_json::Value::Null)).unwrap();
    run.use_weights(Weights::Raw).unwrap();
    let raw = wait(run.evaluate(&[3], 0)).unwrap()[0].loss;
    assert_ne!(raw, average);
    let alone = |bytes: &[u8]| {
        let run = trm_train::load(bytes, None, Some(&text_source(TEXT)), &Device::flex()).unwrap();
        wait(run.evaluate(&[3], 0)).unwrap()[0].loss
    };
    assert_eq!(alone(&exported), average);
    assert_eq!(alone(&wait(run.save(serde_json::Value::Null)).unwrap().checkpoint), raw);

    let mut plain = start(&tiny());
    let failure = plain.use_weights(Weights::Average).unwrap_err();
    assert!(failure.hint.contains("ema_decay"), "{failure}");
}

#[test]
fn half_precision_products_learn_what_full_ones_learn() {
    let mut config = tiny();
    let full = wait(start(&config).steps(40)).unwrap();
    for precision in [Precision::Bf16, Precision::F16] {
        config.train.precision = precision;
        let mut run = start(&config);
        let half = wait(run.steps(40)).unwrap();
        assert_ne!(half[0].loss, full[0].loss, "{precision:?} changes nothing");
        for (a, b) in half.iter().zip(&full) {
            let error = (a.loss - b.loss).abs();
            assert!(error < 0.05, "{precision:?}, step {}: {} and {}", a.step, a.loss, b.loss);
        }
    }
}

/// Its moments and their bias correction begin with its first gradient.
#[test]
fn a_parameter_that_begins_late_moves_by_the_learning_rate_at_first() {
    let mut config = tiny();
    (config.train.weight_decay, config.train.grad_clip) = (0.0, 0.0);
    config.train.adam_eps = 1e-20;
    let (mut model, mut updates) = (build(&config), Updates::default());
    let start = |model: &ChatTrm| weights(model).into_iter().find(|p| p.0 == "z_init").unwrap().2;
    let before = start(&model);
    for number in 0..6 {
        assert_eq!(start(&model), before, "no gradient reaches it, {number}");
        config.train.backprop_cycles = usize::from(number < 5);
        let grads = gradients_of(&model, &config, number);
        model = updates.update(model, grads, &config.train, 1e-3, 1.0, &Device::flex());
    }
    let moved: Vec<f32> = before.iter().zip(start(&model)).map(|(a, b)| (a - b).abs()).collect();
    assert!(moved.iter().all(|step| (0.99e-3..1.01e-3).contains(step)), "{moved:?}");
}

#[test]
fn master_weights_keep_updates_that_half_precision_would_lose() {
    let mut config = tiny();
    config.train.precision = Precision::Bf16;
    // A thousandth of a weight's own size: bfloat16 has eight bits.
    config.train.learning_rate = 1e-5;
    config.train.min_lr = 1e-5;
    config.train.warmup_iters = 0;
    config.train.weight_decay = 0.0;
    let saved = |run: &dyn trm_train::Run| {
        let bytes = wait(run.save(serde_json::Value::Null)).unwrap().checkpoint;
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let view = tensors.tensor("blocks.0.mlp.down_proj.weight").unwrap();
        assert_eq!(view.dtype(), safetensors::Dtype::F32);
        let numbers = view.data().chunks_exact(4);
        numbers.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect::<Vec<_>>()
    };
    let mut run = start(&config);
    let before = saved(run.as_ref());
    wait(run.steps(1)).unwrap();
    let after = saved(run.as_ref());
    let moved = before.iter().zip(&after).filter(|(a, b)| {
        let step = (*a - *b).abs();
        // Adam's first step is the learning rate in either direction.
        step > 0.9e-5 && step < 1.1e-5
    });
    assert!(moved.count() * 10 > before.len() * 9);
}
