//! Sending a command and insisting on its answer.

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use trm_spec::{
    ChatTrmSpec, Command, DataSource, Event, Failure, GenerateOptions, RunConfig, RunSummary,
    Saved, StepReport, TrainSpec, VariantSpec,
};
use trm_wasm::Session;
use wasm_bindgen::JsValue;

/// The usual text, to learn from.
pub fn source() -> DataSource {
    DataSource::Text { name: "text".into(), text: text() }
}

/// A text that is learned in a few steps.
pub fn text() -> String {
    "the cat sat on the mat, and the dog sat by the cat.\n".repeat(80)
}

/// A model small enough for a debugger.
pub fn config() -> RunConfig {
    RunConfig {
        model: VariantSpec::ChatTrm(ChatTrmSpec {
            hidden_size: 32,
            num_heads: 2,
            n_layers: 1,
            recursion_steps: 2,
            block_size: 16,
            ..ChatTrmSpec::default()
        }),
        train: TrainSpec {
            batch_size: 4,
            max_iters: 200,
            learning_rate: 5e-3,
            warmup_iters: 5,
            seed: 7,
            ..TrainSpec::default()
        },
        ..RunConfig::default()
    }
}

pub fn options(depth: usize) -> GenerateOptions {
    GenerateOptions {
        prompt: "the ".into(),
        depth,
        draft_depth: 0,
        temperature: 1.0,
        top_k: 0,
        seed: 3,
        max_new_tokens: 40,
    }
}

pub async fn open() -> Session {
    Session::open().await.expect("a session")
}

/// A session with a run on the usual text.
pub async fn started() -> Session {
    let mut session = open().await;
    create(&mut session, config()).await;
    session
}

/// Passes any JavaScript value, as a page could.
pub async fn raw(session: &mut Session, command: JsValue) -> Event {
    let event = session.handle(command).await;
    serde_wasm_bindgen::from_value(event).expect("an event")
}

pub async fn handle(session: &mut Session, command: &Command) -> Event {
    let serializer = Serializer::new().serialize_maps_as_objects(true);
    raw(session, command.serialize(&serializer).expect("a command")).await
}

/// Defines a function that sends a command and unwraps the one answer it may have.
macro_rules! ask {
    ($name:ident($($arg:ident: $of:ty),*) -> $result:ty, $command:expr, $pattern:pat => $value:expr) => {
        pub async fn $name(session: &mut Session, $($arg: $of),*) -> $result {
            match handle(session, &$command).await {
                $pattern => $value,
                other => panic!("{} was answered by {other:?}", stringify!($name)),
            }
        }
    };
}
pub(crate) use ask;

ask!(create(config: RunConfig) -> RunSummary,
    Command::Create { config, data: source() }, Event::Ready { summary } => summary);
ask!(step(n: usize) -> Vec<StepReport>,
    Command::Step { n }, Event::Stepped { reports } => reports);
ask!(save() -> Saved,
    Command::Save, Event::Saved { saved } => saved);
ask!(export() -> Vec<u8>,
    Command::Export, Event::Exported { checkpoint } => checkpoint);
ask!(load(saved: &Saved, data: Option<DataSource>) -> RunSummary,
    Command::Load {
        checkpoint: saved.checkpoint.clone(),
        optimizer: data.is_some().then(|| saved.optimizer.clone()),
        data,
        base: None,
    },
    Event::Ready { summary } => summary);
ask!(attach(data: DataSource) -> RunSummary,
    Command::Attach { data }, Event::Ready { summary } => summary);
ask!(generate(options: GenerateOptions) -> u32,
    Command::Generate { options }, Event::Generating { stream } => stream);
ask!(pull(stream: u32, n: usize) -> trm_spec::Generated,
    Command::Pull { stream, n, trace: false }, Event::Generated { output, .. } => output);
ask!(evaluate(depths: Vec<usize>) -> Vec<trm_spec::DepthLoss>,
    Command::Evaluate { depths, max_tokens: 0 }, Event::Evaluated { depths, .. } => depths);
ask!(trace(prompt: String, depth: usize, top: usize) -> trm_spec::Trace,
    Command::Trace { prompt, depth, top, attention: Some(1) },
    Event::Traced { trace, .. } => trace);
ask!(configure(config: RunConfig) -> RunSummary,
    Command::Configure { config }, Event::Ready { summary } => summary);
ask!(memory() -> trm_spec::Memory,
    Command::MeasureMemory, Event::Memory { memory } => memory);
ask!(failure(command: Command) -> Failure,
    command, Event::Failed { failure } => failure);

/// All of a text at once.
pub async fn generated(session: &mut Session, options: GenerateOptions) -> String {
    let stream = generate(session, options).await;
    let output = pull(session, stream, 1000).await;
    assert!(output.done, "the stream ends at max_new_tokens");
    output.text
}
