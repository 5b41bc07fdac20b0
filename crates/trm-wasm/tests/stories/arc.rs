//! ARC's tasks: read, learned, and answered guise by guise.

use serde_json::json;
use trm_spec::{
    ArcAnswers, ArcPrediction, ArcCandidate, ArcTask, Command, Event, FailureKind, Lessons, RunConfig,
    Vocab, overlay,
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

fn lessons() -> Lessons {
    Lessons::Tasks { name: "tasks".into(), text: TASKS.into() }
}

fn attempting(task: ArcTask, test: usize, guise: usize) -> Command {
    Command::Attempt { task, test, guise, steps: 2 }
}

ask!(study() -> trm_spec::RunSummary,
    Command::Create { config: small(), lessons: lessons() }, Event::Ready { summary } => summary);
ask!(read(text: &str) -> Vec<ArcTask>,
    Command::ReadTasks { name: "tasks".into(), text: text.into() }, Event::Tasks { tasks } => tasks);
ask!(attempt(task: ArcTask, guise: usize) -> ArcAnswers,
    attempting(task, 0, guise), Event::Attempted { answers, .. } => answers);
ask!(vote(ballots: Vec<ArcPrediction>) -> Vec<ArcCandidate>,
    Command::Vote { ballots }, Event::Voted { candidates } => candidates);

pub async fn tasks_are_learned_and_answered_guise_by_guise() {
    let mut session = open().await;
    let tasks = read(&mut session, TASKS).await;
    assert_eq!(tasks[0].train[1].output, Some(vec![vec![4, 3]]));
    let summary = study(&mut session).await;
    let Vocab::Arc { tasks: known } = &summary.vocab else { panic!("{:?}", summary.vocab) };
    assert_eq!(known.len(), 2);
    step(&mut session, 2).await;
    let mut ballots = Vec::new();
    for guise in 0..=known[0].guises {
        let answers = attempt(&mut session, tasks[0].clone(), guise).await;
        assert_eq!(answers.guises, known[0].guises + 1);
        assert_eq!((answers.answers.len(), answers.halt.len()), (2, 2));
        assert_eq!(guise == 0, answers.seen == [[5, 6]], "only guise 0 is the test as it is");
        let (answer, halt) = (answers.answers[1].clone(), f64::from(answers.halt[1]));
        ballots.push(ArcPrediction { answer, halt });
    }
    let candidates = vote(&mut session, ballots.clone()).await;
    assert_eq!(candidates.iter().map(|c| c.votes).sum::<usize>(), ballots.len());

    // Saved and taken up again, the model knows its tasks, and goes on with them only.
    let saved = save(&mut session).await;
    let mut other = open().await;
    load(&mut other, &saved, Some(lessons())).await;
    assert_eq!(attempt(&mut other, tasks[0].clone(), 0).await.guises, known[0].guises + 1);
    let (checkpoint, optimizer) = (saved.checkpoint.clone(), None);
    let text = TASKS.replace("same", "other");
    let lessons = Some(Lessons::Tasks { name: "tasks".into(), text });
    let command = Command::Load { checkpoint, optimizer, lessons };
    assert_eq!(failure(&mut other, command).await.kind, FailureKind::Corpus);
}

pub async fn what_is_no_task_is_refused_and_the_run_stays() {
    let mut session = open().await;
    let reading = |text: &str| Command::ReadTasks { name: "tasks".into(), text: text.into() };
    for text in ["", "[]", "{}", r#"{"x": {"train": [], "test": []}}"#] {
        assert_eq!(failure(&mut session, reading(text)).await.kind, FailureKind::Puzzle, "{text}");
    }
    study(&mut session).await;
    let task = read(&mut session, TASKS).await.remove(0);
    let stranger = ArcTask { name: "another".into(), ..task.clone() };
    for command in [
        attempting(stranger, 0, 0),
        attempting(task.clone(), 1, 0),
        attempting(task.clone(), 0, 9),
        Command::Vote { ballots: vec![ArcPrediction { answer: vec![vec![99]], halt: 0.5 }] },
    ] {
        assert_eq!(failure(&mut session, command).await.kind, FailureKind::Puzzle);
    }
    assert_eq!(attempt(&mut session, task, 0).await.answers.len(), 2);
}
