//! Training, asking and saving: what works.

use trm_spec::{Backend, Command, DataSource, DeviceInfo, Event, Objective, Saved, VariantSpec};

use super::support::*;

pub async fn opens_on_the_cpu() {
    let session = open().await;
    let device: DeviceInfo = serde_wasm_bindgen::from_value(session.device()).expect("a device");
    assert_eq!(device.backend, Backend::Cpu);
    assert!(!device.name.is_empty());
}

pub async fn training_lowers_the_loss() {
    let mut session = open().await;
    let summary = create(&mut session, config()).await;
    assert_eq!(summary.step, 0);
    assert!(summary.trainable);
    let chance = (summary.vocab.size() as f64).ln();
    assert!((summary.chance_loss - chance).abs() < 1e-9);

    let reports = step(&mut session, 60).await;
    let steps: Vec<_> = reports.iter().map(|report| report.step).collect();
    assert_eq!(steps, (1..=60).collect::<Vec<_>>());
    assert!((reports[0].loss - chance).abs() < 1.5, "starts near chance: {}", reports[0].loss);
    let last = reports[50..].iter().map(|report| report.loss).sum::<f64>() / 10.0;
    assert!(last < reports[0].loss - 1.0, "from {} to {last}", reports[0].loss);
}

pub async fn training_stops_at_max_iters() {
    let mut session = open().await;
    let mut short = config();
    short.train.max_iters = 3;
    create(&mut session, short).await;
    assert_eq!(step(&mut session, 10).await.len(), 3);
    assert!(step(&mut session, 10).await.is_empty());
}

pub async fn a_seed_gives_the_same_text_again_and_depth_changes_it() {
    let mut session = started().await;
    step(&mut session, 20).await;
    let first = generated(&mut session, options(1)).await;
    assert_eq!(first.chars().count(), 40);
    assert_eq!(first, generated(&mut session, options(1)).await);
    // A barely trained model is unsure, so another depth draws other characters.
    assert_ne!(first, generated(&mut session, options(4)).await);
}

pub async fn pulling_in_pieces_gives_the_same_text() {
    let mut session = started().await;
    step(&mut session, 5).await;
    let whole = generated(&mut session, options(2)).await;
    let stream = generate(&mut session, options(2)).await;
    // Training goes on between the pulls; the stream keeps the weights it began with.
    let mut pieces = String::new();
    for n in [1, 7, 32] {
        pieces += &pull(&mut session, stream, n).await.text;
        step(&mut session, 1).await;
    }
    assert_eq!(pieces, whole);
}

pub async fn validation_is_deterministic() {
    let mut session = started().await;
    step(&mut session, 5).await;
    let first = evaluate(&mut session, vec![1, 2, 5]).await;
    assert_eq!(first.iter().map(|row| row.depth).collect::<Vec<_>>(), [1, 2, 5]);
    assert_eq!(first, evaluate(&mut session, vec![1, 2, 5]).await);
    assert!((first[0].perplexity - first[0].loss.exp()).abs() < 1e-6);
}

pub async fn a_saved_run_goes_on_exactly() {
    let mut session = started().await;
    step(&mut session, 10).await;
    let saved = save(&mut session).await;
    assert_eq!(saved.step, 10);
    let unbroken = step(&mut session, 10).await;

    let mut other = open().await;
    let summary = load(&mut other, &saved, Some(source())).await;
    assert_eq!(summary.step, 10);
    assert_eq!(step(&mut other, 10).await, unbroken);
}

pub async fn an_exported_model_has_the_averaged_weights_that_were_scored() {
    let mut averaged = config();
    averaged.train.ema_decay = 0.9;
    let mut session = open().await;
    create(&mut session, averaged).await;
    step(&mut session, 20).await;
    let scored = evaluate(&mut session, vec![2]).await;
    let [exported, raw] = [export(&mut session).await, save(&mut session).await.checkpoint];

    let mut scores = Vec::new();
    for checkpoint in [exported, raw] {
        let mut other = open().await;
        let model = Saved { checkpoint, optimizer: Vec::new(), step: 20 };
        load(&mut other, &model, None).await;
        attach(&mut other, source()).await;
        scores.push(evaluate(&mut other, vec![2]).await);
    }
    assert_eq!(scores[0], scored);
    assert_ne!(scores[1], scored, "the run saves its weights as they are trained");
}

