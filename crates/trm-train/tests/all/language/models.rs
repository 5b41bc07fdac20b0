//! What a run of any language model does: drafting, resuming, overfitting, scoring and
//! refusing data that do not fit.

use crate::support::kinds::{all, chunk, decoder, depth, honest};
use crate::support::{TEXT, corpus, start, text_source, tiny, wait};
use burn::tensor::Device;
use trm_data::{Split, TextDataset};
use trm_spec::{DraftStart, FailureKind, Prediction, RunConfig, Vocab};
use trm_train::TraceRequest;

fn said(config: &RunConfig) -> String {
    serde_json::to_string(&config.model).unwrap()
}

/// Drafts are what generation would draw from, at every depth.
#[test]
fn a_draft_tells_what_comes_next() {
    for config in honest() {
        let run = start(&config);
        let ahead = config.model.chunk_size();
        let writer = run.writer().unwrap();
        let tokens = writer.encode("To be, or not to be").unwrap();
        let request = |tokens: Vec<u32>, depth| TraceRequest {
            tokens: vec![tokens],
            depth,
            logits: true,
            top: 3,
            ..TraceRequest::default()
        };
        let depth = depth(&config, 3);
        let draft = wait(writer.draft(&request(tokens.clone(), depth))).unwrap();
        assert_eq!((draft.steps.len(), draft.depth), (depth, depth));
        for (i, step) in draft.steps.iter().enumerate() {
            assert_eq!((step.argmax[0].len(), step.top[0].len()), (ahead, ahead));
            // Running fewer cycles is stopping earlier.
            let shorter = wait(writer.draft(&request(tokens.clone(), i + 1))).unwrap();
            assert_eq!(shorter.steps[i].logits, step.logits, "{}", said(&config));
        }
        let options = trm_spec::GenerateOptions {
            prompt: "To be, or not to be".into(),
            depth,
            draft_depth: 0,
            temperature: 0.0,
            top_k: 0,
            seed: 1,
            max_new_tokens: ahead,
        };
        let text = wait(writer.generate(&options).unwrap().pull(ahead, false)).unwrap();
        assert_eq!(text.tokens, draft.steps[depth - 1].argmax[0], "{}", said(&config));
        assert_eq!(wait(writer.draft(&request(vec![], 1))).unwrap_err().kind, FailureKind::Prompt);
    }
}

/// Saved, loaded and gone on with, every kind is the run it was.
#[test]
fn every_kind_is_taken_up_where_it_was() {
    for config in all() {
        let mut run = start(&config);
        wait(run.steps(3)).unwrap();
        let saved = wait(run.save(serde_json::Value::Null)).unwrap();
        let mut again = trm_train::load(
            &saved.checkpoint,
            Some(&saved.optimizer),
            Some(&text_source(TEXT)),
            &Device::flex(),
        )
        .unwrap();
        assert_eq!(wait(again.steps(3)).unwrap(), wait(run.steps(3)).unwrap(), "{}", said(&config));
        let depths = [depth(&config, 2)];
        assert_eq!(
            wait(again.evaluate(&depths, 0)).unwrap(),
            wait(run.evaluate(&depths, 0)).unwrap()
        );
    }
}

/// A depth that a model does not have is no loss at another one.
#[test]
fn only_depths_of_the_model_are_evaluated() {
    let refused = |config: &RunConfig, depth: usize| {
        wait(start(config).evaluate(&[1, depth], 0)).map(drop).unwrap_err()
    };
    for depth in [0, 1025, usize::MAX] {
        assert_eq!(refused(&tiny(), depth).kind, FailureKind::Config);
    }
    let failure = refused(&decoder(true), 2);
    assert!(failure.message.contains("no recursion"), "{failure}");
}

