//! Kernels over rows: residual + RMSNorm and cross-entropy. An invocation takes
//! a row, or a number where numbers do not depend on each other, so that there
//! is no barrier.

#![allow(clippy::needless_range_loop, reason = "kernels index buffers")]

use burn::backend::TensorMetadata;
use burn::backend::ops::IntTensorOps;
use burn::tensor::{DType, IntDType};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Launch, buffer, dense, empty, grid, row_split, vector};
use crate::ops::rows;

const UNITS: u32 = 32;

/// See [`crate::FusedOps::add_rms_norm`].
pub fn add_rms_norm(h: CubeTensor, m: CubeTensor, eps: f32) -> (CubeTensor, CubeTensor) {
    let (h, m) = (dense(h), dense(m));
    let (width, n) = row_split(&h);
    let y = empty(&h, h.shape());
    let inv_rms = empty(&h, rows(&h.shape()));
    let lanes = vector(width);
    let Launch { client, count, dim } = grid(&h, n, UNITS);
    // SAFETY: rows past the last return before they read or write.
    unsafe {
        add_rms_norm_kernel::launch_unchecked(
            &client,
            count,
            dim,
            lanes,
            buffer(&h),
            buffer(&m),
            buffer(&y),
            buffer(&inv_rms),
            n as u32,
            (width / lanes) as u32,
            eps,
        );
    }
    (y, inv_rms)
}

#[cube(launch_unchecked)]
fn add_rms_norm_kernel<N: Size>(
    h: &[Vector<f32, N>],
    m: &[Vector<f32, N>],
    y: &mut [Vector<f32, N>],
    inv_rms: &mut [f32],
    rows: u32,
    width: u32,
    eps: f32,
) {
    let row = ABSOLUTE_POS;
    if row >= rows as usize {
        terminate!();
    }
    let first = row * width as usize;
    let end = first + width as usize;
    let mut squares = Vector::<f32, N>::new(0.0);
    for i in first..end {
        let sum = h[i] + m[i];
        squares += sum * sum;
    }
    let count = f32::cast_from(width) * f32::cast_from(N::value() as u32);
    let inv = 1.0 / (squares.vector_sum() / count + eps).sqrt();
    inv_rms[row] = inv;
    let inv = Vector::<f32, N>::new(inv);
    for i in first..end {
        y[i] = (h[i] + m[i]) * inv;
    }
}

/// See [`crate::FusedOps::add_rms_norm_grad`].
pub fn add_rms_norm_grad(grad: CubeTensor, y: CubeTensor, inv_rms: CubeTensor) -> CubeTensor {
    let (grad, y, inv_rms) = (dense(grad), dense(y), dense(inv_rms));
    let (width, n) = row_split(&y);
    let dx = empty(&y, y.shape());
    let lanes = vector(width);
    let Launch { client, count, dim } = grid(&y, n, UNITS);
    // SAFETY: rows past the last return before they read or write.
    unsafe {
        add_rms_norm_grad_kernel::launch_unchecked(
            &client,
            count,
            dim,
            lanes,
            buffer(&grad),
            buffer(&y),
            buffer(&inv_rms),
            buffer(&dx),
            n as u32,
            (width / lanes) as u32,
        );
    }
    dx
}

#[cube(launch_unchecked)]
fn add_rms_norm_grad_kernel<N: Size>(
    grad: &[Vector<f32, N>],
    y: &[Vector<f32, N>],
    inv_rms: &[f32],
    dx: &mut [Vector<f32, N>],
    rows: u32,
    width: u32,
) {
    let row = ABSOLUTE_POS;
    if row >= rows as usize {
        terminate!();
    }
    let first = row * width as usize;
    let end = first + width as usize;
    let mut products = Vector::<f32, N>::new(0.0);
    for i in first..end {
        products += grad[i] * y[i];
    }
    let count = f32::cast_from(width) * f32::cast_from(N::value() as u32);
    let along = Vector::<f32, N>::new(products.vector_sum() / count);
    let inv = Vector::<f32, N>::new(inv_rms[row]);
    for i in first..end {
        dx[i] = inv * (grad[i] - y[i] * along);
    }
}

