//! What must hold for every model that writes text, of whatever variant, before
//! any of its losses is believed.

use crate::support::kinds::{Check, Tasks, VOCAB, all, chunk, depth, for_each, honest};
use crate::support::{TEXT, expect_same, start, wait};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rand::RngExt;
use rand::seq::SliceRandom;

use trm_core::{Autoregressive, Engine, State};
use trm_data::{Batch, TextDataset, draw};
use trm_spec::{DraftStart, Objective, Prediction, RunConfig, VariantSpec};
use trm_train::{TraceRequest, checkpointed, gradients};

pub const BLOCK: usize = 16;

fn row(tokens: &[u32]) -> Tensor<2, Int> {
    let values: Vec<i32> = tokens.iter().map(|&t| t as i32).collect();
    Tensor::from_data(TensorData::new(values, [1, tokens.len()]), &Device::flex())
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Logits of every position, in one row.
fn logits<M: Autoregressive>(model: &M, tokens: &[u32], depth: usize) -> Vec<f32> {
    let x = model.encode(&row(tokens));
    let end = Engine::new(depth).run(model, &x, model.start(&x), |_, _| {});
    numbers(model.read(&end).logits)
}

pub fn batch(rows: usize) -> Batch {
    let inputs: Vec<u32> = (0..(rows * BLOCK) as u32).map(|i| i * 7 % VOCAB as u32).collect();
    let targets = inputs.iter().map(|t| (t * 11 + 3) % VOCAB as u32).collect();
    Batch { inputs, targets, batch_size: rows, block_size: BLOCK }
}

pub fn said(config: &RunConfig) -> String {
    serde_json::to_string(&config.model).unwrap()
}

/// Changing tokens at or after the place that is predicted changes no logit; tokens that
/// are drawn together do not even see the beginning of their chunk.
#[test]
fn the_future_cannot_leak() {
    struct Future;
    impl Check for Future {
        fn check<M: Autoregressive>(
            &mut self,
            config: &RunConfig,
            build: &dyn Fn(&Device) -> M,
            _: Tasks<'_, M>,
        ) {
            let model = build(&Device::flex());
            let chunk = model.drawn_together();
            let tokens = proptest::collection::vec(0..VOCAB as u32, 2..=BLOCK);
            let any = (tokens, 1..BLOCK, 1..VOCAB as u32, 1_usize..=3);
            let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
            runner
                .run(&any, |(tokens, changed, by, depth)| {
                    let changed = changed.min(tokens.len() - 1);
                    let mut other = tokens.clone();
                    for token in &mut other[changed..] {
                        *token = (*token + by) % VOCAB as u32;
                    }
                    // The first tokens drawn together that see position `changed`.
                    let sees = changed.div_ceil(chunk) * chunk * VOCAB;
                    let before = logits(&model, &tokens, depth);
                    let after = logits(&model, &other, depth);
                    let sees = sees.min(before.len());
                    prop_assert_eq!(&before[..sees], &after[..sees], "{}", said(config));
                    if sees < before.len() {
                        prop_assert_ne!(&before[sees..], &after[sees..], "{}", said(config));
                    }
                    Ok(())
                })
                .unwrap();
        }
    }
    for_each(all(), &mut Future);
}

/// Rows of other lengths beside it change nothing about a row.
#[test]
fn padding_changes_nothing() {
    for config in honest() {
        let run = start(&config);
        let rows: Vec<Vec<u32>> =
            [3, 16, 1, 9].map(|length| (0..length).map(|i| i * 5 % 20).collect()).to_vec();
        let trace = |tokens: Vec<Vec<u32>>| {
            let depth = depth(&config, 2);
            let request = TraceRequest { tokens, depth, logits: true, ..Default::default() };
            wait(run.trace(&request)).unwrap()
        };
        let together = trace(rows.clone());
        for (i, row) in rows.into_iter().enumerate() {
            let length = row.len();
            let alone = trace(vec![row]);
            for (a, b) in together.steps.iter().zip(&alone.steps) {
                assert_eq!((a.argmax[i].len(), a.entropy[i].len()), (length, length));
                let (a, b) = (a.logits.as_ref().unwrap(), b.logits.as_ref().unwrap());
                let (a, b) = (a[i].concat(), b[0].concat());
                assert_eq!(a.len(), b.len());
                for (a, b) in a.iter().zip(b) {
                    assert!((a - b).abs() < 1e-5, "{}: {a} for {b}", said(&config));
                }
            }
        }
    }
}

/// What padding holds, and what is no target, does not matter to the gradient.
#[test]
fn padded_batches_learn_from_their_last_tokens_alone() {
    struct Padded;
    impl Check for Padded {
        fn check<M: Autoregressive>(
            &mut self,
            config: &RunConfig,
            build: &dyn Fn(&Device) -> M,
            new_task: Tasks<'_, M>,
        ) {
            if config.model.chunk_size() > 1 {
                return;
            }
            let model = build(&Device::flex().autodiff());
            let task = new_task(config.model.depth(), &config.train);
            let padded = batch(3).padded(&[16, 5, 1]).unwrap();
            let mut other = padded.clone();
            other.inputs[BLOCK + 5..2 * BLOCK].fill(7);
            other.inputs[2 * BLOCK + 1..].fill(9);
            let learned = |batch: &Batch| {
                let lesson = gradients(&task, &model, batch, 2, 1.0, &|_| {});
                (numbers(lesson.metrics)[0], collected(&model, &lesson.grads))
            };
            let ((a, grads_a), (b, grads_b)) = (learned(&padded), learned(&other));
            assert!((a - b).abs() < 1e-6);
            for (a, b) in grads_a.iter().flatten().flatten().zip(grads_b.iter().flatten().flatten())
            {
                assert!((a - b).abs() < 1e-6, "{}: {a} for {b}", said(config));
            }
            // The loss is that of the last tokens.
            let rows = padded.inputs.chunks_exact(BLOCK).zip([16, 5, 1]).enumerate();
            let mean = rows
                .map(|(i, (row, length))| {
                    let model = build(&Device::flex());
                    let all = logits(&model, &row[..length], 2);
                    let last = &all[(length - 1) * VOCAB..];
                    let target = padded.targets[i * BLOCK + length - 1];
                    -trm_core::sample::softmax(last)[target as usize].ln() / 3.0
                })
                .sum::<f64>();
            assert!((f64::from(a) - mean).abs() < 1e-5, "{a} for {mean}");
        }
    }
    for_each(honest(), &mut Padded);
}

/// Every gradient, by parameter in the order of the module; none where there is none.
pub fn collected<M: Module>(module: &M, grads: &GradientsParams) -> Vec<Option<Vec<f32>>> {
    struct Visit<'a>(&'a GradientsParams, Vec<Option<Vec<f32>>>);
    impl ModuleVisitor for Visit<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            // Buffers are not learned.
            if param.val().is_require_grad() {
                self.1.push(self.0.get::<D>(param.id).map(numbers));
            }
        }
    }
    let mut visit = Visit(grads, Vec::new());
    module.visit(&mut visit);
    visit.1
}

