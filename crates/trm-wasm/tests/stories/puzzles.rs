//! Puzzles: checked, learned, solved.

use serde_json::json;
use trm_data::puzzles::PuzzleKind;
use trm_spec::{
    Command, DataSource, Event, FailureKind, PuzzleInput, RunConfig, SolutionCount, overlay,
};
use trm_wasm::Session;

use super::support::*;

const KIND: &str = "sudoku-4x4";

pub(super) fn small() -> RunConfig {
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

fn checking(input: PuzzleInput) -> Command {
    Command::CheckPuzzle { kind: KIND.into(), input }
}

fn generated_puzzle() -> PuzzleInput {
    PuzzleInput::Made { min_guesses: 0, max_guesses: 0, seed: 3 }
}

fn solving_copy(puzzle: Vec<u32>, copy: usize) -> Command {
    Command::SolvePuzzle { kind: KIND.into(), puzzle, steps: 4, top: 3, copy }
}

fn solving(puzzle: Vec<u32>) -> Command {
    solving_copy(puzzle, 0)
}

ask!(create_puzzles(config: RunConfig) -> trm_spec::RunSummary,
    Command::Create { config, data: DataSource::Named }, Event::Ready { summary } => summary);
ask!(check(input: PuzzleInput) -> trm_spec::PuzzleInfo,
    checking(input), Event::PuzzleChecked { puzzle } => puzzle);
ask!(solve(puzzle: Vec<u32>) -> (trm_spec::Trace, Vec<trm_spec::AnswerCheck>),
    solving(puzzle), Event::PuzzleSolved { trace, checks, .. } => (trace, checks));
ask!(evaluate_puzzles() -> trm_spec::PuzzleScores,
    Command::EvaluatePuzzles { steps: 4, puzzles: 16 }, Event::PuzzlesEvaluated { scores, .. } => scores);

pub async fn puzzles_are_checked_before_there_is_a_run() {
    let mut session = open().await;
    let puzzle = check(&mut session, generated_puzzle()).await;
    assert_eq!((puzzle.rows, puzzle.cols, puzzle.tokens.len()), (4, 4, 16));
    assert_eq!(puzzle.solutions, SolutionCount::One);
    assert_eq!(check(&mut session, PuzzleInput::Text { text: puzzle.text.clone() }).await, puzzle);
}

pub async fn a_puzzle_solver_learns_and_answers_at_every_step() {
    let mut session = open().await;
    let summary = create_puzzles(&mut session, small()).await;
    assert!(summary.trainable);
    let before = evaluate_puzzles(&mut session).await;
    let reports = step(&mut session, 40).await;
    let after = evaluate_puzzles(&mut session).await;
    assert!(reports.iter().any(|report| report.solved.is_some()));
    assert!(after.steps[3].loss < before.steps[3].loss, "{before:?} {after:?}");
    let puzzle = check(&mut session, generated_puzzle()).await.tokens;
    let (trace, checks) = solve(&mut session, puzzle.clone()).await;
    assert_eq!((trace.steps.len(), checks.len()), (4, 4));
    assert_eq!(trace.tokens, [puzzle]);
    for step in &trace.steps {
        assert_eq!(step.top[0][0].len(), 3);
        let halt = step.halt.as_ref().expect("a halting head");
        assert!((0.0..=1.0).contains(&halt[0]), "{halt:?}");
    }
}

/// What the model answers to an augmented copy is what it answers to the changed puzzle, in the
/// cells and digits of the puzzle itself.
pub async fn an_augmented_copy_is_answered_in_the_puzzles_own_cells() {
    let mut session = open().await;
    create_puzzles(&mut session, small()).await;
    step(&mut session, 20).await;
    let puzzle = check(&mut session, generated_puzzle()).await.tokens;
    let kind = PuzzleKind::named(KIND).expect("a kind");
    let copies = kind.augmentation().copies(3, 0).expect("three copies");
    for (number, copy) in copies.iter().enumerate() {
        let (plain, _) = solve(&mut session, copy.apply(&puzzle)).await;
        let Event::PuzzleSolved { trace, checks, .. } =
            handle(&mut session, &solving_copy(puzzle.clone(), number)).await
        else {
            panic!("not solved")
        };
        for ((turned, own), rules) in trace.steps.iter().zip(&plain.steps).zip(&checks) {
            assert_eq!(turned.argmax[0], copy.undo(&own.argmax[0]), "copy {number}");
            assert_eq!(turned.prob[0], copy.undo_cells(&own.prob[0]));
            assert_eq!(turned.entropy[0], copy.undo_cells(&own.entropy[0]));
            assert_eq!(turned.halt, own.halt);
            let best: Vec<u32> = turned.top[0].iter().map(|listed| listed[0].token).collect();
            assert_eq!(best, turned.argmax[0]);
            assert_eq!(*rules, kind.check_answer(&puzzle, &turned.argmax[0]).expect("a puzzle"));
        }
    }
    assert_ne!(copies[1].apply(&puzzle), puzzle);
    for number in [usize::MAX, 100_000] {
        let refused = failure(&mut session, solving_copy(puzzle.clone(), number)).await;
        assert!(refused.message.contains("copies"), "{refused:?}");
    }
    let short = failure(&mut session, solving_copy(vec![0; 3], 1)).await;
    assert_eq!(short.kind, FailureKind::Puzzle);
}

pub async fn a_saved_puzzle_run_goes_on_exactly() {
    let mut session = open().await;
    create_puzzles(&mut session, small()).await;
    step(&mut session, 6).await;
    let saved = save(&mut session).await;
    let on = step(&mut session, 4).await;
    let mut other = open().await;
    let summary = load(&mut other, &saved, Some(DataSource::Named)).await;
    assert_eq!(summary.step, 6);
    assert_eq!(step(&mut other, 4).await, on);
}

/// A model is loaded once, solves, and gets its puzzles when it is to be trained.
pub async fn a_loaded_model_is_given_its_puzzles() {
    let mut session = open().await;
    create_puzzles(&mut session, small()).await;
    step(&mut session, 6).await;
    let saved = save(&mut session).await;
    let on = step(&mut session, 4).await;
    let mut other = open().await;
    let load = Command::Load {
        checkpoint: saved.checkpoint.clone(),
        optimizer: Some(saved.optimizer.clone()),
        data: None,
        base: None,
    };
    let Event::Ready { summary } = handle(&mut other, &load).await else { panic!("not loaded") };
    assert!(!summary.trainable);
    failure(&mut other, Command::Step { n: 1 }).await;
    let text = DataSource::Text { name: "text".into(), text: text() };
    failure(&mut other, Command::Attach { data: text }).await;
    let summary = attach(&mut other, DataSource::Named).await;
    assert!(summary.trainable && summary.step == 6);
    assert_eq!(step(&mut other, 4).await, on);
}

pub async fn what_is_no_puzzle_is_refused_and_the_run_stays() {
    let mut session = open().await;
    create_puzzles(&mut session, small()).await;
    let text = |text: &str| checking(PuzzleInput::Text { text: text.into() });
    for command in [
        text("12"),
        text(&".".repeat(81)),
        text("9..............."),
        checking(PuzzleInput::Drawn { tokens: vec![7; 16] }),
        Command::CheckPuzzle { kind: "chess-8x8".into(), input: generated_puzzle() },
    ] {
        assert_eq!(failure(&mut session, command).await.kind, FailureKind::Puzzle);
    }
    // The model itself refuses what it cannot read.
    assert_eq!(failure(&mut session, solving(vec![1; 15])).await.kind, FailureKind::Prompt);
    assert_eq!(failure(&mut session, solving(vec![99; 16])).await.kind, FailureKind::Prompt);
    let text = Command::Generate { options: options(1) };
    assert_eq!(failure(&mut session, text).await.kind, FailureKind::Prompt);
    assert_eq!(step(&mut session, 1).await[0].step, 1);
}
