//! What is refused, and that the session goes on afterwards.

use js_sys::{JSON, Object};
use trm_spec::{Command, DataSource, Event, FailureKind, RunConfig, Saved, VariantSpec};
use wasm_bindgen::JsValue;

use super::support::*;

/// A failure of this kind that says what to do.
pub(super) async fn refused(
    session: &mut trm_wasm::Session,
    command: Command,
    kind: FailureKind,
) -> String {
    let failure = failure(session, command).await;
    assert_eq!(failure.kind, kind, "{}", failure.message);
    assert!(!failure.hint.is_empty(), "no hint for: {}", failure.message);
    failure.message
}

pub async fn nothing_can_be_asked_before_there_is_a_run() {
    let mut session = open().await;
    for command in [
        Command::Step { n: 1 },
        Command::Save,
        Command::Generate { options: options(1) },
        Command::Evaluate { depths: vec![1], max_tokens: 0 },
        Command::Trace { prompt: "the".into(), depth: 1, top: 1, attention: None },
    ] {
        refused(&mut session, command, FailureKind::Protocol).await;
    }
}

fn with_model(change: impl FnOnce(&mut trm_spec::ChatTrmSpec)) -> RunConfig {
    let mut config = config();
    let VariantSpec::ChatTrm(model) = &mut config.model else { panic!("chat_trm") };
    change(model);
    config
}

pub async fn impossible_settings_are_refused_by_name() {
    let mut session = started().await;
    for (config, named) in [
        (with_model(|model| model.num_heads = 3), "num_heads"),
        (with_model(|model| model.recursion_steps = 0), "recursion_steps"),
        (with_model(|model| model.hidden_size = 1 << 23), "hidden_size"),
    ] {
        let create = Command::Create { config, data: source() };
        let message = refused(&mut session, create, FailureKind::Config).await;
        assert!(message.contains(named), "{message}");
    }
    // What was there before is still there.
    assert_eq!(step(&mut session, 1).await[0].step, 1);
}

pub async fn unusable_texts_are_refused() {
    let mut session = started().await;
    let long = with_model(|model| model.block_size = 5_000);
    for (config, text) in [(config(), String::new()), (config(), "ab".into()), (long, text())] {
        let create =
            Command::Create { config, data: DataSource::Text { name: "text".into(), text } };
        refused(&mut session, create, FailureKind::Data).await;
    }
    assert_eq!(step(&mut session, 1).await[0].step, 1);
}

pub async fn a_prompt_outside_the_vocabulary_names_its_character() {
    let mut session = started().await;
    let mut foreign = options(1);
    foreign.prompt = "the ☃".into();
    let message =
        refused(&mut session, Command::Generate { options: foreign }, FailureKind::Prompt).await;
    assert!(message.contains('☃'), "{message}");
    generated(&mut session, options(1)).await;
}

pub async fn unusable_checkpoints_are_refused_and_the_run_stays() {
    let mut session = started().await;
    step(&mut session, 2).await;
    let Saved { checkpoint, optimizer, .. } = save(&mut session).await;
    let foreign = br#"{"weights": "elsewhere"}"#.to_vec();
    let truncated = checkpoint[..checkpoint.len() / 2].to_vec();
    let mut poisoned = checkpoint.clone();
    let end = poisoned.len();
    poisoned[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    for bytes in [Vec::new(), foreign, truncated, poisoned, optimizer] {
        let load =
            Command::Load { checkpoint: bytes, optimizer: None, data: Some(source()), base: None };
        refused(&mut session, load, FailureKind::Checkpoint).await;
    }
    assert_eq!(step(&mut session, 1).await[0].step, 3);
}

/// Trained elsewhere with batches that a module of 32 bits cannot hold: it can be asked, and
/// training says which setting to lower.
pub async fn a_checkpoint_with_too_large_batches_opens_and_is_not_trained() {
    let mut session = started().await;
    let checkpoint = with_batch_size(&export(&mut session).await, 9_999_999);
    let load = Command::Load { checkpoint, optimizer: None, data: None, base: None };
    assert!(matches!(handle(&mut session, &load).await, Event::Ready { .. }));
    generated(&mut session, options(1)).await;
    attach(&mut session, source()).await;
    let failure = failure(&mut session, Command::Step { n: 1 }).await;
    assert_eq!(failure.kind, FailureKind::Config, "{}", failure.message);
    assert!(failure.hint.contains("batch_size"), "{}", failure.hint);
}

/// A checkpoint whose configuration names another batch size.
fn with_batch_size(checkpoint: &[u8], rows: usize) -> Vec<u8> {
    let (length, rest) = checkpoint.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("8 bytes")) as usize;
    let header = std::str::from_utf8(&rest[..length]).expect("JSON");
    let own = format!(r#"\"batch_size\":{}"#, config().train.batch_size);
    assert!(header.contains(&own), "{header}");
    let header = header.replace(&own, &format!(r#"\"batch_size\":{rows}"#));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &rest[length..]].concat()
}

pub async fn a_message_of_another_shape_is_answered() {
    let mut session = started().await;
    let unknown = JSON::parse(r#"{ "type": "dance" }"#).expect("JSON");
    let misspelt =
        r#"{ "type": "create", "text": "abc", "config": { "train": { "batchsize": 3 } } }"#;
    let misspelt = JSON::parse(misspelt).expect("JSON");
    for message in [JsValue::NULL, Object::new().into(), unknown, misspelt] {
        let Event::Failed { failure } = raw(&mut session, message).await else {
            panic!("was not refused");
        };
        assert!(!failure.message.is_empty() && !failure.hint.is_empty());
    }
    assert_eq!(step(&mut session, 1).await[0].step, 1);
}

pub async fn a_stream_that_is_not_open_is_refused() {
    let mut session = started().await;
    let stream = generate(&mut session, options(1)).await;
    let closed = handle(&mut session, &Command::Close { stream }).await;
    assert_eq!(closed, Event::Closed { stream });
    refused(&mut session, Command::Pull { stream, n: 1, trace: false }, FailureKind::Protocol)
        .await;
    refused(&mut session, Command::Pull { stream: 999, n: 1, trace: false }, FailureKind::Protocol)
        .await;
}
