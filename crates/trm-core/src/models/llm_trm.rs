//! A recursive model on the latents of a frozen language model (LLM-TRM).
//!
//! The lower layers of a frozen decoder, its trunk, read a question. At the token `<think>`
//! their states are compressed into a few latents, which a network with an answer state y
//! and a latent state z refines. The answer state becomes soft states that stand between
//! the newest tokens of the question and `<think>`; the upper layers of the decoder, with
//! adapters, read them and write the answer.
//!
//! In the published code (LLM-TRM) no gradient reaches the recursion and no answer depends
//! on it. Here every answer position attends to the soft states.

mod compressor;
mod frozen;
mod rows;
mod writing;

use std::rc::Rc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use trm_spec::LlmTrmSpec;

pub use frozen::{FrozenDecoder, Measured, Spread, TrunkLayers};
pub use rows::QuestionRows;
pub use writing::{AnswerCache, TrunkCache};

use self::compressor::Compressor;
use crate::layers::{
    Adapters, Affine, AttentionLora, Block, BlockSpec, KeyValues, Linear, LoraSpec, Placement,
};
use crate::{Context, Init, Readout, Recursive, State};

/// LLM-TRM. Field names are the names of the weights in checkpoints; the frozen decoder is
/// not among them.
#[derive(Module, Debug)]
pub struct LlmTrm {
    /// What the compressor's queries start from, `[latents, dim]`.
    latents: Param<Tensor<2>>,
    compress: Compressor,
    trm: Network,
    /// From latents to the decoder's width.
    up_proj: Linear,
    /// Added to each soft state, `[latents, base dim]`.
    slots: Param<Tensor<2>>,
    halt: Affine,
    /// The row of `<think>` in the output layer, `[1, base dim]`.
    think: Linear,
    lora: Adapters,
    /// Mean of the trunk's states, `[base dim]`; measured, not trained.
    state_mean: Param<Tensor<1>>,
    /// Their standard deviation, `[base dim]`; measured, not trained.
    state_std: Param<Tensor<1>>,
    /// The same of the states that are compressed, where these are others.
    compressed_mean: Option<Param<Tensor<1>>>,
    compressed_std: Option<Param<Tensor<1>>>,
    /// Rotary table of the latents, `[2, latents, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
    #[module(skip)]
    soft_scale: f64,
    #[module(skip)]
    l_cycles: usize,
    #[module(skip)]
    layers: TrunkLayers,
    #[module(skip)]
    window: usize,
    #[module(skip)]
    base: FrozenDecoder,
}

/// The blocks of the recursive network.
#[derive(Module, Debug)]
struct Network {
    layers: Vec<Block>,
}

/// The states of questions and answers at the cut.
#[derive(Clone, Debug)]
pub struct QuestionStates {
    /// `[batch, question + 1 + answer, base dim]`, questions padded on the left, answers on
    /// the right; `<think>` stands between them.
    pub states: Tensor<3>,
    /// What is compressed of the question and `<think>`, `[batch, question + 1, base dim]`:
    /// states at the cut or below.
    pub compressed: Tensor<3>,
    /// Where the rows begin and end.
    pub rows: QuestionRows,
}

/// What the upper layers know of a question before they see soft states.
#[derive(Debug)]
struct Prefix {
    /// Of the newest tokens of the question, by upper layer.
    past: Vec<KeyValues>,
    /// Logits after the question, `[batch, 1, vocab + 1]`.
    logits: Tensor<3>,
    /// States at the cut of `<think>` and the answer, `[batch, 1 + answer, base dim]`.
    rest: Tensor<3>,
    /// Of soft states, `<think>` and answer.
    placement: Placement,
}

/// Compressed questions.
#[derive(Clone, Debug)]
pub struct Compressed {
    /// The latents, `[batch, latents, dim]`.
    pub u: Tensor<3>,
    prefix: Rc<Prefix>,
}

impl Compressed {
    /// Logits of the token after the question, `[batch, 1, vocab + 1]`; the last one is that
    /// of `<think>`.
    pub fn logits(&self) -> Tensor<3> {
        self.prefix.logits.clone()
    }
}

impl Context for Compressed {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        Self { u: change(self.u), ..self }
    }
}

/// The two states on the latents, and the question that they answer.
#[derive(Clone, Debug)]
pub struct LatentState {
    /// The answer, `[batch, latents, dim]`.
    pub y: Tensor<3>,
    /// The latent state, `[batch, latents, dim]`.
    pub z: Tensor<3>,
    prefix: Rc<Prefix>,
}

