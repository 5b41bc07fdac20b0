//! What a rank says when another one is gone.

use trm_spec::{Failure, FailureKind};

/// A rank cannot be reached any more, or sent what it must not.
pub fn lost(message: impl Into<String>) -> Failure {
    Failure::new(
        FailureKind::Device,
        message,
        "Look at what that process printed last; `train --resume DIR` continues the run, also \
         with another number of processes.",
    )
}
