//! What every kernel launch needs: contiguous operands, space for the result
//! and a grid that fits WebGPU's limits.

use burn::backend::TensorMetadata;
use burn::tensor::Shape;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::client::Client;
use cubecl::prelude::*;

/// Workgroups in one dimension, at most (WebGPU's default limit).
const MAX_WORKGROUPS: usize = 65_535;

/// Where and how wide a kernel runs.
pub struct Launch {
    pub client: Client,
    pub count: CubeCount,
    pub dim: CubeDim,
}

/// A grid of at least `invocations`, `units` to a workgroup. Kernels check
/// their position: the grid may be larger.
pub fn grid(on: &CubeTensor, invocations: usize, units: u32) -> Launch {
    let groups = invocations.div_ceil(units as usize).max(1);
    let x = groups.min(MAX_WORKGROUPS);
    let y = groups.div_ceil(x);
    Launch {
        client: on.client.clone(),
        count: CubeCount::Static(x as u32, y as u32, 1),
        dim: CubeDim::new_1d(units),
    }
}

/// A tensor's numbers in row-major order, copied only if they are not.
pub fn dense(tensor: CubeTensor) -> CubeTensor {
    into_contiguous(tensor)
}

/// The argument for a dense tensor.
pub fn buffer(tensor: &CubeTensor) -> BufferArg {
    tensor.clone().into_buffer_arg()
}

/// Space for a result, beside `like`.
pub fn empty(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    empty_device_contiguous_dtype(
        like.client.clone(),
        like.device.clone(),
        shape.into(),
        like.dtype,
    )
}

/// Elements in the last axis and rows before it.
pub fn row_split(tensor: &CubeTensor) -> (usize, usize) {
    let shape = tensor.shape();
    let width = shape[shape.num_dims() - 1];
    (width, shape.num_elements() / width.max(1))
}

/// The tensor's shape with another last axis.
pub fn with_last(tensor: &CubeTensor, width: usize) -> Shape {
    let mut shape = tensor.shape();
    let last = shape.num_dims() - 1;
    shape[last] = width;
    shape
}

/// Numbers per load that rows of this width keep aligned.
pub fn vector(width: usize) -> usize {
    if width.is_multiple_of(4) { 4 } else { 1 }
}