impl LatentState {
    /// The answer states of several steps, as rows of one batch, for one
    /// [`read`](Recursive::read).
    ///
    /// # Panics
    /// If there is none.
    pub fn stack(states: &[Self]) -> Self {
        let first = states.first().expect("a step");
        if states.len() == 1 {
            return first.clone();
        }
        let times = states.len();
        let repeat = |x: &Tensor<3>| x.clone().repeat_dim(0, times);
        let many = |x: &Tensor<4>| x.clone().repeat_dim(0, times);
        let stacked = |part: fn(&Self) -> &Tensor<3>| {
            Tensor::cat(states.iter().map(|state| part(state).clone()).collect(), 0)
        };
        let Prefix { past, logits, rest, placement } = first.prefix.as_ref();
        let prefix = Prefix {
            past: past
                .iter()
                .map(|kv| KeyValues { keys: many(&kv.keys), values: many(&kv.values) })
                .collect(),
            logits: logits.clone(),
            rest: repeat(rest),
            placement: placement.clone().repeat(times),
        };
        Self { y: stacked(|state| &state.y), z: stacked(|state| &state.z), prefix: Rc::new(prefix) }
    }

    /// The same answer states in another order of rows: other questions' latents.
    #[must_use]
    pub fn with_answer(self, y: Tensor<3>) -> Self {
        Self { y, ..self }
    }
}

impl State for LatentState {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        Self { y: change(self.y), z: change(self.z), ..self }
    }

    fn answer(&self) -> &Tensor<3> {
        &self.y
    }
}

/// Where the halting head starts: a model that knows nothing does not halt.
const HALT_START: f32 = -5.0;

impl LlmTrm {
    /// A model with fresh weights on `base`; soft states begin at the mean of the trunk's.
    pub fn new(
        spec: &LlmTrmSpec,
        base: &FrozenDecoder,
        measured: Option<&Measured>,
        init: &mut Init,
    ) -> Self {
        let (dim, wide, count) = (spec.hidden_size, spec.base_hidden_size, spec.num_latents);
        let lora =
            LoraSpec { rank: spec.lora_rank, alpha: spec.lora_alpha, dropout: spec.lora_dropout };
        let block = BlockSpec {
            dim,
            heads: spec.num_heads,
            inner: spec.intermediate_size,
            causal: false,
            dropout: 0.0,
            eps: spec.rms_norm_eps,
        };
        let device = init.device().clone();
        let buffer = |values: Option<Tensor<1>>, otherwise: f32| {
            let empty: Param<Tensor<1>> = init.constant([wide], otherwise);
            let filled = empty.map(|old| match values {
                Some(values) if old.is_autodiff() => values.to_device(&device).autodiff(),
                Some(values) => values.to_device(&device),
                None => old,
            });
            filled.set_require_grad(false)
        };
        let cut = measured.map(|measured| measured.cut.clone());
        let mean = cut.as_ref().map(|cut| cut.mean.clone());
        let (state_mean, state_std) =
            (buffer(mean.clone(), 0.0), buffer(cut.map(|cut| cut.std), 1.0));
        let below = spec.compresses_below_the_cut().then(|| {
            let found = measured.and_then(|measured| measured.compressed.clone());
            let (mean, std) = found.map(|found| (found.mean, found.std)).unzip();
            (buffer(mean, 0.0), buffer(std, 1.0))
        });
        let (compressed_mean, compressed_std) = below.unzip();
        let start = |values: Option<Tensor<1>>, rows: usize| {
            let empty: Param<Tensor<2>> = init.constant([rows, wide], 0.0);
            match values {
                None => empty,
                Some(values) => empty.map(|old| {
                    let values = values.to_device(&device).unsqueeze::<2>().repeat_dim(0, rows);
                    let values = if old.is_autodiff() { values.autodiff() } else { values };
                    values.require_grad()
                }),
            }
        };
        let slots = start(mean, count);
        let think = start(measured.map(|_| base.think.clone()), 1);
        Self {
            latents: init.truncated_normal([count, dim], compressor::QUERY_STD),
            compress: Compressor::new(spec, init),
            trm: Network { layers: (0..spec.n_layers).map(|_| Block::new(block, init)).collect() },
            up_proj: Linear::new(dim, wide, init),
            slots,
            halt: Affine::constant(dim, 1, HALT_START, init),
            think: Linear { weight: think },
            lora: Adapters {
                layers: (spec.cut..spec.base_layers)
                    .map(|_| {
                        let (q, kv) = (spec.base_query_size, spec.base_kv_size);
                        AttentionLora::new(wide, q, kv, lora, init)
                    })
                    .collect(),
            },
            state_mean,
            state_std,
            compressed_mean,
            compressed_std,
            rope: trm_kernels::rope_table(count, dim / spec.num_heads, spec.rope_theta, &device),
            soft_scale: spec.soft_scale,
            l_cycles: spec.l_cycles,
            layers: spec.into(),
            window: spec.window,
            base: base.clone(),
        }
    }

