//! Runs that solve puzzles: learning, going on, answering, and bad requests.

mod embedding;

use std::collections::BTreeMap;

use crate::support::wait;
use burn::tensor::Device;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use trm_data::IGNORED;
use trm_data::puzzles::{PuzzleDataset, PuzzleSet};
use trm_spec::{FailureKind, PuzzleScores, RunConfig, overlay};
use trm_train::{Choice, Copies, Run, SolveRequest, TraceRequest, Weights};

const CELLS: usize = 6;
const VOCAB: usize = 5;

/// Puzzles whose answer is every cell's right neighbour, plus one; a few cells
/// do not count.
fn set(count: usize, seed: usize) -> PuzzleSet {
    let mut inputs = Vec::new();
    let mut labels = Vec::new();
    for puzzle in 0..count {
        let cell = |i: usize| ((puzzle * 31 + (i % CELLS) * 17 + seed * 7) / 3 % VOCAB) as u32;
        inputs.extend((0..CELLS).map(cell));
        labels.extend((0..CELLS).map(|i| {
            let ignored = (puzzle + i).is_multiple_of(5);
            if ignored { IGNORED } else { (cell(i + 1) + 1) % VOCAB as u32 }
        }));
    }
    PuzzleSet {
        name: "neighbours".into(),
        inputs,
        labels,
        puzzle_identifiers: (0..count as u32).map(|i| i / 15 % 3).collect(),
        seq_len: CELLS,
        vocab: VOCAB,
        num_identifiers: 3,
        groups: None,
    }
}

/// There are 15 such puzzles, here under each of three identifiers, so that an
/// identifier says nothing about the answer. What is asked are some of them: the
/// question is whether a model learns at all.
fn data() -> PuzzleDataset {
    PuzzleDataset {
        train: set(45, 1),
        val: set(12, 1),
        augmentation: None,
        tasks: None,
        copies: 0,
        unused: 0,
    }
}

fn tiny(patch: Value) -> RunConfig {
    let dual = RunConfig::of("trm").unwrap();
    let base = json!({
        "hidden_size": 32, "num_heads": 2, "n_layers": 1, "h_cycles": 2, "l_cycles": 1,
        "halt_max_steps": 4, "seq_len": CELLS, "num_puzzle_identifiers": 3,
        "puzzle_emb_ndim": 16, "puzzle_emb_len": 1, "expansion": 1.0,
        "batch_size": 8, "max_iters": 400, "learning_rate": 3e-3, "warmup_iters": 5,
        "weight_decay": 0.1, "ema_decay": 0.9, "puzzle_emb_lr": 1e-3,
    });
    overlay(&overlay(&dual, &base).unwrap(), &patch).unwrap()
}

fn start(config: &RunConfig) -> Box<dyn Run> {
    trm_train::create(config, data(), &Device::flex()).unwrap()
}

#[test]
fn every_kind_of_training_learns() {
    for patch in [
        json!({}),
        json!({ "mlp_t": true, "pos_encodings": "none" }),
        json!({
            "pos_encodings": "learned", "loss_type": "softmax",
            // AdamATan2's steps are bounded, AdamW's are not.
            "optimizer": "adamw", "learning_rate": 1e-3,
        }),
        json!({
            "supervision": "unrolled", "cycle_weights": [1, 1, 2, 2], "state_start": "zero",
            "loss_type": "softmax", "halt_max_steps": 4, "puzzle_emb_ndim": 0, "max_iters": 120,
        }),
        json!({ "backprop_cycles": 0, "halt_max_steps": 1, "max_iters": 300 }),
    ] {
        let config = tiny(patch.clone());
        let mut run = start(&config);
        let before =
            wait(run.solver().unwrap().evaluate_puzzles(config.model.depth(), 0, &mut |_, _| ()))
                .unwrap();
        let reports = wait(run.steps(config.train.max_iters)).unwrap();
        assert_eq!(reports.len(), config.train.max_iters);
        let after =
            wait(run.solver().unwrap().evaluate_puzzles(config.model.depth(), 0, &mut |_, _| ()))
                .unwrap();
        // Where it halts by itself: rows that halt leave the later steps with
        // little to learn from, so that a small model forgets them.
        let done = after.halting.iter().find(|score| score.threshold == 0.5).unwrap();
        assert!(done.cell_accuracy > 0.95, "{patch}: {after:?}");
        let least = |scores: &PuzzleScores| {
            scores.steps.iter().map(|step| step.loss).fold(f64::INFINITY, f64::min)
        };
        assert!(least(&after) < least(&before) / 4.0, "{patch}: {before:?} {after:?}");
        // Puzzles that were done are told of, and no others.
        let solved: usize = reports.iter().filter_map(|r| r.solved).map(|s| s.puzzles).sum();
        assert!(solved > 0 && solved <= 8 * reports.len());
        assert!(reports.last().unwrap().loss < 0.2, "{patch}");
    }
}

