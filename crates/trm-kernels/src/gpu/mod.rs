//! The fused operations on CubeCL, for WebGPU: one kernel each, two or three
//! for attention; those of image models are composed of Burn's operations. No kernel shares memory or waits at a barrier, and none needs
//! more than 64 invocations to a workgroup, eight storage buffers or `f32`.

mod adamw;
mod attention;
mod attention_kernels;
mod composed;
mod launch;
mod linear;
mod matmul;
mod rows;
mod swiglu;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn_cubecl::CubeBackend;

use crate::FusedOps;
pub use adamw::{adam_atan2, adamw};

impl FusedOps for CubeBackend {
    fn linear_map(x: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::map(x, w)
    }

    fn linear_grad_x(grad: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::grad_x(grad, w)
    }

    fn linear_grad_w(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::grad_w(grad, x)
    }

    fn affine_map(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::affine_map(x, w, b)
    }

    fn affine_grad_b(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::affine_grad_b(grad)
    }

    fn positions_map(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::positions_map(x, w, b)
    }

    fn positions_grad_x(grad: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::positions_grad_x(grad, w)
    }

    fn positions_grad_w(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::positions_grad_w(grad, x)
    }

    fn positions_grad_b(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::positions_grad_b(grad)
    }

    fn learned_layer_norm(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        composed::layer_norm(x, w, b, eps)
    }

    fn layer_norm_grad_x(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        stats: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::layer_norm_grad_x(grad, x, w, stats)
    }

    fn layer_norm_grad_w(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        stats: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed::layer_norm_grad_w(grad, x, stats)
    }

    fn exact_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::gelu(x)
    }

    fn exact_gelu_grad(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::gelu_grad(grad, x)
    }

    fn add_rms_norm(
        h: FloatTensor<Self>,
        m: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rows::add_rms_norm(h, m, eps)
    }

    fn add_rms_norm_grad(
        grad: FloatTensor<Self>,
        y: FloatTensor<Self>,
        inv_rms: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        rows::add_rms_norm_grad(grad, y, inv_rms)
    }

    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::swiglu(gate_up)
    }

    fn swiglu_grad(grad: FloatTensor<Self>, gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::swiglu_grad(grad, gate_up)
    }

    fn self_attention(
        qkv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        attention::forward(qkv, rope, heads, causal)
    }

    fn attention_grad(
        grad: FloatTensor<Self>,
        qkv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        y: FloatTensor<Self>,
        lse: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> FloatTensor<Self> {
        attention::backward(grad, qkv, rope, y, lse, heads, causal)
    }

    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rows::cross_entropy(logits, targets)
    }

    fn cross_entropy_grad(
        grad: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        lse: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        rows::cross_entropy_grad(grad, logits, targets, lse)
    }
}