#[test]
fn every_parameter_learns_under_every_objective() {
    struct Learning;
    impl Check for Learning {
        fn check<M: Autoregressive>(
            &mut self,
            config: &RunConfig,
            build: &dyn Fn(&Device) -> M,
            new_task: Tasks<'_, M>,
        ) {
            let model = build(&Device::flex().autodiff());
            assert_eq!(model.num_params(), config.model.parameters(VOCAB), "{}", said(config));
            for objective in [Objective::LastCycle, Objective::EveryCycle] {
                let mut train = config.train.clone();
                train.objective = objective;
                // Where a cycle's own loss is all it learns from, each needs one.
                train.detach_cycles &= objective == Objective::EveryCycle;
                let task = new_task(config.model.depth(), &train);
                for depth in [1, 3] {
                    let lesson = gradients(&task, &model, &batch(4), depth, 1.0, &|_| {});
                    for (i, grad) in collected(&model, &lesson.grads).into_iter().enumerate() {
                        let what = format!("parameter {i} of {} at depth {depth}", said(config));
                        let grad = grad.unwrap_or_else(|| panic!("{what} has no gradient"));
                        assert!(grad.iter().all(|x| x.is_finite()), "{what}");
                        assert!(grad.iter().any(|x| *x != 0.0), "{what} does not learn");
                    }
                }
            }
        }
    }
    for_each(all(), &mut Learning);
}

