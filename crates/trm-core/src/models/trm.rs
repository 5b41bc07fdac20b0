//! The dual-state puzzle solver (TRM, arXiv 2510.04871).
//!
//! One network f refines two states in turn: n times the latent one,
//! `z = f(z + (y + x))`, then the answer, `y = f(y + z)`. That is a cycle; a
//! supervision step runs T of them with an [`Engine`](crate::Engine), and the
//! next step goes on from where it ended. The answer is read out of `y`, and
//! from its first position whether it is worth going on.
//!
//! Not in here: when a puzzle is done, and how the halting logit is used.

#![expect(non_snake_case, reason = "the names of the published weights")]

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use trm_spec::{Positions, TrmSpec};

use crate::layers::{Affine, Embedding, Linear, Mixing, MixingBlock, attention_by_block};
use crate::{Embedded, Init, Readout, Recursive, State};

/// TRM. Field names are the names of its published weights.
#[derive(Module, Debug)]
pub struct Trm {
    /// Where the answer starts, `[dim]`; not trained.
    H_init: Option<Param<Tensor<1>>>,
    /// Where the latent state starts, `[dim]`; not trained.
    L_init: Option<Param<Tensor<1>>>,
    embed_tokens: Embedding,
    embed_pos: Option<Embedding>,
    puzzle_emb: Option<PuzzleEmbedding>,
    L_level: Level,
    lm_head: Linear,
    /// Logits of halting and of going on.
    q_head: Affine,
    /// Rotary table, `[2, positions, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
    /// Positions before the cells.
    #[module(skip)]
    prefix: usize,
    #[module(skip)]
    l_cycles: usize,
}

/// The blocks of the shared network.
#[derive(Module, Debug)]
pub struct Level {
    layers: Vec<MixingBlock>,
}

/// A row of numbers for every puzzle, trained by sign descent and not by the
/// gradient tape.
#[derive(Module, Debug)]
pub struct PuzzleEmbedding {
    /// `[puzzles, ndim]`.
    pub weights: Param<Tensor<2>>,
}

/// The input of a puzzle solver.
#[derive(Clone, Debug)]
pub struct PuzzleInput {
    /// `[batch, seq]`.
    pub tokens: Tensor<2, Int>,
    /// Rows of the puzzle embedding, `[batch, ndim]`, where there is one.
    pub embedding: Option<Tensor<2>>,
}

/// The two states, `[batch, positions, dim]` each.
#[derive(Clone, Debug)]
pub struct DualState {
    /// The answer (`z_H`).
    pub y: Tensor<3>,
    /// The latent state (`z_L`).
    pub z: Tensor<3>,
}

impl DualState {
    /// The vectors `y` and `z` `[dim]` at every position of `x`, or zero.
    pub(super) fn start(
        y: Option<&Param<Tensor<1>>>,
        z: Option<&Param<Tensor<1>>>,
        x: &Tensor<3>,
    ) -> Self {
        let dims = x.dims();
        let spread = |from: Option<&Param<Tensor<1>>>| match from {
            None => Tensor::zeros(dims, &x.device()),
            Some(vector) => vector.val().reshape([1, 1, dims[2]]).expand(dims),
        };
        Self { y: spread(y), z: spread(z) }
    }
}

impl State for DualState {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        Self { y: change(self.y), z: change(self.z) }
    }

    fn answer(&self) -> &Tensor<3> {
        &self.y
    }
}

/// Keeps the variance of a sum of two embeddings; in f32 the original's number.
const HALF_VARIANCE: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Where the halting head starts: a model that knows nothing does not halt.
const Q_START: f32 = -5.0;

impl Trm {
    /// A model with fresh weights for `vocab` tokens.
    pub fn new(spec: &TrmSpec, vocab: usize, init: &mut Init) -> Self {
        let dim = spec.hidden_size;
        let positions = spec.positions();
        let mixing = if spec.mlp_t {
            Mixing::Positions { length: positions, inner: spec.mixer_size() }
        } else {
            Mixing::Attention { heads: spec.num_heads }
        };
        let inner = spec.inner_size();
        let eps = spec.rms_norm_eps;
        let embed_tokens = Embedding::new(vocab, dim, init);
        let lm_head = Linear::new(dim, vocab, init);
        let embed_pos = (spec.pos_encodings == Positions::Learned)
            .then(|| Embedding::new(positions, dim, init));
        let layers =
            (0..spec.n_layers).map(|_| MixingBlock::new(dim, mixing, inner, eps, init)).collect();
        Self {
            H_init: init.state_start(spec.state_start, dim),
            L_init: init.state_start(spec.state_start, dim),
            embed_tokens,
            embed_pos,
            puzzle_emb: (spec.prefix() > 0).then(|| PuzzleEmbedding {
                weights: init
                    .constant([spec.num_puzzle_identifiers, spec.puzzle_emb_ndim], 0.0)
                    .set_require_grad(false),
            }),
            L_level: Level { layers },
            lm_head,
            q_head: Affine::constant(dim, 2, Q_START, init),
            rope: rope(spec, positions, init.device()),
            prefix: spec.prefix(),
            l_cycles: spec.l_cycles,
        }
    }

