//! The operations a recursive transformer spends its time in, fused and with a
//! backward pass of their own: a bias-free linear map, residual + RMSNorm,
//! SwiGLU, rotary self-attention, cross-entropy, and the AdamW and AdamATan2 updates.
//!
//! Burn's general path records each of these as many small operations. Here
//! each is one, for the CPU (`cpu`) and for WebGPU (`gpu`), behind plain
//! functions of [`Tensor`]. [`general`] spells the same mathematics in Burn's
//! own operations; the tests hold one against the other.
//!
//! Not in here: models, parameters, shapes of a particular network.

mod autocast;
mod autodiff;
#[cfg(feature = "cpu")]
mod cpu;
pub mod general;
#[cfg(feature = "gpu")]
mod gpu;
mod ops;
pub mod profile;

pub use autocast::autocast;
pub use ops::{AdamWStep, FusedOps};

use std::ops::Range;

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

/// `x · wᵀ` over the last axis: `[.., in] · [out, in]ᵀ → [.., out]`. Inside
/// [`autocast`] in half precision. Of two tensors of which one has no autodiff, that one is
/// a constant.
///
/// # Panics
/// If the width of `x` is not that of `w`.
pub fn linear<const D: usize>(x: Tensor<D>, w: Tensor<2>) -> Tensor<D> {
    assert_eq!(x.dims()[D - 1], w.dims()[1], "linear: widths of the input and of the weight");
    let on_tape = x.is_autodiff() || w.is_autodiff();
    let (x, w) = if on_tape { (x.autodiff(), w.autodiff()) } else { (x, w) };
    if let Some(y) = autocast::linear(&x, &w) {
        return y;
    }
    Tensor::from_dispatch(Dispatch::linear_map(x.into_dispatch(), w.into_dispatch()))
}

/// `x · wᵀ + b` over the last axis: `[.., in] · [out, in]ᵀ + [out] → [.., out]`. Inside
/// [`autocast`] the product is in half precision.
///
/// # Panics
/// If the width of `x` is not that of `w`, or that of the output not that of `b`.
pub fn affine<const D: usize>(x: Tensor<D>, w: Tensor<2>, b: Tensor<1>) -> Tensor<D> {
    assert_eq!(x.dims()[D - 1], w.dims()[1], "affine: widths of the input and of the weight");
    assert_eq!(w.dims()[0], b.dims()[0], "affine: widths of the output and of the bias");
    if let Some(y) = autocast::linear(&x, &w) {
        return y + b.unsqueeze();
    }
    let [x, w, b] = [x.into_dispatch(), w.into_dispatch(), b.into_dispatch()];
    Tensor::from_dispatch(Dispatch::affine_map(x, w, b))
}

/// [`affine`] along the positions of a sequence, `[batch, in, dim] → [batch, out, dim]`:
/// what is summed over is the second axis.
///
/// # Panics
/// If the positions of `x` are not as many as `w` is wide, or those of the output not as many
/// as `b` has numbers.
pub fn affine_positions(x: Tensor<3>, w: Tensor<2>, b: Tensor<1>) -> Tensor<3> {
    assert_eq!(x.dims()[1], w.dims()[1], "affine: positions of the input, width of the weight");
    assert_eq!(w.dims()[0], b.dims()[0], "affine: positions of the output, length of the bias");
    if autocast::is_on() {
        return affine(x.swap_dims(1, 2), w, b).swap_dims(1, 2);
    }
    let [x, w, b] = [x.into_dispatch(), w.into_dispatch(), b.into_dispatch()];
    Tensor::from_dispatch(Dispatch::positions_map(x, w, b))
}

/// Layer norm over the last axis with a learned weight and bias, `[dim]` each.
///
/// # Panics
/// If the last axis of `x` is not as long as `w` and `b`.
pub fn layer_norm<const D: usize>(x: Tensor<D>, w: Tensor<1>, b: Tensor<1>, eps: f64) -> Tensor<D> {
    let width = [x.dims()[D - 1]];
    assert_eq!([width; 2], [w.dims(), b.dims()], "layer norm: widths of input, weight and bias");
    let [x, w, b] = [x.into_dispatch(), w.into_dispatch(), b.into_dispatch()];
    let (y, _) = Dispatch::learned_layer_norm(x, w, b, eps as f32);
    Tensor::from_dispatch(y)
}

