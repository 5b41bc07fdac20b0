use std::collections::{HashMap, HashSet};

use trm_data::puzzles::maze::{self, Maze, Style, Verdict};
use trm_data::puzzles::sudoku::{self, Grade, Size};
use trm_data::puzzles::{Groups, PuzzleDataset, PuzzleError, PuzzleSet, PuzzleSource, TextSource};
use trm_spec::{Failure, FailureKind};

fn sudokus(size: Size, grade: Grade) -> PuzzleSource {
    let (min_guesses, max_guesses) = grade.guesses().into_inner();
    PuzzleSource::Sudoku { size, min_guesses, max_guesses, equal_grades: false, seed: 3 }
}

/// A set whose rows are their own numbers.
fn numbered(rows: u32, groups: Option<Groups>) -> PuzzleDataset {
    let train = PuzzleSet {
        name: "numbers".into(),
        inputs: (0..rows).collect(),
        labels: (0..rows).collect(),
        puzzle_identifiers: vec![0; rows as usize],
        seq_len: 1,
        vocab: rows as usize,
        num_identifiers: 1,
        groups,
    };
    let val = train.first(1);
    PuzzleDataset { train, val, augmentation: None, tasks: None, copies: 0, unused: 0 }
}

#[test]
fn every_puzzle_comes_once_in_an_epoch_and_batches_need_no_past() {
    let data = numbered(12, None);
    let epochs: Vec<Vec<u32>> = (0..3)
        .map(|epoch| (0..4).flat_map(|batch| data.batch(5, epoch * 4 + batch, 3).inputs).collect())
        .collect();
    for epoch in &epochs {
        assert_eq!(epoch.iter().collect::<HashSet<_>>().len(), 12);
    }
    assert_ne!(epochs[0], epochs[1]);
    assert_eq!(data.batch(5, 7, 3), data.batch(5, 7, 3));
    assert_ne!(data.batch(5, 0, 12), data.batch(6, 0, 12));
}

/// Group 0 has the puzzles {0, 1} and {2, 3}, group 1 the puzzle {4}.
#[test]
fn a_group_shows_one_of_its_puzzles_in_an_epoch() {
    let groups = Groups::new(vec![0, 2, 4, 5], vec![0, 2, 3], 5).expect("groups");
    let data = numbered(5, Some(groups));
    let mut counts = HashMap::new();
    for epoch in 0..400 {
        let mut rows = data.batch(1, epoch, 3).inputs;
        rows.sort_unstable();
        *counts.entry(rows).or_insert(0) += 1;
    }
    assert_eq!(
        counts.keys().collect::<HashSet<_>>(),
        HashSet::from([&vec![0, 1, 4], &vec![2, 3, 4]])
    );
    assert!(counts.values().all(|count| *count > 150), "{counts:?}");
}

#[test]
fn groups_divide_rows() {
    for (puzzles, groups) in [
        (vec![], vec![0]),
        (vec![0, 2], vec![]),
        (vec![1, 3], vec![0, 1]),
        (vec![0, 2], vec![0, 1]),
        (vec![0, 3, 3], vec![0, 2]),
        (vec![0, 2, 3], vec![0, 0, 2]),
    ] {
        assert_eq!(Groups::new(puzzles, groups, 3), None);
    }
}

