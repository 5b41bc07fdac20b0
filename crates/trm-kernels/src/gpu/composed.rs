//! Every fused operation from the backend's own primitive ones.

use burn::backend::TensorMetadata;
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::tensor::{FloatDType, IndexingUpdateOp, Shape, Slice, TensorData};
use burn_cubecl::CubeBackend as B;
use burn_cubecl::tensor::CubeTensor;

use crate::ops::rows;

/// Elements in the last axis and rows before it.
fn row_split(shape: &Shape) -> (usize, usize) {
    let width = shape[shape.num_dims() - 1];
    (width, shape.num_elements() / width.max(1))
}

fn with_last(shape: &Shape, width: usize) -> Shape {
    let mut shape = shape.clone();
    let last = shape.num_dims() - 1;
    shape[last] = width;
    shape
}

fn flat(x: CubeTensor) -> CubeTensor {
    let (width, n) = row_split(&x.shape());
    B::float_reshape(x, Shape::new([n, width]))
}

fn slice(x: CubeTensor, axis: usize, from: usize, to: usize) -> CubeTensor {
    let shape = x.shape();
    let slices: Vec<Slice> = (0..shape.num_dims())
        .map(|i| if i == axis { Slice::from(from..to) } else { Slice::from(0..shape[i]) })
        .collect();
    B::float_slice(x, &slices)
}

fn expand(x: CubeTensor, shape: &Shape) -> CubeTensor {
    B::float_expand(x, shape.clone())
}

pub fn linear_map(x: CubeTensor, w: CubeTensor) -> CubeTensor {
    let shape = with_last(&x.shape(), w.shape()[0]);
    B::float_reshape(B::float_matmul(flat(x), B::float_transpose(w)), shape)
}

pub fn linear_grad_x(grad: CubeTensor, w: CubeTensor) -> CubeTensor {
    let shape = with_last(&grad.shape(), w.shape()[1]);
    B::float_reshape(B::float_matmul(flat(grad), w), shape)
}

pub fn linear_grad_w(grad: CubeTensor, x: CubeTensor) -> CubeTensor {
    B::float_matmul(B::float_transpose(flat(grad)), flat(x))
}

pub fn add_rms_norm(h: CubeTensor, m: CubeTensor, eps: f32) -> (CubeTensor, CubeTensor) {
    let shape = h.shape();
    let sum = flat(B::float_add(h, m));
    let square = B::float_mean_dim(B::float_mul(sum.clone(), sum.clone()), 1);
    let inv = B::float_recip(B::float_sqrt(B::float_add_scalar(square, eps.into())));
    let y = B::float_mul(sum.clone(), expand(inv.clone(), &sum.shape()));
    let inv = B::float_reshape(inv, rows(&shape));
    (B::float_reshape(y, shape), inv)
}

pub fn add_rms_norm_grad(grad: CubeTensor, y: CubeTensor, inv_rms: CubeTensor) -> CubeTensor {
    let shape = y.shape();
    let (grad, y) = (flat(grad), flat(y));
    let (_, n) = row_split(&shape);
    let mean = B::float_mean_dim(B::float_mul(grad.clone(), y.clone()), 1);
    let along = B::float_mul(y.clone(), expand(mean, &y.shape()));
    let inv = expand(B::float_reshape(inv_rms, Shape::new([n, 1])), &y.shape());
    B::float_reshape(B::float_mul(B::float_sub(grad, along), inv), shape)
}

fn sigmoid(x: CubeTensor) -> CubeTensor {
    B::float_recip(B::float_add_scalar(B::float_exp(B::float_neg(x)), 1.0.into()))
}

pub fn swiglu(gate_up: CubeTensor) -> CubeTensor {
    let shape = gate_up.shape();
    let (width, _) = row_split(&shape);
    let x = flat(gate_up);
    let (gate, up) = (slice(x.clone(), 1, 0, width / 2), slice(x, 1, width / 2, width));
    let silu = B::float_mul(gate.clone(), sigmoid(gate));
    B::float_reshape(B::float_mul(silu, up), with_last(&shape, width / 2))
}

