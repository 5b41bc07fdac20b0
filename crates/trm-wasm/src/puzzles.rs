//! What a session answers about puzzles. Not in the module of language models.

use trm_data::puzzles::arc::{ArcEval, Task, crop, parse, vote_plain};
use trm_data::puzzles::{PuzzleKind, PuzzleError};
use trm_spec::{
    ArcAnswers, ArcPrediction, ArcTask, Event, Failure, FailureKind, Lessons, PuzzleInput, RunConfig,
    TraceStep, Vocab,
};
use trm_train::{Material, Run, TraceRequest};

/// A puzzle, with what the rules say of it.
pub fn pose(kind: &str, from: &PuzzleInput) -> Result<Event, Failure> {
    let posed = PuzzleKind::known(kind).and_then(|kind| kind.pose(from)).map_err(unusable)?;
    Ok(Event::Posed { posed })
}

/// Asks the model for every step's answer, and the rules what it is worth.
pub async fn examine(
    run: &dyn Run,
    kind: &str,
    puzzle: Vec<u32>,
    depth: usize,
    top: usize,
) -> Result<Event, Failure> {
    let kind = PuzzleKind::known(kind).map_err(unusable)?;
    let request =
        TraceRequest { tokens: vec![puzzle.clone()], depth, top, ..TraceRequest::default() };
    let trace = run.trace(&request).await?;
    let verdicts = trace.steps.iter().map(|step| kind.judge(&puzzle, &step.argmax[0]));
    let verdicts = verdicts.collect::<Result<_, _>>().map_err(unusable)?;
    Ok(Event::Examined { step: run.summary().step, trace, verdicts })
}

/// The tasks of a JSON text of ARC's; a text of one task is called by its `name`.
pub fn read_tasks(name: &str, text: &str) -> Result<Event, Failure> {
    let tasks = parse(name, text).map_err(unusable)?;
    Ok(Event::Tasks { tasks: tasks.iter().map(ArcTask::from).collect() })
}

/// Asks the model for every step's answer to a test in one guise.
pub async fn attempt(
    run: &dyn Run,
    task: &ArcTask,
    test: usize,
    guise: usize,
    depth: usize,
) -> Result<Event, Failure> {
    let summary = run.summary();
    let Vocab::Arc { tasks: known } = &summary.vocab else {
        return Err(Failure::new(
            FailureKind::Puzzle,
            "this model does not know ARC's tasks",
            "Open a model that was trained on them.",
        ));
    };
    let task = Task::from_plain(task).map_err(unusable)?;
    let exam = ArcEval::new(&[task], known, summary.config.train.seed).map_err(unusable)?;
    let questions: Vec<_> = exam.questions.iter().filter(|q| q.test == test).collect();
    let Some(question) = questions.get(guise) else {
        return Err(Failure::new(
            FailureKind::Puzzle,
            format!("there is no guise {guise} of test {test} in this task"),
            "Choose a test of the task.",
        ));
    };
    let request = TraceRequest {
        tokens: vec![question.tokens.clone()],
        puzzle_identifiers: vec![question.identifier],
        depth,
        ..TraceRequest::default()
    };
    let trace = run.trace(&request).await?;
    let answer = |step: &TraceStep| question.ballot(&step.argmax[0], 0.0).answer.to_rows();
    let answers = ArcAnswers {
        guises: questions.len(),
        seen: crop(&question.tokens).to_rows(),
        answers: trace.steps.iter().map(answer).collect(),
        halt: trace.steps.iter().filter_map(|step| step.halt.as_ref()).map(|h| h[0]).collect(),
    };
    Ok(Event::Attempted { step: summary.step, answers })
}

/// The answers by their votes.
pub fn vote(ballots: &[ArcPrediction]) -> Result<Event, Failure> {
    Ok(Event::Voted { candidates: vote_plain(ballots).map_err(unusable)? })
}

/// Any task costs as much as any other.
const PROBE: &str = r#"{ "train": [{ "input": [[1]], "output": [[2]] }], "test": [] }"#;

/// A few puzzles of the size that `config` learns from.
pub fn made_up(config: &RunConfig) -> Result<Material, Failure> {
    let mut config = config.clone();
    config.data.num_puzzles = config.train.batch_size;
    config.data.num_val_puzzles = 1;
    let lessons = match PuzzleKind::named(&config.data.dataset) {
        Some(_) => Lessons::Puzzles,
        None => Lessons::Tasks { name: "probe".into(), text: PROBE.into() },
    };
    Material::new(&lessons, &config, None)
}

/// Of what was typed or drawn, not of what a run learns from.
fn unusable(error: PuzzleError) -> Failure {
    Failure { kind: FailureKind::Puzzle, ..error.into() }
}
