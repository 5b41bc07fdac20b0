//! Reads files of `torch.save` and returns their tensors as safetensors, so that
//! one converter reads both. Nothing in the file is executed.

use std::path::Path;
use std::{fmt, fs};

use pytorch_reader::{DType, PytorchReader, Tensor};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};
use trm_spec::Failure;

use super::header::{DAMAGED, refused};

/// First bytes of a zip archive (PyTorch 1.6 and later) and of a pickle (before).
const MAGIC: [&[u8]; 2] = [b"PK\x03\x04", b"\x80\x02\x8a\x0a"];

/// Bytes of one tensor for each byte of the file: PyTorch compresses nothing, others may.
const INFLATED: u64 = 4;

/// Whether a file is PyTorch's, by its first bytes; the names have no fixed ending.
pub fn is_pytorch(bytes: &[u8]) -> bool {
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
}

/// The tensors of the file at `path`, by the names in its dictionaries.
///
/// # Errors
/// If the file is damaged, or contains something else than tensors of numbers.
pub fn pytorch_weights(path: &Path) -> Result<Vec<u8>, Failure> {
    let damaged = |reason: &dyn fmt::Display| {
        let message = format!("{} is not a complete PyTorch weight file: {reason}", path.display());
        refused(message, DAMAGED)
    };
    let unreadable = |error: pytorch_reader::PytorchError| damaged(&error);
    let unwritable = |error: SafeTensorError| damaged(&error);
    let tensors = PytorchReader::new(path).map_err(unreadable)?.into_tensors();
    // A view may repeat a number without end, and such a tensor may ask for any memory.
    let held = fs::metadata(path).map_err(|error| damaged(&error))?.len();
    let claimed = |tensor: &Tensor| tensor.byte_len() as u64;
    if let Some((name, tensor)) =
        tensors.iter().find(|(_, tensor)| claimed(tensor) > held.saturating_mul(INFLATED))
    {
        let bytes = claimed(tensor);
        return Err(damaged(&format!(
            "tensor `{name}` claims {bytes} bytes, and the file has {held}"
        )));
    }
    // Tied weights share their numbers; more than that is no file of weights.
    let all: u64 = tensors.values().map(claimed).fold(0, u64::saturating_add);
    if all > held.saturating_mul(INFLATED) {
        return Err(damaged(&format!("its tensors claim {all} bytes, and the file has {held}")));
    }
    let read = |tensor: &Tensor| tensor.read().map_err(|error| damaged(&error));
    let stored: Vec<_> = tensors
        .into_iter()
        .map(|(name, tensor)| Ok((name, read(&tensor)?, tensor)))
        .collect::<Result<_, Failure>>()?;
    let views = stored
        .iter()
        .map(|(name, data, tensor)| {
            let view = TensorView::new(dtype(tensor.dtype()), tensor.shape().to_vec(), data)?;
            Ok((name, view))
        })
        .collect::<Result<Vec<_>, SafeTensorError>>()
        .map_err(unwritable)?;
    safetensors::serialize(views, None).map_err(unwritable)
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