/// The tensors of a file; the order of its header's entries is nobody's promise.
fn tensors(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let tensors = SafeTensors::deserialize(bytes).unwrap().tensors();
    tensors.into_iter().map(|(name, view)| (name, view.data().to_vec())).collect()
}

/// A run that was saved with puzzles half solved goes on as if it had not been.
#[test]
fn a_run_goes_on_exactly() {
    for patch in [json!({}), json!({ "mlp_t": true, "optimizer": "adamw" })] {
        let config = tiny(patch);
        let mut unbroken = start(&config);
        wait(unbroken.steps(7)).unwrap();
        let saved = wait(unbroken.save(Value::Null)).unwrap();
        let expected = wait(unbroken.steps(9)).unwrap();
        let load = |optimizer: Option<&[u8]>| {
            let material = Some(data().into());
            trm_train::load_with(&saved.checkpoint, optimizer, material, &Device::flex()).unwrap()
        };
        let mut resumed = load(Some(&saved.optimizer));
        assert_eq!(wait(resumed.steps(9)).unwrap(), expected);
        let [a, b] = [&unbroken, &resumed].map(|run| wait(run.save(Value::Null)).unwrap());
        for (a, b) in [(a.checkpoint, b.checkpoint), (a.optimizer, b.optimizer)] {
            assert!(
                tensors(&a) == tensors(&b),
                "weights, moments, averages and carry are the same"
            );
        }
        // Without the second file it starts with new puzzles, and still trains.
        let mut without = load(None);
        assert_ne!(wait(without.steps(9)).unwrap(), expected);
    }
}

/// Products in half precision are other numbers, and learn the same.
#[test]
fn half_precision_learns_what_full_precision_learns() {
    for patch in [json!({}), json!({ "supervision": "unrolled" })] {
        let losses = |precision: &str| {
            let config = overlay(&tiny(patch.clone()), &json!({ "precision": precision })).unwrap();
            let reports = wait(start(&config).steps(30)).unwrap();
            reports.iter().map(|report| report.loss).collect::<Vec<_>>()
        };
        let full = losses("f32");
        for precision in ["bf16", "f16"] {
            let half = losses(precision);
            assert_ne!(half[0], full[0], "{precision} changes nothing");
            // Later the smallest difference grows.
            for (step, (a, b)) in half.iter().zip(&full).enumerate().take(15) {
                assert!((a - b).abs() < 0.1, "{patch}, {precision}, step {step}: {a} and {b}");
            }
        }
    }
}

