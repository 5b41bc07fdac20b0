//! ARC's tasks through the binary: learned from JSON or from an official folder,
//! and answered by vote.

mod common;

use std::fs;
use std::path::Path;

use common::{Ended, Place, says};
use serde_json::{Value, json};

/// A model of seconds on ARC's canvas.
const SMALL: &[&str] = &[
    "--device",
    "cpu",
    "--hidden-size",
    "16",
    "--num-heads",
    "2",
    "--n-layers",
    "1",
    "--h-cycles",
    "1",
    "--l-cycles",
    "1",
    "--halt-max-steps",
    "2",
    "--puzzle-emb-ndim",
    "16",
    "--puzzle-emb-len",
    "1",
    "--batch-size",
    "2",
    "--max-iters",
    "3",
    "--eval-interval",
    "3",
];

/// Two rules: mirror a row, and name the other colour.
fn tasks() -> Value {
    let pair = |input: Value, output: Value| json!({ "input": input, "output": output });
    json!({
        "mirror": {
            "train": [pair(json!([[1, 2]]), json!([[2, 1]])), pair(json!([[3, 4]]), json!([[4, 3]]))],
            "test": [{ "input": [[5, 6]] }, { "input": [[7, 8]] }],
        },
        "recolour": {
            "train": [pair(json!([[1]]), json!([[2]]))],
            "test": [pair(json!([[1, 1]]), json!([[2, 2]]))],
        },
    })
}

/// Tasks and the solution to one, as the ARC Prize keeps them.
fn with_tasks() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("tasks")).expect("a folder");
    place.write("tasks/a_challenges.json", tasks().to_string());
    place.write("tasks/a_solutions.json", json!({ "mirror": [[[6, 5]], [[8, 7]]] }).to_string());
    place
}

fn train(place: &Place, more: &[&str]) -> Ended {
    place.done(&[&["train", "arc", "--out", "run"], SMALL, more].concat())
}

fn solve(place: &Place, tasks: &str) -> Value {
    place.done(&["solve", "run", tasks, "--json", "--device", "cpu"]).json()
}

#[test]
fn tasks_are_learned_and_two_attempts_are_voted_for() {
    let place = with_tasks();
    let ended = train(&place, &["--data", "tasks", "--num-aug", "3"]);
    says(&ended.stderr, &["grids of 2 tasks", "of the puzzles solved"]);

    let document = solve(&place, "tasks");
    let tests = document["tests"].as_array().expect("tests");
    assert_eq!(tests.len(), 3);
    for test in tests {
        assert_eq!(test["attempts"].as_array().expect("attempts").len(), 2);
        let votes = test["attempts"][0]["votes"].as_u64().expect("votes");
        let all = test["votes"].as_u64().expect("votes");
        assert_eq!(all, 4, "the task and three augmented copies: {test}");
        assert!((1..=all).contains(&votes), "{test}");
        assert!(test["solved"].is_boolean());
    }
    assert_eq!(document["judged"], 3);
    let share = |task: &str| {
        let of: Vec<_> = tests.iter().filter(|test| test["task"] == task).collect();
        of.iter().filter(|test| test["solved"] == true).count() as f64 / of.len() as f64
    };
    assert_eq!(document["score"], (share("mirror") + share("recolour")) / 2.0);
    let submission = &document["submission"];
    assert_eq!(submission["mirror"].as_array().expect("tests").len(), 2);
    assert_eq!(submission["mirror"][1]["attempt_1"], tests[1]["attempts"][0]["grid"]);

    // One task alone is asked with the embeddings that it learned.
    let one = json!({ "recolour": tasks()["recolour"] });
    place.write("one.json", one.to_string());
    assert_eq!(solve(&place, "one.json")["tests"], json!([tests[2]]));
    // A file of one task is that task, by the file's name.
    place.write("recolour.json", tasks()["recolour"].to_string());
    assert_eq!(solve(&place, "recolour.json")["tests"], json!([tests[2]]));

    // Tasks without an embedding count as 0 where their solution is known, and not elsewhere.
    let recolour = tasks()["recolour"].clone();
    let more = json!({ "new": recolour, "recolour": recolour, "mirror": tasks()["mirror"] });
    place.write("more.json", more.to_string());
    let ended = place.done(&["solve", "run", "more.json", "--json", "--device", "cpu"]);
    says(&ended.stderr, &["1 tasks are skipped", "1 of them, whose solution is known"]);
    let partly = ended.json();
    assert_eq!((&partly["judged"], &partly["score"]), (&json!(1), &json!(share("recolour") / 2.0)));

    // From standard input, where a task needs its name.
    let piped = |file: &str| {
        let input = fs::File::open(place.path(file)).expect("a file");
        let mut solve = place.program();
        solve.args(["solve", "run", "-", "--json", "--device", "cpu"]).stdin(input);
        Ended::from(solve.output().expect("the program starts"))
    };
    assert_eq!(piped("one.json").json()["tests"], json!([tests[2]]));
    let refused = piped("recolour.json");
    assert_eq!(refused.code, 2);
    says(&refused.stderr, &["a task on standard input has no name", "{\"NAME\": "]);
    place.write("nothing.json", "\n");
    says(&piped("nothing.json").stderr, &["there are no puzzles in standard input"]);

    // For people: a line for each test, its attempts as rows of colours.
    let ended = place.done(&["solve", "run", "tasks", "--device", "cpu"]);
    says(&ended.stdout, &["task mirror, test 2", "attempt 2, ", " of 4 votes"]);
    says(&ended.stderr, &["of 3 tests solved in two attempts; score, the mean over tasks: "]);
}