pub fn swiglu_grad(grad: CubeTensor, gate_up: CubeTensor) -> CubeTensor {
    let shape = gate_up.shape();
    let (width, _) = row_split(&shape);
    let (grad, x) = (flat(grad), flat(gate_up));
    let (gate, up) = (slice(x.clone(), 1, 0, width / 2), slice(x, 1, width / 2, width));
    let s = sigmoid(gate.clone());
    let silu = B::float_mul(gate.clone(), s.clone());
    let d_up = B::float_mul(grad.clone(), silu.clone());
    // s + silu · (1 − s)
    let slope = B::float_sub(B::float_add(s.clone(), silu.clone()), B::float_mul(silu, s));
    let d_gate = B::float_mul(B::float_mul(grad, up), slope);
    B::float_reshape(B::float_cat(vec![d_gate, d_up], 1), shape)
}

struct Heads {
    batch: usize,
    seq: usize,
    heads: usize,
    head_dim: usize,
}

impl Heads {
    fn new(qkv: &CubeTensor, heads: usize) -> Self {
        let shape = qkv.shape();
        Self { batch: shape[0], seq: shape[1], heads, head_dim: shape[2] / 3 / heads }
    }

    fn split(&self, x: CubeTensor) -> CubeTensor {
        let shape = Shape::new([self.batch, self.seq, self.heads, self.head_dim]);
        B::float_swap_dims(B::float_reshape(x, shape), 1, 2)
    }

    fn merge(&self, x: CubeTensor) -> CubeTensor {
        let shape = Shape::new([self.batch, self.seq, self.heads * self.head_dim]);
        B::float_reshape(B::float_swap_dims(x, 1, 2), shape)
    }

    /// Rotates forward, or back for a gradient.
    fn rotate(&self, x: CubeTensor, rope: &CubeTensor, back: bool) -> CubeTensor {
        let half = self.head_dim / 2;
        let wave = |i: usize| {
            let wave = slice(slice(rope.clone(), 0, i, i + 1), 1, 0, self.seq);
            let wave = B::float_reshape(wave, Shape::new([1, 1, self.seq, half]));
            expand(wave, &Shape::new([self.batch, self.heads, self.seq, half]))
        };
        let (cos, mut sin) = (wave(0), wave(1));
        if back {
            sin = B::float_neg(sin);
        }
        let (a, b) = (slice(x.clone(), 3, 0, half), slice(x, 3, half, 2 * half));
        let first = B::float_sub(
            B::float_mul(a.clone(), cos.clone()),
            B::float_mul(b.clone(), sin.clone()),
        );
        let second = B::float_add(B::float_mul(b, cos), B::float_mul(a, sin));
        B::float_cat(vec![first, second], 3)
    }

