//! Tiny Shakespeare, as nanoGPT has it.

use std::error::Error;

use crate::locked::{Locked, write};

const SHA256: &str = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";

/// The lines that lost their trailing spaces in the package, and as they are in the corpus.
const STRIPPED: &str = "hither;\nAnd\nTwice being\nWas";
const ORIGINAL: &str = "hither;\nAnd  \nTwice being  \nWas";

pub fn prepare() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-env=SHAKESPEARE_SHA256={SHA256}");
    // A package whose `dataset.txt` is the text, four spaces short.
    let file = Locked::find("femto-gpt", "dataset.txt")?;
    let text = String::from_utf8(file.read()?)?.replacen(STRIPPED, ORIGINAL, 1);
    file.check(text.as_bytes(), SHA256, " after the repair of its trailing spaces")?;
    write("shakespeare.txt", text.as_bytes())
}
