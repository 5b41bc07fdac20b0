//! One function for each reader of foreign bytes. A target must not panic, must end, and
//! must not allocate much more than its input holds before it has checked the sizes that the
//! input claims.

mod allocation;
mod targets;

pub use targets::{Target, targets};

/// Runs the target called `name` on `bytes`.
///
/// # Panics
/// If the reader panics or allocates too much, or there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    let all = targets();
    let target = all.iter().find(|target| target.name == name).expect("a known target");
    let largest = allocation::largest_during(|| (target.read)(bytes));
    let allowed = target.factor * bytes.len() + target.fixed;
    assert!(
        largest <= allowed,
        "{name} allocated {largest} bytes at once for {} bytes of input; {allowed} are allowed",
        bytes.len()
    );
}
