//! What a session answers about ARC's tasks. Not in the module of language models.

use trm_data::puzzles::arc::{Exam, Task, crop, parse, vote_plain};
use trm_spec::{ArcAnswers, ArcBallot, ArcTask, Event, Failure, FailureKind, TraceStep, Vocab};
use trm_train::{Run, TraceRequest};

use crate::session::unusable;

/// The tasks of a JSON text; a text of one task is called by its `name`.
pub fn read(name: &str, text: &str) -> Result<Event, Failure> {
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
    let exam = Exam::new(&[task], known, summary.config.train.seed).map_err(unusable)?;
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
pub fn vote(ballots: &[ArcBallot]) -> Result<Event, Failure> {
    Ok(Event::Voted { candidates: vote_plain(ballots).map_err(unusable)? })
}