#[test]
fn made_sudokus_are_different_and_stay_apart() {
    let data = sudokus(Size::Four, Grade::Easy).load(200, 50, true).expect("puzzles");
    assert_eq!((data.train.len(), data.val.len()), (200, 50));
    assert_eq!((data.train.seq_len, data.train.vocab), (16, 6));
    let boards = |set: &PuzzleSet| -> Vec<Vec<u8>> {
        let rows = set.inputs.chunks(16);
        rows.map(|row| sudoku::decode(Size::Four, row).expect("a board")).collect()
    };
    let (train, val) = (boards(&data.train), boards(&data.val));
    assert_eq!(train.iter().collect::<HashSet<_>>().len(), 200);
    let prints = |boards: &[Vec<u8>]| -> HashSet<u64> {
        boards.iter().map(|board| sudoku::fingerprint(Size::Four, board)).collect()
    };
    assert!(prints(&train).is_disjoint(&prints(&val)));

    // Batches show them in other augmentations that are still solved by their labels.
    let (batch, plain) =
        (data.batch(1, 0, 200), PuzzleDataset { augmentation: None, ..data.clone() });
    assert_eq!(batch, data.batch(1, 0, 200));
    let plain = plain.batch(1, 0, 200);
    let changed = batch.inputs.chunks(16).zip(plain.inputs.chunks(16)).filter(|(a, b)| a != b);
    assert!(changed.count() > 150);
    for (input, label) in batch.inputs.chunks(16).zip(batch.labels.chunks(16)) {
        let board = sudoku::decode(Size::Four, input).expect("a board");
        let answer = sudoku::decode(Size::Four, label).expect("a board");
        assert!(sudoku::solves(Size::Four, &board, &answer));
    }
}

#[test]
fn made_mazes_are_answered_by_their_labels_under_every_augmentation() {
    let source = PuzzleSource::Maze { side: 10, style: Style::Corridors, seed: 3 };
    let data = source.load(20, 5, true).expect("mazes");
    let batch = data.batch(1, 0, 40);
    for (input, label) in batch.inputs.chunks(100).zip(batch.labels.chunks(100)) {
        let maze = Maze::new(10, 10, input.to_vec()).expect("a maze");
        assert!(matches!(maze::check(&maze, label), Verdict::Optimal { .. }));
    }
    assert_eq!((data.train.seq_len, data.train.vocab), (100, 6));
}

#[test]
fn what_cannot_be_made_is_said() {
    let error = sudokus(Size::Four, Grade::Hardest).load(1, 1, true).expect_err("too hard");
    assert!(matches!(error, PuzzleError::TooFew { found: 0, wanted: 1, .. }), "{error}");
    let failure = Failure::from(error);
    assert_eq!(failure.kind, FailureKind::Data);
    assert!(!failure.hint.is_empty());
    for side in [0, 3, 101] {
        let source = PuzzleSource::Maze { side, style: Style::Scattered, seed: 0 };
        assert!(matches!(source.load(1, 0, false), Err(PuzzleError::Unusable { .. })));
    }
    let size = Size::Nine;
    for equal_grades in [false, true] {
        let source =
            PuzzleSource::Sudoku { size, min_guesses: 2, max_guesses: 1, equal_grades, seed: 0 };
        assert!(matches!(source.load(1, 0, false), Err(PuzzleError::Unusable { .. })));
    }
}

#[test]
fn equal_grades_gives_as_many_puzzles_of_each_grade_within_the_limits() {
    let size = Size::Nine;
    let grades = |min_guesses, max_guesses| {
        let source =
            PuzzleSource::Sudoku { size, min_guesses, max_guesses, equal_grades: true, seed: 3 };
        let sets = source.load(10, 5, false).expect("puzzles");
        [sets.train, sets.val].map(|set| {
            let boards = set.inputs.chunks(size.cells());
            let guesses = boards.map(|board| {
                let board = sudoku::decode(size, board).expect("a board");
                sudoku::solve(size, &board).guesses
            });
            Grade::ALL.map(|grade| {
                guesses.clone().filter(|guesses| grade.guesses().contains(guesses)).count()
            })
        })
    };
    assert_eq!(grades(0, trm_spec::NO_GUESS_LIMIT), [[2; 5], [1; 5]]);
    // 0 to 3 guesses: easy and some of the medium ones.
    assert_eq!(grades(0, 3), [[5, 5, 0, 0, 0], [3, 2, 0, 0, 0]]);
}

