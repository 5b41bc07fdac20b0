use proptest::prelude::*;
use trm_data::puzzles::PuzzleError;
use trm_data::puzzles::sudoku::{
    Grade, Rule, Shuffle, Size, Solutions, decode, encode, fingerprint, make, parse, parse_board,
    print, solve, solves, split_of, violations,
};
use trm_data::{Split, draw};

use crate::{fixture, numbers};

fn any_size() -> impl Strategy<Value = Size> {
    prop::sample::select(Size::ALL.to_vec())
}

fn easy(size: Size, seed: u64, number: u64) -> trm_data::puzzles::sudoku::Puzzle {
    make(size, &Grade::Easy.guesses(), Split::Train, seed, number).expect("an easy puzzle")
}

/// All solutions, without any cleverness: digit after digit in cell after cell.
fn count_slowly(size: Size, board: &mut Vec<u8>) -> usize {
    let Some(cell) = board.iter().position(|digit| *digit == 0) else { return 1 };
    let mut count = 0;
    for digit in 1..=size.side() as u8 {
        board[cell] = digit;
        if violations(size, board).is_empty() {
            count += count_slowly(size, board);
        }
    }
    board[cell] = 0;
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_made_has_one_solution_and_its_rating(size in any_size(), seed in any::<u64>(), number in any::<u64>()) {
        for split in [Split::Train, Split::Val] {
            let puzzle = make(size, &(0..=usize::MAX), split, seed, number).expect("any puzzle");
            let solved = solve(size, &puzzle.board);
            prop_assert_eq!(solved.guesses, puzzle.guesses);
            prop_assert_eq!(&solved.solutions, &Solutions::One(puzzle.solution.clone()));
            prop_assert!(solves(size, &puzzle.board, &puzzle.solution));
            prop_assert_eq!(split_of(size, &puzzle.board), split);
            prop_assert_eq!(make(size, &(0..=usize::MAX), split, seed, number), Some(puzzle));
        }
    }

    #[test]
    fn shuffles_keep_what_a_puzzle_is_and_invert(size in any_size(), seed in any::<u64>()) {
        let puzzle = easy(size, 1, seed);
        let shuffle = Shuffle::draw(size, &mut draw(seed, 99, 0));
        let (board, solution) = (shuffle.apply(&puzzle.board), shuffle.apply(&puzzle.solution));
        prop_assert_eq!(shuffle.inverse().apply(&board), puzzle.board.clone());
        let solved = solve(size, &board);
        prop_assert_eq!(solved.solutions, Solutions::One(solution));
        prop_assert_eq!(fingerprint(size, &board), fingerprint(size, &puzzle.board));
    }

    #[test]
    fn boards_survive_tokens_and_lines(size in any_size(), seed in any::<u64>()) {
        let board = easy(size, 2, seed).board;
        prop_assert_eq!(decode(size, &encode(&board)), Some(board.clone()));
        prop_assert_eq!(parse_board(&print(&board)), Ok((size, board)));
    }

    /// Boards of 4×4 with some digits at random: none, one or several solutions.
    #[test]
    fn the_solver_agrees_with_trying_everything(digits in prop::collection::vec(0_u8..=4, 16), kept in prop::collection::vec(0_u8..3, 16)) {
        let mut board: Vec<u8> = digits.iter().zip(kept).map(|(digit, kept)| if kept == 0 { *digit } else { 0 }).collect();
        let count = if violations(Size::Four, &board).is_empty() { count_slowly(Size::Four, &mut board) } else { 0 };
        match solve(Size::Four, &board).solutions {
            Solutions::None => prop_assert_eq!(count, 0),
            Solutions::One(one) => {
                prop_assert_eq!(count, 1);
                prop_assert!(solves(Size::Four, &board, &one));
            }
            Solutions::Unknown => prop_assert!(false, "a small board is settled"),
            Solutions::Several([one, other]) => {
                prop_assert!(count > 1 && one != other);
                prop_assert!(solves(Size::Four, &board, &one) && solves(Size::Four, &board, &other));
            }
        }
    }

    #[test]
    fn no_text_of_puzzles_is_a_panic(text in "[0-9.,\"a-z#\n]{0,200}") {
        let _ = parse("a text", &text);
    }
}

#[test]
fn grades_are_kept_and_leave_no_gap() {
    for grade in [Grade::Easy, Grade::Medium, Grade::Hard] {
        for number in 0..5 {
            let puzzle = make(Size::Nine, &grade.guesses(), Split::Train, 5, number);
            let puzzle = puzzle.expect("a puzzle of each grade");
            assert_eq!(Grade::of(solve(Size::Nine, &puzzle.board).guesses), grade);
        }
    }
    assert_eq!(Grade::of(usize::MAX), Grade::Hardest);
}