pub async fn a_model_without_its_text_answers_but_does_not_train() {
    let mut session = started().await;
    step(&mut session, 5).await;
    let saved = save(&mut session).await;
    let text = generated(&mut session, options(2)).await;

    let mut other = open().await;
    assert!(!load(&mut other, &saved, None).await.trainable);
    assert_eq!(generated(&mut other, options(2)).await, text);
    let failure = failure(&mut other, Command::Step { n: 1 }).await;
    assert!(!failure.hint.is_empty());
}

pub async fn a_loaded_model_is_given_its_text() {
    let mut session = started().await;
    step(&mut session, 5).await;
    let saved = save(&mut session).await;
    let mut other = open().await;
    load(&mut other, &saved, None).await;
    let foreign = DataSource::Text { name: "text".into(), text: "ελευθερία ".repeat(80) };
    failure(&mut other, Command::Attach { data: foreign }).await;
    assert!(attach(&mut other, source()).await.trainable);
    assert_eq!(step(&mut other, 1).await[0].step, 6);
}

pub async fn a_trace_has_every_cycle() {
    let mut session = started().await;
    let trace = trace(&mut session, "the cat".into(), 3, 2).await;
    assert_eq!((trace.depth, trace.steps.len(), trace.tokens[0].len()), (3, 3, 7));
    for (i, step) in trace.steps.iter().enumerate() {
        assert_eq!(step.step, i + 1);
        assert_eq!(step.top[0].len(), 7);
        let best = &step.top[0][6];
        assert_eq!(best.len(), 2);
        assert_eq!(best[0].token, step.argmax[0][6]);
        assert!(best[0].prob >= best[1].prob);
        assert!(step.entropy[0].iter().all(|entropy| entropy.is_finite() && *entropy >= 0.0));
        // From position 1, every head looks at the first two positions.
        for head in step.attention[0].iter().flatten() {
            assert!((head[0] + head[1] - 1.0).abs() < 1e-5);
            assert_eq!(head.len(), 7);
        }
    }
}

pub async fn live_settings_change_and_settled_ones_do_not() {
    let mut session = started().await;
    step(&mut session, 2).await;
    let mut other = config();
    let VariantSpec::ChatTrm(model) = &mut other.model else { panic!("a language model") };
    model.recursion_steps = 3;
    // A whole number of JavaScript is a rate as well.
    other.train.learning_rate = 1.0;
    other.train.objective = Objective::EveryCycle;
    other.train.cycle_weights = vec![1.0, 0.5, 2.0];
    assert_eq!(configure(&mut session, other.clone()).await.config, other);
    let after = step(&mut session, 1).await[0];
    assert_eq!((after.step, after.depth), (3, 3));
    other.train.seed += 1;
    let refused = failure(&mut session, Command::Configure { config: other }).await;
    assert!(refused.message.contains("seed") && !refused.hint.is_empty());
    assert_eq!(step(&mut session, 1).await[0].step, 4);
}

pub async fn memory_is_what_the_module_holds() {
    let mut session = started().await;
    let before = memory(&mut session).await;
    assert!(before.wasm > 1 << 20, "{before:?}");
    step(&mut session, 1).await;
    let after = memory(&mut session).await;
    assert!(after.wasm >= before.wasm, "{after:?} after {before:?}");
}

pub async fn a_benchmark_leaves_the_run_alone() {
    let mut session = started().await;
    step(&mut session, 3).await;
    let mut other = config();
    other.train.batch_size = 2;
    other.train.gradient_accumulation_steps = 3;
    match handle(&mut session, &Command::Benchmark { config: other, steps: 2 }).await {
        Event::Benchmarked { ms_per_step, tokens_per_step } => {
            assert!(ms_per_step > 0.0);
            assert_eq!(tokens_per_step, 2 * 3 * 16);
        }
        other => panic!("benchmark was answered by {other:?}"),
    }
    let after = step(&mut session, 3).await;

    let mut untouched = started().await;
    assert_eq!(step(&mut untouched, 6).await[3..], after);
}