    /// The embedding's rows of puzzles `[batch]`, off the tape.
    pub fn embedding(&self, puzzles: Tensor<1, Int>) -> Option<Tensor<2>> {
        Some(self.puzzle_emb.as_ref()?.weights.val().detach().select(0, puzzles))
    }

    /// The table of all puzzles, `[puzzles, ndim]`.
    pub fn puzzles(&self) -> Option<&Param<Tensor<2>>> {
        Some(&self.puzzle_emb.as_ref()?.weights)
    }

    /// The same model with another table of puzzles.
    pub fn with_puzzles(mut self, change: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Self {
        if let Some(embedding) = self.puzzle_emb.take() {
            self.puzzle_emb = Some(PuzzleEmbedding { weights: embedding.weights.map(change) });
        }
        self
    }

    /// Logits of halting and of going on, `[batch, 2]`.
    pub fn halting(&self, state: &DualState) -> Tensor<2> {
        let [batch, _, dim] = state.y.dims();
        self.q_head.forward(state.y.clone().narrow(1, 0, 1).reshape([batch, dim]))
    }

    /// The shared network, `[batch, positions, dim] → [batch, positions, dim]`.
    pub fn network(&self, h: Tensor<3>) -> Tensor<3> {
        self.L_level.layers.iter().fold(h, |h, block| block.forward(h, &self.rope))
    }

    /// The first block alone.
    pub fn first_block(&self, h: Tensor<3>) -> Tensor<3> {
        self.L_level.layers.iter().take(1).fold(h, |h, block| block.forward(h, &self.rope))
    }
}

/// The rotary table; one that turns nothing where positions come otherwise.
fn rope(spec: &TrmSpec, positions: usize, device: &Device) -> Tensor<3> {
    if spec.mlp_t {
        return Tensor::zeros([2, 1, 1], device);
    }
    match spec.pos_encodings {
        Positions::Rope => {
            trm_kernels::rope_table(positions, spec.head_dim(), spec.rope_theta, device)
        }
        Positions::Learned | Positions::None => {
            trm_kernels::unrotated_table(positions, spec.head_dim(), device)
        }
    }
}

impl Recursive for Trm {
    type Input = PuzzleInput;
    type Context = Embedded;
    type State = DualState;

    fn encode(&self, input: &PuzzleInput) -> Embedded {
        let mut x = self.embed_tokens.forward(input.tokens.clone());
        let [batch, _, dim] = x.dims();
        if let Some(rows) = &input.embedding {
            let [_, ndim] = rows.dims();
            let width = self.prefix * dim;
            let mut rows = rows.clone().mul_scalar((dim as f64).sqrt());
            if width > ndim {
                let rest = Tensor::zeros([batch, width - ndim], &rows.device());
                rows = Tensor::cat(vec![rows, rest], 1);
            }
            x = Tensor::cat(vec![rows.reshape([batch, self.prefix, dim]), x], 1);
        }
        if let Some(positions) = &self.embed_pos {
            let learned = positions.all().unsqueeze::<3>();
            x = (x + learned).mul_scalar(HALF_VARIANCE);
        }
        Embedded { x }
    }

    fn start(&self, context: &Embedded) -> DualState {
        DualState::start(self.H_init.as_ref(), self.L_init.as_ref(), &context.x)
    }

    fn cycle(&self, context: &Embedded, state: DualState) -> DualState {
        let DualState { y, mut z } = state;
        let input = y.clone() + context.x.clone();
        for _ in 0..self.l_cycles {
            z = self.network(z + input.clone());
        }
        DualState { y: self.network(y + z.clone()), z }
    }

    fn read(&self, state: &DualState) -> Readout {
        let [batch, positions, _] = state.y.dims();
        let cells = state.y.clone().narrow(1, self.prefix, positions - self.prefix);
        Readout {
            logits: self.lm_head.forward(cells),
            halt: Some(self.halting(state).narrow(1, 0, 1).reshape([batch])),
        }
    }

    /// Of the first latent step.
    fn attend(&self, context: &Embedded, state: &DualState) -> Vec<Tensor<4>> {
        let h = state.z.clone() + (state.y.clone() + context.x.clone());
        attention_by_block(
            &self.L_level.layers,
            h,
            |block, h| block.self_attn.as_ref().map(|a| a.weights(h, &self.rope)),
            |block, h| block.forward(h, &self.rope),
        )
    }

    fn device(&self) -> Device {
        self.rope.device()
    }
}
