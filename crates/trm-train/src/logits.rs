//! Logits that tokens or classes are chosen from, on the host.

use burn::tensor::Tensor;
use trm_spec::{Failure, FailureKind};

use crate::transfer::host;

/// Reads logits back from their device, in row-major order.
///
/// # Errors
/// If the device is lost, or a logit is NaN or infinite: a token or class could still be
/// picked, but would mean nothing.
pub(crate) async fn host_logits(logits: Tensor<3>) -> Result<Vec<f32>, Failure> {
    let logits = host(logits).await?;
    // -inf hides a token.
    if logits.iter().any(|logit| logit.is_nan() || *logit == f32::INFINITY) {
        return Err(Failure::new(
            FailureKind::Diverged,
            "the model's logits contain NaN or infinite values, so that nothing can be chosen",
            "Use an earlier checkpoint, or train the model again with a lower learning_rate.",
        ));
    }
    Ok(logits)
}
