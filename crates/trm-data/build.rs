//! Puts the data that the crate includes where it includes it from: Tiny
//! Shakespeare and the handwritten digits, each if it is asked for.

#[cfg(feature = "digits")]
#[path = "build/digits.rs"]
mod digits;
#[cfg(any(feature = "digits", feature = "shakespeare"))]
#[path = "build/locked.rs"]
mod locked;
#[cfg(feature = "shakespeare")]
#[path = "build/shakespeare.rs"]
mod shakespeare;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    #[cfg(feature = "shakespeare")]
    done("Tiny Shakespeare", shakespeare::prepare());
    #[cfg(feature = "digits")]
    done("the handwritten digits", digits::prepare());
}

#[cfg(any(feature = "digits", feature = "shakespeare"))]
fn done(what: &str, result: Result<(), Box<dyn std::error::Error>>) {
    if let Err(error) = result {
        eprintln!("error: {what} could not be prepared: {error}");
        std::process::exit(1);
    }
}