    fn parts(&self, qkv: CubeTensor, rope: &CubeTensor) -> [CubeTensor; 3] {
        let dim = self.heads * self.head_dim;
        let part = |i: usize| self.split(slice(qkv.clone(), 2, i * dim, (i + 1) * dim));
        [self.rotate(part(0), rope, false), self.rotate(part(1), rope, false), part(2)]
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    fn scores(&self, q: CubeTensor, k: CubeTensor, causal: bool) -> CubeTensor {
        let device = q.device();
        let scores = B::float_matmul(q, B::float_swap_dims(k, 2, 3));
        let scores = B::float_mul_scalar(scores, self.scale().into());
        if !causal {
            return scores;
        }
        let seq = self.seq;
        let hidden: Vec<f32> =
            (0..seq * seq).map(|i| if i % seq > i / seq { -1e30 } else { 0.0 }).collect();
        let hidden =
            B::float_from_data(TensorData::new(hidden, [1, 1, seq, seq]), &device);
        let shape = scores.shape();
        B::float_add(scores, expand(hidden, &shape))
    }
}

fn log_sum_exp(x: CubeTensor, axis: usize) -> CubeTensor {
    let shape = x.shape();
    let top = B::float_max_dim(x.clone(), axis);
    let shifted = B::float_sub(x, expand(top.clone(), &shape));
    B::float_add(top, B::float_log(B::float_sum_dim(B::float_exp(shifted), axis)))
}

pub fn self_attention(
    qkv: CubeTensor,
    rope: CubeTensor,
    heads: usize,
    causal: bool,
) -> (CubeTensor, CubeTensor) {
    let plan = Heads::new(&qkv, heads);
    let [q, k, v] = plan.parts(qkv, &rope);
    let scores = plan.scores(q, k, causal);
    let shape = scores.shape();
    let lse = log_sum_exp(scores.clone(), 3);
    let p = B::float_exp(B::float_sub(scores, expand(lse.clone(), &shape)));
    let y = plan.merge(B::float_matmul(p, v));
    (y, B::float_reshape(lse, Shape::new([plan.batch, heads, plan.seq])))
}

pub fn attention_grad(
    grad: CubeTensor,
    qkv: CubeTensor,
    rope: CubeTensor,
    y: CubeTensor,
    lse: CubeTensor,
    heads: usize,
    causal: bool,
) -> CubeTensor {
    let plan = Heads::new(&qkv, heads);
    let [q, k, v] = plan.parts(qkv, &rope);
    let (grad, y) = (plan.split(grad), plan.split(y));
    let scores = plan.scores(q.clone(), k.clone(), causal);
    let shape = scores.shape();
    let lse = B::float_reshape(lse, Shape::new([plan.batch, heads, plan.seq, 1]));
    let p = B::float_exp(B::float_sub(scores, expand(lse, &shape)));
    let dv = B::float_matmul(B::float_swap_dims(p.clone(), 2, 3), grad.clone());
    let dp = B::float_matmul(grad.clone(), B::float_swap_dims(v, 2, 3));
    let delta = B::float_sum_dim(B::float_mul(grad, y), 3);
    let ds = B::float_mul(p, B::float_sub(dp, expand(delta, &shape)));
    let ds = B::float_mul_scalar(ds, plan.scale().into());
    let dq = plan.rotate(B::float_matmul(ds.clone(), k), &rope, true);
    let dk = plan.rotate(B::float_matmul(B::float_swap_dims(ds, 2, 3), q), &rope, true);
    B::float_cat([dq, dk, dv].map(|d| plan.merge(d)).to_vec(), 2)
}

/// One where a row counts, zero where it is ignored.
fn counted(targets: &CubeTensor) -> CubeTensor {
    let targets = B::int_into_float(targets.clone(), FloatDType::F32);
    B::float_clamp(B::float_add_scalar(targets, 1.0.into()), 0.0.into(), 1.0.into())
}

fn index(targets: CubeTensor) -> CubeTensor {
    let n = targets.shape()[0];
    B::int_reshape(B::int_clamp_min(targets, 0.into()), Shape::new([n, 1]))
}

pub fn cross_entropy(logits: CubeTensor, targets: CubeTensor) -> (CubeTensor, CubeTensor) {
    let n = logits.shape()[0];
    let lse = B::float_reshape(log_sum_exp(logits.clone(), 1), Shape::new([n]));
    let valid = counted(&targets);
    let picked = B::float_reshape(B::float_gather(1, logits, index(targets)), Shape::new([n]));
    (B::float_mul(B::float_sub(lse.clone(), picked), valid), lse)
}

pub fn cross_entropy_grad(
    grad: CubeTensor,
    logits: CubeTensor,
    targets: CubeTensor,
    lse: CubeTensor,
) -> CubeTensor {
    let shape = logits.shape();
    let column = Shape::new([shape[0], 1]);
    let grad = B::float_reshape(B::float_mul(grad, counted(&targets)), column.clone());
    let lse = expand(B::float_reshape(lse, column), &shape);
    let p = B::float_exp(B::float_sub(logits, lse));
    let p = B::float_mul(p, expand(grad.clone(), &shape));
    B::float_scatter(1, p, index(targets), B::float_neg(grad), IndexingUpdateOp::Add)
}