#[test]
fn a_4x4_that_needs_many_guesses_is_not_found() {
    assert_eq!(make(Size::Four, &(30..=90), Split::Train, 1, 0), None);
}

#[test]
fn different_numbers_are_different_puzzles() {
    let mut boards: Vec<_> = (0..50).map(|number| easy(Size::Nine, 1, number).board).collect();
    boards.sort();
    boards.dedup();
    assert_eq!(boards.len(), 50);
}

/// Few different puzzles have a fingerprint in common.
#[test]
fn fingerprints_differ() {
    let mut prints: Vec<_> =
        (0..60).map(|n| fingerprint(Size::Nine, &easy(Size::Nine, 1, n).board)).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), 60);
}

/// A board that is hard for machines, and boards of several and of no solution.
#[test]
fn known_boards() {
    let hard = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..";
    let (size, board) = parse_board(hard).expect("a board");
    let solved = solve(size, &board);
    assert!(solved.guesses > 15, "{}", solved.guesses);
    let Solutions::One(solution) = solved.solutions else { panic!("one solution") };
    assert!(solves(size, &board, &solution));

    assert!(matches!(solve(Size::Nine, &[0; 81]).solutions, Solutions::Several(_)));
    // Without a solution, but it takes millions of guesses to know.
    let hopeless =
        ".....5.8....6.1.43..........1.5........1.6...3.......553.....61........4.........";
    let (size, board) = parse_board(hopeless).expect("a board");
    assert_eq!(solve(size, &board).solutions, Solutions::Unknown);
    // No rule is broken yet, but the last cell of the first row has no digit left.
    let mut stuck = [0; 81];
    stuck[..8].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    stuck[17] = 9;
    assert!(violations(Size::Nine, &stuck).is_empty());
    assert_eq!(solve(Size::Nine, &stuck).solutions, Solutions::None);
}

#[test]
fn broken_rules_are_named_with_their_cells() {
    let mut board = vec![0; 36];
    board[0] = 5;
    board[8] = 5; // row 1, column 2: the same box of 2×3
    board[24] = 5; // row 4, column 0
    board[28] = 5; // row 4, column 4
    let found = violations(Size::Six, &board);
    let found: Vec<_> = found.iter().map(|v| (v.rule, v.digit, v.cells.as_slice())).collect();
    let expected: [(Rule, u8, &[usize]); 3] =
        [(Rule::Row(4), 5, &[24, 28]), (Rule::Column(0), 5, &[0, 24]), (Rule::Box(0), 5, &[0, 8])];
    assert_eq!(found, expected);
}

#[test]
fn encoded_as_the_official_code_does() {
    let sudoku = &fixture()["sudoku"];
    for (text, tokens) in [("board", "encoded_inputs"), ("solution", "encoded_labels")] {
        let (size, board) = parse_board(sudoku[text].as_str().expect("text")).expect("a board");
        assert_eq!(encode(&board), numbers::<u32>(&sudoku[tokens]));
        assert_eq!(sudoku["metadata"]["vocab_size"], size.vocab());
    }
    // A shuffle of the official code is one of ours: same puzzle, same solution.
    let shuffled = &sudoku["one_shuffle_seed0"];
    let board: Vec<u8> = numbers(&shuffled["board"]);
    let (_, original) = parse_board(sudoku["board"].as_str().expect("text")).expect("a board");
    assert_eq!(solve(Size::Nine, &board).solutions, Solutions::One(numbers(&shuffled["solution"])));
    assert_eq!(fingerprint(Size::Nine, &board), fingerprint(Size::Nine, &original));
}

#[test]
fn lines_of_all_usual_forms() {
    let small = "1...............";
    let solution = "1234341221434321";
    let text = format!(
        "\u{feff}source,question,answer,rating\r\n\r\n# a comment\r\nsixteen letters!,{small},{solution},7\r\n\"{small}\"\r\n{}\r\n",
        ".".repeat(81)
    );
    let lines = parse("lines", &text).expect("lines");
    let seen: Vec<_> = lines.iter().map(|l| (l.number, l.size, l.answer.is_some())).collect();
    assert_eq!(seen, [(4, Size::Four, true), (5, Size::Four, false), (6, Size::Nine, false)]);
}

#[test]
fn bad_lines_are_named() {
    let good = "1...............";
    let bad = [
        ("1..", "3 characters"),
        ("1..............5", "place 16"),
        ("1..............x", "'x'"),
        ("1...............,1234341221434322", "does not solve"),
        ("1...............,2134341221434321", "does not solve"),
        ("a,b,c", "no field"),
    ];
    for (line, expected) in bad {
        let error = parse("lines", &format!("{good}\n\n{line}\n")).expect_err("a bad line");
        assert!(matches!(error, PuzzleError::Line { line: 3, .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(parse("lines", "\n# nothing\n"), Err(PuzzleError::Empty { name: "lines".into() }));
}
