//! Runs that answer questions: they learn, are saved without their frozen base, and answer as
//! they are scored.

mod baselines;

use burn::tensor::Device;
use trm_data::Dataset;
use trm_spec::{ChatMessage, ChatOptions, ChatRole, FailureKind, GenerateOptions, RunConfig};
use trm_train::checkpoint::{read_header, restart};
use trm_train::{
    AskRequest, BaseFile, ConsiderRequest, FrozenLlm, QuestionSet, Run, create_on, load, load_on,
    load_on_decoder,
};

use std::rc::Rc;

use crate::support::questions::{base, compressed_below, config, opened, questions};
use crate::support::wait;

fn fresh(base: &[u8]) -> Box<dyn Run> {
    let (config, base) = (config(), BaseFile { name: "base.safetensors", bytes: base });
    create_on(&config, questions(&config), Some(base), &Device::flex()).unwrap()
}

#[test]
fn a_run_learns_and_goes_on_exactly_where_it_was_saved() {
    let base = base(32);
    let file = || Some(BaseFile { name: "another-name.safetensors", bytes: &base });
    let mut run = fresh(&base);
    let reports = wait(run.steps(30)).unwrap();
    let mean = |part: &[trm_spec::StepReport]| {
        part.iter().map(|report| report.loss).sum::<f64>() / part.len() as f64
    };
    let losses: Vec<f64> = reports.iter().map(|report| report.loss).collect();
    assert!(mean(&reports[20..]) < 0.92 * mean(&reports[..5]), "{losses:?}");
    assert!(reports.iter().all(|report| report.exact.is_some()));

    let saved = wait(run.save(serde_json::Value::Null)).unwrap();
    // The frozen model is not in the file, but named by its digest.
    let names = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("embed_tokens");
    assert!(names(&base) && !names(&saved.checkpoint));
    let header = read_header(&saved.checkpoint).unwrap();
    assert_eq!(header.base.unwrap().name, "base.safetensors");
    let config = config();
    let mut again = load_on(
        &saved.checkpoint,
        Some(&saved.optimizer),
        Some(questions(&config)),
        file(),
        &Device::flex(),
    )
    .unwrap();
    let [one, other] = [&mut run, &mut again].map(|run| {
        wait(run.steps(3)).unwrap().iter().map(|report| report.loss).collect::<Vec<_>>()
    });
    assert_eq!(one, other);
    let [one, other] = [&run, &again].map(|run| wait(run.export(serde_json::Value::Null)).unwrap());
    assert!(one == other, "the files differ");
}

#[test]
fn a_missing_foreign_or_other_base_is_refused() {
    let (own, wide) = (base(32), base(48));
    let run = fresh(&own);
    let saved = wait(run.save(serde_json::Value::Null)).unwrap();
    let open = |file: Option<&[u8]>| {
        let file = file.map(|bytes| BaseFile { name: "given.safetensors", bytes });
        load_on(&saved.checkpoint, None, None, file, &Device::flex()).map(drop).unwrap_err()
    };
    let missing = open(None);
    assert_eq!(missing.kind, FailureKind::Base);
    assert!(missing.message.contains("base.safetensors"), "{missing:?}");
    assert!(open(Some(&wide)).message.contains("SHA-256"));
    // A file that is no decoder.
    let config = config();
    let file = BaseFile { name: "adapter.safetensors", bytes: &saved.checkpoint };
    let foreign = create_on(&config, questions(&config), Some(file), &Device::flex());
    assert!(foreign.map(drop).unwrap_err().message.contains("decoder"));
    let none = create_on(&config, questions(&config), None, &Device::flex());
    assert!(none.map(drop).unwrap_err().hint.contains("--base"));
}

/// A question's tokens are those of one question, and fewer are too.
#[test]
fn few_tokens_are_one_question() {
    let base = base(32);
    let run = fresh(&base);
    let Dataset::Questions(set) = questions(&config()) else { unreachable!() };
    let first = &set.val[0];
    let text = format!("Question: {}\nAnswer: {}", first.question, first.answer);
    // Each character is a token, and `<think>` is one.
    let tokens = text.len() + 1;
    let scored = |tokens| wait(run.evaluate(&[2], tokens)).unwrap()[0].loss;
    assert_eq!(scored(1), scored(tokens));
    assert_ne!(scored(1), scored(tokens + 1));
    assert_ne!(scored(1), scored(0));
}

#[test]
fn answers_are_as_exact_as_they_are_scored() {
    for config in [config(), compressed_below()] {
        scored_as_written(&config);
    }
}

