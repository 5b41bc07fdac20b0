//! The fused operations on Burn's flex backend.

mod attention;
mod cached;
mod dense;
mod elementwise;
mod gelu;
mod layer_norm;
mod mat;
mod matmul;
mod optimizers;
mod positions;
mod threads;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Element, TensorMetadata};
use burn::tensor::{Shape, Tensor, TensorData};
use burn_flex::{Flex, FlexTensor};

use crate::ops::{last_axis, middle_axis, rows};
use crate::profile::{Kind, timed};
use crate::{AdamWStep, FusedOps};
pub(crate) use cached::cached_attention;
use dense::Dense;
use matmul::{FEW, Mat, few_rows, matmul, product};

fn tensor<E: Element>(data: Vec<E>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(data, shape))
}

/// Elements in the last axis and rows before it.
fn row_split(shape: &Shape) -> (usize, usize) {
    let width = shape[shape.num_dims() - 1];
    (width, shape.num_elements() / width.max(1))
}

/// Targets as indices, whatever integer they arrived as; negative ones count not.
fn indices(targets: IntTensor<Flex>) -> Vec<Option<usize>> {
    targets.into_data().iter::<i64>().map(|i| usize::try_from(i).ok()).collect()
}

impl FusedOps for Flex {
    fn linear_map(x: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, w) = (Dense::new(x), Dense::new(w));
        let (input, n) = row_split(&x.shape());
        let out = w.shape()[0];
        assert_eq!(input, w.shape()[1], "linear: width of the input and of the weight differ");
        let y = timed(Kind::Linear, || {
            // A single row has a kernel of its own in `gemm`.
            if (2..=FEW).contains(&n) {
                let mut y = vec![0.0; n * out];
                few_rows(&mut y, x.f32(), w.f32(), input);
                y
            } else {
                product(Mat::rows(x.f32(), n, input), Mat::rows(w.f32(), out, input).t())
            }
        });
        tensor(y, last_axis(&x.shape(), out))
    }

    fn linear_grad_x(grad: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        let (grad, w) = (Dense::new(grad), Dense::new(w));
        let (out, n) = row_split(&grad.shape());
        let input = w.shape()[1];
        let dx = timed(Kind::Linear, || {
            product(Mat::rows(grad.f32(), n, out), Mat::rows(w.f32(), out, input))
        });
        tensor(dx, last_axis(&grad.shape(), input))
    }

    fn linear_grad_w(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (grad, x) = (Dense::new(grad), Dense::new(x));
        let (out, n) = row_split(&grad.shape());
        let (input, _) = row_split(&x.shape());
        let dw = timed(Kind::Linear, || {
            product(Mat::rows(grad.f32(), n, out).t(), Mat::rows(x.f32(), n, input))
        });
        tensor(dw, Shape::new([out, input]))
    }

    fn affine_map(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [x, w, b] = [x, w, b].map(Dense::new);
        let (input, n) = row_split(&x.shape());
        let out = w.shape()[0];
        assert_eq!(input, w.shape()[1], "affine: width of the input and of the weight differ");
        assert_eq!(out, b.f32().len(), "affine: width of the output and of the bias differ");
        let mut y = vec![0.0; n * out];
        timed(Kind::Linear, || {
            if (2..=FEW).contains(&n) {
                few_rows(&mut y, x.f32(), w.f32(), input);
                elementwise::add_to_rows(&mut y, b.f32());
            } else {
                elementwise::add_to_rows(&mut y, b.f32());
                let weight = Mat::rows(w.f32(), out, input).t();
                matmul(&mut y, true, Mat::rows(x.f32(), n, input), weight);
            }
        });
        tensor(y, last_axis(&x.shape(), out))
    }

    fn affine_grad_b(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        let grad = Dense::new(grad);
        let (width, n) = row_split(&grad.shape());
        let mut db = vec![0.0; width];
        elementwise::sum_rows(
            &mut db,
            n,
            #[inline(always)]
            |sums, row| {
                for (sum, g) in sums.iter_mut().zip(&grad.f32()[row * width..][..width]) {
                    *sum += g;
                }
            },
        );
        tensor(db, Shape::new([width]))
    }

    fn positions_map(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [x, w, b] = [x, w, b].map(Dense::new);
        let sizes = positions::Sizes::new(&x.shape(), &w.shape());
        assert_eq!(sizes.out, b.f32().len(), "affine: width of the output and of the bias differ");
        let mut y = vec![0.0; sizes.batch * sizes.out * sizes.dim];
        timed(Kind::Linear, || sizes.forward(&mut y, x.f32(), w.f32(), b.f32()));
        tensor(y, middle_axis(&x.shape(), sizes.out))
    }

    fn positions_grad_x(grad: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        let (grad, w) = (Dense::new(grad), Dense::new(w));
        let sizes = positions::Sizes::of_grad(&grad.shape(), w.shape()[1]);
        let mut dx = vec![0.0; sizes.batch * sizes.input * sizes.dim];
        timed(Kind::Linear, || sizes.grad_x(&mut dx, grad.f32(), w.f32()));
        tensor(dx, middle_axis(&grad.shape(), sizes.input))
    }

    fn positions_grad_w(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (grad, x) = (Dense::new(grad), Dense::new(x));
        let sizes = positions::Sizes::of_grad(&grad.shape(), x.shape()[1]);
        let mut dw = vec![0.0; sizes.out * sizes.input];
        timed(Kind::Linear, || sizes.grad_w(&mut dw, grad.f32(), x.f32()));
        tensor(dw, Shape::new([sizes.out, sizes.input]))
    }

    fn positions_grad_b(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        let grad = Dense::new(grad);
        let out = grad.shape()[1];
        let mut db = vec![0.0; out];
        positions::grad_b(&mut db, grad.f32(), grad.shape()[2]);
        tensor(db, Shape::new([out]))
    }

    fn learned_layer_norm(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [x, w, b] = [x, w, b].map(Dense::new);
        let (_, n) = row_split(&x.shape());
        let mut y = vec![0.0; x.f32().len()];
        let mut stats = vec![0.0; 2 * n];
        layer_norm::forward(&mut y, &mut stats, x.f32(), w.f32(), b.f32(), eps);
        (tensor(y, x.shape()), tensor(stats, Shape::new([n, 2])))
    }

    fn layer_norm_grad_x(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        stats: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [grad, x, w, stats] = [grad, x, w, stats].map(Dense::new);
        let mut dx = vec![0.0; x.f32().len()];
        layer_norm::grad_x(&mut dx, grad.f32(), x.f32(), w.f32(), stats.f32());
        tensor(dx, x.shape())
    }

    fn layer_norm_grad_w(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        stats: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [grad, x, stats] = [grad, x, stats].map(Dense::new);
        let (width, _) = row_split(&x.shape());
        let mut dw = vec![0.0; width];
        layer_norm::grad_w(&mut dw, grad.f32(), x.f32(), stats.f32());
        tensor(dw, Shape::new([width]))
    }

    fn exact_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let x = Dense::new(x);
        let mut y = vec![0.0; x.f32().len()];
        gelu::gelu(&mut y, x.f32());
        tensor(y, x.shape())
    }

    fn exact_gelu_grad(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (grad, x) = (Dense::new(grad), Dense::new(x));
        let mut dx = vec![0.0; x.f32().len()];
        gelu::gelu_grad(&mut dx, grad.f32(), x.f32());
        tensor(dx, x.shape())
    }

    fn add_rms_norm(
        h: FloatTensor<Self>,
        m: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (h, m) = (Dense::new(h), Dense::new(m));
        let (width, n) = row_split(&h.shape());
        let mut y = vec![0.0; n * width];
        let mut inv = vec![0.0; n];
        elementwise::add_rms_norm(&mut y, &mut inv, h.f32(), m.f32(), width, eps);
        (tensor(y, h.shape()), tensor(inv, rows(&h.shape())))
    }

    fn add_rms_norm_grad(
        grad: FloatTensor<Self>,
        y: FloatTensor<Self>,
        inv_rms: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (grad, y, inv) = (Dense::new(grad), Dense::new(y), Dense::new(inv_rms));
        let (width, n) = row_split(&y.shape());
        let mut dx = vec![0.0; n * width];
        elementwise::add_rms_norm_grad(&mut dx, grad.f32(), y.f32(), inv.f32(), width);
        tensor(dx, y.shape())
    }

    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        let gate_up = Dense::new(gate_up);
        let (width, n) = row_split(&gate_up.shape());
        let mut y = vec![0.0; n * width / 2];
        elementwise::swiglu(&mut y, gate_up.f32(), width / 2);
        tensor(y, last_axis(&gate_up.shape(), width / 2))
    }

    fn swiglu_grad(grad: FloatTensor<Self>, gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        let (grad, gate_up) = (Dense::new(grad), Dense::new(gate_up));
        let (width, n) = row_split(&gate_up.shape());
        let mut dx = vec![0.0; n * width];
        elementwise::swiglu_grad(&mut dx, grad.f32(), gate_up.f32(), width / 2);
        tensor(dx, gate_up.shape())
    }

    fn self_attention(
        qkv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (qkv, rope) = (Dense::new(qkv), Dense::new(rope));
        let plan = attention::Plan::new(&qkv.shape(), &rope.shape(), heads, causal);
        let mut y = vec![0.0; plan.batch * plan.seq * plan.dim()];
        let mut lse = vec![0.0; plan.batch * heads * plan.seq];
        timed(Kind::Attention, || plan.forward(&mut y, &mut lse, qkv.f32(), rope.f32()));
        (
            tensor(y, last_axis(&qkv.shape(), plan.dim())),
            tensor(lse, Shape::new([plan.batch, heads, plan.seq])),
        )
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
        let [grad, qkv, rope, y, lse] = [grad, qkv, rope, y, lse].map(Dense::new);
        let plan = attention::Plan::new(&qkv.shape(), &rope.shape(), heads, causal);
        let mut dqkv = vec![0.0; plan.batch * plan.seq * 3 * plan.dim()];
        timed(Kind::Attention, || {
            plan.backward(
                &mut dqkv,
                &attention::Saved {
                    grad: grad.f32(),
                    qkv: qkv.f32(),
                    rope: rope.f32(),
                    y: y.f32(),
                    lse: lse.f32(),
                },
            );
        });
        tensor(dqkv, qkv.shape())
    }

    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let logits = Dense::new(logits);
        let (classes, n) = row_split(&logits.shape());
        let (mut loss, mut lse) = (vec![0.0; n], vec![0.0; n]);
        elementwise::cross_entropy(&mut loss, &mut lse, logits.f32(), &indices(targets), classes);
        (tensor(loss, Shape::new([n])), tensor(lse, Shape::new([n])))
    }

    fn cross_entropy_grad(
        grad: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        lse: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [grad, logits, lse] = [grad, logits, lse].map(Dense::new);
        let (classes, n) = row_split(&logits.shape());
        let mut dx = vec![0.0; n * classes];
        elementwise::cross_entropy_grad(
            &mut dx,
            grad.f32(),
            logits.f32(),
            &indices(targets),
            lse.f32(),
            classes,
        );
        tensor(dx, logits.shape())
    }
}

