//! ARC's tasks: read, learned, and answered under every augmentation.

use serde_json::json;
use trm_spec::{
    ArcAnswers, ArcCandidate, ArcPrediction, ArcTask, Command, DataSource, Event, FailureKind,
    RunConfig, Vocab, overlay,
};
use trm_wasm::Session;

use super::support::*;

const TASKS: &str = r#"{
    "mirror": {
        "train": [{ "input": [[1, 2]], "output": [[2, 1]] }, { "input": [[3, 4]], "output": [[4, 3]] }],
        "test": [{ "input": [[5, 6]] }]
    },
    "same": { "train": [{ "input": [[1]], "output": [[1]] }], "test": [{ "input": [[2]] }] }
}"#;

fn small() -> RunConfig {
    let patch = json!({
        "model": {
            "variant": "trm",
            "hidden_size": 16, "num_heads": 2, "n_layers": 1, "h_cycles": 1, "l_cycles": 1,
            "halt_max_steps": 2, "seq_len": 900,
            "puzzle_emb_ndim": 16, "puzzle_emb_len": 1, "expansion": 2.0,
        },
        "data": { "dataset": "arc", "num_aug": 2 },
        "train": { "batch_size": 2, "max_iters": 10, "warmup_iters": 1 },
    });
    overlay(&RunConfig::default(), &patch).expect("a configuration")
}

fn source() -> DataSource {
    DataSource::ArcTasks { name: "tasks".into(), text: TASKS.into() }
}

fn predicting(task: ArcTask, test: usize, augmentation: usize) -> Command {
    Command::PredictArc { task, test, augmentation, steps: 2 }
}

ask!(create_arc() -> trm_spec::RunSummary,
    Command::Create { config: small(), data: source() }, Event::Ready { summary } => summary);
ask!(read(text: &str) -> Vec<ArcTask>,
    Command::ReadTasks { name: "tasks".into(), text: text.into() }, Event::Tasks { tasks } => tasks);
ask!(predict(task: ArcTask, augmentation: usize) -> ArcAnswers,
    predicting(task, 0, augmentation), Event::ArcPredicted { answers, .. } => answers);
ask!(vote(predictions: Vec<ArcPrediction>) -> Vec<ArcCandidate>,
    Command::Vote { predictions }, Event::Voted { candidates } => candidates);

pub async fn tasks_are_learned_and_answered_under_every_augmentation() {
    let mut session = open().await;
    let tasks = read(&mut session, TASKS).await;
    assert_eq!(tasks[0].train[1].output, Some(vec![vec![4, 3]]));
    let summary = create_arc(&mut session).await;
    let Vocab::Arc { tasks: known } = &summary.vocab else { panic!("{:?}", summary.vocab) };
    assert_eq!(known.len(), 2);
    step(&mut session, 2).await;
    let mut predictions = Vec::new();
    for augmentation in 0..=known[0].augmentations {
        let answers = predict(&mut session, tasks[0].clone(), augmentation).await;
        assert_eq!(answers.augmentations, known[0].augmentations + 1);
        assert_eq!((answers.answers.len(), answers.halt.len()), (2, 2));
        assert_eq!(
            augmentation == 0,
            answers.seen == [[5, 6]],
            "only augmentation 0 is the test as it is"
        );
        let (answer, halt) = (answers.answers[1].clone(), f64::from(answers.halt[1]));
        predictions.push(ArcPrediction { answer, halt });
    }
    let candidates = vote(&mut session, predictions.clone()).await;
    assert_eq!(candidates.iter().map(|c| c.votes).sum::<usize>(), predictions.len());

    // Saved and taken up again, the model knows its tasks, and goes on with them only.
    let saved = save(&mut session).await;
    let mut other = open().await;
    load(&mut other, &saved, Some(source())).await;
    assert_eq!(
        predict(&mut other, tasks[0].clone(), 0).await.augmentations,
        known[0].augmentations + 1
    );
    let (checkpoint, optimizer) = (saved.checkpoint.clone(), None);
    let text = TASKS.replace("same", "other");
    let data = Some(DataSource::ArcTasks { name: "tasks".into(), text });
    let command = Command::Load { checkpoint, optimizer, data, base: None };
    assert_eq!(failure(&mut other, command).await.kind, FailureKind::Data);
}

pub async fn what_is_no_task_is_refused_and_the_run_stays() {
    let mut session = open().await;
    let reading = |text: &str| Command::ReadTasks { name: "tasks".into(), text: text.into() };
    for text in ["", "[]", "{}", r#"{"x": {"train": [], "test": []}}"#] {
        assert_eq!(failure(&mut session, reading(text)).await.kind, FailureKind::Puzzle, "{text}");
    }
    create_arc(&mut session).await;
    let task = read(&mut session, TASKS).await.remove(0);
    let stranger = ArcTask { name: "another".into(), ..task.clone() };
    for command in [
        predicting(stranger, 0, 0),
        predicting(task.clone(), 1, 0),
        predicting(task.clone(), 0, 9),
        Command::Vote { predictions: vec![ArcPrediction { answer: vec![vec![99]], halt: 0.5 }] },
    ] {
        assert_eq!(failure(&mut session, command).await.kind, FailureKind::Puzzle);
    }
    assert_eq!(predict(&mut session, task, 0).await.answers.len(), 2);
}