/// `x · Φ(x)` with the normal distribution Φ: exact GELU, not its tanh approximation.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::exact_gelu(x.into_dispatch()))
}

/// `x / √(mean(x²) + eps)` over the last axis, without a learned weight.
pub fn rms_norm<const D: usize>(x: Tensor<D>, eps: f64) -> Tensor<D> {
    // The norm does not change with the scale, and doubling is exact.
    add_rms_norm(x.clone(), x, 4.0 * eps)
}

/// `rms(h + m)`: the residual sum, normalised over the last axis without a
/// learned weight (post-norm, TRM). Both inputs and the output have one shape.
///
/// # Panics
/// If the shapes differ.
pub fn add_rms_norm<const D: usize>(h: Tensor<D>, m: Tensor<D>, eps: f64) -> Tensor<D> {
    assert_eq!(h.dims(), m.dims(), "add_rms_norm: shapes of the two inputs");
    let (y, _) = Dispatch::add_rms_norm(h.into_dispatch(), m.into_dispatch(), eps as f32);
    Tensor::from_dispatch(y)
}

/// `silu(gate) · up` of a fused `[.., gate | up]`: `[.., 2·n] → [.., n]`.
///
/// # Panics
/// If the last axis is odd.
pub fn swiglu<const D: usize>(gate_up: Tensor<D>) -> Tensor<D> {
    assert_eq!(gate_up.dims()[D - 1] % 2, 0, "swiglu: the last axis is odd");
    Tensor::from_dispatch(Dispatch::swiglu(gate_up.into_dispatch()))
}

/// Rotary multi-head self-attention of a fused `[batch, seq, q | k | v]`, each
/// part `heads · head_dim` wide: `[batch, seq, 3·dim] → [batch, seq, dim]`.
///
/// `rope` is a table from [`rope_table`] with at least `seq` rows. With
/// `causal`, position `i` sees positions `0..=i`.
///
/// # Panics
/// If the width is not three times that of `heads` heads of even width, or `rope` is a table
/// of fewer positions or of another head width.
pub fn attention(qkv: Tensor<3>, rope: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    assert_eq!(rope.dims()[0], 2, "attention: the rope table has cosines and sines");
    let (y, _) = Dispatch::self_attention(qkv.into_dispatch(), rope.into_dispatch(), heads, causal);
    Tensor::from_dispatch(y)
}

/// Attention of new positions over cached ones and over each other, without a
/// gradient of its own.
///
/// - `qkv`: `[batch, new, q | k | v]`, each part `heads · head_dim` wide.
/// - `rope`: the rows of the rotary table for the new positions, `[2, new,
///   head_dim / 2]`.
/// - `cache`: keys (already rotated) and values, `[batch, heads, seq, head_dim]`
///   each, or of a divisor of `heads`: equal groups of query heads then share one.
///   Every new position attends to all of them.
/// - `queries`: the new positions whose output is wanted; the result is `[batch,
///   queries, heads · head_dim]`.
/// - `causal`: a new position attends to new ones only up to itself.
pub fn cached_attention(
    qkv: Tensor<3>,
    rope: Tensor<3>,
    cache: Option<(Tensor<4>, Tensor<4>)>,
    heads: usize,
    queries: &Range<usize>,
    causal: bool,
) -> Tensor<3> {
    #[cfg(feature = "cpu")]
    if is_cpu(&qkv) && !qkv.device().is_autodiff() {
        return cpu::cached_attention(qkv, rope, cache, heads, queries, causal);
    }
    general::cached_attention(qkv, rope, cache, heads, queries, causal)
}

/// Cross-entropy of each row, in nats: `logits [rows, classes]`, `targets
/// [rows]` → `[rows]`. A row with a negative target counts nothing: its loss
/// and its gradient are zero.
///
/// # Panics
/// If there are not as many targets as rows.
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    assert_eq!(logits.dims()[0], targets.dims()[0], "cross_entropy: rows and targets");
    let (loss, _) = Dispatch::cross_entropy(logits.into_dispatch(), targets.into_dispatch());
    Tensor::from_dispatch(loss)
}

