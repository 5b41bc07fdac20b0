//! What must hold for a language model, whatever its weights.

use crate::support::{TEXT, alone, model, start, text_source, tiny, wait};
use burn::tensor::Device;
use serde_json::json;
use trm_spec::{DepthSampling, FailureKind, GenerateOptions, Objective, RunConfig, VariantSpec};
use trm_train::TraceRequest;

fn patched(config: &RunConfig, patch: serde_json::Value) -> RunConfig {
    trm_spec::overlay(config, &patch).unwrap()
}

#[test]
fn training_lowers_the_loss_and_follows_the_seed() {
    let losses = |seed: u64| {
        let mut config = tiny();
        config.train.seed = seed;
        let reports = wait(start(&config).steps(60)).unwrap();
        reports.into_iter().map(|r| r.loss).collect::<Vec<_>>()
    };
    let first = losses(7);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    assert!(mean(&first[50..]) < mean(&first[..5]) - 0.8, "{first:?}");
    assert_eq!(first, losses(7));
    assert_ne!(first, losses(8));
}

#[test]
fn dropout_works_in_training_and_only_there() {
    let _alone = alone();
    let mut config = tiny();
    let plain = wait(start(&config).steps(3)).unwrap();
    model(&mut config).dropout = 0.3;
    let mut run = start(&config);
    let dropped = wait(run.steps(3)).unwrap();
    assert_ne!(plain[0].loss, dropped[0].loss);
    assert_eq!(dropped, wait(start(&config).steps(3)).unwrap());
    let once = wait(run.evaluate(&[3], 0)).unwrap();
    assert_eq!(once, wait(run.evaluate(&[3], 0)).unwrap());
}

#[test]
fn random_depths_stay_in_their_range_and_all_occur() {
    let mut config = tiny();
    config.train.depth_sampling = DepthSampling::Uniform;
    config.train.min_depth = 2;
    model(&mut config).recursion_steps = 4;
    let mut depths: Vec<_> =
        wait(start(&config).steps(40)).unwrap().iter().map(|r| r.depth).collect();
    depths.sort_unstable();
    depths.dedup();
    assert_eq!(depths, [2, 3, 4]);
}

#[test]
fn per_cycle_losses_make_shallow_depths_usable() {
    let loss_at_one = |objective| {
        let mut config = tiny();
        config.train.objective = objective;
        let mut run = start(&config);
        wait(run.steps(60)).unwrap();
        wait(run.evaluate(&[1], 0)).unwrap()[0].loss
    };
    assert!(loss_at_one(Objective::EveryCycle) < loss_at_one(Objective::LastCycle) - 0.1);
}

#[test]
fn evaluation_counts_every_token_once_and_agrees_with_a_trace() {
    let run = start(&tiny());
    let summary = run.summary();
    let tokens = run.writer().unwrap().encode(TEXT).unwrap();
    let val = &tokens[summary.train_tokens..];
    assert_eq!(val.len(), summary.val_tokens);
    let mut total = 0.0;
    for start in (0..val.len() - 1).step_by(16) {
        let end = (start + 16).min(val.len() - 1);
        let request = TraceRequest {
            tokens: vec![val[start..end].to_vec()],
            depth: 2,
            logits: true,
            ..TraceRequest::default()
        };
        let trace = wait(run.trace(&request)).unwrap();
        let logits = &trace.steps[1].logits.as_ref().unwrap()[0];
        for (row, target) in logits.iter().zip(&val[start + 1..]) {
            total -= trm_core::sample::softmax(row)[*target as usize].ln();
        }
    }
    let expected = total / (val.len() - 1) as f64;
    let found = wait(run.evaluate(&[2], 0)).unwrap()[0];
    assert!((found.loss - expected).abs() < 1e-5, "{} for {expected}", found.loss);
    assert!((found.bits_per_char.unwrap() - expected / 2f64.ln()).abs() < 1e-5);
}

