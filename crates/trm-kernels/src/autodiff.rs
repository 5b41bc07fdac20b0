//! How gradients flow through the fused operations.

use burn::backend::AutodiffBackend;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

use crate::FusedOps;

/// A node whose gradient formula is `$grad(output gradient, state)`, with one
/// result per parent.
macro_rules! backward {
    ($name:ident<$parents:literal>, $state:ty, |$g:ident, $s:pat_param| $grads:expr) => {
        #[derive(Debug)]
        struct $name;
        impl<B: FusedOps> Backward<B, $parents> for $name {
            type State = $state;

            fn backward(
                self,
                ops: Ops<Self::State, $parents>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let $g = grads.consume::<B>(&ops.node);
                let $s = ops.state;
                for (parent, grad) in ops.parents.into_iter().zip($grads) {
                    if let Some(parent) = parent {
                        grads.register::<B>(parent.id, grad);
                    }
                }
            }
        }
    };
}

backward!(AddRmsNorm<2>, (FloatTensor<B>, FloatTensor<B>), |grad, (y, inv_rms)| {
    let grad = B::add_rms_norm_grad(grad, y, inv_rms);
    [grad.clone(), grad]
});
backward!(LayerNorm<3>, (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>), |grad, (x, w, stats)| {
    [
        B::layer_norm_grad_x(grad.clone(), x.clone(), w, stats.clone()),
        B::layer_norm_grad_w(grad.clone(), x, stats),
        B::affine_grad_b(grad),
    ]
});
backward!(Gelu<1>, FloatTensor<B>, |grad, x| [B::exact_gelu_grad(grad, x)]);
backward!(Swiglu<1>, FloatTensor<B>, |grad, gate_up| [B::swiglu_grad(grad, gate_up)]);
backward!(
    Attention<1>,
    (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>, FloatTensor<B>, usize, bool),
    |grad, (qkv, rope, y, lse, heads, causal)| {
        [B::attention_grad(grad, qkv, rope, y, lse, heads, causal)]
    }
);
backward!(CrossEntropy<1>, (FloatTensor<B>, IntTensor<B>, FloatTensor<B>), |grad,
                                                                            (
    logits,
    targets,
    lse,
)| [
    B::cross_entropy_grad(grad, logits, targets, lse)
]);

/// Not through [`backward!`]: either gradient is a matrix product, and is only
/// computed for a parent that wants it.
#[derive(Debug)]
struct Linear;
impl<B: FusedOps> Backward<B, 2> for Linear {
    type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let [x_parent, w_parent] = ops.parents;
        let (x, w) = ops.state;
        if let (Some(parent), Some(x)) = (w_parent, x) {
            grads.register::<B>(parent.id, B::linear_grad_w(grad.clone(), x));
        }
        if let (Some(parent), Some(w)) = (x_parent, w) {
            grads.register::<B>(parent.id, B::linear_grad_x(grad, w));
        }
    }
}

/// A node with the gradients of an affine map, `$grad_x(grad, w)`, `$grad_w(grad, x)` and
/// `$grad_b(grad)`; each is only computed for a parent that wants it.
macro_rules! affine {
    ($name:ident, $grad_x:ident, $grad_w:ident, $grad_b:ident) => {
        #[derive(Debug)]
        struct $name;
        impl<B: FusedOps> Backward<B, 3> for $name {
            type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let [x_parent, w_parent, b_parent] = ops.parents;
                let (x, w) = ops.state;
                if let Some(parent) = b_parent {
                    grads.register::<B>(parent.id, B::$grad_b(grad.clone()));
                }
                if let (Some(parent), Some(x)) = (w_parent, x) {
                    grads.register::<B>(parent.id, B::$grad_w(grad.clone(), x));
                }
                if let (Some(parent), Some(w)) = (x_parent, w) {
                    grads.register::<B>(parent.id, B::$grad_x(grad, w));
                }
            }
        }

        impl $name {
            /// The map `forward`, on the tape.
            fn record<B: FusedOps, C: CheckpointStrategy>(
                self,
                [x, w, b]: [FloatTensor<Autodiff<B, C>>; 3],
                forward: fn(FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
            ) -> FloatTensor<Autodiff<B, C>> {
                let (x_tracked, w_tracked) = (x.is_tracked(), w.is_tracked());
                let prep =
                    self.prepare::<C>([x.node(), w.node(), b.node()]).compute_bound().stateful();
                let [x, w, b] = [x, w, b].map(|tensor| tensor.into_primitive());
                let y = forward(x.clone(), w.clone(), b);
                match prep {
                    OpsKind::Tracked(prep) => {
                        prep.finish((w_tracked.then_some(x), x_tracked.then_some(w)), y)
                    }
                    OpsKind::UnTracked(prep) => prep.finish(y),
                }
            }
        }
    };
}

affine!(Affine, linear_grad_x, linear_grad_w, affine_grad_b);
affine!(Positions, positions_grad_x, positions_grad_w, positions_grad_b);

/// A tensor that no gradient flows into.
fn constant<B: FusedOps, C: CheckpointStrategy>(
    tensor: FloatTensor<B>,
) -> FloatTensor<Autodiff<B, C>> {
    <Autodiff<B, C> as AutodiffBackend>::from_inner(tensor)
}

