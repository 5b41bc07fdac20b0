//! The failure of a rank, as the others report it.

use trm_spec::{Failure, FailureKind};

/// A rank failed, died or sent invalid data.
pub fn rank_failure(message: impl Into<String>) -> Failure {
    Failure::new(
        FailureKind::Device,
        message,
        "Check the last output of that process; `train --resume DIR` continues the run, also \
         with another number of processes.",
    )
}
