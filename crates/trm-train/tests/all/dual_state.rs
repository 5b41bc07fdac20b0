//! The dual-state model against the same arithmetic written down independently,
//! in f64 and without tensors: both ways of mixing, every kind of positions, and
//! states that start at zero.

use std::collections::BTreeMap;

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use trm_core::models::trm::{PuzzleInput, Trm};
use trm_core::{Engine, Init, Recursive};
use trm_spec::{ModelSpec, Positions, StateStart, TrmSpec};
use trm_train::collect;

use crate::support::fixtures::named_gradients;

type Weights = BTreeMap<String, (Vec<usize>, Vec<f64>)>;
/// Rows of one puzzle, `[positions][dim]`.
type Rows = Vec<Vec<f64>>;

const VOCAB: usize = 5;
const TOKENS: [u32; 6] = [1, 4, 0, 2, 2, 3];

fn specs() -> Vec<TrmSpec> {
    let base = TrmSpec {
        hidden_size: 8,
        num_heads: 2,
        n_layers: 2,
        h_cycles: 2,
        l_cycles: 2,
        seq_len: TOKENS.len(),
        num_puzzle_identifiers: 3,
        puzzle_emb_ndim: 13,
        puzzle_emb_len: 0,
        expansion: 1.0,
        ..TrmSpec::default()
    };
    let mut specs = Vec::new();
    for mlp_t in [false, true] {
        for pos_encodings in [Positions::Rope, Positions::Learned, Positions::None] {
            specs.push(TrmSpec { mlp_t, pos_encodings, ..base.clone() });
        }
        let state_start = StateStart::Zero;
        specs.push(TrmSpec { mlp_t, state_start, puzzle_emb_ndim: 0, ..base.clone() });
    }
    specs
}

/// `x · wᵀ` for every row.
fn linear(x: &Rows, weights: &Weights, name: &str) -> Rows {
    let (shape, w) = &weights[name];
    let map = |row: &Vec<f64>| -> Vec<f64> {
        w.chunks_exact(shape[1]).map(|w| w.iter().zip(row).map(|(w, x)| w * x).sum()).collect()
    };
    x.iter().map(map).collect()
}

fn add(a: &Rows, b: &Rows) -> Rows {
    let sum = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a + b).collect();
    a.iter().zip(b).map(sum).collect()
}

fn rms(x: &Rows, eps: f64) -> Rows {
    x.iter()
        .map(|row| {
            let square = row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64;
            row.iter().map(|x| x / (square + eps).sqrt()).collect()
        })
        .collect()
}

fn turned(x: &Rows) -> Rows {
    (0..x[0].len()).map(|col| x.iter().map(|row| row[col]).collect()).collect()
}

fn swiglu(x: &Rows, weights: &Weights, name: &str) -> Rows {
    let mut gate_up = linear(x, weights, &format!("{name}.gate_up_proj.weight"));
    for row in &mut gate_up {
        let up = row.split_off(row.len() / 2);
        for (gate, up) in row.iter_mut().zip(up) {
            *gate = *gate / (1.0 + (-*gate).exp()) * up;
        }
    }
    linear(&gate_up, weights, &format!("{name}.down_proj.weight"))
}

fn attention(x: &Rows, weights: &Weights, name: &str, spec: &TrmSpec) -> Rows {
    let qkv = linear(x, weights, &format!("{name}.qkv_proj.weight"));
    let (d, half) = (spec.head_dim(), spec.head_dim() / 2);
    let part = |position: usize, which: usize, head: usize| -> Vec<f64> {
        let row = &qkv[position][which * spec.hidden_size + head * d..][..d];
        let rotates = which < 2 && spec.pos_encodings == Positions::Rope;
        (0..d)
            .map(|i| {
                let frequency = spec.rope_theta.powf(-2.0 * (i % half) as f64 / d as f64);
                let angle = if rotates { position as f64 * frequency } else { 0.0 };
                let other = if i < half { -row[i + half] } else { row[i - half] };
                row[i] * angle.cos() + other * angle.sin()
            })
            .collect()
    };
    let mixed: Rows = (0..x.len())
        .map(|to| {
            (0..spec.num_heads)
                .flat_map(|head| {
                    let q = part(to, 0, head);
                    let weight = |from: usize| {
                        let k = part(from, 1, head);
                        let score: f64 = q.iter().zip(&k).map(|(q, k)| q * k).sum();
                        (score / (d as f64).sqrt()).exp()
                    };
                    let shares: Vec<f64> = (0..x.len()).map(weight).collect();
                    let total: f64 = shares.iter().sum();
                    let mut out = vec![0.0; d];
                    for (from, share) in shares.iter().enumerate() {
                        for (out, v) in out.iter_mut().zip(part(from, 2, head)) {
                            *out += share / total * v;
                        }
                    }
                    out
                })
                .collect()
        })
        .collect();
    linear(&mixed, weights, &format!("{name}.o_proj.weight"))
}