/// A number of the carry that is no token, task or step is refused before it is used.
#[test]
fn a_damaged_carry_is_refused() {
    let config = tiny(json!({}));
    let mut run = start(&config);
    wait(run.steps(3)).unwrap();
    let saved = wait(run.save(Value::Null)).unwrap();
    let load = |optimizer: &[u8]| {
        let data = Some(data().into());
        trm_train::load_with(&saved.checkpoint, Some(optimizer), data, &Device::flex())
    };
    load(&saved.optimizer).unwrap();
    for (name, value) in [
        ("carry.inputs", VOCAB as f32),
        ("carry.inputs", 0.5),
        ("carry.labels", -2.0),
        ("carry.identifiers", 3.0),
        ("carry.steps", -1.0),
        ("carry.halted", 2.0),
    ] {
        let file = SafeTensors::deserialize(&saved.optimizer).unwrap();
        let (_, header) = SafeTensors::read_metadata(&saved.optimizer).unwrap();
        let changed: Vec<_> = file
            .tensors()
            .into_iter()
            .map(|(of, view)| {
                let mut data = view.data().to_vec();
                if of == name {
                    assert_eq!(view.dtype(), safetensors::Dtype::F32);
                    data[..4].copy_from_slice(&value.to_le_bytes());
                }
                (of, view.dtype(), view.shape().to_vec(), data)
            })
            .collect();
        assert!(changed.iter().any(|(of, ..)| of == name), "{name}");
        let views = changed.iter().map(|(of, dtype, shape, data)| {
            (of, safetensors::tensor::TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        let bytes = safetensors::serialize(views, header.metadata().clone()).unwrap();
        let failure = load(&bytes).err().unwrap_or_else(|| panic!("{name} {value}"));
        assert_eq!(failure.kind, FailureKind::Checkpoint);
        assert!(failure.message.contains(name), "{failure}");
    }
}

/// Less than a puzzle is a puzzle, not all of them.
#[test]
fn few_tokens_are_one_puzzle() {
    let config = tiny(json!({}));
    let mut run = start(&config);
    wait(run.steps(2)).unwrap();
    let scored = |tokens| wait(run.evaluate(&[2], tokens)).unwrap()[0].loss;
    assert_eq!(scored(1), scored(CELLS));
    assert_ne!(scored(1), scored(0));
}

#[test]
fn answers_agree_with_scores_and_traces() {
    let config = tiny(json!({ "max_iters": 150 }));
    let mut run = start(&config);
    wait(run.steps(150)).unwrap();
    let val = data().val;
    let inputs: Vec<Vec<u32>> = val.inputs.chunks_exact(CELLS).map(<[u32]>::to_vec).collect();
    let request = SolveRequest {
        inputs: inputs.clone(),
        puzzle_identifiers: val.puzzle_identifiers.clone(),
        max_steps: 4,
        ..SolveRequest::default()
    };
    let all = wait(run.solver().unwrap().solve(&request)).unwrap();
    let trace = wait(run.trace(&TraceRequest {
        tokens: inputs,
        depth: 4,
        puzzle_identifiers: val.puzzle_identifiers.clone(),
        attention: Some(0),
        ..TraceRequest::default()
    }))
    .unwrap();
    let scores = wait(run.solver().unwrap().evaluate_puzzles(4, 0, &mut |_, _| ())).unwrap();
    assert_eq!(trace.steps.len(), 4);
    let right = |answers: &[Vec<u32>]| {
        let labels = val.labels.chunks_exact(CELLS);
        let exact = answers.iter().zip(labels).filter(|(answer, labels)| {
            answer.iter().zip(*labels).all(|(a, l)| *l == IGNORED || a == l)
        });
        exact.count() as f64 / val.len() as f64
    };
    for (step, score) in trace.steps.iter().zip(&scores.steps) {
        assert!((right(&step.argmax) - score.exact_accuracy).abs() < 1e-6);
        assert_eq!(step.attention.len(), val.len());
    }
    let halts: Vec<&Vec<f32>> = trace.steps.iter().map(|s| s.halt.as_ref().unwrap()).collect();
    for (row, solution) in all.iter().enumerate() {
        assert_eq!((solution.steps, &solution.answer), (4, &trace.steps[3].argmax[row]));
        assert!((solution.halt - halts[3][row]).abs() < 1e-5);
    }
    // With a threshold each stops where its own probability first exceeds it.
    let mut sorted: Vec<f32> = halts[1].clone();
    sorted.sort_by(f32::total_cmp);
    let threshold = f64::from(sorted[sorted.len() / 2]);
    let some =
        wait(run.solver().unwrap().solve(&SolveRequest { threshold: Some(threshold), ..request }))
            .unwrap();
    for (row, solution) in some.iter().enumerate() {
        let stop = (0..4).find(|&step| f64::from(halts[step][row]) > threshold).unwrap_or(3);
        // A probability as good as at the threshold may fall on either side.
        if (0..4).all(|step| (f64::from(halts[step][row]) - threshold).abs() > 1e-5) {
            assert_eq!(solution.steps, stop + 1, "row {row}");
            assert_eq!(solution.answer, trace.steps[stop].argmax[row]);
        }
    }
    assert!(some.iter().any(|s| s.steps < 4), "{some:?}");
}

#[test]
fn chains_with_noise_are_never_less_sure_than_the_puzzle_alone() {
    let mut run = start(&tiny(json!({ "max_iters": 60 })));
    wait(run.steps(60)).unwrap();
    let val = data().val;
    let request = |copies: Copies| SolveRequest {
        inputs: val.inputs.chunks_exact(CELLS).map(<[u32]>::to_vec).collect(),
        puzzle_identifiers: val.puzzle_identifiers.clone(),
        max_steps: 3,
        copies,
        ..SolveRequest::default()
    };
    let solve = |copies| wait(run.solver().unwrap().solve(&request(copies))).unwrap();
    let alone = solve(Copies::default());
    let noisy = Copies { chains: 3, state_noise: 0.5, ..Copies::default() };
    let chosen = solve(noisy);
    assert_eq!(chosen, solve(noisy), "noise is a function of the seed");
    assert_ne!(chosen, solve(Copies { seed: 1, ..noisy }), "and differs between seeds");
    for (alone, chosen) in alone.iter().zip(&chosen) {
        // The first chain has no noise.
        assert!(chosen.halt >= alone.halt - 1e-5, "{chosen:?} after {alone:?}");
        assert_eq!((alone.copy, alone.calls, chosen.calls), (0, 3, 9));
        if chosen.copy == 0 {
            assert_eq!(chosen.answer, alone.answer);
        }
    }
    assert!(chosen.iter().any(|solution| solution.copy > 0), "noise changes something");
    for (copies, words) in [
        (Copies { augmentations: 2, ..Copies::default() }, "no known augmentations"),
        (Copies { choice: Choice::Rules, ..Copies::default() }, "rules of"),
        (Copies { chains: 2, ..Copies::default() }, "without noise"),
        (Copies { state_noise: f64::NAN, ..Copies::default() }, "state noise"),
        (Copies { augmentations: 0, ..Copies::default() }, "augmentations is 0"),
        (Copies { augmentations: 64, chains: 17, ..noisy }, "64 augmentations with 17 chains"),
    ] {
        let failure = wait(run.solver().unwrap().solve(&request(copies))).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Config);
        assert!(failure.message.contains(words), "{}", failure.message);
    }
}

#[test]
fn bad_requests_say_what_to_do() {
    let config = tiny(json!({}));
    let mut run = start(&config);
    let solve = |inputs: Vec<Vec<u32>>, puzzle_identifiers: Vec<u32>| {
        let request =
            SolveRequest { inputs, puzzle_identifiers, max_steps: 2, ..SolveRequest::default() };
        wait(run.solver().unwrap().solve(&request)).map(drop)
    };
    for (inputs, identifiers, words) in [
        (vec![vec![1; CELLS - 1]], vec![], "has 5 cells"),
        (vec![vec![VOCAB as u32; CELLS]], vec![], "outside the vocabulary"),
        (vec![vec![1; CELLS]], vec![0, 1], "1 puzzles, but 2 identifiers"),
        (vec![vec![1; CELLS]], vec![3], "outside the 3"),
    ] {
        let failure = solve(inputs, identifiers).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Prompt);
        assert!(failure.message.contains(words), "{}", failure.message);
    }
    solve(Vec::new(), Vec::new()).expect("no puzzles have no answers");
    let failure = run.writer().map(drop).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Prompt);
    assert!(failure.message.contains("does not generate text"), "{}", failure.message);
    let changed = |patch: Value| overlay(&config, &patch).unwrap();
    let failure = run.configure(&changed(json!({ "h_cycles": 3 }))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Config);
    run.configure(&changed(json!({ "batch_size": 3, "learning_rate": 1e-3 }))).unwrap();
    wait(run.steps(2)).expect("another batch size starts with new puzzles");
    assert!(run.use_weights(Weights::Raw).is_ok());

    // What a model was not made for.
    let config = tiny(json!({ "seq_len": 7 }));
    let failure = trm_train::create(&config, data(), &Device::flex()).err().expect("refused");
    let words = "seq_len is 7, but the puzzles have 6";
    assert!(failure.message.contains(words), "{}", failure.message);
    let created = trm_train::create(&RunConfig::default(), data(), &Device::flex());
    let failure = created.err().expect("refused");
    assert!(failure.message.contains("cannot be trained on puzzles"), "{}", failure.message);
}

