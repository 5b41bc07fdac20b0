//! The linear map and its two gradients, as matrix products.
//!
//! Two kinds of adapter want two kinds of product. A real GPU gets Burn's own,
//! which choose among tiled and tensor-core kernels. A software adapter pays
//! dearly for their barriers and gets [`super::matmul`]. Measured on software
//! adapters only; on a real GPU neither has been timed here.

use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::Shape;
use burn_cubecl::CubeBackend;
use burn_cubecl::ops::reshape;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{dense, row_split, with_last};
use super::matmul::{Operand, matmul};

/// Whether the tensor's device is an adapter without a card behind it, which
/// the runtime knows both natively and in a browser (`isFallbackAdapter`).
fn is_software(tensor: &CubeTensor) -> bool {
    tensor.client.properties().identity.physical.is_none()
}

/// All axes but the last as one.
fn flat(x: CubeTensor) -> CubeTensor {
    let (width, n) = row_split(&x);
    reshape(x, Shape::new([n, width]))
}

/// See [`crate::FusedOps::linear_map`].
pub fn map(x: CubeTensor, w: CubeTensor) -> CubeTensor {
    let out = w.shape()[0];
    let shape = with_last(&x, out);
    let x = flat(x);
    let y = if is_software(&x) {
        let (input, n) = row_split(&x);
        matmul(
            Operand { data: dense(x), kept: n, summed: input, along: true },
            Operand { data: dense(w), kept: out, summed: input, along: true },
        )
    } else {
        CubeBackend::float_matmul(x, CubeBackend::float_transpose(w))
    };
    reshape(y, shape)
}

/// See [`crate::FusedOps::linear_grad_x`].
pub fn grad_x(grad: CubeTensor, w: CubeTensor) -> CubeTensor {
    let input = w.shape()[1];
    let shape = with_last(&grad, input);
    let grad = flat(grad);
    let dx = if is_software(&grad) {
        let (out, n) = row_split(&grad);
        matmul(
            Operand { data: dense(grad), kept: n, summed: out, along: true },
            Operand { data: dense(w), kept: input, summed: out, along: false },
        )
    } else {
        CubeBackend::float_matmul(grad, w)
    };
    reshape(dx, shape)
}

/// See [`crate::FusedOps::linear_grad_w`].
pub fn grad_w(grad: CubeTensor, x: CubeTensor) -> CubeTensor {
    let (grad, x) = (flat(grad), flat(x));
    if is_software(&grad) {
        let (out, n) = row_split(&grad);
        let (input, _) = row_split(&x);
        matmul(
            Operand { data: dense(grad), kept: out, summed: n, along: false },
            Operand { data: dense(x), kept: input, summed: n, along: false },
        )
    } else {
        CubeBackend::float_matmul(CubeBackend::float_transpose(grad), x)
    }
}
