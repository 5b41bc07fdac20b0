//! The operations at the level of a backend's own tensors.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};
use burn::tensor::Shape;

/// Forward and backward of every fused operation. Users call the functions at
/// the root of the crate; a new backend implements this.
///
/// The backward methods are not differentiable themselves.
#[backend_extension(
    Flex: cfg(feature = "cpu"),
    Cube: cfg(feature = "gpu"),
    Fusion: cfg(feature = "gpu"),
    Autodiff
)]
pub trait FusedOps: Backend {
    /// `x [.., in] · w [out, in]ᵀ`.
    #[fusion(dtype = x, shape = last_axis(x, w[0]))]
    fn linear_map(x: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradient of [`linear_map`](Self::linear_map) for `x`: `grad [.., out] · w`.
    #[fusion(dtype = grad, shape = last_axis(grad, w[1]))]
    fn linear_grad_x(grad: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradient of [`linear_map`](Self::linear_map) for `w`: `gradᵀ · x`, `[out, in]`.
    #[fusion(dtype = grad, shape = Shape::new([grad[grad.num_dims() - 1], x[x.num_dims() - 1]]))]
    fn linear_grad_w(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `x [.., in] · w [out, in]ᵀ + b [out]`.
    #[fusion(dtype = x, shape = last_axis(x, w[0]))]
    fn affine_map(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Gradient of [`affine_map`](Self::affine_map) for `b`: the sum over all axes but the
    /// last.
    #[fusion(dtype = grad, shape = Shape::new([grad[grad.num_dims() - 1]]))]
    fn affine_grad_b(grad: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `w [out, in] · x [batch, in, dim] + b [out]` for each of the batch.
    #[fusion(dtype = x, shape = middle_axis(x, w[0]))]
    fn positions_map(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Gradient of [`positions_map`](Self::positions_map) for `x`.
    #[fusion(dtype = grad, shape = middle_axis(grad, w[1]))]
    fn positions_grad_x(grad: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradient of [`positions_map`](Self::positions_map) for `w`, `[out, in]`.
    #[fusion(dtype = grad, shape = Shape::new([grad[1], x[1]]))]
    fn positions_grad_w(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradient of [`positions_map`](Self::positions_map) for `b`, `[out]`.
    #[fusion(dtype = grad, shape = Shape::new([grad[1]]))]
    fn positions_grad_b(grad: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `(layer norm of x over the last axis · w + b, [mean, 1/deviation] of each row)`.
    #[fusion(meta = |x, _w, _b, _eps| (
        x.clone(),
        with_shape(x, Shape::new([rows(&x.shape)[0], 2])),
    ))]
    fn learned_layer_norm(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradient of [`learned_layer_norm`](Self::learned_layer_norm) for `x`.
    #[fusion(dtype = x, shape = x)]
    fn layer_norm_grad_x(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        stats: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Gradient of [`learned_layer_norm`](Self::learned_layer_norm) for `w`; that for `b` is
    /// [`affine_grad_b`](Self::affine_grad_b).
    #[fusion(dtype = x, shape = Shape::new([x[x.num_dims() - 1]]))]
    fn layer_norm_grad_w(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        stats: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// `x · Φ(x)`.
    #[fusion(dtype = x, shape = x)]
    fn exact_gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradient for `x`.
    #[fusion(dtype = x, shape = x)]
    fn exact_gelu_grad(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `(rms(h + m), 1/rms)`; the second has one number per row.
    #[fusion(meta = |h, _m, _eps| (h.clone(), with_shape(h, rows(&h.shape))))]
    fn add_rms_norm(
        h: FloatTensor<Self>,
        m: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradient for `h + m`, from the output and `1/rms`.
    #[fusion(dtype = grad, shape = grad)]
    fn add_rms_norm_grad(
        grad: FloatTensor<Self>,
        y: FloatTensor<Self>,
        inv_rms: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// `[.., gate | up] → silu(gate) · up`.
    #[fusion(dtype = gate_up, shape = last_axis(gate_up, gate_up[gate_up.num_dims() - 1] / 2))]
    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradient for `gate_up`.
    #[fusion(dtype = gate_up, shape = gate_up)]
    fn swiglu_grad(grad: FloatTensor<Self>, gate_up: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `(attended values, log-sum-exp of the scores [batch, heads, seq])`.
    #[fusion(meta = |qkv, _rope, heads, _causal| (
        with_shape(qkv, last_axis(&qkv.shape, qkv.shape[2] / 3)),
        with_shape(qkv, Shape::new([qkv.shape[0], *heads, qkv.shape[1]])),
    ))]
    fn self_attention(
        qkv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradient for `qkv`, from the inputs and outputs of the forward pass. The
    /// probabilities are computed again rather than kept.
    #[fusion(dtype = qkv, shape = qkv)]
    fn attention_grad(
        grad: FloatTensor<Self>,
        qkv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        y: FloatTensor<Self>,
        lse: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> FloatTensor<Self>;

    /// `(-log p[target], log-sum-exp)` of each row; a negative target gives zero.
    #[fusion(meta = |logits, _targets| (
        with_shape(logits, rows(&logits.shape)),
        with_shape(logits, rows(&logits.shape)),
    ))]
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradient for the logits.
    #[fusion(dtype = logits, shape = logits)]
    fn cross_entropy_grad(
        grad: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        lse: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// Numbers of one AdamW or AdamATan2 update that are the same for every parameter.
#[derive(Clone, Copy, Debug)]
pub struct AdamWStep {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment; AdamATan2 does not use it.
    pub eps: f64,
    /// Decoupled: the parameter shrinks by `learning_rate · weight_decay`.
    pub weight_decay: f64,
    /// Updates done, this one included.
    pub time: usize,
}

impl AdamWStep {
    /// `1 − βᵗ` of both moments.
    pub(crate) fn bias_corrections(&self) -> (f64, f64) {
        let t = self.time as f64;
        (1.0 - self.beta1.powf(t), 1.0 - self.beta2.powf(t))
    }

    /// `1 − β` of both moments: the share of the new gradient. The difference of two f32 would
    /// be wrong by a thousandth where β is near 1.
    #[allow(dead_code, reason = "callers are the backends, and there may be none")]
    pub(crate) fn new_shares(&self) -> [f32; 2] {
        [(1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32]
    }
}

/// `shape` with another last axis.
#[allow(dead_code, reason = "callers are the backends, and there may be none")]
pub(crate) fn last_axis(shape: &Shape, size: usize) -> Shape {
    let mut shape = shape.clone();
    let last = shape.num_dims() - 1;
    shape[last] = size;
    shape
}

/// `shape` `[batch, _, dim]` with another middle axis.
#[allow(dead_code, reason = "callers are the backends, and there may be none")]
pub(crate) fn middle_axis(shape: &Shape, size: usize) -> Shape {
    Shape::new([shape[0], size, shape[2]])
}

/// The shape of one number per row: all axes but the last, as one.
#[allow(dead_code, reason = "callers are the backends, and there may be none")]
pub(crate) fn rows(shape: &Shape) -> Shape {
    let last = shape.num_dims() - 1;
    Shape::new([shape.num_elements() / shape[last].max(1)])
}

#[cfg(feature = "gpu")]
fn with_shape(
    spec: &burn::backend::fusion::custom::TensorSpec,
    shape: Shape,
) -> burn::backend::fusion::custom::TensorSpec {
    burn::backend::fusion::custom::TensorSpec::new(shape, spec.dtype)
}
