//! Clipping by the global norm.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

/// What gradients are multiplied with so that their global norm is at most
/// `clip` after division by `loss_scale`, as a tensor `[1]` that is never read
/// back. 0 means no limit.
pub fn clip_scale<M: Module>(
    model: &M,
    grads: &GradientsParams,
    clip: f64,
    loss_scale: f64,
    device: &Device,
) -> Tensor<1> {
    struct Squares<'a> {
        grads: &'a GradientsParams,
        total: Option<Tensor<1>>,
    }
    impl ModuleVisitor for Squares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.grads.get::<D>(param.id) {
                let square = grad.square().sum();
                self.total = Some(self.total.take().map_or(square.clone(), |total| total + square));
            }
        }
    }
    let one = || Tensor::ones([1], device).div_scalar(loss_scale);
    if clip == 0.0 {
        return one();
    }
    let mut squares = Squares { grads, total: None };
    model.visit(&mut squares);
    squares.total.map_or_else(one, |total| {
        // PyTorch's clip_grad_norm_, its epsilon included.
        let norm = total.sqrt().div_scalar(loss_scale);
        let clipped = norm.add_scalar(1e-6).recip().mul_scalar(clip).clamp_max(1.0);
        clipped.div_scalar(loss_scale)
    })
}