fn scored_as_written(config: &RunConfig) {
    let base = base(32);
    let file = BaseFile { name: "base.safetensors", bytes: &base };
    let mut run = create_on(config, questions(config), Some(file), &Device::flex()).unwrap();
    wait(run.steps(60)).unwrap();
    let answerer = run.answerer().unwrap();
    let steps = 3;
    let scores =
        wait(answerer.evaluate_questions(QuestionSet::Train, steps, 12, &mut |_, _| ())).unwrap();
    assert_eq!((scores.questions, scores.steps.len()), (12, steps + 1));
    let Dataset::Questions(set) = questions(config) else { unreachable!() };
    let mut exact = vec![0.0; steps + 1];
    for question in &set.train[..12] {
        let request = AskRequest {
            question: question.question.clone(),
            depths: (0..=steps).collect(),
            halt_threshold: None,
            max_new_tokens: 8,
        };
        let mut written = vec![String::new(); steps + 1];
        let found = wait(answerer.ask(&request, &mut |answer, text| {
            written[answer].push_str(text);
        }))
        .unwrap();
        assert_eq!(found.halt.len(), steps);
        assert!(found.halt.iter().all(|chance| (0.0..=1.0).contains(chance)));
        for (depth, answer) in found.answers.iter().enumerate() {
            assert_eq!((answer.depth, answer.steps), (depth, depth));
            assert_eq!(answer.text, written[depth].trim());
            // With the space before it, which is a token of its own here.
            let whole = answer.tokens.len() == question.answer.len() + 1;
            let right = answer.ended && whole && answer.text == question.answer;
            exact[depth] += f64::from(u8::from(right));
        }
    }
    let scored: Vec<f64> = scores.steps.iter().map(|step| (step.exact * 12.0).round()).collect();
    assert_eq!(exact, scored, "generation is the teacher-forced argmax");
    let by_difficulty: usize = scores.difficulties.iter().map(|row| row.questions).sum();
    assert_eq!(by_difficulty, 12);
    assert!(scores.think > 0.5, "<think> is learned soon: {}", scores.think);
}

#[test]
fn a_question_that_cannot_be_asked_is_refused() {
    let base = base(32);
    let run = fresh(&base);
    let answerer = run.answerer().unwrap();
    let ask = |question: &str, depth: usize| {
        let request = AskRequest {
            question: question.into(),
            depths: vec![depth],
            halt_threshold: None,
            max_new_tokens: 4,
        };
        wait(answerer.ask(&request, &mut |_, _| {})).map(drop)
    };
    assert!(ask("Which cup?", 1).is_ok());
    assert!(ask(" ", 1).unwrap_err().message.contains("empty"));
    assert!(ask("Which cup?", 1_000_000).unwrap_err().message.contains("out of range"));
    let long = ask(&"very ".repeat(100), 1).unwrap_err();
    assert!(long.message.contains("256"), "{long:?}");
    assert!(run.as_writer().is_none());
    for depth in [1025, usize::MAX] {
        let refused = wait(run.evaluate(&[0, depth], 0)).unwrap_err();
        assert!(refused.message.contains("out of range"), "{refused:?}");
    }
    assert_eq!(wait(run.evaluate(&[0], 1)).unwrap()[0].depth, 0);
}

#[test]
fn a_model_stands_on_an_open_base_with_its_weights_whatever_the_file_is() {
    let [base, narrow] = [32, 16].map(base);
    let run = fresh(&base);
    let checkpoint = wait(run.export(serde_json::Value::Null)).unwrap();
    let named = read_header(&checkpoint).unwrap().base.unwrap();
    assert!(named.weights.is_some(), "{named:?}");
    // The same numbers under another header.
    let mut config = read_header(&base).unwrap().config;
    config.train.batch_size += 1;
    let other = opened(&restart(&base, &config).unwrap());
    assert_ne!(other.identity().sha256, named.sha256);
    let on = |decoder: &Rc<FrozenLlm>| wait(load_on_decoder(&checkpoint, decoder, &Device::flex()));
    let again = on(&other).unwrap();
    let ask = |run: &dyn Run| {
        let request = AskRequest {
            question: "The ball is under cup A. Which cup?".into(),
            depths: vec![0, 2],
            halt_threshold: None,
            max_new_tokens: 6,
        };
        wait(run.answerer().unwrap().ask(&request, &mut |_, _| {})).unwrap()
    };
    assert_eq!(ask(&*again), ask(&*run));
    // One number differs, in the last tensor.
    let mut bytes = base.clone();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    let refused = on(&opened(&bytes)).map(drop).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Base);
    assert!(refused.hint.contains(&named.sha256), "{refused:?}");
    // Other sizes, and a model that answers nothing.
    let narrow = on(&opened(&narrow)).map(drop).unwrap_err();
    assert!(narrow.message.contains("hidden_size"), "{narrow:?}");
    let decoder = wait(load_on_decoder(&base, &other, &Device::flex())).map(drop);
    assert!(decoder.unwrap_err().message.contains("does not answer questions"));
}