/// A language model can overfit one sentence.
#[test]
fn every_kind_overfits_one_sentence() {
    for mut config in honest() {
        config.train.learning_rate = 4e-3;
        config.train.lr_schedule = trm_spec::Schedule::Constant;
        config.train.weight_decay = 0.0;
        config.train.max_iters = 400;
        config.train.batch_size = 1;
        config.data.val_fraction = 0.0;
        let text = "Brevity is the soul";
        let corpus = TextDataset::from_text("a sentence", &text[..17], 0.0).unwrap();
        let mut run = trm_train::create(&config, corpus, &Device::flex()).unwrap();
        let learned = (0..40).any(|_| wait(run.steps(10)).unwrap().last().unwrap().loss < 0.01);
        assert!(learned, "{}", said(&config));
    }
}

/// Losses with context from before a window, and what they are divided by.
#[test]
fn overlapping_windows_score_every_token_once() {
    for config in [tiny(), chunk(4, DraftStart::Queries)] {
        let run = start(&config);
        let score = |stride| {
            let scoring = trm_train::Scoring { depths: vec![2], max_tokens: 0, stride };
            wait(run.writer().unwrap().score(&scoring, &mut |_, _| ()))
        };
        let (apart, close) = (score(16).unwrap(), score(4).unwrap());
        assert_eq!(apart.scored, close.scored);
        assert_eq!(apart.depths, wait(run.evaluate(&[2], 0)).unwrap());
        assert_ne!(apart.depths, close.depths);
        let (found, scored) = (close.depths[0], close.scored);
        assert_eq!(scored.tokens, corpus(&config).len(Split::Val) - 1);
        let mut told = Vec::new();
        let scoring = trm_train::Scoring { depths: vec![1], max_tokens: 0, stride: 4 };
        let mut seen = |done, all| told.push((done, all));
        wait(run.writer().unwrap().score(&scoring, &mut seen)).unwrap();
        assert_eq!(told.last(), Some(&(scored.tokens, scored.tokens)));
        let nats = found.loss * scored.tokens as f64;
        assert!((found.word_perplexity.unwrap().ln() - nats / scored.words as f64).abs() < 1e-9);
        let bits = nats / 2_f64.ln() / scored.bytes as f64;
        assert!((found.bits_per_byte.unwrap() - bits).abs() < 1e-9);
        for stride in [17, 3].into_iter().filter(|s| *s > 16 || config.model.chunk_size() == 4) {
            assert_eq!(score(stride).unwrap_err().kind, FailureKind::Config);
        }
    }
}

/// What cannot be trained on says why.
#[test]
fn texts_and_sizes_that_do_not_fit_are_refused() {
    let kind = |config: &RunConfig| match config.validate() {
        Ok(()) => panic!("{} was taken", said(config)),
        Err(error) => error.to_string(),
    };
    let message = kind(&chunk(5, DraftStart::Queries));
    assert!(message.contains("chunk_size") && message.contains("16"), "{message}");
    let mut last = chunk(4, DraftStart::Queries);
    last.train.prediction = Prediction::LastPosition;
    assert!(kind(&last).contains("prediction"));
    for config in honest() {
        let short = TextDataset::from_text("a few words", &TEXT[..20], 0.0).unwrap();
        let long = TextDataset::from_text("many words", TEXT, 0.0).unwrap();
        let fits = trm_train::create(&config, short, &Device::flex());
        assert!(fits.is_ok(), "20 characters hold a block of 16");
        let short = TextDataset::from_text("a few words", &TEXT[..16], 0.0).unwrap();
        let failure = trm_train::create(&config, short, &Device::flex()).err().expect("refused");
        assert_eq!(failure.kind, FailureKind::Data);
        assert!(failure.message.contains("block_size 16"), "{failure}");
        // A text with more characters than the checkpoint knows.
        let mut run = trm_train::create(&config, long, &Device::flex()).unwrap();
        wait(run.steps(1)).unwrap();
        let saved = wait(run.save(serde_json::Value::Null)).unwrap();
        let Vocab::Char { .. } = run.summary().vocab else { panic!("characters") };
        let wider = text_source("Überall und jederzeit: ÄÖÜ");
        let failure = trm_train::load(&saved.checkpoint, None, Some(&wider), &Device::flex());
        let failure = failure.err().expect("refused");
        assert_eq!(failure.kind, FailureKind::Data);
        assert!(failure.message.contains('Ü'), "{failure}");
    }
}
