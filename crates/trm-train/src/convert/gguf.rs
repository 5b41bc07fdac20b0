//! Decoders in GGUF files as checkpoints.

use burn::tensor::Device;
use trm_spec::Failure;

use super::llama::written;
use super::tensors::{Stored, Tensors};
use crate::gguf_decoder::{GgufDecoder, names};

/// A decoder in a GGUF file, with the tokenizer in it, as a checkpoint. The result is loaded
/// once on `device` to check it.
///
/// # Errors
/// If the file is truncated, or holds an architecture, a tokenizer or a number type that
/// is not read.
pub fn llama_gguf(bytes: &[u8], device: &Device) -> Result<Vec<u8>, Failure> {
    let decoder = GgufDecoder::read(bytes)?;
    let mut tensors = Tensors::default();
    for name in names(&decoder.spec) {
        let (shape, numbers) = decoder.tensor(&name)?;
        tensors.insert(name, Stored::f32(shape, &numbers));
    }
    written(tensors, decoder.spec, decoder.vocab, device)
}
