//! Wall time spent in the two heavy kinds of kernel, for the benchmark.
//!
//! Counting costs two clock readings per operation and is always on natively;
//! a browser has no clock here, and reads zero.

use std::sync::atomic::{AtomicU64, Ordering};

static LINEAR: AtomicU64 = AtomicU64::new(0);
static ATTENTION: AtomicU64 = AtomicU64::new(0);

/// Nanoseconds since the last [`take`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Matrix products of linear maps, forward and backward.
    pub linear_ns: u64,
    /// Attention, forward and backward, its matrix products included.
    pub attention_ns: u64,
}

/// Reads the counters and sets them to zero.
pub fn take() -> Profile {
    Profile {
        linear_ns: LINEAR.swap(0, Ordering::Relaxed),
        attention_ns: ATTENTION.swap(0, Ordering::Relaxed),
    }
}

#[cfg(feature = "cpu")]
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Linear,
    Attention,
}

#[cfg(feature = "cpu")]
pub(crate) fn timed<R>(kind: Kind, work: impl FnOnce() -> R) -> R {
    let counter = match kind {
        Kind::Linear => &LINEAR,
        Kind::Attention => &ATTENTION,
    };
    #[cfg(not(target_family = "wasm"))]
    {
        let start = std::time::Instant::now();
        let result = work();
        counter.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }
    #[cfg(target_family = "wasm")]
    {
        let _ = counter;
        work()
    }
}
