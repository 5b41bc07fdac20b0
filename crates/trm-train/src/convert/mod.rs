//! Checkpoints of the published systems as ours, and back.

mod chat_trm;
mod samsung_trm;

use trm_spec::{Failure, FailureKind};

pub use chat_trm::chat_trm;
pub use samsung_trm::{samsung_trm, to_samsung_trm};

fn refused(message: String) -> Failure {
    Failure::new(
        FailureKind::Checkpoint,
        message,
        "Give the weights as safetensors and the original's configuration as JSON.",
    )
}
