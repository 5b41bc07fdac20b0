//! The same operations in Burn's own tensor operations: the definition of each
//! fused operation, and the reference that the tests compare it with.

use std::ops::Range;

use burn::tensor::activation::{log_softmax, silu, softmax};
use burn::tensor::{Int, Tensor};

use crate::AdamWStep;

/// See [`crate::linear`].
pub fn linear<const D: usize>(x: Tensor<D>, w: Tensor<2>) -> Tensor<D> {
    let mut dims = x.dims();
    let [out, input] = w.dims();
    let rows = dims.iter().product::<usize>() / input;
    dims[D - 1] = out;
    x.reshape([rows, input]).matmul(w.transpose()).reshape(dims)
}

/// See [`crate::affine`].
pub fn affine<const D: usize>(x: Tensor<D>, w: Tensor<2>, b: Tensor<1>) -> Tensor<D> {
    linear(x, w) + b.unsqueeze()
}

/// See [`crate::affine_positions`].
pub fn affine_positions(x: Tensor<3>, w: Tensor<2>, b: Tensor<1>) -> Tensor<3> {
    affine(x.swap_dims(1, 2), w, b).swap_dims(1, 2)
}

/// See [`crate::layer_norm`].
pub fn layer_norm<const D: usize>(x: Tensor<D>, w: Tensor<1>, b: Tensor<1>, eps: f64) -> Tensor<D> {
    let centred = x.clone() - x.mean_dim(D - 1);
    let variance = centred.clone().square().mean_dim(D - 1);
    centred / variance.add_scalar(eps).sqrt() * w.unsqueeze() + b.unsqueeze()
}

/// See [`crate::gelu`].
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let share = x.clone().mul_scalar(std::f64::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0);
    x.mul_scalar(0.5) * share
}

/// See [`crate::add_rms_norm`].
pub fn add_rms_norm<const D: usize>(h: Tensor<D>, m: Tensor<D>, eps: f64) -> Tensor<D> {
    let sum = h + m;
    let mean_square = sum.clone().square().mean_dim(D - 1);
    sum / mean_square.add_scalar(eps).sqrt()
}

/// See [`crate::swiglu`].
pub fn swiglu<const D: usize>(gate_up: Tensor<D>) -> Tensor<D> {
    let [gate, up] = gate_up.chunk(2, D - 1).try_into().expect("an even last axis");
    silu(gate) * up
}

/// Rotates `[batch, heads, seq, head_dim]` by rows `offset..` of the table.
pub fn rotate(x: Tensor<4>, rope: &Tensor<3>, offset: usize) -> Tensor<4> {
    let [_, _, seq, head_dim] = x.dims();
    let half = head_dim / 2;
    let wave =
        |i: usize| rope.clone().slice([i..i + 1, offset..offset + seq, 0..half]).unsqueeze::<4>();
    let (cos, sin) = (wave(0), wave(1));
    let [a, b] = x.chunk(2, 3).try_into().expect("an even head width");
    Tensor::cat(vec![a.clone() * cos.clone() - b.clone() * sin.clone(), b * cos + a * sin], 3)
}

/// Splits `[batch, seq, q | k | v]` into three `[batch, heads, seq, head_dim]`.
pub fn split_heads(qkv: Tensor<3>, heads: usize) -> [Tensor<4>; 3] {
    let [batch, seq, width] = qkv.dims();
    let head_dim = width / 3 / heads;
    let parts = qkv.chunk(3, 2);
    let parts: Vec<_> = parts
        .into_iter()
        .map(|part| part.reshape([batch, seq, heads, head_dim]).swap_dims(1, 2))
        .collect();
    parts.try_into().expect("three parts")
}

/// See [`crate::attention`].
pub fn attention(qkv: Tensor<3>, rope: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [batch, seq, width] = qkv.dims();
    let [q, k, v] = split_heads(qkv, heads);
    let weights = weights([q, k], &rope, causal);
    weights.matmul(v).swap_dims(1, 2).reshape([batch, seq, width / 3])
}