#[test]
fn cycles_computed_again_give_the_same_gradients() {
    struct Again;
    impl Check for Again {
        fn check<M: Autoregressive>(
            &mut self,
            config: &RunConfig,
            build: &dyn Fn(&Device) -> M,
            new_task: Tasks<'_, M>,
        ) {
            let model = build(&Device::flex().autodiff());
            for (detach, objective) in [
                (false, Objective::LastCycle),
                (false, Objective::EveryCycle),
                (true, Objective::EveryCycle),
            ] {
                let mut train = config.train.clone();
                (train.detach_cycles, train.objective) = (detach, objective);
                let task = new_task(config.model.depth(), &train);
                let whole = gradients(&task, &model, &batch(2), 3, 0.5, &|_| {});
                let again = checkpointed(&task, &model, &batch(2), 3, 0.5, &|_| {});
                let (a, b) = (collected(&model, &whole.grads), collected(&model, &again.grads));
                assert!(a.iter().all(Option::is_some), "{}", said(config));
                expect_same(&b, &a, &said(config));
            }
        }
    }
    for_each(all(), &mut Again);
}

/// Reading a text piece by piece gives the predictions of reading it whole.
#[test]
fn the_cache_changes_nothing() {
    struct Cached;
    impl Check for Cached {
        fn check<M: Autoregressive>(
            &mut self,
            config: &RunConfig,
            build: &dyn Fn(&Device) -> M,
            _: Tasks<'_, M>,
        ) {
            let model = build(&Device::flex());
            let ahead = model.ahead();
            let tokens: Vec<u32> = (0..BLOCK as u32).map(|i| i * 11 % VOCAB as u32).collect();
            for depth in [1, 2, 5] {
                let whole = logits(&model, &tokens, depth);
                // A chunk's context ends at its first position.
                for prompt in
                    [1, 1 + ahead, 1 + BLOCK / 2].into_iter().filter(|p| *p <= model.context_size())
                {
                    let mut cache = model.cache(depth);
                    let mut read = 0;
                    while read + ahead <= BLOCK {
                        let new = if read == 0 { prompt } else { ahead };
                        let new = &tokens[read..(read + new).min(BLOCK)];
                        if read + new.len() > model.context_size() {
                            break;
                        }
                        let mut cycles = 0;
                        let state = model.extend(row(new), &mut cache, &mut |_, _| cycles += 1);
                        assert_eq!(cycles, depth);
                        read += new.len();
                        let next = state.map(&mut |part| {
                            let [_, positions, _] = part.dims();
                            part.narrow(1, positions - ahead, ahead)
                        });
                        if (read - 1) % ahead != 0 {
                            continue;
                        }
                        let found: Vec<f32> = (0..ahead)
                            .step_by(model.drawn_together())
                            .filter(|drawn| read + drawn <= BLOCK)
                            .flat_map(|drawn| {
                                numbers(model.read_next(&next, &tokens[..read + drawn], drawn))
                            })
                            .collect();
                        let expected = &whole[(read - 1) * VOCAB..][..ahead * VOCAB];
                        for (a, b) in found.iter().zip(expected) {
                            assert!((a - b).abs() < 3e-5, "{}, {read}: {a} for {b}", said(config));
                        }
                    }
                    assert!(read > prompt || read + ahead > BLOCK || ahead == BLOCK);
                }
            }
        }
    }
    for_each(all(), &mut Cached);
}

