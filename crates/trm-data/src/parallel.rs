//! Work on several cores, where the program has threads.

use std::ops::Range;

/// Items that are worth making at once.
const ENOUGH: usize = if cfg!(feature = "threads") { 256 } else { 1 };

/// How many items to make at once where `left` are still wanted.
pub fn at_once(left: usize) -> usize {
    left.clamp(1, ENOUGH)
}

/// `make` of every number, in their order.
#[cfg(feature = "threads")]
pub fn made<T: Send>(numbers: Range<u64>, make: impl Fn(u64) -> T + Sync + Send) -> Vec<T> {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    numbers.into_par_iter().map(make).collect()
}

/// `make` of every number, in their order.
#[cfg(not(feature = "threads"))]
pub fn made<T>(numbers: Range<u64>, make: impl Fn(u64) -> T) -> Vec<T> {
    numbers.map(make).collect()
}
