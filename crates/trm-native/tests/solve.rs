//! Puzzles answered through the binary, by the models that come with it.

mod common;

use std::path::PathBuf;

use common::{Place, says, shipped};

fn four() -> String {
    shipped("sudoku-4x4.safetensors")
}

/// Its only answer is 1234 3412 2143 4321.
const PUZZLE: &str = "1.3.3.1..1.3.3.1";

#[test]
fn puzzles_are_answered_and_judged() {
    let place = Place::new();
    place.write("puzzles.txt", format!("{PUZZLE}\n11..............\n................\n"));
    let ended = place.done(&["solve", &four(), "puzzles.txt", "--json", "--device", "cpu"]);
    let puzzles = ended.json()["puzzles"].as_array().expect("a list").clone();
    let verdicts: Vec<_> = puzzles.iter().map(|p| p["verdict"].as_str().expect("words")).collect();
    assert_eq!(verdicts[0], "one_of_several");
    assert_eq!(verdicts[1], "no_solution");
    assert!(puzzles[1]["broken"][0].as_str().expect("a rule").contains("has two 1s"));
    assert!(verdicts[2].ends_with("of_several"), "{verdicts:?}");
    assert_eq!(puzzles[0]["confidence"].as_array().expect("cells").len(), 16);
    // One line for each, and the number that is solved.
    let ended = place.done(&["solve", &four(), "puzzles.txt", "--device", "cpu"]);
    assert!(ended.stdout.lines().count() >= 3, "{}", ended.stdout);
    says(&ended.stderr, &["0 of 3 solved"]);
}

#[test]
fn a_threshold_saves_steps_and_costs_no_answer() {
    let place = Place::new();
    let whole = "1234341221434321";
    let lines: String =
        (0..16).map(|blank| format!("{}.{}\n", &whole[..blank], &whole[blank + 1..])).collect();
    place.write("puzzles.txt", lines);
    let solve = |more: &[&str]| {
        let four = four();
        let asked = ["solve", &four, "puzzles.txt", "--json", "--device", "cpu"];
        let document = place.done(&[&asked, more].concat()).json();
        let steps = document["puzzles"].as_array().expect("a list").iter();
        let steps: u64 = steps.map(|puzzle| puzzle["steps"].as_u64().expect("steps")).sum();
        (document["solved"].as_u64().expect("a number"), steps)
    };
    let (all, most) = solve(&[]);
    let (halted, fewer) = solve(&["--halt-threshold", "0.5"]);
    assert_eq!((all, most), (16, 16 * 8));
    assert_eq!(halted, 16);
    assert!(fewer < most / 2, "{fewer} of {most}");
}

#[test]
fn what_cannot_be_answered_is_said() {
    let place = Place::new();
    let refused = |content: &str, words: &[&str]| {
        place.write("puzzles.txt", content);
        let error = place.refused(1, &["solve", &four(), "puzzles.txt", "--device", "cpu"]);
        says(&error, words);
    };
    refused("\n\n", &["puzzles.txt", "no puzzles"]);
    refused("12.4\n", &["line 1", "4 characters"]);
    let other = format!("{PUZZLE}\n{}\n", ".".repeat(81));
    refused(&other, &["line 2 of puzzles.txt: the puzzle is 9×9, but the model solves 4×4"]);
    refused(&other, &["hint: Give puzzles of 4×4"]);
    refused("S  # ###  ##   G\n", &["puzzles.txt holds mazes, and Sudokus are wanted", "hint:"]);
    refused("1x..............\n", &["line 1", "x"]);
    let writer = shipped("shakespeare-elastic.safetensors");
    let error = place.refused(2, &["solve", &writer, "puzzles.txt", "--device", "cpu"]);
    says(&error, &["language model", "generate"]);
    place.write("puzzles.txt", PUZZLE);
    let arc = shipped("arc-sample.safetensors");
    let error = place.refused(1, &["solve", &arc, "puzzles.txt", "--device", "cpu"]);
    says(&error, &["puzzles.txt is not JSON, and an ARC model reads tasks as JSON", "hint: Give"]);
    place.write("maze.txt", "####\n#S #\n# G#\n####\n");
    let error = place.refused(1, &["eval", &four(), "--data", "maze.txt", "--device", "cpu"]);
    says(&error, &["maze.txt holds mazes, and Sudokus are wanted"]);
}

