//! Puzzles: posed, learned, answered.

use serde_json::json;
use trm_spec::{
    Command, Event, FailureKind, Lessons, PuzzleInput, RunConfig, SolutionCount, overlay,
};
use trm_wasm::Session;

use super::support::*;

const KIND: &str = "sudoku-4x4";

fn small() -> RunConfig {
    let patch = json!({
        "model": {
            "variant": "trm",
            "hidden_size": 32, "num_heads": 2, "n_layers": 1, "h_cycles": 2, "l_cycles": 1,
            "halt_max_steps": 4, "seq_len": 16, "mlp_t": true, "pos_encodings": "none",
            "puzzle_emb_ndim": 0, "puzzle_emb_len": 0, "expansion": 2.0,
        },
        "data": { "dataset": KIND, "num_puzzles": 64, "num_val_puzzles": 16 },
        "train": { "batch_size": 16, "max_iters": 100, "warmup_iters": 5, "learning_rate": 3e-3 },
    });
    overlay(&RunConfig::default(), &patch).expect("a configuration")
}

fn posing(from: PuzzleInput) -> Command {
    Command::Pose { kind: KIND.into(), from }
}

fn made() -> PuzzleInput {
    PuzzleInput::Made { min_guesses: 0, max_guesses: 0, seed: 3 }
}

fn examining(puzzle: Vec<u32>) -> Command {
    Command::Examine { kind: KIND.into(), puzzle, steps: 4, top: 3 }
}

ask!(learn(config: RunConfig) -> trm_spec::RunSummary,
    Command::Create { config, lessons: Lessons::Puzzles }, Event::Ready { summary } => summary);
ask!(pose(from: PuzzleInput) -> trm_spec::PuzzleInfo,
    posing(from), Event::Posed { posed } => posed);
ask!(examine(puzzle: Vec<u32>) -> (trm_spec::Trace, Vec<trm_spec::AnswerCheck>),
    examining(puzzle), Event::Examined { trace, verdicts, .. } => (trace, verdicts));
ask!(judge() -> trm_spec::PuzzleScores,
    Command::Judge { steps: 4, puzzles: 16 }, Event::Judged { scores, .. } => scores);

pub async fn puzzles_are_posed_before_there_is_a_run() {
    let mut session = open().await;
    let posed = pose(&mut session, made()).await;
    assert_eq!((posed.rows, posed.cols, posed.tokens.len()), (4, 4, 16));
    assert_eq!(posed.solutions, SolutionCount::One);
    assert_eq!(pose(&mut session, PuzzleInput::Text { text: posed.text.clone() }).await, posed);
}

pub async fn a_puzzle_solver_learns_and_answers_at_every_step() {
    let mut session = open().await;
    let summary = learn(&mut session, small()).await;
    assert!(summary.trainable);
    let before = judge(&mut session).await;
    let reports = step(&mut session, 40).await;
    let after = judge(&mut session).await;
    assert!(reports.iter().any(|report| report.solved.is_some()));
    assert!(after.steps[3].loss < before.steps[3].loss, "{before:?} {after:?}");
    let puzzle = pose(&mut session, made()).await.tokens;
    let (trace, verdicts) = examine(&mut session, puzzle.clone()).await;
    assert_eq!((trace.steps.len(), verdicts.len()), (4, 4));
    assert_eq!(trace.tokens, [puzzle]);
    for step in &trace.steps {
        assert_eq!(step.top[0][0].len(), 3);
        let halt = step.halt.as_ref().expect("a halting head");
        assert!((0.0..=1.0).contains(&halt[0]), "{halt:?}");
    }
}

pub async fn a_saved_puzzle_run_goes_on_exactly() {
    let mut session = open().await;
    learn(&mut session, small()).await;
    step(&mut session, 6).await;
    let saved = save(&mut session).await;
    let on = step(&mut session, 4).await;
    let mut other = open().await;
    let summary = load(&mut other, &saved, Some(Lessons::Puzzles)).await;
    assert_eq!(summary.step, 6);
    assert_eq!(step(&mut other, 4).await, on);
}

pub async fn what_is_no_puzzle_is_refused_and_the_run_stays() {
    let mut session = open().await;
    learn(&mut session, small()).await;
    let text = |text: &str| posing(PuzzleInput::Text { text: text.into() });
    for command in [
        text("12"),
        text(&".".repeat(81)),
        text("9..............."),
        posing(PuzzleInput::Drawn { tokens: vec![7; 16] }),
        Command::Pose { kind: "chess-8x8".into(), from: made() },
    ] {
        assert_eq!(failure(&mut session, command).await.kind, FailureKind::Puzzle);
    }
    // The model itself refuses what it cannot read.
    assert_eq!(failure(&mut session, examining(vec![1; 15])).await.kind, FailureKind::Prompt);
    assert_eq!(failure(&mut session, examining(vec![99; 16])).await.kind, FailureKind::Prompt);
    let text = Command::Generate { options: options(1) };
    assert_eq!(failure(&mut session, text).await.kind, FailureKind::Prompt);
    assert_eq!(step(&mut session, 1).await[0].step, 1);
}
