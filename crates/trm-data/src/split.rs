//! The two parts of a dataset, and the mark of targets that do not count.

/// Part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What a model is trained on.
    Train,
    /// What is held out for validation.
    Val,
}

/// A target that does not count towards the loss.
pub const IGNORED: u32 = u32::MAX;