#[test]
fn eval_tells_of_every_step_and_of_grades() {
    let place = Place::new();
    let ended = place.done(&["eval", &four(), "--json", "--device", "cpu"]);
    let scores = ended.json();
    assert_eq!(scores["steps"].as_array().expect("steps").len(), 8);
    let exact = |row: &serde_json::Value| row["exact_accuracy"].as_f64().expect("a share");
    assert!(exact(&scores["steps"][7]) > 0.99, "{scores}");
    let halting = scores["halting"].as_array().expect("thresholds");
    assert!(halting.iter().any(|row| exact(row) > 0.99 && row["steps"].as_f64() < Some(4.0)));
    let error =
        place.refused(2, &["eval", &shipped("shakespeare-elastic.safetensors"), "--grade", "easy"]);
    says(&error, &["--grade", "Sudoku"]);
    // Those of the run's own grade are new ones too.
    let graded = place.done(&["eval", &four(), "--grade", "easy", "--json", "--device", "cpu"]);
    assert_ne!(graded.json()["steps"][0]["loss"], scores["steps"][0]["loss"]);
    // Both may take minutes.
    let puzzles = &scores["puzzles"];
    says(&graded.stderr, &[&format!("generating {puzzles} puzzles of grade easy …")]);
    for said in [&graded.stderr, &ended.stderr] {
        says(said, &["generating ", &format!("scoring {puzzles} puzzles …")]);
    }
    says(&place.refused(2, &["eval", &four(), "--depths", "0"]), &["depth 0 runs no cycle"]);
    // What would have no effect is refused.
    let error = place.refused(2, &["eval", &four(), "--halt-threshold", "0.9"]);
    says(&error, &["--halt-threshold", "--augmentations"]);
    let tasks = shipped("arc-sample.safetensors");
    for (flag, value) in [("--puzzles", "10"), ("--grade", "easy")] {
        says(&place.refused(2, &["eval", &tasks, flag, value]), &[flag, "trained on other data"]);
    }
}

/// New puzzles are as many as asked for, and not those that the checkpoint was chosen by.
#[test]
fn eval_makes_new_puzzles() {
    let place = Place::new();
    let (four, maze) = (four(), shipped("maze-10x10.safetensors"));
    let scores = |more: &[&str]| {
        let all = [&["eval"], more, &["--json", "--device", "cpu", "--depths", "2"]].concat();
        place.done(&all).json()
    };
    let mazes = scores(&[&maze, "--puzzles", "40", "--augmentations", "8"]);
    assert_eq!((&mazes["puzzles"], &mazes["copies"]), (&40.into(), &8.into()));
    let solved = |way: &str| mazes["steps"][0][way]["solved"].as_f64().expect("a share");
    assert!(solved("rules") >= solved("single") && solved("rules") > 0.9, "{mazes}");
    let new = scores(&[&four, "--puzzles", "500"]);
    let own = scores(&[&four]);
    assert_eq!(new["puzzles"], own["puzzles"], "as many as the preset holds out");
    assert_ne!(new["steps"][0]["loss"], own["steps"][0]["loss"]);
    let error = place.refused(2, &["eval", &four, "--puzzles", "5", "--data", "own.txt"]);
    says(&error, &["--puzzles", "--data"]);
}

/// Generated puzzles are none that a run on generated ones has seen; a file may hold any.
#[test]
fn new_puzzles_may_be_among_the_users_own() {
    let place = Place::new();
    // No two are copies of one puzzle: those would be held out together.
    let puzzles = [
        ".234341221434321",
        "..34341221434321",
        ".2343.1221434321",
        ".23434.221434321",
        "...4341221434321",
        "..34.41221434321",
    ];
    place.write("mine.txt", puzzles.join("\n") + "\n");
    let sizes = ["--hidden-size", "16", "--num-heads", "2", "--batch-size", "2"];
    let train = ["train", "sudoku-4x4", "--data", "mine.txt", "--out", "mine", "--max-iters", "2"];
    let short = ["--halt-max-steps", "2", "--eval-interval", "2", "--device", "cpu"];
    place.done(&[&train[..], &sizes, &short].concat());
    let scored = |run: &str| {
        place.done(&["eval", run, "--puzzles", "5", "--depths", "1", "--device", "cpu"]).stdout
    };
    let own = scored("mine");
    says(&own, &["5 new puzzles (the run was trained on mine.txt, which may contain some"]);
    assert!(!own.contains("not trained on"), "{own}");
    says(&scored(&four()), &["5 puzzles that the model was not trained on\n"]);
}

