//! One function for each reader of foreign bytes. A target must not panic, must end, and
//! must not allocate much more than its input holds before it has checked the sizes that the
//! input claims.

mod allocation;
mod targets;

pub use targets::{Target, targets};

/// Bytes that any reader may allocate at once: buffers of a fixed size.
const BUFFER: usize = 64 << 10;

/// Bytes that any reader may allocate at once for each byte of its input.
const FACTOR: usize = 4;

/// Runs the target called `name` on `bytes`; returns the bytes of its largest single
/// allocation. No claim of an input (a size in a header, a count) may be believed before it
/// is compared with what is there: an allocation has at most [`FACTOR`] bytes for each byte
/// of input, beside a [`BUFFER`], or as many as [`Target::grown`] says, where a reader keeps
/// more of each byte that it has read.
///
/// # Panics
/// If the reader panics or allocates too much, or there is no such target.
pub fn largest(name: &str, bytes: &[u8]) -> usize {
    let all = targets();
    let target = all.iter().find(|target| target.name == name).expect("a known target");
    let largest = allocation::largest_during(|| (target.read)(bytes));
    let factor = target.grown.max(FACTOR);
    let allowed = (factor * bytes.len() + BUFFER).max(target.most);
    assert!(
        largest <= allowed,
        "{name} allocated {largest} bytes at once for {} bytes of input; {allowed} are allowed",
        bytes.len()
    );
    largest
}

/// As [`largest`], for the targets of cargo-fuzz.
///
/// # Panics
/// As [`largest`].
pub fn run(name: &str, bytes: &[u8]) {
    largest(name, bytes);
}
