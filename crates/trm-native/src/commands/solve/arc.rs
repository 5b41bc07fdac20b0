//! ARC: solves each test under all augmentations that the model was trained with. The
//! answers vote; the two with the most votes are the attempts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use pollster::block_on;
use serde::Serialize;
use trm_data::puzzles::arc::{self, ArcEval, Candidate, Grid, Task, Test};
use trm_data::puzzles::{PuzzleError, TaskFile, TextSource, is_official, official, task_files};
use trm_spec::Vocab;
use trm_train::{Run, checkpoint::Header};

use super::request::request;
use super::standard_input::{STANDARD_INPUT, is_standard_input, standard_input};
use crate::args;
use crate::terminal::output::{print, print_json};
use crate::terminal::report::{say, usage};

#[derive(Serialize)]
struct Document {
    tests: Vec<Answered>,
    /// Number of tests whose solution is known.
    judged: usize,
    /// Number of these that one of the two attempts solves.
    solved: usize,
    /// Mean over tasks of the share of a task's judged tests that are solved, which is ARC's
    /// published score. Tasks that the model was not trained on count as 0. `None` if no
    /// solution is known.
    score: Option<f64>,
    /// The attempts by task and test, in the format of the ARC Prize.
    submission: BTreeMap<String, Vec<Submitted>>,
}

#[derive(Serialize)]
struct Answered {
    task: String,
    /// Number of the test in its task, counted from 1.
    test: usize,
    votes: usize,
    attempts: Vec<Attempt>,
    /// Whether an attempt is correct; `None` if the solution is not known.
    solved: Option<bool>,
}

#[derive(Serialize)]
struct Attempt {
    grid: Vec<Vec<u8>>,
    votes: usize,
    /// Mean probability of halting.
    halt: f64,
}

#[derive(Serialize)]
struct Submitted {
    attempt_1: Vec<Vec<u8>>,
    attempt_2: Vec<Vec<u8>>,
}

/// The evaluation on the file or folder at `path`, or on standard input for `-`, of a model
/// that knows ARC's tasks; `None` for other models.
pub fn open(path: &Path, header: &Header) -> anyhow::Result<Option<ArcEval>> {
    let length = header.config.model.length();
    let eval = match &header.vocab {
        // Converted weights know no names; an official folder has them.
        Vocab::Plain { size: arc::VOCAB } if length == arc::SEQ_LEN => {
            if !is_official(path) {
                return Err(usage!(
                    "these weights know their tasks only by number; give the official data folder that they were trained on"
                ));
            }
            ArcEval::official(&official::open(path, "test")?, &official::open_identifiers(path)?)?
        }
        Vocab::Arc { tasks } => {
            let given = tasks_at(path)?;
            let config = &header.config;
            ArcEval::new(&given, tasks, config.data.num_aug, config.train.seed)?
        }
        _ => return Ok(None),
    };
    if eval.tests.is_empty() {
        let name = match is_standard_input(path) {
            true => STANDARD_INPUT.to_owned(),
            false => path.display().to_string(),
        };
        return Err(usage!("there are no test grids in {name}"));
    }
    Ok(Some(eval))
}

/// The tasks at `path`, each once.
fn tasks_at(path: &Path) -> anyhow::Result<Vec<Task>> {
    let files = match is_standard_input(path) {
        true => {
            let (name, text) = (STANDARD_INPUT.to_owned(), standard_input()?);
            if text.trim().is_empty() {
                return Err(PuzzleError::Empty { name }.into());
            }
            vec![TaskFile { tasks: TextSource::Text { name, text }, solutions: None }]
        }
        false => task_files(path)?,
    };
    let (tasks, _) = TaskFile::read_all(&files)?;
    // A task without a name is called by its file, and here there is none.
    if is_standard_input(path) && tasks.iter().any(|task| task.name.starts_with(STANDARD_INPUT)) {
        return Err(usage!(
            "a task on {STANDARD_INPUT} has no name, by which the model knows it; give {{\"NAME\": {{\"train\": […], \"test\": […]}}}}"
        ));
    }
    Ok(tasks)
}

