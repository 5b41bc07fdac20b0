//! Checkpoints and other files of weights as bytes: what needs no tensors of Burn.

mod header;
mod plain;
mod projects;
#[cfg(feature = "pytorch")]
mod pytorch;
mod rewrite;
mod tensors;
mod write;

pub use header::{
    Base, DAMAGED, FORMAT, Header, OTHER_FILE, metadata, pairs, read_header, refused, saved_step,
};
pub use plain::{ModelPrefix, plain};
pub use projects::{described, missing, project};
#[cfg(feature = "pytorch")]
pub use pytorch::{is_pytorch, pytorch_weights};
pub use rewrite::{Precision, restart, with_base, with_config, with_precision, with_vocab};
pub use tensors::{finite, numbers, tensor, tensors, to_bytes, values, wrong_shape};
pub use write::write;