fn network(mut h: Rows, weights: &Weights, spec: &TrmSpec) -> Rows {
    for layer in 0..spec.n_layers {
        let name = format!("L_level.layers.{layer}");
        h = if spec.mlp_t {
            let t = turned(&h);
            let mixed = swiglu(&t, weights, &format!("{name}.mlp_t"));
            turned(&rms(&add(&t, &mixed), spec.rms_norm_eps))
        } else {
            let mixed = attention(&h, weights, &format!("{name}.self_attn"), spec);
            rms(&add(&h, &mixed), spec.rms_norm_eps)
        };
        let fed = swiglu(&h, weights, &format!("{name}.mlp"));
        h = rms(&add(&h, &fed), spec.rms_norm_eps);
    }
    h
}

/// Logits of the cells and of halting after two supervision steps.
fn reference(weights: &Weights, spec: &TrmSpec, puzzle: usize) -> (Rows, Vec<f64>) {
    let dim = spec.hidden_size;
    let row =
        |name: &str, row: usize, width: usize| weights[name].1[row * width..][..width].to_vec();
    let mut x: Rows = Vec::new();
    if spec.puzzle_emb_ndim > 0 {
        let mut numbers = row("puzzle_emb.weights", puzzle, spec.puzzle_emb_ndim);
        numbers.resize(spec.prefix() * dim, 0.0);
        x.extend(numbers.chunks_exact(dim).map(<[f64]>::to_vec));
    }
    x.extend(TOKENS.iter().map(|t| row("embed_tokens.embedding_weight", *t as usize, dim)));
    for (position, x) in x.iter_mut().enumerate() {
        if spec.pos_encodings == Positions::Learned {
            let learned = row("embed_pos.embedding_weight", position, dim);
            for (x, p) in x.iter_mut().zip(learned) {
                *x = std::f64::consts::FRAC_1_SQRT_2 * (*x + p);
            }
        }
        x.iter_mut().for_each(|x| *x *= (dim as f64).sqrt());
    }
    let start = |name: &str| {
        let vector = weights.get(name).map_or_else(|| vec![0.0; dim], |(_, values)| values.clone());
        vec![vector; x.len()]
    };
    let (mut y, mut z) = (start("H_init"), start("L_init"));
    for _ in 0..2 * spec.h_cycles {
        for _ in 0..spec.l_cycles {
            z = network(add(&z, &add(&y, &x)), weights, spec);
        }
        y = network(add(&y, &z), weights, spec);
    }
    let halting = linear(&vec![y[0].clone()], weights, "q_head.weight").remove(0);
    let halting = halting.iter().zip(&weights["q_head.bias"].1).map(|(q, b)| q + b).collect();
    (linear(&y[spec.prefix()..].to_vec(), weights, "lm_head.weight"), halting)
}

/// A number for each weight, so that none hides behind a zero.
fn wild(model: Trm) -> Trm {
    model.with_puzzles(|table| {
        let [rows, dim] = table.dims();
        let values: Vec<f32> = (0..rows * dim).map(|i| (i as f32 * 0.7).sin()).collect();
        Tensor::from_data(TensorData::new(values, [rows, dim]), &table.device())
    })
}

fn weights(model: &Trm) -> Weights {
    collect(model)
        .into_iter()
        .map(|p| {
            let values: Vec<f32> = p.values.into_data().try_into_vec().unwrap();
            (p.name, (p.shape, values.into_iter().map(f64::from).collect()))
        })
        .collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn ask(model: &Trm, puzzle: i32) -> PuzzleInput {
    let device = model.device();
    let tokens: Vec<i32> = TOKENS.iter().map(|&t| t as i32).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [1, TOKENS.len()]), &device);
    PuzzleInput { tokens, embedding: model.embedding(Tensor::from_data([puzzle], &device)) }
}

fn answer(model: &Trm, spec: &TrmSpec, puzzle: i32) -> (Tensor<3>, Tensor<2>) {
    let x = model.encode(&ask(model, puzzle));
    let mut state = model.start(&x);
    for _ in 0..2 {
        state = Engine::new(spec.h_cycles).run(model, &x, state, |_, _| ());
    }
    (model.read(&state).logits, model.halting(&state))
}

#[test]
fn every_kind_computes_what_is_written_down() {
    for spec in specs() {
        let model = wild(Trm::new(&spec, VOCAB, &mut Init::new(7, &Device::flex())));
        assert_eq!(model_size(&model), spec.parameters(VOCAB), "{spec:?}");
        let written = weights(&model);
        for puzzle in [0, 2] {
            let (logits, halting) = answer(&model, &spec, puzzle);
            let (expected, expected_halting) = reference(&written, &spec, puzzle as usize);
            for (found, expected) in
                [(values(logits), expected.concat()), (values(halting), expected_halting)]
            {
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    let error = (f64::from(*found) - expected).abs();
                    // f32 through 24 blocks, each of which normalises anew.
                    assert!(error < 5e-4 * expected.abs().max(1.0), "{spec:?}: {found} {expected}");
                }
            }
        }
    }
}

