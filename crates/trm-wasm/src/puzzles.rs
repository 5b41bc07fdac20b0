//! What a session answers about puzzles. Not in the module of language models.

use trm_data::Dataset;
use trm_data::puzzles::arc::{ArcEval, Task, crop, parse, vote_plain};
use trm_data::puzzles::{PuzzleError, PuzzleKind};
use trm_spec::{
    ArcAnswers, ArcPrediction, ArcTask, DataSource, Event, Failure, FailureKind, PuzzleInput,
    RunConfig, TraceStep, Vocab,
};
use trm_train::{Run, TraceRequest};

/// A puzzle, with what the rules say of it.
pub fn check(kind: &str, input: &PuzzleInput) -> Result<Event, Failure> {
    let puzzle = PuzzleKind::require(kind).and_then(|kind| kind.check(input));
    Ok(Event::PuzzleChecked { puzzle: puzzle.map_err(unusable)? })
}

/// The model's answer after every supervision step, checked against the rules.
pub async fn solve(
    run: &dyn Run,
    kind: &str,
    puzzle: Vec<u32>,
    depth: usize,
    top: usize,
) -> Result<Event, Failure> {
    let kind = PuzzleKind::require(kind).map_err(unusable)?;
    let request =
        TraceRequest { tokens: vec![puzzle.clone()], depth, top, ..TraceRequest::default() };
    let trace = run.trace(&request).await?;
    let checks = trace.steps.iter().map(|step| kind.check_answer(&puzzle, &step.argmax[0]));
    let checks = checks.collect::<Result<_, _>>().map_err(unusable)?;
    Ok(Event::PuzzleSolved { step: run.summary().step, trace, checks })
}

/// The tasks of a JSON text of ARC's; a text of one task is called by its `name`.
pub fn read_tasks(name: &str, text: &str) -> Result<Event, Failure> {
    let tasks = parse(name, text).map_err(unusable)?;
    Ok(Event::Tasks { tasks: tasks.iter().map(ArcTask::from).collect() })
}

/// The model's answers to a test under one augmentation, after every supervision step.
pub async fn predict(
    run: &dyn Run,
    task: &ArcTask,
    test: usize,
    augmentation: usize,
    depth: usize,
) -> Result<Event, Failure> {
    let summary = run.summary();
    let Vocab::Arc { tasks: known } = &summary.vocab else {
        return Err(Failure::new(
            FailureKind::Puzzle,
            "this model was not trained on ARC tasks",
            "Load a model that was trained on ARC tasks.",
        ));
    };
    let task = Task::from_plain(task).map_err(unusable)?;
    let eval = ArcEval::new(&[task], known, summary.config.train.seed).map_err(unusable)?;
    let inputs: Vec<_> = eval.inputs.iter().filter(|input| input.test == test).collect();
    let Some(input) = inputs.get(augmentation) else {
        return Err(Failure::new(
            FailureKind::Puzzle,
            format!("there is no augmentation {augmentation} of test {test} in this task"),
            "Choose a test of the task.",
        ));
    };
    let request = TraceRequest {
        tokens: vec![input.tokens.clone()],
        puzzle_identifiers: vec![input.identifier],
        depth,
        ..TraceRequest::default()
    };
    let trace = run.trace(&request).await?;
    let answer = |step: &TraceStep| input.prediction(&step.argmax[0], 0.0).answer.to_rows();
    let answers = ArcAnswers {
        augmentations: inputs.len(),
        seen: crop(&input.tokens).to_rows(),
        answers: trace.steps.iter().map(answer).collect(),
        halt: trace.steps.iter().filter_map(|step| step.halt.as_ref()).map(|h| h[0]).collect(),
    };
    Ok(Event::ArcPredicted { step: summary.step, answers })
}

/// The predictions' answers by their votes.
pub fn vote(predictions: &[ArcPrediction]) -> Result<Event, Failure> {
    Ok(Event::Voted { candidates: vote_plain(predictions).map_err(unusable)? })
}

/// Any task costs as much as any other.
const TASK: &str = r#"{ "train": [{ "input": [[1]], "output": [[2]] }], "test": [] }"#;

/// A few puzzles of the size that `config` is trained on.
pub fn generated(config: &RunConfig) -> Result<Dataset, Failure> {
    let mut config = config.clone();
    config.data.num_puzzles = config.train.batch_size;
    config.data.num_val_puzzles = 1;
    let source = match PuzzleKind::named(&config.data.dataset) {
        Some(_) => DataSource::Named,
        None => DataSource::ArcTasks { name: "benchmark".into(), text: TASK.into() },
    };
    Dataset::load(&source, &config, None)
}

/// Of what was typed or drawn, not of what a run learns from.
fn unusable(error: PuzzleError) -> Failure {
    Failure { kind: FailureKind::Puzzle, ..error.into() }
}
