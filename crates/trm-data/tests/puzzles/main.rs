//! Puzzles: what is made keeps its promises, what is read is checked, and both
//! are encoded and augmented as the official code does it.

mod arc;
mod drawn;
mod maze;
mod official;
mod sets;
mod sudoku;
mod tables;

use serde_json::Value;

/// What the official code gave for a few inputs.
fn fixture() -> Value {
    let text = include_str!("../../../../tests/fixtures/trm_official_data/data.json");
    serde_json::from_str(text).expect("JSON")
}

/// A list of numbers, or of lists of them, flat.
fn numbers<T: TryFrom<u64, Error: std::fmt::Debug>>(value: &Value) -> Vec<T> {
    match value.as_array() {
        Some(values) => values.iter().flat_map(numbers).collect(),
        None => vec![value.as_u64().expect("a number").try_into().expect("a small number")],
    }
}
