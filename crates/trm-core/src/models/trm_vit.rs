//! The image classifier with two states (TRM-ViT).
//!
//! One network f refines two states over the patches of an image: N times the latent
//! one, `z = α·z + f(x + y + z)`, then the answer, `y = α·y + f(y + z)`. That is a cycle,
//! an outer step, of which T run. The class is read out of the first position of `y`,
//! which belongs to a learned class token.
//!
//! Unlike in the published code the states do not start at new noise in every call,
//! which made its evaluation unrepeatable: they start at two vectors drawn once from the
//! seed, at two that are learned, or at zero.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use trm_spec::{Mixing, TrmVitSpec};

use super::trm::DualState;
use crate::layers::{self, Affine, GatedBlock, GatedSpec, attention_by_block};
use crate::{Embedded, Init, Readout, Recursive};

/// TRM-ViT. Field names are the names of the weights in checkpoints.
#[derive(Module, Debug)]
pub struct TrmVit {
    /// Where the answer starts, `[dim]`.
    y_init: Option<Param<Tensor<1>>>,
    /// Where the latent state starts, `[dim]`.
    z_init: Option<Param<Tensor<1>>>,
    /// Share of the old state in the new one where it is learned, `[dim]`.
    alpha: Option<Param<Tensor<1>>>,
    /// From the features of a patch to the width of the states.
    patchifier: Affine,
    /// Stands before the patches, `[1, 1, dim]`.
    cls_token: Param<Tensor<3>>,
    blocks: Vec<GatedBlock>,
    lm_head: Affine,
    /// Rotary table, `[2, positions, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
    /// The share where it is fixed.
    #[module(skip)]
    fixed_alpha: f64,
    #[module(skip)]
    inner_steps: usize,
}

impl TrmVit {
    /// A model with fresh weights for `classes` classes.
    pub fn new(spec: &TrmVitSpec, classes: usize, init: &mut Init) -> Self {
        let dim = spec.hidden_size;
        let positions = spec.patches() + 1;
        let (mixing, rope) = match spec.mixing {
            Mixing::TokenMlp => (
                layers::Mixing::Positions { length: positions, inner: spec.inner_size(positions) },
                Tensor::zeros([2, 1, 1], init.device()),
            ),
            Mixing::Attention => (
                layers::Mixing::Attention { heads: spec.num_heads },
                trm_kernels::rope_table(positions, spec.head_dim(), spec.rope_theta, init.device()),
            ),
        };
        let block = GatedSpec {
            dim,
            inner: spec.inner_size(dim),
            mixing,
            residual: spec.residual,
            eps: spec.rms_norm_eps,
        };
        let patchifier = Affine::new(spec.patch_features(), dim, init);
        let cls_token = init.truncated_normal([1, 1, dim], 1.0);
        let blocks = (0..spec.n_layers).map(|_| GatedBlock::new(block, init)).collect();
        let lm_head = Affine::new(dim, classes, init);
        Self {
            y_init: init.state_start(spec.state_start, dim),
            z_init: init.state_start(spec.state_start, dim),
            alpha: spec.learnable_alpha.then(|| init.constant([dim], spec.alpha as f32)),
            patchifier,
            cls_token,
            blocks,
            lm_head,
            rope,
            fixed_alpha: spec.alpha,
            inner_steps: spec.inner_steps,
        }
    }

    /// The same model with `n` inner steps; it shares the weights.
    #[must_use]
    pub fn with_inner_steps(&self, n: usize) -> Self {
        Self { inner_steps: n, ..self.clone() }
    }

    /// The network f, `[batch, positions, dim] → [batch, positions, dim]`.
    pub fn network(&self, h: Tensor<3>) -> Tensor<3> {
        self.blocks.iter().fold(h, |h, block| block.forward(h, &self.rope))
    }

    /// `α·old + new`.
    fn step(&self, old: Tensor<3>, new: Tensor<3>) -> Tensor<3> {
        match &self.alpha {
            Some(alpha) => old * alpha.val().unsqueeze::<3>() + new,
            None if self.fixed_alpha == 0.0 => new,
            None => old.mul_scalar(self.fixed_alpha) + new,
        }
    }
}

impl Recursive for TrmVit {
    /// Features of each patch, `[batch, patches, features]`: its pixels in the order
    /// channel, row, column, or a frozen ViT's hidden state.
    type Input = Tensor<3>;
    type Context = Embedded;
    type State = DualState;

    fn encode(&self, features: &Self::Input) -> Embedded {
        let x = self.patchifier.forward(features.clone());
        let [batch, _, dim] = x.dims();
        let class = self.cls_token.val().expand([batch, 1, dim]);
        Embedded { x: Tensor::cat(vec![class, x], 1) }
    }

    fn start(&self, context: &Embedded) -> DualState {
        DualState::start(self.y_init.as_ref(), self.z_init.as_ref(), &context.x)
    }

    fn cycle(&self, context: &Embedded, state: DualState) -> DualState {
        let DualState { y, mut z } = state;
        let input = context.x.clone() + y.clone();
        for _ in 0..self.inner_steps {
            let new = self.network(input.clone() + z.clone());
            z = self.step(z, new);
        }
        let new = self.network(y.clone() + z.clone());
        DualState { y: self.step(y, new), z }
    }

    /// Logits of the class token, `[batch, 1, classes]`.
    fn read(&self, state: &DualState) -> Readout {
        let class = state.y.clone().narrow(1, 0, 1);
        Readout { logits: self.lm_head.forward(class), halt: None }
    }

    /// Of the first inner step.
    fn attend(&self, context: &Embedded, state: &DualState) -> Vec<Tensor<4>> {
        attention_by_block(
            &self.blocks,
            context.x.clone() + state.y.clone() + state.z.clone(),
            |block, h| block.self_attn.as_ref().map(|a| a.weights(h, &self.rope)),
            |block, h| block.forward(h, &self.rope),
        )
    }

    fn device(&self) -> Device {
        self.rope.device()
    }
}