/// One AdamW update of a parameter. Returns the parameter and its two moments.
///
/// `scale`, of shape `[1]`, multiplies the gradient first (global clipping
/// without a read-back). None of the tensors may be tracked by autodiff.
///
/// # Panics
/// If gradient or moments are of another shape than the parameter, or `scale` is not one number.
pub fn adamw<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    check_update(&parameter, [&gradient, &moments.0, &moments.1], &scale);
    #[cfg(feature = "cpu")]
    if is_cpu(&parameter) {
        return cpu::adamw(parameter, gradient, moments, scale, step);
    }
    #[cfg(feature = "gpu")]
    if is_gpu(&parameter) {
        return gpu::adamw(parameter, gradient, moments, scale, step);
    }
    general::adamw(parameter, gradient, moments, scale, step)
}

/// One AdamATan2 update: as [`adamw`], but the step is `atan2(m, √v̂)`, so that it
/// needs no epsilon and is bounded (arXiv 2407.05872). As in the official TRM, `v̂` is
/// corrected for its bias and the first moment's correction divides the rate:
/// `p ← p·(1 − rate·decay) − rate / (1 − β₁ᵗ) · atan2(m, √(v / (1 − β₂ᵗ)))`.
///
/// # Panics
/// As [`adamw`].
pub fn adam_atan2<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    check_update(&parameter, [&gradient, &moments.0, &moments.1], &scale);
    #[cfg(feature = "cpu")]
    if is_cpu(&parameter) {
        return cpu::adam_atan2(parameter, gradient, moments, scale, step);
    }
    #[cfg(feature = "gpu")]
    if is_gpu(&parameter) {
        return gpu::adam_atan2(parameter, gradient, moments, scale, step);
    }
    general::adam_atan2(parameter, gradient, moments, scale, step)
}

/// The kernels of an update go through all tensors at the positions of the parameter.
fn check_update<const D: usize>(
    parameter: &Tensor<D>,
    [gradient, m, v]: [&Tensor<D>; 3],
    scale: &Tensor<1>,
) {
    let shape = parameter.dims();
    assert_eq!(shape, gradient.dims(), "update: shapes of parameter and gradient");
    assert_eq!([shape; 2], [m.dims(), v.dims()], "update: shapes of parameter and moments");
    assert_eq!(scale.dims(), [1], "update: numbers of the scale");
}

/// Cosines and sines of rotary positions, `[2, seq, head_dim / 2]`, rotate-half
/// layout, frequency `theta^(-2i/head_dim)`.
pub fn rope_table(
    seq: usize,
    head_dim: usize,
    theta: f64,
    device: &burn::tensor::Device,
) -> Tensor<3> {
    let half = head_dim / 2;
    let frequency = |i: usize| (1.0 / theta.powf(2.0 * i as f64 / head_dim as f64)) as f32;
    let frequencies: Vec<f32> = (0..half).map(frequency).collect();
    let mut table = Vec::with_capacity(2 * seq * half);
    for wave in [f64::cos, f64::sin] {
        for position in 0..seq {
            // Angles in f32 first, as the originals compute them.
            let angles = frequencies.iter().map(|frequency| position as f32 * frequency);
            table.extend(angles.map(|angle| wave(f64::from(angle)) as f32));
        }
    }
    Tensor::from_data(burn::tensor::TensorData::new(table, [2, seq, half]), device)
}

/// A table of the shape of [`rope_table`] that rotates nothing, for attention without rotary
/// positions, `[2, seq, head_dim / 2]`: cosines of 1, sines of 0.
pub fn unrotated_table(seq: usize, head_dim: usize, device: &burn::tensor::Device) -> Tensor<3> {
    let half = head_dim / 2;
    let mut table = vec![1.0_f32; seq * half];
    table.resize(2 * seq * half, 0.0);
    Tensor::from_data(burn::tensor::TensorData::new(table, [2, seq, half]), device)
}

#[cfg(feature = "cpu")]
fn is_cpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    use burn::backend::DispatchDevice;
    matches!(tensor.device().inner().as_dispatch(), DispatchDevice::Flex(_))
}

#[cfg(feature = "gpu")]
fn is_gpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    use burn::backend::DispatchDevice;
    matches!(tensor.device().inner().as_dispatch(), DispatchDevice::Cube(_))
}
