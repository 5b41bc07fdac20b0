//! Commands of the page as JSON.

use std::fs;
use std::path::Path;

use trm_spec::Command;

/// The stored commands are older than some fields: one that is added later has a default.
#[test]
fn stored_commands_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/command");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the folder exists") {
        let path = entry.expect("readable").path();
        let command: Result<Command, _> =
            serde_json::from_slice(&fs::read(&path).expect("readable"));
        assert!(command.is_ok(), "{}: {}", path.display(), command.unwrap_err());
        count += 1;
    }
    assert!(count > 0, "there are stored commands");
}

#[test]
fn a_puzzle_without_a_copy_is_asked_as_it_is() {
    let text =
        r#"{"type": "solve_puzzle", "kind": "sudoku-4x4", "puzzle": [1], "steps": 8, "top": 3}"#;
    assert_eq!(copy_in(text), 0);
}

#[test]
fn the_number_of_a_copy_is_read_under_its_old_name() {
    let text = r#"{"type": "solve_puzzle", "kind": "sudoku-4x4", "puzzle": [1], "steps": 8,
        "top": 3, "form": 5}"#;
    assert_eq!(copy_in(text), 5);
}

fn copy_in(text: &str) -> usize {
    match serde_json::from_str(text).expect("a command") {
        Command::SolvePuzzle { copy, .. } => copy,
        other => panic!("{other:?}"),
    }
}
