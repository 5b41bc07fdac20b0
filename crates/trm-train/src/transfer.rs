//! Numbers to a device and back.

use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_spec::{Failure, FailureKind};

/// Rows of token numbers as a tensor `[rows, length]`.
pub(crate) fn tokens(values: &[u32], length: usize, device: &Device) -> Tensor<2, Int> {
    let values: Vec<i32> = values.iter().map(|&t| t as i32).collect();
    let rows = values.len() / length;
    Tensor::from_data(TensorData::new(values, [rows, length]), device)
}

/// Reads a tensor back from its device, in row-major order.
///
/// # Errors
/// If the device is lost.
pub(crate) async fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Failure> {
    let lost = |error: &dyn std::fmt::Display| {
        Failure::new(
            FailureKind::Device,
            format!("results could not be read from the device: {error}"),
            "Reload and resume from the last save; if it happens again, use the CPU.",
        )
    };
    let data = tensor.into_data_async().await.map_err(|error| lost(&error))?;
    data.convert::<f32>().try_into_vec::<f32>().map_err(|error| lost(&format!("{error:?}")))
}