#[test]
fn the_same_command_goes_on_with_the_embeddings_of_all_tasks() {
    let place = with_tasks();
    let same = ["--data", "tasks", "--num-aug", "3", "--auto-resume"];
    train(&place, &same);
    says(&train(&place, &same).stderr, &["step 3 of run"]);
    let sweep = [
        &["sweep", "arc", "--data", "tasks", "--num-aug", "1", "--vary", "learning_rate=1e-3"][..],
        SMALL,
        &["--out", "sweep"],
    ]
    .concat();
    place.done(&sweep);
    says(&place.done(&sweep).stderr, &["1 finished before"]);
    // As if it had been stopped in its middle.
    for entry in fs::read_dir(place.path("sweep")).expect("runs") {
        let _ = fs::remove_file(entry.expect("a run").path().join("results.json"));
    }
    says(&place.done(&sweep).stderr, &["0 finished before", "the last saved step"]);
}

#[test]
fn other_tasks_than_those_learned_are_refused() {
    let place = with_tasks();
    says(&place.refused(2, &["train", "arc", "--device", "cpu"]), &["--data"]);
    fs::create_dir(place.path("empty")).expect("a folder");
    let refused = place.refused(2, &["train", "arc", "--device", "cpu", "--data", "empty"]);
    says(&refused, &["no JSON files"]);
    train(&place, &["--data", "tasks", "--num-aug", "1"]);

    place.write("new.json", tasks()["mirror"].to_string());
    let refused = place.refused(1, &["solve", "run", "new.json", "--device", "cpu"]);
    says(&refused, &["was not trained on the task new", "hint:"]);
    let refused = place.refused(1, &["eval", "run", "--data", "new.json", "--device", "cpu"]);
    says(&refused, &["embeddings for 2 tasks", "hint:"]);
    place.write("broken.json", r#"{"x": {"train": [], "test": []}}"#);
    let refused = place.refused(1, &["solve", "run", "broken.json", "--device", "cpu"]);
    says(&refused, &["broken.json", "task x has no training pair"]);
    // What was learned is as it was.
    assert_eq!(solve(&place, "tasks")["judged"], 3);
}

/// A file as NumPy writes it.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// An official folder: one task and one augmented copy of it, an example and a test each.
fn official(place: &Place) {
    // The grid of one row, and its end beside and below it.
    let grid = |colours: [u8; 2]| {
        let mut cells = [0_u8; 900];
        cells[..3].copy_from_slice(&[colours[0] + 2, colours[1] + 2, 1]);
        cells[30..32].fill(1);
        cells
    };
    let counts = |values: &[i32]| {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        npy("<i4", &format!("({},)", values.len()), &data)
    };
    let metadata = r#"{"pad_id": 0, "ignore_label_id": 0, "blank_identifier_id": 0,
        "vocab_size": 12, "seq_len": 900, "num_puzzle_identifiers": 3, "total_groups": 1,
        "mean_puzzle_examples": 1.0, "total_puzzles": 2, "sets": ["all"]}"#;
    for (part, first) in [("train", 1), ("test", 5)] {
        let folder = Path::new("data").join(part);
        fs::create_dir_all(place.path(&folder.display().to_string())).expect("a folder");
        let write = |name: &str, bytes: Vec<u8>| {
            place.write(&folder.join(name).display().to_string(), bytes);
        };
        // The augmented copy swaps the two colours.
        let (a, b) = (grid([first, first + 1]), grid([first + 1, first]));
        write("dataset.json", metadata.into());
        write("all__inputs.npy", npy("|u1", "(2, 900)", &[a, b].concat()));
        write("all__labels.npy", npy("|u1", "(2, 900)", &[b, a].concat()));
        write("all__puzzle_identifiers.npy", counts(&[1, 2]));
        write("all__puzzle_indices.npy", counts(&[0, 1, 2]));
        write("all__group_indices.npy", counts(&[0, 2]));
    }
    let names = json!(["<blank>", "mirror", "mirror|||t0|||0213465789"]);
    place.write("data/identifiers.json", names.to_string());
}

#[test]
fn an_official_folder_is_learned_from_and_answered_whole() {
    let place = Place::new();
    official(&place);
    let ended = train(&place, &["--data", "data"]);
    says(&ended.stderr, &["2 training puzzles, "]);
    assert!(!ended.stderr.contains("plain numbers"), "{}", ended.stderr);
    let document = solve(&place, "data");
    let tests = document["tests"].as_array().expect("tests");
    assert_eq!((tests.len(), &tests[0]["task"]), (1, &json!("mirror")));
    assert_eq!((&tests[0]["votes"], &document["judged"]), (&json!(2), &json!(1)));

    let refused = place.refused(2, &["solve", "run", "tasks.json", "--device", "cpu"]);
    says(&refused, &["official data folder"]);
    for part in ["identifiers.json", "test/all__labels.npy", "test/dataset.json"] {
        let path = format!("data/{part}");
        let whole = fs::read(place.path(&path)).expect("a part");
        fs::remove_file(place.path(&path)).expect("removed");
        let refused = place.refused(1, &["solve", "run", "data", "--device", "cpu"]);
        let name = part.rsplit('/').next().expect("a name");
        says(&refused, &["lacks", name, "hint:"]);
        place.write(&path, whole);
    }
    fs::remove_dir_all(place.path("data/test")).expect("removed");
    let more = ["--out", "again", "--data", "data"];
    let refused = place.refused(1, &[&["train", "arc"], SMALL, &more].concat());
    says(&refused, &["lacks the folder test"]);
}
