//! Chunk refinement: several tokens drafted at once and sharpened together.
//!
//! One network f, causal where it reads the context. For every chunk there are
//! slots: a draft of its tokens and, at the same places, the reasoning about
//! them. Slots see the context before the chunk and, in both directions, each
//! other, and no other chunk. A cycle is a refinement: n times
//! `reasoning = f([context; draft; reasoning])`, then
//! `draft = f([context; draft; reasoning])`. Context positions see no slot, so
//! that what f makes of them never changes: it is computed once.
//!
//! In a row of tokens, chunk j predicts the tokens after positions `j·c` to
//! `j·c + c − 1` from the tokens up to position `j·c`, so that the readout at a
//! position is that of the next token, as with any language model, and a whole
//! row of chunks is refined at once.
//!
//! As published (seed 002) a draft starts as the embedding of its own answer.
//! That is a leak; [`Autoregressive::leak`] is where it can be looked at.

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_spec::{ChunkLmSpec, DraftStart};

use crate::cache::{Autoregressive, Cache};
use crate::layers::{Block, BlockSpec, Context, Embedding, Linear, Slots};
use crate::{Init, Readout, Recursive, State};

/// The chunk-refinement model.
#[derive(Module, Debug)]
pub struct ChunkLm {
    embed_tokens: Embedding,
    blocks: Vec<Block>,
    /// Unless the embedding reads out.
    lm_head: Option<Linear>,
    /// Added to a draft's places whenever f sees them, `[chunk, dim]`.
    draft_queries: Param<Tensor<2>>,
    /// The same of the reasoning's places.
    reasoning_queries: Param<Tensor<2>>,
    dropout: Dropout,
    /// Rotary table, `[2, block_size + 1, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
    /// What the chunks of a row see of it, as [`Slots`] take it, `[1, chunks, 1,
    /// block_size]`; computed, not stored.
    mask: Tensor<4>,
    #[module(skip)]
    l_cycles: usize,
    #[module(skip)]
    starts_at_queries: bool,
    /// Whether a draft may start as its own answer.
    #[module(skip)]
    leaks: bool,
}

/// The drafts of all chunks and the reasoning about them.
#[derive(Clone, Debug)]
pub struct Drafts {
    /// `[batch, chunks · chunk, dim]`.
    pub draft: Tensor<3>,
    /// `[batch, chunks · chunk, dim]`.
    pub reasoning: Tensor<3>,
    /// Positions that are answered; the rest fills the last chunk up.
    answered: usize,
}

impl State for Drafts {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        Self { draft: change(self.draft), reasoning: change(self.reasoning), ..self }
    }

    fn answer(&self) -> &Tensor<3> {
        &self.draft
    }
}

/// Added to the score of what must not be seen: its share comes out as zero.
const UNSEEN: f32 = -1e30;

impl ChunkLm {
    /// A model with fresh weights for `vocab` tokens.
    pub fn new(spec: &ChunkLmSpec, vocab: usize, init: &mut Init) -> Self {
        let dim = spec.hidden_size;
        let block = BlockSpec {
            dim,
            heads: spec.num_heads,
            inner: spec.inner_size(),
            causal: true,
            dropout: spec.dropout,
            eps: spec.rms_norm_eps,
        };
        Self {
            embed_tokens: Embedding::new(vocab, dim, init),
            blocks: (0..spec.n_layers).map(|_| Block::new(block, init)).collect(),
            lm_head: (!spec.tie_embeddings).then(|| Linear::new(dim, vocab, init)),
            draft_queries: init.truncated_normal([spec.chunk_size, dim], 1.0),
            reasoning_queries: init.truncated_normal([spec.chunk_size, dim], 1.0),
            dropout: DropoutConfig::new(spec.dropout).init(),
            rope: trm_kernels::rope_table(
                spec.block_size + 1,
                spec.head_dim(),
                spec.rope_theta,
                init.device(),
            ),
            mask: mask(spec.block_size, spec.chunk_size, init.device()),
            l_cycles: spec.l_cycles,
            starts_at_queries: spec.draft_start == DraftStart::Queries,
            leaks: spec.draft_start == DraftStart::Targets,
        }
    }

    /// Tokens in a chunk.
    fn size(&self) -> usize {
        self.draft_queries.dims()[0]
    }

