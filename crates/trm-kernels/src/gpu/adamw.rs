//! The AdamW and AdamATan2 updates of one parameter, one kernel each.
//!
//! Not among [`crate::FusedOps`]: they have no gradient.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Launch, buffer, dense, grid, vector};
use crate::AdamWStep;

const UNITS: u32 = 64;

/// Least root of the second moment that AdamATan2 divides by.
const SMALLEST: f32 = 1e-30;

/// See [`crate::adamw`].
pub fn adamw<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    (m, v): (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    let (parameter, m, v) = Dispatch::adamw_update(
        parameter.into_dispatch(),
        gradient.into_dispatch(),
        m.into_dispatch(),
        v.into_dispatch(),
        scale.into_dispatch(),
        step,
    );
    let [parameter, m, v] = [parameter, m, v].map(Tensor::from_dispatch);
    (parameter, (m, v))
}

/// See [`crate::adam_atan2`].
pub fn adam_atan2<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    (m, v): (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    let (parameter, m, v) = Dispatch::adam_atan2_update(
        parameter.into_dispatch(),
        gradient.into_dispatch(),
        m.into_dispatch(),
        v.into_dispatch(),
        scale.into_dispatch(),
        step,
    );
    let [parameter, m, v] = [parameter, m, v].map(Tensor::from_dispatch);
    (parameter, (m, v))
}

/// The updates at the level of the backend's own tensors.
#[backend_extension(Cube, Fusion)]
trait Update: Backend {
    /// `(parameter, first moment, second moment)`.
    #[fusion(meta = |parameter, _gradient, m, v, _scale, _step| (
        parameter.clone(),
        m.clone(),
        v.clone(),
    ))]
    fn adamw_update(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// `(parameter, first moment, second moment)`.
    #[fusion(meta = |parameter, _gradient, m, v, _scale, _step| (
        parameter.clone(),
        m.clone(),
        v.clone(),
    ))]
    fn adam_atan2_update(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl Update for CubeBackend {
    fn adamw_update(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        update([parameter, gradient, m, v, scale], step, false)
    }

    fn adam_atan2_update(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        update([parameter, gradient, m, v, scale], step, true)
    }
}

/// Launches the update of a parameter; with `atan2` that of AdamATan2.
fn update(
    [parameter, gradient, m, v, scale]: [CubeTensor; 5],
    step: AdamWStep,
    atan2: bool,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let (gradient, scale) = (dense(gradient), dense(scale));
    let [parameter, m, v] = [parameter, m, v].map(own);
    let numbers = parameter.shape().num_elements();
    let lanes = vector(numbers);
    let Launch { client, count, dim } = grid(&parameter, numbers / lanes, UNITS);
    let (bias1, bias2) = step.bias_corrections();
    let [new1, new2] = step.new_shares();
    // SAFETY: positions past the last return before they read or write.
    unsafe {
        update_kernel::launch_unchecked(
            &client,
            count,
            dim,
            lanes,
            buffer(&parameter),
            buffer(&gradient),
            buffer(&m),
            buffer(&v),
            buffer(&scale),
            (numbers / lanes) as u32,
            step.beta1 as f32,
            step.beta2 as f32,
            new1,
            new2,
            (step.learning_rate / bias1) as f32,
            step.eps as f32,
            (1.0 - step.learning_rate * step.weight_decay) as f32,
            (1.0 / bias2) as f32,
            atan2,
        );
    }
    (parameter, m, v)
}

/// A tensor that can be written to: itself if nothing else holds it, as the
/// optimizer's are.
fn own(tensor: CubeTensor) -> CubeTensor {
    let tensor = dense(tensor);
    if tensor.can_mut() { tensor } else { tensor.copy() }
}

#[cube(launch_unchecked)]
fn update_kernel<N: Size>(
    parameter: &mut [Vector<f32, N>],
    gradient: &[Vector<f32, N>],
    m: &mut [Vector<f32, N>],
    v: &mut [Vector<f32, N>],
    scale: &[f32],
    total: u32,
    beta1: f32,
    beta2: f32,
    new1: f32,
    new2: f32,
    rate: f32,
    eps: f32,
    keep: f32,
    root: f32,
    #[comptime] atan2: bool,
) {
    let at = ABSOLUTE_POS;
    if at >= total as usize {
        terminate!();
    }
    let g = gradient[at] * Vector::<f32, N>::new(scale[0]);
    let first = m[at] * Vector::<f32, N>::new(beta1) + g * Vector::<f32, N>::new(new1);
    let second = v[at] * Vector::<f32, N>::new(beta2) + g * g * Vector::<f32, N>::new(new2);
    let root = (second * Vector::<f32, N>::new(root)).sqrt();
    m[at] = first;
    v[at] = second;
    let direction = if comptime!(atan2) {
        // WGSL leaves atan2(0, 0) open; here it must be 0.
        first.atan2(max(root, Vector::<f32, N>::new(SMALLEST)))
    } else {
        first / (root + Vector::<f32, N>::new(eps))
    };
    parameter[at] =
        parameter[at] * Vector::<f32, N>::new(keep) - Vector::<f32, N>::new(rate) * direction;
}