/// Targets as 32-bit integers, whatever they arrived as.
fn targets_i32(targets: CubeTensor) -> CubeTensor {
    if targets.dtype == DType::I32 {
        return dense(targets);
    }
    dense(CubeBackend::int_cast(targets, IntDType::I32))
}

/// See [`crate::FusedOps::cross_entropy`].
pub fn cross_entropy(logits: CubeTensor, targets: CubeTensor) -> (CubeTensor, CubeTensor) {
    let (logits, targets) = (dense(logits), targets_i32(targets));
    let (classes, n) = row_split(&logits);
    let loss = empty(&logits, rows(&logits.shape()));
    let lse = empty(&logits, rows(&logits.shape()));
    let Launch { client, count, dim } = grid(&logits, n, UNITS);
    // SAFETY: rows past the last return before they read or write, and a
    // target is only followed when it is a class.
    unsafe {
        cross_entropy_kernel::launch_unchecked(
            &client,
            count,
            dim,
            buffer(&logits),
            buffer(&targets),
            buffer(&loss),
            buffer(&lse),
            n as u32,
            classes as u32,
        );
    }
    (loss, lse)
}

#[cube(launch_unchecked)]
fn cross_entropy_kernel(
    logits: &[f32],
    targets: &[i32],
    loss: &mut [f32],
    lse: &mut [f32],
    rows: u32,
    classes: u32,
) {
    let row = ABSOLUTE_POS;
    if row >= rows as usize {
        terminate!();
    }
    let classes = classes as usize;
    let first = row * classes;
    let end = first + classes;
    let mut top = logits[first];
    for i in first..end {
        top = max(top, logits[i]);
    }
    let mut total = 0.0f32;
    for i in first..end {
        total += (logits[i] - top).exp();
    }
    let log_sum = top + total.ln();
    lse[row] = log_sum;
    let target = targets[row];
    // Read whether it counts or not: a clamped index is cheaper than a branch.
    let picked = logits[first + min(max(target, 0) as usize, classes - 1)];
    loss[row] = select(target >= 0, log_sum - picked, 0.0);
}

/// See [`crate::FusedOps::cross_entropy_grad`].
pub fn cross_entropy_grad(
    grad: CubeTensor,
    logits: CubeTensor,
    targets: CubeTensor,
    lse: CubeTensor,
) -> CubeTensor {
    let (grad, logits, lse) = (dense(grad), dense(logits), dense(lse));
    let targets = targets_i32(targets);
    let (classes, n) = row_split(&logits);
    let dx = empty(&logits, logits.shape());
    let Launch { client, count, dim } = grid(&logits, n * classes, UNITS);
    // SAFETY: numbers past the last return before they read or write.
    unsafe {
        cross_entropy_grad_kernel::launch_unchecked(
            &client,
            count,
            dim,
            buffer(&grad),
            buffer(&logits),
            buffer(&targets),
            buffer(&lse),
            buffer(&dx),
            (n * classes) as u32,
            classes as u32,
        );
    }
    dx
}

#[cube(launch_unchecked)]
fn cross_entropy_grad_kernel(
    grad: &[f32],
    logits: &[f32],
    targets: &[i32],
    lse: &[f32],
    dx: &mut [f32],
    total: u32,
    classes: u32,
) {
    let at = ABSOLUTE_POS;
    if at >= total as usize {
        terminate!();
    }
    let row = at / classes as usize;
    let class = (at % classes as usize) as i32;
    let target = targets[row];
    let hit = select(class == target, 1.0f32, 0.0f32);
    let slope = (logits[at] - lse[row]).exp() - hit;
    dx[at] = select(target >= 0, grad[row] * slope, 0.0);
}