    /// The slots of `chunks` chunks whose first token is number `first` of its row.
    fn slots(&self, first: usize, chunks: usize, mask: Option<Tensor<4>>) -> Slots {
        let size = self.size();
        let [_, _, half] = self.rope.dims();
        let places = self.rope.clone().narrow(1, first, chunks * size);
        let places = places.reshape([2, chunks, size, half]);
        // Reasoning stands where its draft does.
        let rope = Tensor::cat(vec![places.clone(), places], 2);
        Slots { groups: chunks, rope: rope.reshape([2, chunks * 2 * size, half]), mask }
    }

    /// The row as [`encode`](Recursive::encode) packed it: the slots that belong to
    /// it, and of every block what they look at.
    fn unpack(&self, x: &Tensor<3>) -> (Slots, Vec<Context>) {
        let [_, seq, _] = x.dims();
        let [_, dim] = self.draft_queries.dims();
        let chunks = seq.div_ceil(self.size());
        let contexts = self.blocks.iter().enumerate().map(|(i, block)| {
            let kept = x.clone().narrow(2, dim + 2 * dim * i, 2 * dim);
            block.self_attn.context(kept, &self.rope)
        });
        let mask = self.mask.clone().narrow(1, 0, chunks).narrow(3, 0, seq);
        (self.slots(1, chunks, Some(mask)), contexts.collect())
    }

    /// Drafts of `answered` positions before the first refinement, where `last`
    /// `[batch, chunks, dim]` are the last context tokens of each chunk.
    fn begin(&self, last: Tensor<3>, answered: usize) -> Drafts {
        let [batch, chunks, dim] = last.dims();
        let places = [batch, chunks * self.size(), dim];
        let nothing = Tensor::zeros(places, &last.device());
        let draft = if self.starts_at_queries {
            nothing.clone()
        } else {
            let last: Tensor<4> = last.unsqueeze_dim(2);
            last.expand([batch, chunks, self.size(), dim]).reshape(places)
        };
        Drafts { draft, reasoning: nothing, answered }
    }

    /// What f is given of the slots, `[batch, chunks · 2 · chunk, dim]`: of each
    /// chunk first the draft, then the reasoning.
    fn given(&self, state: &Drafts) -> Tensor<3> {
        let size = self.size();
        let [batch, places, dim] = state.draft.dims();
        let marked = |part: &Tensor<3>, marks: &Param<Tensor<2>>| {
            part.clone().reshape([batch, places / size, size, dim]) + marks.val().unsqueeze::<4>()
        };
        let draft = marked(&state.draft, &self.draft_queries);
        let reasoning = marked(&state.reasoning, &self.reasoning_queries);
        Tensor::cat(vec![draft, reasoning], 2).reshape([batch, 2 * places, dim])
    }

    /// f over the slots; `part` 0 is what it makes of the drafts, 1 of the reasoning.
    /// The last block leaves out what nobody asks for.
    fn network(&self, state: &Drafts, slots: &Slots, seen: &[Context], part: usize) -> Tensor<3> {
        let (size, last) = (self.size(), self.blocks.len() - 1);
        let blocks = self.blocks.iter().zip(seen).enumerate();
        blocks.fold(self.given(state), |h, (i, (block, context))| {
            let asked = if i == last { part * size..(part + 1) * size } else { 0..2 * size };
            block.look(h, slots, context, &asked)
        })
    }

    /// One refinement of slots that see `seen`.
    fn refine(&self, mut state: Drafts, slots: &Slots, seen: &[Context]) -> Drafts {
        for _ in 0..self.l_cycles {
            state.reasoning = self.network(&state, slots, seen, 1);
        }
        state.draft = self.network(&state, slots, seen, 0);
        state
    }
}

/// Chunk j sees the context up to position `j·c`.
fn mask(block: usize, size: usize, device: &Device) -> Tensor<4> {
    let chunks = block / size;
    let seen = |chunk: usize| {
        (0..block).map(move |position| if position <= chunk * size { 0.0 } else { UNSEEN })
    };
    let values: Vec<f32> = (0..chunks).flat_map(seen).collect();
    Tensor::from_data(TensorData::new(values, [1, chunks, 1, block]), device)
}

impl Recursive for ChunkLm {
    /// Tokens, `[batch, seq]`.
    type Input = Tensor<2, Int>;
    type State = Drafts;