#[test]
fn what_is_considered_is_what_is_answered() {
    let base = base(32);
    let mut run = fresh(&base);
    wait(run.steps(20)).unwrap();
    let answerer = run.answerer().unwrap();
    let question = "The ball is under cup B. Swap A and B. Which cup?";
    let depths = vec![0, 1, 3];
    let request = ConsiderRequest {
        question: question.into(),
        depths: depths.clone(),
        top: 2,
        max_new_tokens: 5,
    };
    let thought = wait(answerer.consider(&request)).unwrap();
    let considered = thought.considered;
    let ask = AskRequest {
        question: question.into(),
        depths: depths.clone(),
        halt_threshold: None,
        max_new_tokens: 5,
    };
    let found = wait(answerer.ask(&ask, &mut |_, _| {})).unwrap();
    assert_eq!((considered.think, considered.steps.len()), (found.think, 4));
    assert_eq!(considered.steps[0].halt, None);
    let halt: Vec<f32> = considered.steps.iter().filter_map(|step| step.halt).collect();
    assert_eq!(halt, found.halt);
    for (step, row) in considered.steps.iter().enumerate() {
        assert_eq!((row.step, row.prob.len()), (step, considered.candidates.len()));
        assert!(row.prob.iter().sum::<f32>() <= 1.0 + 1e-4);
    }
    let end = considered.candidates.iter().find(|candidate| candidate.ends);
    assert!(end.is_none_or(|end| end.text == "~"), "the last character ends an answer");
    let last = &considered.steps[3].prob;
    assert!(last.windows(2).all(|pair| pair[0] >= pair[1]), "{last:?}");
    for ((depth, answer), mut stream) in depths.iter().zip(&found.answers).zip(thought.answers) {
        let (mut text, mut tokens) = (String::new(), Vec::new());
        loop {
            let new = wait(stream.pull(2, false)).unwrap();
            text += &new.text;
            tokens.extend(new.tokens);
            if new.done {
                break;
            }
        }
        assert_eq!((text.trim(), &tokens), (answer.text.as_str(), &answer.tokens));
        // The answer begins with the most probable token of its step.
        let row = &considered.steps[*depth].prob;
        let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
        if let Some(first) = tokens.first() {
            assert_eq!(considered.candidates[best].token, *first, "depth {depth}");
        }
    }
}

#[test]
fn a_chat_ends_by_itself_and_fits_into_the_context() {
    let base = base(32);
    let decoder = opened(&base);
    assert!(!decoder.summary().chats, "characters have no form of a chat");
    let chat = |text: &str, temperature: f64, seed: u32| {
        let messages = vec![ChatMessage { role: ChatRole::User, text: text.into() }];
        let options = ChatOptions { messages, temperature, top_k: 0, seed, max_new_tokens: 40 };
        let mut stream = decoder.chat(&options)?;
        let mut text = String::new();
        loop {
            let new = wait(stream.pull(3, false))?;
            text += &new.text;
            if new.done {
                return Ok::<_, trm_spec::Failure>(text);
            }
        }
    };
    // As the model writes it, up to the last character of the vocabulary, which ends an answer.
    let form = "Question: The ball is under cup A. Swap B and C. Which cup?\nAnswer:";
    let run = load(&base, None, None, &Device::flex()).unwrap();
    let mut ended = 0;
    for seed in 0..12 {
        let options = GenerateOptions {
            prompt: form.into(),
            depth: 1,
            draft_depth: 0,
            temperature: 1.2,
            top_k: 0,
            seed,
            max_new_tokens: 40,
        };
        let mut stream = run.writer().unwrap().generate(&options).unwrap();
        let plain = wait(stream.pull(40, false)).unwrap().text;
        let whole = plain.split('~').next().unwrap();
        assert_eq!(chat(form, 1.2, seed).unwrap(), whole);
        ended += usize::from(whole.len() < plain.len());
    }
    assert!(ended > 0, "some end before the limit");
    assert!(chat("  ", 0.0, 1).unwrap_err().message.contains("no message"));
    let long = chat(&"A".repeat(256), 0.0, 1).unwrap_err();
    assert!(long.message.contains("256"), "{long:?}");
    assert!(chat(form, f64::NAN, 1).unwrap_err().message.contains("temperature"));
    // As many tokens as there is room for.
    assert!(chat(&"A".repeat(250), 0.0, 1).unwrap().len() <= 7);
}

/// A second turn goes on from what the first one has read, and says what a model says that
/// reads all of it.
#[test]
fn the_next_turn_of_a_chat_goes_on_from_the_last() {
    let base = base(32);
    let say = |decoder: &FrozenLlm, messages: &[&str]| {
        let turn = |text: &&str| ChatMessage { role: ChatRole::User, text: (*text).into() };
        let messages = messages.iter().map(turn).collect();
        let options =
            ChatOptions { messages, temperature: 1.0, top_k: 0, seed: 5, max_new_tokens: 12 };
        let mut stream = decoder.chat(&options).unwrap();
        let new = wait(stream.pull(12, false)).unwrap();
        assert!(new.done);
        new.text
    };
    let kept = opened(&base);
    let first = "The ball is under cup A.";
    let answer = say(&kept, &[first]);
    for next in [
        // The next turn, the same once more, a shorter one, and another chat.
        [first, &answer, " Swap B and C."].as_slice(),
        &[first, &answer, " Swap B and C."],
        &[first],
        &["Which cup?"],
    ] {
        assert_eq!(say(&kept, next), say(&opened(&base), next), "{next:?}");
    }
}