/// The AdamW update in one pass, in place where the buffers are not shared.
pub(crate) fn adamw<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    in_place(parameter, gradient, moments, scale, |p, g, m, v, scale| {
        optimizers::adamw(p, g, m, v, scale, step);
    })
}

/// The AdamATan2 update in one pass, likewise.
pub(crate) fn adam_atan2<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    in_place(parameter, gradient, moments, scale, |p, g, m, v, scale| {
        optimizers::adam_atan2(p, g, m, v, scale, step);
    })
}

fn in_place<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    (m, v): (Tensor<D>, Tensor<D>),
    scale: Tensor<1>,
    update: impl FnOnce(&mut [f32], &[f32], &mut [f32], &mut [f32], f32),
) -> (Tensor<D>, (Tensor<D>, Tensor<D>)) {
    let gradient = Dense::new(primitive(gradient));
    let scale = Dense::new(primitive(scale)).f32()[0];
    // `storage_mut` wants the whole buffer to be the tensor.
    let [mut p, mut m, mut v] = [parameter, m, v].map(|t| whole(primitive(t)));
    update(p.storage_mut(), gradient.f32(), m.storage_mut(), v.storage_mut(), scale);
    (
        Tensor::from_primitive::<Flex>(p),
        (Tensor::from_primitive::<Flex>(m), Tensor::from_primitive::<Flex>(v)),
    )
}

fn primitive<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    tensor.try_into_primitive::<Flex>().expect("an untracked tensor of the CPU")
}

fn whole(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous()
        && tensor.layout().start_offset() == 0
        && tensor.bytes().len() == tensor.shape().num_elements() * size_of::<f32>()
    {
        return tensor;
    }
    tensor.to_contiguous()
}