#[test]
fn every_head_shares_out_its_attention_among_what_came_before() {
    let run = start(&tiny());
    let VariantSpec::ChatTrm(spec) = run.summary().config.model else { panic!("chat_trm") };
    let tokens = vec![(0..16).collect(), (4..20).collect::<Vec<u32>>()];
    for position in [0, 7, 15] {
        let request = TraceRequest {
            tokens: tokens.clone(),
            depth: 2,
            attention: Some(position),
            ..TraceRequest::default()
        };
        let trace = wait(run.trace(&request)).unwrap();
        for step in &trace.steps {
            assert_eq!(step.attention.len(), 2);
            for heads in step.attention.iter().flatten() {
                assert_eq!(heads.len(), spec.num_heads);
                for shares in heads {
                    let (seen, hidden) = shares.split_at(position + 1);
                    assert_eq!(shares.len(), 16);
                    assert!((seen.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                    assert!(hidden.iter().all(|share| *share == 0.0));
                }
            }
            assert_eq!(step.attention[0].len(), spec.n_layers);
        }
        // A later cycle asks another question of the same text.
        assert!(position == 0 || trace.steps[0].attention != trace.steps[1].attention);
    }
    let beyond = TraceRequest { tokens, depth: 1, attention: Some(16), ..TraceRequest::default() };
    assert_eq!(wait(run.trace(&beyond)).unwrap_err().kind, FailureKind::Prompt);
}

/// Live settings act on the next step, and a run that was changed on its way is
/// saved and taken up again as it is.
#[test]
fn live_settings_change_the_next_step() {
    let patch = json!({
        "learning_rate": 2e-3, "recursion_steps": 3, "objective": "every_cycle",
        "cycle_weights": [1, 2, 3], "depth_sampling": "uniform", "batch_size": 3, "ema_decay": 0.9,
    });
    let mut changed = start(&tiny());
    let mut same = start(&tiny());
    assert_eq!(wait(changed.steps(3)).unwrap(), wait(same.steps(3)).unwrap());
    let config = changed.summary().config;
    changed.configure(&patched(&config, patch)).unwrap();
    let saved = wait(changed.save(serde_json::Value::Null)).unwrap();
    let after = wait(changed.steps(4)).unwrap();
    assert!(after.iter().any(|report| report.depth == 3), "{after:?}");
    assert_ne!(after, wait(same.steps(4)).unwrap());
    let mut again = trm_train::load(
        &saved.checkpoint,
        Some(&saved.optimizer),
        Some(&text_source(TEXT)),
        &Device::flex(),
    )
    .unwrap();
    assert_eq!(wait(again.steps(4)).unwrap(), after);
    let config = changed.summary().config;
    changed.configure(&patched(&config, json!({ "ema_decay": 0 }))).unwrap();
    assert!(changed.use_weights(trm_train::Weights::Average).is_err());
}

fn options(depth: usize, seed: u32) -> GenerateOptions {
    GenerateOptions {
        prompt: "To ".into(),
        depth,
        draft_depth: 0,
        temperature: 1.0,
        top_k: 0,
        seed,
        max_new_tokens: 50,
    }
}

#[test]
fn generation_follows_seed_and_depth_and_crosses_the_block() {
    let mut run = start(&tiny());
    wait(run.steps(20)).unwrap();
    let text = |depth, seed| {
        wait(run.writer().unwrap().generate(&options(depth, seed)).unwrap().pull(50, false))
            .unwrap()
    };
    assert_eq!(text(2, 1), text(2, 1));
    assert_ne!(text(2, 1), text(2, 2));
    assert_ne!(text(1, 1), text(3, 1));
    assert_eq!(text(2, 1).tokens.len(), 50);
}

#[test]
fn a_stream_keeps_the_weights_it_was_opened_with() {
    let mut run = start(&tiny());
    let whole =
        wait(run.writer().unwrap().generate(&options(2, 3)).unwrap().pull(50, false)).unwrap().text;
    let mut stream = run.writer().unwrap().generate(&options(2, 3)).unwrap();
    let mut text = wait(stream.pull(10, false)).unwrap().text;
    wait(run.steps(5)).unwrap();
    let rest = wait(stream.pull(100, false)).unwrap();
    text += &rest.text;
    assert_eq!(text, whole);
    assert!(rest.done);
    assert!(wait(stream.pull(5, false)).unwrap().tokens.is_empty());
}

#[test]
fn bad_requests_say_what_to_do() {
    let mut run = start(&tiny());
    let kind = |result: Result<(), trm_spec::Failure>| {
        let failure = result.unwrap_err();
        assert!(!failure.message.is_empty() && !failure.hint.is_empty());
        failure.kind
    };
    let with = |prompt: &str, depth| GenerateOptions { prompt: prompt.into(), ..options(depth, 0) };
    assert_eq!(kind(run.writer().unwrap().generate(&with("né", 1)).map(drop)), FailureKind::Prompt);
    assert_eq!(kind(run.writer().unwrap().generate(&with("To", 0)).map(drop)), FailureKind::Config);
    assert_eq!(kind(wait(run.evaluate(&[0], 0)).map(drop)), FailureKind::Config);
    for tokens in [vec![], vec![vec![]], vec![vec![1], vec![]], vec![vec![999]], vec![vec![1; 17]]]
    {
        let request = TraceRequest { tokens, depth: 1, ..TraceRequest::default() };
        assert_eq!(kind(wait(run.trace(&request)).map(drop)), FailureKind::Prompt);
    }
    let config = run.summary().config;
    let mut other = config.clone();
    other.train.seed += 1;
    assert_eq!(kind(run.configure(&other)), FailureKind::Config);
    let mut other = config.clone();
    other.train.cycle_weights = vec![1.0];
    assert_eq!(kind(run.configure(&other)), FailureKind::Config);
    run.configure(&patched(&config, json!({ "learning_rate": 9, "max_iters": 61 }))).unwrap();
    assert_eq!(run.summary().config.train.max_iters, 61);
}

#[test]
fn a_run_stops_at_its_end() {
    let mut config = tiny();
    config.train.max_iters = 3;
    let mut run = start(&config);
    assert_eq!(wait(run.steps(10)).unwrap().len(), 3);
    assert!(wait(run.steps(10)).unwrap().is_empty());
    run.configure(&patched(&config, json!({ "max_iters": 5 }))).unwrap();
    assert_eq!(wait(run.steps(10)).unwrap().last().unwrap().step, 5);
}

#[test]
fn a_diverging_run_says_at_which_step() {
    let mut config = tiny();
    config.train.learning_rate = 10.0;
    config.train.weight_decay = 10.0;
    config.train.grad_clip = 0.0;
    config.train.warmup_iters = 0;
    config.train.adam_eps = 1e-30;
    config.train.max_iters = 5000;
    let mut run = start(&config);
    let failure = (0..100).find_map(|_| wait(run.steps(50)).err());
    // Post-norm keeps activations bounded, so that only overflowing weights end a run.
    let failure = failure.expect("weights that grow a hundredfold each step overflow");
    assert_eq!(failure.kind, FailureKind::Diverged);
    assert!(failure.message.contains("step"), "{failure}");
    // The update before broke the weights: they are not saved over good ones.
    config.train.adam_eps = 1e-20;
    let mut run = start(&config);
    let mut refused = None;
    while refused.is_none() && wait(run.steps(1)).is_ok() {
        match wait(run.save(serde_json::Value::Null)) {
            Ok(saved) => {
                drop(trm_train::load_with(&saved.checkpoint, None, None, &Device::flex()).unwrap())
            }
            Err(failure) => refused = Some(failure),
        }
    }
    let refused = refused.expect("the last update leaves weights that are not finite");
    assert_eq!(refused.kind, FailureKind::Diverged);
    assert!(refused.message.contains("NaN or infinite"), "{refused}");
}
