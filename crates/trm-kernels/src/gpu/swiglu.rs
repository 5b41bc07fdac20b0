//! SwiGLU: an invocation for each vector of the result.

use burn::backend::TensorMetadata;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Launch, buffer, dense, empty, grid, row_split, vector, with_last};

const UNITS: u32 = 64;

/// See [`crate::FusedOps::swiglu`].
pub fn swiglu(gate_up: CubeTensor) -> CubeTensor {
    let gate_up = dense(gate_up);
    let (width, n) = row_split(&gate_up);
    let inner = width / 2;
    let y = empty(&gate_up, with_last(&gate_up, inner));
    let lanes = vector(inner);
    let total = n * inner / lanes;
    let Launch { client, count, dim } = grid(&y, total, UNITS);
    // SAFETY: positions past the last return before they read or write.
    unsafe {
        swiglu_kernel::launch_unchecked(
            &client,
            count,
            dim,
            lanes,
            buffer(&gate_up),
            buffer(&y),
            total as u32,
            (inner / lanes) as u32,
        );
    }
    y
}

#[cube(launch_unchecked)]
fn swiglu_kernel<N: Size>(
    gate_up: &[Vector<f32, N>],
    y: &mut [Vector<f32, N>],
    total: u32,
    inner: u32,
) {
    let at = ABSOLUTE_POS;
    if at >= total as usize {
        terminate!();
    }
    let inner = inner as usize;
    // Rows of `gate | up` are twice as wide.
    let gate_at = at + at / inner * inner;
    let gate = gate_up[gate_at];
    y[at] = gate * sigmoid::<N>(gate) * gate_up[gate_at + inner];
}

/// See [`crate::FusedOps::swiglu_grad`].
pub fn swiglu_grad(grad: CubeTensor, gate_up: CubeTensor) -> CubeTensor {
    let (grad, gate_up) = (dense(grad), dense(gate_up));
    let (width, n) = row_split(&gate_up);
    let inner = width / 2;
    let dx = empty(&gate_up, gate_up.shape());
    let lanes = vector(inner);
    let total = n * inner / lanes;
    let Launch { client, count, dim } = grid(&dx, total, UNITS);
    // SAFETY: positions past the last return before they read or write.
    unsafe {
        swiglu_grad_kernel::launch_unchecked(
            &client,
            count,
            dim,
            lanes,
            buffer(&grad),
            buffer(&gate_up),
            buffer(&dx),
            total as u32,
            (inner / lanes) as u32,
        );
    }
    dx
}

#[cube(launch_unchecked)]
fn swiglu_grad_kernel<N: Size>(
    grad: &[Vector<f32, N>],
    gate_up: &[Vector<f32, N>],
    dx: &mut [Vector<f32, N>],
    total: u32,
    inner: u32,
) {
    let at = ABSOLUTE_POS;
    if at >= total as usize {
        terminate!();
    }
    let inner = inner as usize;
    let gate_at = at + at / inner * inner;
    let gate = gate_up[gate_at];
    let up = gate_up[gate_at + inner];
    let grad = grad[at];
    let s = sigmoid::<N>(gate);
    let one = Vector::<f32, N>::new(1.0);
    dx[gate_at] = grad * up * s * (one + gate * (one - s));
    dx[gate_at + inner] = grad * gate * s;
}

/// `1 / (1 + e⁻ˣ)`. The exponent is kept finite: shaders need not know infinity.
#[cube]
fn sigmoid<N: Size>(x: Vector<f32, N>) -> Vector<f32, N> {
    let one = Vector::<f32, N>::new(1.0);
    one / (one + min(-x, Vector::<f32, N>::new(80.0)).exp())
}