fn lines(text: &str) -> PuzzleSource {
    PuzzleSource::Lines(TextSource::Text { name: "lines".into(), text: text.into() })
}

#[test]
fn lines_are_solved_and_the_last_held_out() {
    let makes = |number| {
        let easy = Grade::Easy.guesses();
        sudoku::make(Size::Six, &easy, trm_data::Split::Train, 1, number).expect("a puzzle")
    };
    let boards: Vec<_> = (0..4).map(makes).collect();
    let mut text: Vec<String> = boards.iter().map(|p| sudoku::print(&p.board)).collect();
    // The first is the last once more, and is not learned from.
    text.insert(0, text[3].clone());
    let data = lines(&text.join("\n")).load(100, 1, false).expect("puzzles");
    assert_eq!((data.train.len(), data.val.len()), (3, 1));
    assert_eq!(data.train.inputs[..36], sudoku::encode(&boards[0].board));
    assert_eq!(data.train.labels[..36], sudoku::encode(&boards[0].solution));
    assert_eq!(data.val.labels, sudoku::encode(&boards[3].solution));
    assert_eq!(data.augmentation, None);
}

#[test]
fn unsolvable_lines_are_named() {
    for (line, expected) in [
        ("................", "more than one solution"),
        ("11..............", "no solution"),
        ("123...4.........", "no solution"),
        (&".".repeat(36), "another size"),
    ] {
        let text = format!("123434122143432.\n{line}");
        let error = lines(&text).load(9, 1, false).expect_err("a bad line").to_string();
        assert!(error.starts_with("line 2 of lines") && error.contains(expected), "{error}");
    }
}

#[test]
fn copies_are_counted_and_said() {
    let boards: Vec<String> = (0..3)
        .map(|number| {
            let easy = Grade::Easy.guesses();
            let made = sudoku::make(Size::Six, &easy, trm_data::Split::Train, 1, number);
            sudoku::print(&made.expect("a puzzle").board)
        })
        .collect();
    let text = [&boards[0], &boards[2], &boards[1], &boards[2]].map(String::as_str).join("\n");
    let data = lines(&text).load(100, 1, false).expect("puzzles");
    assert_eq!((data.train.len(), data.val.len(), data.copies), (2, 1, 1));
    let text = [boards[0].as_str(); 5].join("\n");
    let error = lines(&text).load(100, 2, false).expect_err("nothing to learn from");
    assert!(matches!(error, PuzzleError::OnlyCopies { puzzles: 5, .. }), "{error}");
    let maze = "S  # ###  ##   G";
    let source = PuzzleSource::MazeLines(TextSource::Text {
        name: "mazes".into(),
        text: format!("{maze}\nS   ##        #G\n"),
    });
    let data = source.load(9, 1, true).expect("mazes");
    assert_eq!((data.train.len(), data.val.len(), data.train.seq_len), (1, 1, 16));
    let label = maze::print(&data.train.labels, 4);
    assert_eq!(label.matches('o').count(), 5, "the shortest path is found:\n{label}");
    for (text, what) in [("[[1, 2], [3]]", "JSON"), ("<html><p>", "a web page")] {
        let error = lines(text).load(1, 1, false).expect_err("no puzzles").to_string();
        assert!(error.contains(what), "{error}");
    }
}

/// Those of a repeated line would be trained on, or scored, more often than others.
#[test]
fn a_repeated_puzzle_counts_once_and_those_beyond_the_number_are_counted() {
    let board = |number| {
        let easy = Grade::Easy.guesses();
        let made = sudoku::make(Size::Six, &easy, trm_data::Split::Train, 1, number);
        sudoku::print(&made.expect("a puzzle").board)
    };
    // One of both parts comes again.
    let text = [0, 0, 1, 2, 3, 4, 5, 6, 7, 7].map(board).join("\n");
    let data = lines(&text).load(7, 2, false).expect("puzzles");
    assert_eq!((data.train.len(), data.val.len()), (7, 1));
    assert_eq!((data.copies, data.unused), (2, 0));
    let data = lines(&text).load(5, 2, false).expect("puzzles");
    assert_eq!((data.train.len(), data.val.len()), (5, 1));
    assert_eq!((data.copies, data.unused), (2, 2));
    let data = sudokus(Size::Four, Grade::Easy).load(5, 2, false).expect("puzzles");
    assert_eq!((data.copies, data.unused), (0, 0), "made as many as wanted");
}

