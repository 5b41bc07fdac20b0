//! Sessions that share the batches of every update.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use js_sys::{Array, Function};
use trm_spec::{
    Command, DataSource, Event, FailureKind, RunConfig, Saved, StepReport, VariantSpec,
};
use trm_wasm::{Exchange, Session};
use wasm_bindgen::{JsCast, JsValue};

use super::failures::refused;
use super::images::head;
use super::puzzles::small as solver;
use super::support::*;

ask!(join(rank: usize, size: usize, parts: usize) -> trm_spec::RunSummary,
    Command::Join { rank, size, parts }, Event::Ready { summary } => summary);

/// Two ends of an exchange between sessions in one page; it breaks in round `breaks`,
/// counted from 0. An update takes two rounds.
fn exchanges(breaks: usize) -> [Exchange; 2] {
    const MADE: &str = "
        const waiting = [];
        let round = 0;
        const failure = { kind: 'device', message: 'worker 2 stopped', hint: 'Go on.' };
        const end = () => ({
            swap: (own) => new Promise((resolve, reject) => {
                if (round >= breaks) return reject(failure);
                waiting.push({ own, resolve });
                if (waiting.length < 2) return;
                const [a, b] = waiting.splice(0);
                round += 1;
                a.resolve(b.own);
                b.resolve(a.own);
            }),
        });
        return [end(), end()];";
    let ends = Function::new_with_args("breaks", MADE)
        .call1(&JsValue::NULL, &JsValue::from_f64(breaks as f64))
        .expect("two ends");
    let ends = Array::from(&ends);
    [0, 1].map(|end| ends.get(end).unchecked_into())
}

/// Waits for both, polled in turns.
async fn both<T>(a: impl Future<Output = T>, b: impl Future<Output = T>) -> (T, T) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(|context| {
        if of_a.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(context)
        {
            of_a = Some(value);
        }
        if of_b.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(context)
        {
            of_b = Some(value);
        }
        if of_a.is_some() && of_b.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (of_a.expect("waited for"), of_b.expect("waited for"))
}

/// Two sessions with the same run, connected but not joined. The second loads what the
/// first has saved.
async fn pair(config: &RunConfig, data: &DataSource, breaks: usize) -> [Session; 2] {
    let mut first = began(config, data).await;
    let mut second = open().await;
    let saved = save(&mut first).await;
    load(&mut second, &saved, Some(data.clone())).await;
    let [a, b] = exchanges(breaks);
    first.connect(a);
    second.connect(b);
    [first, second]
}

async fn began(config: &RunConfig, data: &DataSource) -> Session {
    let mut session = open().await;
    let create = Command::Create { config: config.clone(), data: data.clone() };
    let made = handle(&mut session, &create).await;
    assert!(matches!(made, Event::Ready { .. }), "{made:?}");
    session
}

/// Whether two sessions that share batches in `parts` train as one that cuts them alone.
async fn trains_as_one(config: RunConfig, data: DataSource, parts: usize) {
    let mut alone = began(&config, &data).await;
    if parts > 1 {
        join(&mut alone, 0, 1, parts).await;
    }
    let [mut first, mut second] = pair(&config, &data, usize::MAX).await;
    join(&mut first, 0, 2, parts).await;
    join(&mut second, 1, 2, parts).await;
    // In two requests: the group holds between them.
    let mut reports: Vec<StepReport> = Vec::new();
    for _ in 0..2 {
        let (of_first, of_second) = both(step(&mut first, 3), step(&mut second, 3)).await;
        assert_eq!(of_first, of_second);
        reports.extend(of_first);
    }
    assert_eq!(step(&mut alone, 6).await, reports);
    let wanted: Saved = save(&mut alone).await;
    for session in [&mut first, &mut second] {
        let saved = save(session).await;
        assert!(tensors(&saved.checkpoint) == tensors(&wanted.checkpoint), "weights differ");
        assert!(tensors(&saved.optimizer) == tensors(&wanted.optimizer), "moments differ");
    }
}

/// A file without its header, whose entries have no fixed order.
fn tensors(file: &[u8]) -> &[u8] {
    let (length, rest) = file.split_first_chunk::<8>().expect("a length");
    &rest[u64::from_le_bytes(*length) as usize..]
}

fn with_dropout() -> RunConfig {
    let mut config = config();
    let VariantSpec::ChatTrm(model) = &mut config.model else { panic!("chat_trm") };
    model.dropout = 0.1;
    config
}

pub async fn sessions_that_share_a_batch_train_as_one_that_cuts_it() {
    trains_as_one(with_dropout(), source(), 2).await;

    // Cutting changes the order of sums and nothing else.
    let mut cut = began(&config(), &source()).await;
    join(&mut cut, 0, 1, 4).await;
    let mut whole = began(&config(), &source()).await;
    for (a, b) in step(&mut cut, 3).await.iter().zip(step(&mut whole, 3).await) {
        assert!((a.loss - b.loss).abs() < 1e-4, "{a:?} {b:?}");
    }
}

pub async fn sessions_share_accumulated_batches_with_the_losses_of_one() {
    let mut config = with_dropout();
    config.train.gradient_accumulation_steps = 4;
    config.train.gradient_checkpointing = true;
    trains_as_one(config, source(), 1).await;
}

pub async fn images_are_shared_too() {
    trains_as_one(head(), DataSource::Named, 2).await;
}

pub async fn puzzles_under_way_are_shared_too() {
    let mut config = solver();
    config.train.batch_size = 4;
    trains_as_one(config, DataSource::Named, 2).await;
}

pub async fn a_session_whose_group_stops_goes_on_where_it_was() {
    let [mut first, mut second] = pair(&config(), &source(), 5).await;
    join(&mut first, 0, 2, 2).await;
    join(&mut second, 1, 2, 2).await;
    let (reports, _) = both(step(&mut first, 5), step(&mut second, 5)).await;
    assert_eq!(reports.len(), 2, "what was done is reported");
    let message = refused(&mut first, Command::Step { n: 1 }, FailureKind::Device).await;
    assert_eq!(message, "worker 2 stopped");
    assert_eq!(join(&mut first, 0, 1, 2).await.step, 2);

    let mut unbroken = began(&config(), &source()).await;
    join(&mut unbroken, 0, 1, 2).await;
    assert_eq!(step(&mut unbroken, 5).await[2..], step(&mut first, 3).await);
}

pub async fn impossible_groups_are_refused_and_the_run_stays() {
    let mut session = started().await;
    let join = |size, parts| Command::Join { rank: 0, size, parts };
    refused(&mut session, join(2, 2), FailureKind::Protocol).await;
    let [exchange, _] = exchanges(0);
    session.connect(exchange);
    // Four rows in a batch.
    for (size, parts) in [(1, 3), (2, 1), (3, 3), (4, 2)] {
        refused(&mut session, join(size, parts), FailureKind::Config).await;
    }
    assert_eq!(step(&mut session, 1).await[0].step, 1);
}