    /// What f made of the tokens, and every block's keys and values of them, side
    /// by side: `[batch, seq, dim + blocks · 2 · dim]`.
    fn encode(&self, tokens: &Self::Input) -> Tensor<3> {
        let mut h = self.dropout.forward(self.embed_tokens.forward(tokens.clone()));
        let mut parts = Vec::with_capacity(self.blocks.len() + 1);
        for block in &self.blocks {
            let (next, kept) = block.read(h, &self.rope);
            h = next;
            parts.push(kept);
        }
        parts.insert(0, h);
        Tensor::cat(parts, 2)
    }

    fn start(&self, x: &Tensor<3>) -> Drafts {
        let [_, seq, _] = x.dims();
        let [_, dim] = self.draft_queries.dims();
        let firsts: Vec<i32> = (0..seq).step_by(self.size()).map(|at| at as i32).collect();
        let chunks = firsts.len();
        let firsts = Tensor::from_data(TensorData::new(firsts, [chunks]), &x.device());
        self.begin(x.clone().narrow(2, 0, dim).select(1, firsts), seq)
    }

    fn cycle(&self, x: &Tensor<3>, state: Drafts) -> Drafts {
        let (slots, seen) = self.unpack(x);
        self.refine(state, &slots, &seen)
    }

    fn read(&self, state: &Drafts) -> Readout {
        let draft = state.draft.clone().narrow(1, 0, state.answered);
        let logits = match &self.lm_head {
            Some(head) => head.forward(draft),
            None => self.embed_tokens.compare(draft),
        };
        Readout { logits, halt: None }
    }

    /// Of the first reasoning step: what the reasoning takes from the context.
    fn attend(&self, x: &Tensor<3>, state: &Drafts) -> Vec<Tensor<4>> {
        let (slots, seen) = self.unpack(x);
        let size = self.size();
        let mut h = self.given(state);
        let mut shares = Vec::with_capacity(self.blocks.len());
        for (block, context) in self.blocks.iter().zip(&seen) {
            let all = block.self_attn.look_shares(h.clone(), &slots, context, &(size..2 * size));
            shares.push(all.narrow(2, 0, state.answered));
            h = block.look(h, &slots, context, &(0..2 * size));
        }
        shares
    }

    fn device(&self) -> Device {
        self.rope.device()
    }
}

impl Autoregressive for ChunkLm {
    fn block_size(&self) -> usize {
        self.rope.dims()[1] - 1
    }

    fn ahead(&self) -> usize {
        self.size()
    }

    /// The last chunk of a row has the longest.
    fn context(&self) -> usize {
        self.block_size() - self.size() + 1
    }

    fn cache(&self, depth: usize) -> Cache {
        Cache::new(depth, 1, self.blocks.len(), self.context())
    }

    fn extend(
        &self,
        tokens: Tensor<2, Int>,
        cache: &mut Cache,
        probe: &mut dyn FnMut(usize, &Drafts),
    ) -> Drafts {
        let mut h = self.embed_tokens.forward(tokens);
        let mut seen = Vec::with_capacity(self.blocks.len());
        for held in cache.passes_mut() {
            for (block, slot) in self.blocks.iter().zip(held) {
                h = block.extend(h, &self.rope, slot);
                let (keys, values) = slot.held().expect("the block has read something");
                seen.push(Context { keys, values });
            }
        }
        let [_, new, _] = h.dims();
        let slots = self.slots(cache.len(), 1, None);
        let mut state = self.begin(h.narrow(1, new - 1, 1), self.size());
        for cycle in 1..=cache.depth() {
            state = self.refine(state, &slots, &seen);
            probe(cycle, &state);
        }
        state
    }

    fn leak(&self, x: &Tensor<3>, answers: &dyn Fn() -> Tensor<2, Int>) -> Option<Drafts> {
        if !self.leaks {
            return None;
        }
        let start = self.start(x);
        let [batch, places, dim] = start.draft.dims();
        let mut draft = self.embed_tokens.forward(answers());
        let [_, answered, _] = draft.dims();
        if places > answered {
            let rest = Tensor::zeros([batch, places - answered, dim], &draft.device());
            draft = Tensor::cat(vec![draft, rest], 1);
        }
        Some(Drafts { draft, ..start })
    }
}