/// So that progress is seen; what is answered does not depend on it.
#[test]
fn puzzles_with_many_copies_are_solved_a_few_at_once() {
    let place = Place::new();
    let whole = "1234341221434321";
    let puzzle = |n: usize| format!("{}.{}\n", &whole[..n % 16], &whole[n % 16 + 1..]);
    let four = four();
    let solve = |puzzles: std::ops::Range<usize>| {
        place.write("puzzles.txt", puzzles.map(puzzle).collect::<String>());
        let copies = ["--augmentations", "3", "--json", "--device", "cpu"];
        place.done(&[&["solve", &four, "puzzles.txt"], &copies[..]].concat())
    };
    let all = solve(0..30);
    says(&all.stderr, &["solving 30 puzzles …"]);
    let alone = solve(29..30);
    assert!(!alone.stderr.contains("solving"), "{}", alone.stderr);
    let (all, alone) = (all.json(), alone.json());
    assert_eq!((&all["solved"], &alone["solved"]), (&30.into(), &1.into()));
    for key in ["answer", "verdict", "steps", "calls"] {
        assert_eq!(all["puzzles"][29][key], alone["puzzles"][0][key], "{key}");
    }
}

/// A file of one puzzle holds out none, and is scored all the same.
#[test]
fn eval_scores_a_file_of_one_puzzle() {
    let place = Place::new();
    for text in ["12.434122143432.\n", "1\n12.434122143432.\n"] {
        place.write("one.txt", text);
        let ended =
            place.done(&["eval", &four(), "--data", "one.txt", "--json", "--device", "cpu"]);
        says(&ended.stderr, &["one holds one puzzle"]);
        assert_eq!(ended.json()["puzzles"], 1);
        let ended = place.done(&["eval", &four(), "--data", "one.txt", "--device", "cpu"]);
        says(&ended.stdout, &["1 puzzle of one.txt\n"]);
        says(&ended.stderr, &[": 1 validation puzzle; CPU", "scoring 1 puzzle …"]);
    }
    place.write("two.txt", "12.434122143432.\n.23434122143432.\n");
    let ended = place.done(&["eval", &four(), "--data", "two.txt", "--device", "cpu"]);
    says(&ended.stdout, &["1 puzzle held out of two.txt\n"]);
}

/// A Sudoku with 17 given digits.
const SPARSE: &str =
    "000000010400000000020000000000050407008000300001090000300400200050100000000806000";

#[test]
fn copies_solve_what_one_does_not_and_their_answers_are_turned_back() {
    let place = Place::new();
    let nine = shipped("sudoku-9x9.safetensors");
    let eval = [
        "eval",
        &nine,
        "--grade",
        "hardest",
        "--puzzles",
        "12",
        "--augmentations",
        "4",
        "--depths",
        "2,4",
        "--json",
        "--device",
        "cpu",
    ];
    let scores = place.done(&eval).json();
    assert_eq!((&scores["puzzles"], &scores["copies"]), (&12.into(), &4.into()));
    let row = &scores["steps"][1];
    let of = |way: &str, what: &str| row[way][what].as_f64().expect("a number");
    assert_eq!((of("single", "calls"), of("halting", "calls")), (4.0, 16.0));
    assert!(of("rules", "solved") > of("single", "solved"), "{row}");
    for way in ["halting", "first_to_halt"] {
        assert!(of(way, "solved") <= of("rules", "solved"), "{row}");
    }
    assert!(of("rules", "calls") < 16.0 && of("first_to_halt", "calls") < 16.0, "{row}");

    // Whoever answers, the given digits are where they were.
    place.write("puzzles.txt", format!("{SPARSE}\n"));
    for choose in ["halting", "first", "rules"] {
        let solve = [
            "solve",
            &nine,
            "puzzles.txt",
            "--augmentations",
            "3",
            "--choose",
            choose,
            "--halt-threshold",
            "0.9",
            "--max-steps",
            "4",
            "--json",
            "--device",
            "cpu",
        ];
        let answered = place.done(&solve).json()["puzzles"][0].clone();
        let answer = answered["answer"].as_str().expect("an answer");
        let kept =
            SPARSE.chars().zip(answer.chars()).all(|(given, is)| given == '0' || given == is);
        assert!(kept, "{choose}: {answered}");
        assert!(answered["copy"].as_u64() < Some(3) && answered["calls"].as_u64() <= Some(12));
    }
}

