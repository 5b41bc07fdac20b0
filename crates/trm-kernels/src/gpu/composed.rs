//! Operations of image models, put together from Burn's own and from the linear map: a
//! kernel each where fusion does not join them.

use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::Shape;
use burn_cubecl::CubeBackend;
use burn_cubecl::ops::reshape;
use burn_cubecl::tensor::CubeTensor;

use super::launch::row_split;
use super::linear;

type B = CubeBackend;

/// All axes but the last as one.
fn flat(x: CubeTensor) -> CubeTensor {
    let (width, n) = row_split(&x);
    reshape(x, Shape::new([n, width]))
}

/// A vector as one row.
fn row(x: CubeTensor) -> CubeTensor {
    let width = x.shape().num_elements();
    reshape(x, Shape::new([1, width]))
}

/// The sum of the rows of a matrix, as a vector.
fn sum_rows(x: CubeTensor) -> CubeTensor {
    let width = x.shape()[1];
    reshape(B::float_sum_dim(x, 0), Shape::new([width]))
}

/// `[batch, a, b] → [batch, b, a]`.
fn turned(x: CubeTensor) -> CubeTensor {
    B::float_swap_dims(x, 1, 2)
}

/// See [`crate::FusedOps::affine_map`].
pub fn affine_map(x: CubeTensor, w: CubeTensor, b: CubeTensor) -> CubeTensor {
    let y = linear::map(x, w);
    let shape = y.shape();
    reshape(B::float_add(flat(y), row(b)), shape)
}

/// See [`crate::FusedOps::affine_grad_b`].
pub fn affine_grad_b(grad: CubeTensor) -> CubeTensor {
    sum_rows(flat(grad))
}

/// See [`crate::FusedOps::positions_map`].
pub fn positions_map(x: CubeTensor, w: CubeTensor, b: CubeTensor) -> CubeTensor {
    turned(affine_map(turned(x), w, b))
}

/// See [`crate::FusedOps::positions_grad_x`].
pub fn positions_grad_x(grad: CubeTensor, w: CubeTensor) -> CubeTensor {
    turned(linear::grad_x(turned(grad), w))
}

/// See [`crate::FusedOps::positions_grad_w`].
pub fn positions_grad_w(grad: CubeTensor, x: CubeTensor) -> CubeTensor {
    linear::grad_w(turned(grad), turned(x))
}

/// See [`crate::FusedOps::positions_grad_b`].
pub fn positions_grad_b(grad: CubeTensor) -> CubeTensor {
    affine_grad_b(turned(grad))
}

/// `(x − mean) / deviation`, and the mean and 1/deviation as columns.
fn normalized(x: CubeTensor, eps: f32) -> (CubeTensor, [CubeTensor; 2]) {
    let mean = B::float_mean_dim(x.clone(), 1);
    let centred = B::float_sub(x, mean.clone());
    let variance = B::float_mean_dim(B::float_mul(centred.clone(), centred.clone()), 1);
    let inv = B::float_recip(B::float_sqrt(B::float_add_scalar(variance, eps.into())));
    (B::float_mul(centred, inv.clone()), [mean, inv])
}

/// The same from the saved columns; also 1/deviation.
fn normalized_again(x: CubeTensor, stats: CubeTensor) -> (CubeTensor, CubeTensor) {
    let mean = B::float_slice(stats.clone(), &[(..).into(), (0..1).into()]);
    let inv = B::float_slice(stats, &[(..).into(), (1..2).into()]);
    (B::float_mul(B::float_sub(flat(x), mean), inv.clone()), inv)
}

/// See [`crate::FusedOps::learned_layer_norm`].
pub fn layer_norm(
    x: CubeTensor,
    w: CubeTensor,
    b: CubeTensor,
    eps: f32,
) -> (CubeTensor, CubeTensor) {
    let shape = x.shape();
    let (normal, stats) = normalized(flat(x), eps);
    let y = B::float_add(B::float_mul(normal, row(w)), row(b));
    (reshape(y, shape), B::float_cat(stats.to_vec(), 1))
}

/// See [`crate::FusedOps::layer_norm_grad_x`].
pub fn layer_norm_grad_x(
    grad: CubeTensor,
    x: CubeTensor,
    w: CubeTensor,
    stats: CubeTensor,
) -> CubeTensor {
    let shape = x.shape();
    let (normal, inv) = normalized_again(x, stats);
    let grad = B::float_mul(flat(grad), row(w));
    let level = B::float_mean_dim(grad.clone(), 1);
    let along = B::float_mean_dim(B::float_mul(grad.clone(), normal.clone()), 1);
    let dx = B::float_sub(B::float_sub(grad, level), B::float_mul(normal, along));
    reshape(B::float_mul(dx, inv), shape)
}

/// See [`crate::FusedOps::layer_norm_grad_w`].
pub fn layer_norm_grad_w(grad: CubeTensor, x: CubeTensor, stats: CubeTensor) -> CubeTensor {
    let (normal, _) = normalized_again(x, stats);
    sum_rows(B::float_mul(flat(grad), normal))
}

/// The normal distribution at `x`.
fn normal(x: CubeTensor) -> CubeTensor {
    let erf = B::float_erf(B::float_mul_scalar(x, std::f64::consts::FRAC_1_SQRT_2.into()));
    B::float_mul_scalar(B::float_add_scalar(erf, 1.0.into()), 0.5.into())
}

/// See [`crate::FusedOps::exact_gelu`].
pub fn gelu(x: CubeTensor) -> CubeTensor {
    B::float_mul(x.clone(), normal(x))
}

/// See [`crate::FusedOps::exact_gelu_grad`].
pub fn gelu_grad(grad: CubeTensor, x: CubeTensor) -> CubeTensor {
    /// `1 / √(2π)`.
    const PEAK: f64 = 0.398_942_280_401_432_7;
    let square = B::float_mul(x.clone(), x.clone());
    let density = B::float_exp(B::float_mul_scalar(square, (-0.5).into()));
    let density = B::float_mul(x.clone(), B::float_mul_scalar(density, PEAK.into()));
    B::float_mul(grad, B::float_add(normal(x), density))
}