/// Cells without an answer cannot be right, and a puzzle of nothing else is not solved.
#[test]
fn a_puzzle_without_any_answer_does_not_count() {
    let scores = |unanswered: &[usize]| {
        let mut data = data();
        for row in unanswered {
            data.val.labels[row * CELLS..(row + 1) * CELLS].fill(IGNORED);
        }
        let run = trm_train::create(&tiny(json!({})), data, &Device::flex()).unwrap();
        wait(run.as_solver().expect("a solver").evaluate_puzzles(2, 0, &mut |_, _| ()))
    };
    let (all, half) = (scores(&[]).unwrap(), scores(&[6, 7, 8, 9, 10, 11]).unwrap());
    assert_eq!((all.puzzles, half.puzzles), (12, 6));
    // An untrained model solves none.
    assert!(half.steps.iter().all(|step| step.exact_accuracy < 0.1), "{half:?}");
    let failure = scores(&(0..12).collect::<Vec<_>>()).expect_err("nothing to score");
    assert!(failure.message.contains("no answers"), "{}", failure.message);
}

/// Rows that must explore run as long as they must, whatever the halting head says.
#[test]
fn exploration_holds_rows_back_and_is_a_function_of_the_step() {
    let steps = |exploration: f64| {
        let config = tiny(json!({ "halt_exploration_prob": exploration, "max_iters": 300 }));
        let mut run = start(&config);
        let reports = wait(run.steps(300)).unwrap();
        let last: Vec<_> = reports[250..].iter().filter_map(|r| r.solved).collect();
        last.iter().map(|s| s.steps * s.puzzles as f64).sum::<f64>()
            / last.iter().map(|s| s.puzzles as f64).sum::<f64>()
    };
    let (never, always) = (steps(0.0), steps(1.0));
    assert!(never < 2.0, "what is easy is done at once: {never}");
    assert!(always > 2.5, "at least 2 to 4 steps: {always}");
    assert_eq!(always, steps(1.0));
}
