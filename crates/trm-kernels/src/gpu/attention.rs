//! Rotary self-attention without barriers: an invocation for each query, or for
//! each key in the second half of the backward pass. Scores are never stored;
//! the backward pass computes the probabilities again from the log-sum-exp.

use burn::backend::TensorMetadata;
use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;

use super::attention_kernels::{
    attention_kernel, grad_keys_kernel, grad_queries_kernel, rotate_kernel,
};
use super::launch::{Launch, buffer, dense, empty, grid, vector, with_last};

const UNITS: u32 = 32;

/// Sizes of one attention, checked.
struct Plan {
    batch: usize,
    seq: usize,
    heads: usize,
    head_dim: usize,
    /// Numbers per load.
    lanes: usize,
    /// Rows of the rope table.
    positions: usize,
}

impl Plan {
    fn new(qkv: &CubeTensor, rope: &CubeTensor, heads: usize) -> Self {
        let (shape, table) = (qkv.shape(), rope.shape());
        let (batch, seq, width) = (shape[0], shape[1], shape[2]);
        assert!(
            heads > 0 && width.is_multiple_of(6 * heads),
            "attention: width {width} is not three times {heads} heads of even size"
        );
        let head_dim = width / 3 / heads;
        assert!(
            table[1] >= seq && table[2] == head_dim / 2,
            "attention: rope table {table:?} does not cover {seq} positions of {head_dim}"
        );
        // Both halves of a head are rotated together, so they align alike.
        let lanes = vector(head_dim / 2);
        Self { batch, seq, heads, head_dim, lanes, positions: table[1] }
    }

    fn dim(&self) -> usize {
        self.heads * self.head_dim
    }

    fn head_lines(&self) -> usize {
        self.head_dim / self.lanes
    }

    /// An invocation for each position of each head.
    fn grid(&self, on: &CubeTensor) -> Launch {
        grid(on, self.batch * self.heads * self.seq, UNITS)
    }

    fn per_position(&self) -> Shape {
        Shape::new([self.batch, self.heads, self.seq])
    }

    /// Queries, scaled by `1/√head_dim`, and keys, both rotated, and values:
    /// `[batch, seq, q | k | v]`.
    fn rotated(&self, qkv: &CubeTensor, rope: &CubeTensor) -> CubeTensor {
        let out = empty(qkv, qkv.shape());
        // Two numbers of a head at a time, half a head apart.
        let total = self.batch * self.seq * 3 * self.dim() / 2 / self.lanes;
        let Launch { client, count, dim } = grid(qkv, total, UNITS);
        // SAFETY: positions past the last return before they read or write.
        unsafe {
            rotate_kernel::launch_unchecked(
                &client,
                count,
                dim,
                self.lanes,
                buffer(qkv),
                buffer(rope),
                buffer(&out),
                total as u32,
                self.seq as u32,
                self.positions as u32,
                self.heads as u32,
                1.0 / (self.head_dim as f32).sqrt(),
                self.head_lines(),
            );
        }
        out
    }
}

/// See [`crate::FusedOps::self_attention`].
pub fn forward(
    qkv: CubeTensor,
    rope: CubeTensor,
    heads: usize,
    causal: bool,
) -> (CubeTensor, CubeTensor) {
    let (qkv, rope) = (dense(qkv), dense(rope));
    let plan = Plan::new(&qkv, &rope, heads);
    let rotated = plan.rotated(&qkv, &rope);
    let y = empty(&qkv, with_last(&qkv, plan.dim()));
    let lse = empty(&qkv, plan.per_position());
    let Launch { client, count, dim } = plan.grid(&qkv);
    // SAFETY: positions past the last return before they read or write.
    unsafe {
        attention_kernel::launch_unchecked(
            &client,
            count,
            dim,
            plan.lanes,
            buffer(&rotated),
            buffer(&y),
            buffer(&lse),
            plan.batch as u32,
            plan.seq as u32,
            heads as u32,
            plan.head_lines(),
            causal,
        );
    }
    (y, lse)
}

/// See [`crate::FusedOps::attention_grad`].
pub fn backward(
    grad: CubeTensor,
    qkv: CubeTensor,
    rope: CubeTensor,
    y: CubeTensor,
    lse: CubeTensor,
    heads: usize,
    causal: bool,
) -> CubeTensor {
    let [grad, qkv, rope, y, lse] = [grad, qkv, rope, y, lse].map(dense);
    let plan = Plan::new(&qkv, &rope, heads);
    let rotated = plan.rotated(&qkv, &rope);
    let dqkv = empty(&qkv, qkv.shape());
    let along = empty(&qkv, plan.per_position());
    let Launch { client, count, dim } = plan.grid(&qkv);
    // SAFETY: positions past the last return before they read or write.
    unsafe {
        grad_queries_kernel::launch_unchecked(
            &client,
            count.clone(),
            dim,
            plan.lanes,
            buffer(&rotated),
            buffer(&grad),
            buffer(&y),
            buffer(&lse),
            buffer(&rope),
            buffer(&dqkv),
            buffer(&along),
            plan.batch as u32,
            plan.seq as u32,
            heads as u32,
            plan.positions as u32,
            1.0 / (plan.head_dim as f32).sqrt(),
            plan.head_lines(),
            causal,
        );
        grad_keys_kernel::launch_unchecked(
            &client,
            count,
            dim,
            plan.lanes,
            buffer(&rotated),
            buffer(&grad),
            buffer(&lse),
            buffer(&along),
            buffer(&rope),
            buffer(&dqkv),
            plan.batch as u32,
            plan.seq as u32,
            heads as u32,
            plan.positions as u32,
            plan.head_lines(),
            causal,
        );
    }
    dqkv
}
