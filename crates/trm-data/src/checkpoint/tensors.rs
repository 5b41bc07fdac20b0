//! The tensors of a checkpoint as plain numbers.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use trm_spec::Failure;

use super::header::{DAMAGED, OTHER_FILE, refused};
use super::projects;
use super::write::write;

/// The tensors of a safetensors file.
///
/// # Errors
/// If it is damaged.
pub fn tensors(bytes: &[u8]) -> Result<SafeTensors<'_>, Failure> {
    SafeTensors::deserialize(bytes).map_err(|error| {
        refused(format!("this is not a whole safetensors file ({error})"), DAMAGED)
    })
}

/// The numbers of the tensor `name`, all of them finite.
///
/// # Errors
/// If it is missing, is of another shape or type, or a number is not finite.
pub fn values(tensors: &SafeTensors, name: &str, shape: &[usize]) -> Result<Vec<f32>, Failure> {
    let values = numbers(&tensor(tensors, name, shape)?);
    finite(name, &values)?;
    Ok(values)
}

/// The tensor `name`, of one of the types that are read.
///
/// # Errors
/// If it is missing, or is of another shape or type.
pub fn tensor<'a>(
    tensors: &SafeTensors<'a>,
    name: &str,
    shape: &[usize],
) -> Result<TensorView<'a>, Failure> {
    let view = tensors
        .tensor(name)
        .map_err(|_| refused(projects::missing(name, &tensors.names()), OTHER_FILE))?;
    if view.shape() != shape {
        return Err(wrong_shape(name, view.shape(), shape));
    }
    if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
        return Err(refused(
            format!("tensor `{name}` holds {:?}, but F32, F16 or BF16 is expected", view.dtype()),
            OTHER_FILE,
        ));
    }
    Ok(view)
}

/// The failure of a tensor of another shape.
pub fn wrong_shape(name: &str, found: &[usize], expected: &[usize]) -> Failure {
    refused(
        format!("tensor `{name}` has shape {found:?}, but {expected:?} is expected"),
        OTHER_FILE,
    )
}

/// The numbers of a tensor of any float type, as f32.
pub fn numbers(view: &TensorView) -> Vec<f32> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F16 => {
            bytes.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        }
        Dtype::BF16 => bytes
            .chunks_exact(2)
            .map(|b| half::bf16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        _ => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
    }
}

/// Refuses numbers that are not finite.
///
/// # Errors
/// If there is one.
pub fn finite(name: &str, values: &[f32]) -> Result<(), Failure> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => Err(refused(
            format!(
                "tensor `{name}` holds {} at position {at}, so the model cannot work",
                values[at]
            ),
            "The run that wrote it had diverged. Use an earlier checkpoint, or train again with a lower learning_rate.",
        )),
    }
}

/// Writes tensors, each with its name, shape and numbers, under a header.
///
/// # Errors
/// If a shape does not fit its numbers.
pub fn to_bytes(
    tensors: &[(String, Vec<usize>, Vec<f32>)],
    pairs: HashMap<String, String>,
) -> Result<Vec<u8>, Failure> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let unwritable = |error: safetensors::SafeTensorError| {
        refused(
            format!("the checkpoint cannot be written: {error}"),
            "This is a defect; please report it.",
        )
    };
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(unwritable)?;
    write(views, pairs).map_err(unwritable)
}