#[test]
fn copies_that_cannot_be_made_are_refused() {
    let place = Place::new();
    place.write("puzzles.txt", format!("{PUZZLE}\n"));
    place.write("maze.txt", "S.........\n".to_owned() + &"..........\n".repeat(8) + ".........G\n");
    let (four, maze) = (four(), shipped("maze-10x10.safetensors"));
    let writer = shipped("shakespeare-elastic.safetensors");
    for (arguments, words) in [
        (vec!["solve", &maze, "maze.txt", "--augmentations", "9"], ["8 augmented copies", "8"]),
        (
            vec!["solve", &four, "puzzles.txt", "--augmentations", "0"],
            ["augmentations", "from 1 to 1024"],
        ),
        (vec!["solve", &four, "puzzles.txt", "--chains", "2"], ["state-noise", "required"]),
        (vec!["solve", &four, "puzzles.txt", "--state-noise=-1"], ["state-noise", "from 0"]),
        (vec!["solve", &four, "puzzles.txt", "--state-noise", "-1"], ["state-noise", "from 0"]),
        (vec!["solve", &four, "puzzles.txt", "--choose", "first"], ["halt-threshold", "first"]),
        (vec!["eval", &writer, "--augmentations", "2"], ["augmentations", "puzzle models"]),
        (vec!["eval", &writer, "--puzzles", "5"], ["puzzles", "puzzle models"]),
    ] {
        says(&place.refused(2, &arguments), &words);
    }
}

#[test]
fn going_back_overwrites_nobody_elses_configuration() {
    let place = Place::new();
    let four = four();
    let convert = [
        "convert",
        &four,
        "--from",
        "trm",
        "--to-format",
        "samsung-trm",
        "--to",
        "out.safetensors",
    ];
    let config: PathBuf = place.write("config.json", "{}");
    says(&place.refused(2, &convert), &["config.json", "already"]);
    assert_eq!(std::fs::read_to_string(&config).expect("there"), "{}");
    std::fs::remove_file(&config).expect("removed");
    place.done(&convert);
    place.done(&convert);
}

#[test]
fn mazes_are_read_answered_and_judged() {
    let place = Place::new();
    place.done(&[
        "train",
        "maze-10x10",
        "--max-iters",
        "1",
        "--hidden-size",
        "16",
        "--num-heads",
        "2",
        "--num-puzzles",
        "8",
        "--num-val-puzzles",
        "2",
        "--batch-size",
        "2",
        "--halt-max-steps",
        "2",
        "--eval-interval",
        "1",
        "--out",
        "maze",
        "--device",
        "cpu",
    ]);
    let open = format!("S{}G", " ".repeat(8));
    let rest = format!("\n{}", "#".repeat(10)).repeat(9);
    let shut = format!("S{}G", "#".repeat(8));
    place.write("mazes.txt", format!("{open}{rest}\n\n{shut}{rest}\n"));
    let ended = place.done(&["solve", "maze", "mazes.txt", "--json", "--device", "cpu"]);
    let puzzles = ended.json()["puzzles"].as_array().expect("a list").clone();
    assert_eq!(puzzles.len(), 2);
    assert_eq!(puzzles[0]["verdict"], "wrong", "one update teaches nothing");
    assert_eq!(puzzles[1]["verdict"], "no_solution");
    place.write("small.txt", "S G\n###\n###\n");
    let error = place.refused(1, &["solve", "maze", "small.txt", "--device", "cpu"]);
    says(&error, &["small.txt", "3×3", "10×10"]);
}

#[test]
fn a_trace_shows_every_answer_and_whether_it_is_done() {
    let place = Place::new();
    place.write("one.json", r#"{"inputs": [[2,1,4,1,1,5,1,3,3,1,5,1,1,4,1,2]]}"#);
    let four = four();
    let ended =
        place.done(&["trace", &four, "--tokens", "one.json", "--depth", "2", "--device", "cpu"]);
    says(&ended.stdout, &["1.3..4.22.4..3.1", "halt", "1234341221434321"]);
}