/// Evaluates `run` test by test and prints the results.
pub fn evaluate(
    eval: &ArcEval,
    run: &dyn Run,
    typed: &args::Solve,
    depth: usize,
) -> anyhow::Result<()> {
    if let Some(first) = eval.unknown.first() {
        let zero = match eval.unknown_judged {
            0 => String::new(),
            count => format!("; {count} of them, whose solution is known, count as 0 in the score"),
        };
        say!(
            "{} tasks are skipped because the model was not trained on them: {first}, …{zero}",
            eval.unknown.len()
        );
    }
    let mut tests = Vec::with_capacity(eval.tests.len());
    for (place, test) in eval.tests.iter().enumerate() {
        let name = || format!("task {}, test {}", test.task, test.number);
        let inputs = eval.inputs.iter().filter(|input| input.test == place);
        let single = ArcEval {
            tests: vec![test.clone()],
            inputs: inputs.cloned().map(|input| arc::TestInput { test: 0, ..input }).collect(),
            ..ArcEval::default()
        };
        let inputs = single.inputs.iter().map(|input| input.tokens.clone()).collect();
        let identifiers = single.inputs.iter().map(|input| input.identifier).collect();
        let request = request(typed, depth, inputs, identifiers);
        let solutions = block_on(run.solver()?.solve(&request)).with_context(name)?;
        let answers = solutions.iter().map(|s| (s.answer.as_slice(), f64::from(s.halt)));
        let candidates = single.candidates(answers).remove(0);
        let answered = answered(test, &candidates, solutions.len());
        if typed.json {
            say!("{} ({} of {})", name(), place + 1, eval.tests.len());
        } else {
            print(&shown(&answered))?;
        }
        tests.push(answered);
    }
    let judged = tests.iter().filter(|test| test.solved.is_some()).count();
    let solved = tests.iter().filter(|test| test.solved == Some(true)).count();
    let score = eval.score(&tests.iter().map(|test| test.solved).collect::<Vec<_>>());
    if typed.json {
        let mut submission: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for test in &tests {
            let attempt = |number: usize| test.attempts[number].grid.clone();
            let submitted = Submitted { attempt_1: attempt(0), attempt_2: attempt(1) };
            submission.entry(test.task.clone()).or_default().push(submitted);
        }
        return print_json(&Document { tests, judged, solved, score, submission });
    }
    let score = score.map_or_else(String::new, |score| {
        format!("; score, the mean over tasks: {:.1} %", score * 100.0)
    });
    say!("{solved} of {judged} tests solved in two attempts{score}");
    Ok(())
}

fn answered(test: &Test, candidates: &[Candidate], votes: usize) -> Answered {
    let attempt = |answer: Grid| {
        let votes = candidates.iter().find(|candidate| candidate.answer == answer);
        Attempt {
            grid: answer.to_rows(),
            votes: votes.map_or(0, |candidate| candidate.count),
            halt: votes.map_or(0.0, |candidate| candidate.mean_q),
        }
    };
    let solved = |truth| arc::solved(candidates, truth, arc::ATTEMPTS);
    Answered {
        task: test.task.clone(),
        test: test.number,
        votes,
        attempts: arc::attempts(candidates).into_iter().map(attempt).collect(),
        solved: test.truth.as_ref().map(solved),
    }
}

fn shown(test: &Answered) -> String {
    let verdict = match test.solved {
        Some(true) => "solved",
        Some(false) => "not solved",
        None => "solution not known",
    };
    let mut lines = vec![format!("task {}, test {}: {verdict}", test.task, test.test)];
    for (number, attempt) in test.attempts.iter().enumerate() {
        lines.push(format!(
            "attempt {}, {} of {} votes, halting probability {:.1} %",
            number + 1,
            attempt.votes,
            test.votes,
            attempt.halt * 100.0
        ));
        if attempt.grid.is_empty() {
            lines.push("  no grid".into());
        }
        for row in &attempt.grid {
            let colours: Vec<_> = row.iter().map(u8::to_string).collect();
            lines.push(format!("  {}", colours.join(" ")));
        }
    }
    lines.join("\n")
}