/// A file with fewer puzzles than are to be held out is still one to learn from.
#[test]
fn at_most_a_fifth_of_own_puzzles_is_held_out() {
    let boards: Vec<String> = (0..20)
        .map(|number| {
            let easy = Grade::Easy.guesses();
            let made = sudoku::make(Size::Four, &easy, trm_data::Split::Train, 1, number);
            sudoku::print(&made.expect("a puzzle").board)
        })
        .collect();
    let data = lines(&boards.join("\n")).load(100, 256, false).expect("puzzles");
    assert_eq!(data.val.len(), 4);
    assert_eq!(data.train.len() + data.copies, 16);
}

/// Training turns and mirrors mazes, so that a turned one is the same.
#[test]
fn a_turned_maze_is_a_copy() {
    let [maze, other] = ["S  # ###  ##   G", "S   ##        #G"];
    let turned: String = (0..4)
        .flat_map(|row| (0..4).map(move |column| (3 - column) * 4 + row))
        .map(|cell| maze.as_bytes()[cell] as char)
        .collect();
    let source = PuzzleSource::MazeLines(TextSource::Text {
        name: "mazes".into(),
        text: format!("{maze}\n{other}\n{turned}\n"),
    });
    let data = source.load(9, 1, true).expect("mazes");
    assert_eq!((data.train.len(), data.val.len(), data.copies), (1, 1, 1));
}

#[test]
fn puzzles_of_another_kind_or_size_are_said_to_be_these() {
    use trm_data::puzzles::PuzzleKind;
    let maze = "####\n#S #\n# G#\n####\n";
    let four = "1.3.3.1..1.3.3.1\n";
    let error = lines(maze).load(1, 1, false).expect_err("mazes");
    assert_eq!(error.to_string(), "lines holds mazes, and Sudokus are wanted");
    assert_eq!(error.hint(), "Give Sudokus, or a model of mazes.");
    let source = PuzzleSource::MazeLines(TextSource::Text { name: "m".into(), text: four.into() });
    let error = source.load(1, 1, false).expect_err("Sudokus").to_string();
    assert_eq!(error, "m holds Sudokus, and mazes are wanted");
    // What lacks its start is a maze all the same.
    let dots = "....\n".repeat(4);
    let source = PuzzleSource::MazeLines(TextSource::Text { name: "m".into(), text: dots });
    let error = source.load(1, 1, false).expect_err("no start").to_string();
    assert!(!error.contains("Sudokus"), "{error}");
    for (kind, text, words) in [
        ("sudoku-9x9", four, "line 1 of f: the puzzle is 4×4, but the model solves 9×9"),
        ("maze-10x10", maze, "line 1 of f: the puzzle is 4×4, but the model solves 10×10"),
        ("maze-10x10", "###\nS G\n", "the puzzle is 2×3, but the model solves 10×10"),
    ] {
        let error = PuzzleKind::named(kind).expect("a kind").read("f", text).expect_err(text);
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().starts_with("Give puzzles of "), "{}", error.hint());
    }
    let parse = |text: &str| trm_data::puzzles::arc::parse("f", text).expect_err("no tasks");
    let error = parse(four);
    assert_eq!(error, PuzzleError::NotTasks { name: "f".into() });
    assert_eq!(error, parse("1030301001030301"), "a number is no task");
    assert!(error.to_string().contains("an ARC model reads tasks as JSON"), "{error}");
}