/// Characters that follow each other by chance.
fn noise(length: usize, seed: u64) -> String {
    let mut generator = draw(seed, 99, 0);
    (0..length).map(|_| char::from(b'a' + generator.random_range(0..20_u8))).collect()
}

/// Nothing can be learned of chance: who does better sees the answer.
#[test]
fn random_targets_cost_at_least_what_chance_costs() {
    let chance = 20_f64.ln();
    let losses = |mut config: RunConfig| {
        config.train.max_iters = 120;
        let corpus = TextDataset::from_text("noise", &noise(12_000, 3), 0.2).unwrap();
        let mut run = trm_train::create(&config, corpus, &Device::flex()).unwrap();
        wait(run.steps(120)).unwrap();
        wait(run.evaluate(&[1, 2, 3].map(|wanted| depth(&config, wanted)), 0)).unwrap()
    };
    for config in honest() {
        for found in losses(config.clone()) {
            assert!(found.loss >= chance - 0.02, "{}: {found:?}", said(&config));
            assert_eq!(found.leaking_loss, None);
        }
    }
    // The guard is worth something: the published start does not pass it.
    for found in losses(chunk(4, DraftStart::Targets)) {
        assert!(found.loss >= chance - 0.02, "{found:?}");
        assert!(found.leaking_loss.unwrap() < chance - 1.0, "{found:?}");
    }
}

/// Whatever was learned, targets in another order are no easier than their
/// frequencies make them.
#[test]
fn shuffled_targets_are_no_better_than_the_marginal() {
    for config in honest() {
        let mut run = start(&config);
        wait(run.steps(60)).unwrap();
        let tokens = run.writer().unwrap().encode(TEXT).unwrap();
        let rows: Vec<Vec<u32>> =
            tokens.windows(BLOCK + 1).step_by(3).map(<[u32]>::to_vec).collect();
        let request = TraceRequest {
            tokens: rows.iter().map(|row| row[..BLOCK].to_vec()).collect(),
            depth: depth(&config, 2),
            logits: true,
            ..TraceRequest::default()
        };
        let trace = wait(run.trace(&request)).unwrap();
        let last = trace.steps.last().unwrap();
        let readings: Vec<Vec<f64>> = last
            .logits
            .as_ref()
            .unwrap()
            .concat()
            .iter()
            .map(|logits| trm_core::sample::softmax(logits))
            .collect();
        let mut targets: Vec<u32> = rows.iter().flat_map(|row| row[1..].to_vec()).collect();
        let loss = |targets: &[u32]| {
            let pairs = readings.iter().zip(targets);
            pairs.map(|(p, &t)| -p[t as usize].ln()).sum::<f64>() / targets.len() as f64
        };
        let learned = loss(&targets);
        let mut counts = [0.0; 64];
        targets.iter().for_each(|&t| counts[t as usize] += 1.0 / targets.len() as f64);
        let marginal = trm_core::sample::entropy(&counts);
        targets.shuffle(&mut draw(1, 98, 0));
        let shuffled = loss(&targets);
        assert!(shuffled >= marginal - 0.05, "{}: {shuffled} for {marginal}", said(&config));
        assert!(shuffled > learned, "{}: nothing was learned", said(&config));
    }
}

/// A prediction of the last position trains and is saved as any other.
#[test]
fn models_learn_from_last_positions() {
    let models = honest().into_iter();
    // Chunk models predict every position.
    for mut config in models.filter(|config| !matches!(config.model, VariantSpec::ChunkLm(_))) {
        config.train.prediction = Prediction::LastPosition;
        config.train.batch_size = 16;
        let mut run = start(&config);
        let reports = wait(run.steps(60)).unwrap();
        let mean = |part: &[trm_spec::StepReport]| {
            part.iter().map(|report| report.loss).sum::<f64>() / part.len() as f64
        };
        assert!(mean(&reports[50..]) < mean(&reports[..10]) - 0.3, "{}", said(&config));
        assert_eq!(reports, wait(start(&config).steps(60)).unwrap());
    }
}
