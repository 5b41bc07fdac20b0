//! Reads files of `torch.save` and returns their tensors as safetensors, so that
//! one converter reads both. Nothing in the file is executed.

use std::path::Path;

use anyhow::Context;
use pytorch_reader::{DType, PytorchReader, Tensor};
use safetensors::{Dtype, tensor::TensorView};

/// First bytes of a zip archive (PyTorch 1.6 and later) and of a pickle (before).
const MAGIC: [&[u8]; 2] = [b"PK\x03\x04", b"\x80\x02\x8a\x0a"];

/// Whether a file is PyTorch's, by its first bytes; the names have no fixed ending.
pub fn recognise(bytes: &[u8]) -> bool {
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
}

/// The tensors of the file at `path`, by the names in its dictionaries.
///
/// # Errors
/// If the file is damaged, or contains something else than tensors of numbers.
pub fn weights(path: &Path) -> anyhow::Result<Vec<u8>> {
    let what = || format!("{} is not a complete PyTorch weight file", path.display());
    let read = |tensor: &Tensor| tensor.read().with_context(what);
    let tensors = PytorchReader::new(path).with_context(what)?.into_tensors();
    let stored: Vec<_> = tensors
        .into_iter()
        .map(|(name, tensor)| Ok((name, read(&tensor)?, tensor)))
        .collect::<anyhow::Result<_>>()?;
    let views = stored
        .iter()
        .map(|(name, data, tensor)| {
            let view = TensorView::new(dtype(tensor.dtype()), tensor.shape().to_vec(), data)?;
            Ok((name, view))
        })
        .collect::<anyhow::Result<Vec<_>>>()
        .with_context(what)?;
    safetensors::serialize(views, None).with_context(what)
}

fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
