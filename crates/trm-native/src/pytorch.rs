//! Weights as `torch.save` writes them: their tensors as safetensors, so that
//! whatever reads these reads those too. Nothing in the file is executed.

use std::path::Path;

use anyhow::Context;
use pytorch_reader::{DType, PytorchReader, Tensor};
use safetensors::{Dtype, tensor::TensorView};

/// An archive, as PyTorch has written since 1.6, and the pickle before it.
const BEGINNINGS: [&[u8]; 2] = [b"PK\x03\x04", b"\x80\x02\x8a\x0a"];

/// Whether a file begins as PyTorch's do; their names say nothing.
pub fn recognise(bytes: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// The tensors of the file at `path`, by the names in its dictionaries.
///
/// # Errors
/// If the file is damaged, or holds what is no tensor of numbers.
pub fn weights(path: &Path) -> anyhow::Result<Vec<u8>> {
    let what = || format!("{}: not a whole file of PyTorch's weights", path.display());
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