/// See [`crate::cached_attention`].
pub fn cached_attention(
    qkv: Tensor<3>,
    rope: Tensor<3>,
    cache: Option<(Tensor<4>, Tensor<4>)>,
    heads: usize,
    queries: &Range<usize>,
    causal: bool,
) -> Tensor<3> {
    let [batch, new, width] = qkv.dims();
    let device = qkv.device();
    let [q, k, v] = split_heads(qkv, heads);
    let (q, mut keys) = (rotate(q, &rope, 0), rotate(k, &rope, 0));
    let (mut values, mut past) = (v, 0);
    if let Some((cached_keys, cached_values)) = cache {
        past = cached_keys.dims()[2];
        let (cached_keys, cached_values) =
            (shared(cached_keys, heads), shared(cached_values, heads));
        keys = Tensor::cat(vec![cached_keys, keys], 2);
        values = Tensor::cat(vec![cached_values, values], 2);
    }
    let q = q.narrow(2, queries.start, queries.len());
    let [_, _, _, head_dim] = q.dims();
    let mut scores = q.matmul(keys.swap_dims(2, 3)).div_scalar((head_dim as f64).sqrt());
    if causal && new > 1 {
        // Row i is position past + i and attends to columns up to itself.
        let hidden =
            Tensor::<2, burn::tensor::Bool>::tril_mask([new, past + new], past as i64, &device);
        let hidden = hidden.narrow(0, queries.start, queries.len());
        scores = scores.mask_fill(hidden.unsqueeze::<4>(), f32::NEG_INFINITY);
    }
    let mixed = softmax(scores, 3).matmul(values).swap_dims(1, 2);
    mixed.reshape([batch, queries.len(), width / 3])
}

/// Keys or values for `heads` query heads, equal groups of which share one.
fn shared(cached: Tensor<4>, heads: usize) -> Tensor<4> {
    let [batch, own, seq, head_dim] = cached.dims();
    if own == heads {
        return cached;
    }
    let spread = cached.reshape([batch, own, 1, seq, head_dim]);
    let spread = spread.expand([batch, own, heads / own, seq, head_dim]);
    spread.reshape([batch, heads, seq, head_dim])
}

/// Attention weights, `[batch, heads, seq, seq]`: row i holds how much position i
/// takes from each position. The fused kernels never hold this matrix.
pub fn attention_weights(
    qkv: Tensor<3>,
    rope: &Tensor<3>,
    heads: usize,
    causal: bool,
) -> Tensor<4> {
    let [q, k, _] = split_heads(qkv, heads);
    weights([q, k], rope, causal)
}

fn weights([q, k]: [Tensor<4>; 2], rope: &Tensor<3>, causal: bool) -> Tensor<4> {
    let [_, _, seq, head_dim] = q.dims();
    let device = q.device();
    let (q, k) = (rotate(q, rope, 0), rotate(k, rope, 0));
    let mut scores = q.matmul(k.swap_dims(2, 3)).div_scalar((head_dim as f64).sqrt());
    if causal {
        let hidden = Tensor::<2, burn::tensor::Bool>::tril_mask([seq, seq], 0, &device);
        scores = scores.mask_fill(hidden.unsqueeze::<4>(), f32::NEG_INFINITY);
    }
    softmax(scores, 3)
}

/// See [`crate::cross_entropy`].
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let [rows, _] = logits.dims();
    let ignored = targets.clone().lower_elem(0);
    let index = targets.clamp_min(0).reshape([rows, 1]);
    let loss = log_softmax(logits, 1).gather(1, index).neg().reshape([rows]);
    loss.mask_fill(ignored, 0.0)
}

/// See [`crate::adamw`].
pub fn adamw<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    (m, v): (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    let (bias1, bias2) = step.bias_corrections();
    let gradient = gradient * scale.reshape([1; D]);
    let m = m.mul_scalar(step.beta1) + gradient.clone().mul_scalar(1.0 - step.beta1);
    let v = v.mul_scalar(step.beta2) + gradient.square().mul_scalar(1.0 - step.beta2);
    let update =
        m.clone().div_scalar(bias1) / v.clone().div_scalar(bias2).sqrt().add_scalar(step.eps);
    let shrunk = parameter.mul_scalar(1.0 - step.learning_rate * step.weight_decay);
    (shrunk - update.mul_scalar(step.learning_rate), (m, v))
}

/// See [`crate::adam_atan2`].
pub fn adam_atan2<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    (m, v): (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    let (bias1, bias2) = step.bias_corrections();
    let gradient = gradient * scale.reshape([1; D]);
    let m = m.mul_scalar(step.beta1) + gradient.clone().mul_scalar(1.0 - step.beta1);
    let v = v.mul_scalar(step.beta2) + gradient.square().mul_scalar(1.0 - step.beta2);
    let update = m.clone().atan2(v.clone().div_scalar(bias2).sqrt());
    let shrunk = parameter.mul_scalar(1.0 - step.learning_rate * step.weight_decay);
    (shrunk - update.mul_scalar(step.learning_rate / bias1), (m, v))
}
