//! Files of frozen bases, which checkpoints name by their digest.

use sha2::{Digest, Sha256};
use trm_spec::{Failure, FailureKind};

use crate::checkpoint::Base;

/// The file of a frozen base.
#[derive(Clone, Copy, Debug)]
pub struct BaseFile<'a> {
    /// For messages and the headers of checkpoints: the file's name.
    pub name: &'a str,
    /// A checkpoint of the frozen model.
    pub bytes: &'a [u8],
}

impl BaseFile<'_> {
    /// How checkpoints name this file.
    pub fn identity(&self) -> Base {
        let digest = Sha256::digest(self.bytes);
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Base { name: self.name.into(), sha256, weights: None }
    }
}

/// A base that cannot be used.
pub(crate) fn refused(message: String) -> Failure {
    Failure::new(
        FailureKind::Base,
        message,
        "Give the checkpoint of the model that this one was trained on.",
    )
}
