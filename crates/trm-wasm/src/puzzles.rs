//! What a session answers about puzzles. Not in the module of language models.

use trm_data::Dataset;
use trm_data::puzzles::arc::{ArcEval, Task, crop, parse, vote_plain};
use trm_data::puzzles::{AugmentedCopy, PuzzleError, PuzzleKind};
use trm_spec::{
    ArcAnswers, ArcPrediction, ArcTask, DataSource, Event, Failure, FailureKind, PuzzleInput,
    RunConfig, TraceStep, Vocab,
};
use trm_train::{MOST_COPIES, Run, TraceRequest};

/// A puzzle, with what the rules say of it.
pub fn check(kind: &str, input: &PuzzleInput) -> Result<Event, Failure> {
    let puzzle = PuzzleKind::require(kind).and_then(|kind| kind.check(input));
    Ok(Event::PuzzleChecked { puzzle: puzzle.map_err(unusable)? })
}

/// Draws the augmented copies; the native program's seed.
const COPIES_SEED: u64 = 0;

/// The model's answer to an augmented copy of a puzzle after every supervision step, turned
/// back and checked against the rules. Copy 0 is the puzzle itself.
pub async fn solve(
    run: &dyn Run,
    kind: &str,
    puzzle: Vec<u32>,
    (depth, top): (usize, usize),
    number: usize,
) -> Result<Event, Failure> {
    let kind = PuzzleKind::require(kind).map_err(unusable)?;
    let copy = if number == 0 { None } else { Some(augmented(kind, &puzzle, number)?) };
    let tokens = vec![copy.as_ref().map_or_else(|| puzzle.clone(), |copy| copy.apply(&puzzle))];
    let request = TraceRequest { tokens, depth, top, ..TraceRequest::default() };
    let mut trace = run.trace(&request).await?;
    if let Some(copy) = &copy {
        for step in &mut trace.steps {
            turn_back(copy, step);
        }
    }
    let checks = trace.steps.iter().map(|step| kind.check_answer(&puzzle, &step.argmax[0]));
    let checks = checks.collect::<Result<_, _>>().map_err(unusable)?;
    Ok(Event::PuzzleSolved { step: run.summary().step, trace, checks })
}

/// Augmented copy `number` of a puzzle of `kind`.
fn augmented(kind: PuzzleKind, puzzle: &[u32], number: usize) -> Result<AugmentedCopy, Failure> {
    // Says of a puzzle of another size what is wrong.
    kind.check_answer(puzzle, puzzle).map_err(unusable)?;
    if number >= MOST_COPIES {
        return Err(Failure::new(
            FailureKind::Puzzle,
            format!("copy {number} of a puzzle was asked for; {MOST_COPIES} copies are the most"),
            "Ask for fewer copies.",
        ));
    }
    let copies = kind.augmentation().copies(number + 1, COPIES_SEED);
    Ok(copies.map_err(unusable)?.swap_remove(number))
}

/// The cells of a copy's answer in the order of the puzzle, with its tokens.
fn turn_back(copy: &AugmentedCopy, step: &mut TraceStep) {
    for answer in &mut step.argmax {
        *answer = copy.undo(answer);
    }
    for numbers in step.prob.iter_mut().chain(&mut step.entropy) {
        *numbers = copy.undo_cells(numbers);
    }
    for cells in &mut step.top {
        *cells = copy.undo_cells(cells);
        for candidate in cells.iter_mut().flatten() {
            candidate.token = copy.undo_token(candidate.token);
        }
    }
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
    let (most, seed) = (summary.config.data.num_aug, summary.config.train.seed);
    let eval = ArcEval::new(&[task], known, most, seed).map_err(unusable)?;
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