fn model_size(model: &Trm) -> usize {
    collect(model).iter().map(|p| p.shape.iter().product::<usize>()).sum()
}

/// Gradients of all cycles against differences of what is written down.
#[test]
fn gradients_are_the_slopes_of_what_is_written_down() {
    for spec in specs() {
        let device = Device::flex().autodiff();
        let model = wild(Trm::new(&spec, VOCAB, &mut Init::new(9, &device)));
        let written = weights(&model);
        let coefficient = |i: usize| (i as f64 * 1.3).cos();
        let (logits, _) = answer(&model, &spec, 1);
        let dims = logits.dims();
        let factors: Vec<f32> = (0..dims.iter().product()).map(|i| coefficient(i) as f32).collect();
        let factors = Tensor::<3>::from_data(TensorData::new(factors, dims), &device);
        let grads = (logits * factors).sum().backward();
        let grads = burn::optim::GradientsParams::from_grads(grads, &model);
        let objective = |weights: &Weights| -> f64 {
            let (logits, _) = reference(weights, &spec, 1);
            logits.concat().iter().enumerate().map(|(i, x)| x * coefficient(i)).sum()
        };
        let mut compared = 0;
        for (name, grad) in named_gradients(&model, &grads) {
            for at in [0, grad.len() / 2, grad.len() - 1] {
                let slope = |step: f64| {
                    let mut moved = written.clone();
                    moved.get_mut(&name).unwrap().1[at] += step;
                    objective(&moved)
                };
                let slope = (slope(1e-5) - slope(-1e-5)) / 2e-5;
                let error = (f64::from(grad[at]) - slope).abs();
                assert!(error < 2e-3 * slope.abs().max(1.0), "{name}[{at}]: {} {slope}", grad[at]);
                compared += 1;
            }
        }
        assert!(compared >= 3 * (2 + 3 * spec.n_layers), "{compared}");
    }
}

/// A state dict with the names, sizes and type of the published Sudoku checkpoints, which
/// were saved with the compiler's and the loss head's prefixes, is read.
#[test]
fn names_and_sizes_of_published_checkpoints_are_read() {
    let config = serde_json::json!({
        "H_cycles": 3, "H_layers": 0, "L_cycles": 6, "L_layers": 2, "expansion": 4,
        "forward_dtype": "bfloat16", "halt_exploration_prob": 0.1, "halt_max_steps": 16,
        "hidden_size": 512, "mlp_t": true, "no_ACT_continue": true, "num_heads": 8,
        "pos_encodings": "none", "puzzle_emb_len": 16, "puzzle_emb_ndim": 512,
        "seq_len": 81, "vocab_size": 11, "num_puzzle_identifiers": 1,
    });
    let mut shapes = vec![
        ("embed_tokens.embedding_weight".to_owned(), vec![11, 512]),
        ("lm_head.weight".into(), vec![11, 512]),
        ("q_head.weight".into(), vec![2, 512]),
        ("q_head.bias".into(), vec![2]),
        ("puzzle_emb.weights".into(), vec![1, 512]),
        ("H_init".into(), vec![512]),
        ("L_init".into(), vec![512]),
    ];
    for block in 0..2 {
        for (part, inner, outer) in [("mlp_t", 512, 97), ("mlp", 1536, 512)] {
            let name = format!("L_level.layers.{block}.{part}");
            shapes.push((format!("{name}.gate_up_proj.weight"), vec![2 * inner, outer]));
            shapes.push((format!("{name}.down_proj.weight"), vec![outer, inner]));
        }
    }
    // 0x3c00 is a small number in bf16.
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .into_iter()
        .map(|(name, shape)| {
            let bytes = [0x00, 0x3c].repeat(shape.iter().product());
            (format!("_orig_mod.model.inner.{name}"), shape, bytes)
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::BF16, shape.clone(), bytes).unwrap();
        (name, view)
    });
    let file = safetensors::serialize(views, None).unwrap();
    let converted = trm_train::samsung_trm(&file, &config.to_string(), &Device::flex()).unwrap();
    let run = trm_train::load(&converted, None, None, &Device::flex()).unwrap();
    let summary = run.summary();
    assert_eq!(summary.config.data.dataset, "sudoku-9x9");
    // Five million, as the paper says of this model.
    let numbers: usize = data.iter().map(|(_, shape, _)| shape.iter().product::<usize>()).sum();
    assert_eq!(numbers, 5_030_402);
    assert!(run.as_solver().is_some());
}