    /// The trunk's states of `[question | <think> | answer]`, for tokens of questions
    /// `[batch, question]`, padded on the left, and answers `[batch, answer]`, padded on the
    /// right. Off the tape.
    pub fn trunk(
        &self,
        question: Tensor<2, Int>,
        answer: Option<Tensor<2, Int>>,
        rows: &QuestionRows,
    ) -> QuestionStates {
        self.base.trunk(self.layers, question, answer, rows)
    }

    /// The shared network, `[batch, latents, dim] → [batch, latents, dim]`.
    fn network(&self, h: Tensor<3>) -> Tensor<3> {
        self.trm.layers.iter().fold(h, |h, block| block.forward(h, &self.rope))
    }

    /// Logits of states of the last layer, `[batch, seq, vocab + 1]`; the last one is that
    /// of `<think>`.
    fn logits(&self, states: Tensor<3>) -> Tensor<3> {
        let normed = self.base.llama.normed(states);
        let think = self.think.forward(normed.clone());
        Tensor::cat(vec![self.base.llama.logits(normed), think], 2)
    }

    /// The upper layers.
    fn upper(
        &self,
        x: Tensor<3>,
        placement: &Placement,
        past: Option<&[KeyValues]>,
    ) -> (Tensor<3>, Vec<KeyValues>) {
        let layers = self.layers.cut..self.layers.cut + self.lora.layers.len();
        self.base.llama.run_layers(layers, x, placement, past, Some(&self.lora))
    }

    /// Encodes questions of which nothing is compressed: the latents are zero. For training
    /// without a supervision step, where the latents would have no part in the loss; what has
    /// none stays in the memory of automatic differentiation.
    pub fn encode_without_latents(&self, input: &QuestionStates) -> Compressed {
        let [count, dim] = self.latents.dims();
        let [batch, _, _] = input.states.dims();
        self.with_latents(Tensor::zeros([batch, count, dim], &self.device()), input)
    }

    /// The context of questions whose latents are `u`.
    fn with_latents(&self, u: Tensor<3>, input: &QuestionStates) -> Compressed {
        let QuestionStates { states, rows, .. } = input;
        let [batch, length, dim] = states.dims();
        let question = rows.longest_question();
        // Older tokens are hidden from all that comes later, so they are not computed.
        let seen = self.window.clamp(1, question);
        let newest = states.clone().narrow(1, question - seen, seen);
        let rope = self.base.llama.rope();
        let (x, past) = self.upper(newest, &rows.window(rope, seen), None);
        let logits = self.logits(x.narrow(1, seen - 1, 1));
        let rest = states.clone().narrow(1, question, length - question);
        debug_assert_eq!(rest.dims()[0..3], [batch, 1 + rows.longest_answer(), dim]);
        let count = self.latents.dims()[0];
        let placement = rows.answer(rope, [seen, self.window], count);
        Compressed { u, prefix: Rc::new(Prefix { past, logits, rest, placement }) }
    }

    /// Logit of halting after `state`, `[batch]`.
    pub fn halting(&self, state: &LatentState) -> Tensor<1> {
        let [batch, _, dim] = state.y.dims();
        self.halt.forward(state.y.clone().narrow(1, 0, 1).reshape([batch, dim])).reshape([batch])
    }

    /// What the answer state adds to the sequence, `[batch, latents, base dim]`.
    fn soft(&self, y: Tensor<3>) -> Tensor<3> {
        let up = self.up_proj.forward(y) * self.state_std.val().unsqueeze();
        up.mul_scalar(self.soft_scale) + self.slots.val().unsqueeze()
    }
}

impl Recursive for LlmTrm {
    type Input = QuestionStates;
    type Context = Compressed;
    type State = LatentState;

    fn encode(&self, input: &QuestionStates) -> Compressed {
        let mean = self.compressed_mean.as_ref().unwrap_or(&self.state_mean).val();
        let std = self.compressed_std.as_ref().unwrap_or(&self.state_std).val();
        let standard = (input.compressed.clone() - mean.unsqueeze()) / std.unsqueeze();
        let u = self.compress.forward(standard, self.latents.val(), &input.rows);
        self.with_latents(u, input)
    }

    fn start(&self, context: &Compressed) -> LatentState {
        let zeros = context.u.zeros_like();
        LatentState { y: zeros.clone(), z: zeros, prefix: Rc::clone(&context.prefix) }
    }

    fn cycle(&self, context: &Compressed, state: LatentState) -> LatentState {
        let LatentState { y, mut z, prefix } = state;
        let input = context.u.clone() + y.clone();
        for _ in 0..self.l_cycles {
            z = self.network(input.clone() + z);
        }
        LatentState { y: self.network(y + z.clone()), z, prefix }
    }

    /// Logits at `<think>` and at each token of the answer, `[batch, 1 + answer, vocab + 1]`:
    /// of the token that follows.
    fn read(&self, state: &LatentState) -> Readout {
        self.read_with_cache(state).0
    }

    fn device(&self) -> Device {
        self.rope.device()
    }
}