impl<B: FusedOps, C: CheckpointStrategy> FusedOps for Autodiff<B, C> {
    fn linear_map(x: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x_tracked, w_tracked) = (x.is_tracked(), w.is_tracked());
        let prep = Linear.prepare::<C>([x.node(), w.node()]).compute_bound().stateful();
        let (x, w) = (x.into_primitive(), w.into_primitive());
        let y = B::linear_map(x.clone(), w.clone());
        match prep {
            OpsKind::Tracked(prep) => {
                prep.finish((w_tracked.then_some(x), x_tracked.then_some(w)), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn affine_map(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Affine.record::<B, C>([x, w, b], B::affine_map)
    }

    fn positions_map(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Positions.record::<B, C>([x, w, b], B::positions_map)
    }

    fn learned_layer_norm(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), w.node(), b.node()];
        let prep = LayerNorm.prepare::<C>(nodes).compute_bound().stateful();
        let [x, w, b] = [x, w, b].map(|tensor| tensor.into_primitive());
        let (y, stats) = B::learned_layer_norm(x.clone(), w.clone(), b, eps);
        let out = match prep {
            OpsKind::Tracked(prep) => prep.finish((x, w, stats.clone()), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (out, constant::<B, C>(stats))
    }

    fn exact_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let prep = Gelu.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = x.into_primitive();
        match prep {
            OpsKind::Tracked(prep) => {
                let y = B::exact_gelu(x.clone());
                prep.finish(x, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::exact_gelu(x)),
        }
    }

    fn add_rms_norm(
        h: FloatTensor<Self>,
        m: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let prep = AddRmsNorm.prepare::<C>([h.node(), m.node()]).compute_bound().stateful();
        let (y, inv_rms) = B::add_rms_norm(h.into_primitive(), m.into_primitive(), eps);
        let out = match prep {
            OpsKind::Tracked(prep) => prep.finish((y.clone(), inv_rms.clone()), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (out, constant::<B, C>(inv_rms))
    }

    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        let prep = Swiglu.prepare::<C>([gate_up.node()]).compute_bound().stateful();
        let gate_up = gate_up.into_primitive();
        match prep {
            OpsKind::Tracked(prep) => {
                let y = B::swiglu(gate_up.clone());
                prep.finish(gate_up, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::swiglu(gate_up)),
        }
    }

    fn self_attention(
        qkv: FloatTensor<Self>,
        rope: FloatTensor<Self>,
        heads: usize,
        causal: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let prep = Attention.prepare::<C>([qkv.node()]).compute_bound().stateful();
        let (qkv, rope) = (qkv.into_primitive(), rope.into_primitive());
        let (y, lse) = B::self_attention(qkv.clone(), rope.clone(), heads, causal);
        let out = match prep {
            OpsKind::Tracked(prep) => {
                prep.finish((qkv, rope, y.clone(), lse.clone(), heads, causal), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (out, constant::<B, C>(lse))
    }

    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let prep = CrossEntropy.prepare::<C>([logits.node()]).compute_bound().stateful();
        let logits = logits.into_primitive();
        let (loss, lse) = B::cross_entropy(logits.clone(), targets.clone());
        let out = match prep {
            OpsKind::Tracked(prep) => prep.finish((logits, targets, lse.clone()), loss),
            OpsKind::UnTracked(prep) => prep.finish(loss),
        };
        (out, constant::<B, C>(lse))
    }

    fn linear_grad_x(grad: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        constant::<B, C>(B::linear_grad_x(grad.into_primitive(), w.into_primitive()))
    }

    fn linear_grad_w(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        constant::<B, C>(B::linear_grad_w(grad.into_primitive(), x.into_primitive()))
    }

    fn add_rms_norm_grad(
        grad: FloatTensor<Self>,
        y: FloatTensor<Self>,
        inv_rms: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        constant::<B, C>(B::add_rms_norm_grad(
            grad.into_primitive(),
            y.into_primitive(),
            inv_rms.into_primitive(),
        ))
    }

    fn swiglu_grad(grad: FloatTensor<Self>, gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        constant::<B, C>(B::swiglu_grad(grad.into_primitive(), gate_up.into_primitive()))
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
        constant::<B, C>(B::attention_grad(
            grad.into_primitive(),
            qkv.into_primitive(),
            rope.into_primitive(),
            y.into_primitive(),
            lse.into_primitive(),
            heads,
            causal,
        ))
    }

    fn cross_entropy_grad(
        grad: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        lse: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        constant::<B, C>(B::cross_entropy_grad(
            grad.into_primitive(),
            logits.into_primitive(),
            targets,
            lse.into_primitive(),
        ))
    }

    fn affine_grad_b(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        constant::<B, C>(B::affine_grad_b(grad.into_primitive()))
    }

    fn positions_grad_x(grad: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        constant::<B, C>(B::positions_grad_x(grad.into_primitive(), w.into_primitive()))
    }

    fn positions_grad_w(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        constant::<B, C>(B::positions_grad_w(grad.into_primitive(), x.into_primitive()))
    }

    fn positions_grad_b(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        constant::<B, C>(B::positions_grad_b(grad.into_primitive()))
    }

    fn layer_norm_grad_x(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        stats: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [grad, x, w, stats] = [grad, x, w, stats].map(|tensor| tensor.into_primitive());
        constant::<B, C>(B::layer_norm_grad_x(grad, x, w, stats))
    }

    fn layer_norm_grad_w(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        stats: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [grad, x, stats] = [grad, x, stats].map(|tensor| tensor.into_primitive());
        constant::<B, C>(B::layer_norm_grad_w(grad, x, stats))
    }

    fn exact_gelu_grad(grad: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        constant::<B, C>(B::exact_gelu_grad(grad.into_primitive(), x.into_primitive()))
    }
}
