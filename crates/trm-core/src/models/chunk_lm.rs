//! Chunk refinement: several tokens are drafted at once and refined together.
//!
//! One network f is causal where it reads the context. Every chunk has draft
//! positions: a draft of its tokens and, at the same places, the reasoning about
//! them. They attend to the context before the chunk and, in both directions, to
//! each other, and to no other chunk. A cycle runs n times
//! `reasoning = f([context; draft; reasoning])`, then once
//! `draft = f([context; draft; reasoning])`. Context positions attend to no draft, so
//! that their keys and values are the same in every cycle and are computed once.
//!
//! In a row of tokens, chunk j predicts the tokens after positions `j·c` to
//! `j·c + c − 1` from the tokens up to position `j·c`. The readout at a position is
//! therefore that of the next token, as with any language model, and all chunks of a
//! row are refined together.
//!
//! As published the tokens of a chunk are predicted independently of each other. With
//! `readout_context` a layer after the recursion shows a position the tokens right before
//! it, those of its own chunk included. Training gives it the text's; generation draws a
//! token, then reads the next position. The network is still called once for a chunk.
//!
//! As published (seed 002) a draft starts as the embedding of its own answer, which
//! is a label leak; [`LeakDemo`] reproduces it.

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_spec::{ChunkLmSpec, DraftStart};

use crate::layers::{
    Block, BlockSpec, DraftPositions, Embedding, KeyValues, Linear, PrecedingTokens,
};
use crate::{Autoregressive, Context, Init, LeakDemo, ModelCache, Readout, Recursive, State};

/// The chunk-refinement model.
#[derive(Module, Debug)]
pub struct ChunkLm {
    embed_tokens: Embedding,
    blocks: Vec<Block>,
    /// The output layer, unless it is tied to the embedding.
    lm_head: Option<Linear>,
    /// What shows a position the tokens before it, where its readout sees any.
    preceding: Option<PrecedingTokens>,
    /// Added to the draft at every use of f, `[chunk, dim]`.
    draft_queries: Param<Tensor<2>>,
    /// Added to the reasoning likewise.
    reasoning_queries: Param<Tensor<2>>,
    dropout: Dropout,
    /// Rotary table, `[2, block_size + 1, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
    /// Mask of [`DraftPositions`] for a whole row, `[1, chunks, 1, block_size]`;
    /// computed, not stored.
    mask: Tensor<4>,
    #[module(skip)]
    l_cycles: usize,
    #[module(skip)]
    starts_at_queries: bool,
}

/// The context of all cycles: the tokens as the causal network reads them.
#[derive(Clone, Debug)]
pub struct ChunkContext {
    /// Output of the last block, `[batch, seq, dim]`.
    pub hidden: Tensor<3>,
    /// Keys and values of every block.
    pub kv: Vec<KeyValues>,
    /// The tokens, `[batch, seq]`.
    tokens: Tensor<2, Int>,
}

impl Context for ChunkContext {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        let hidden = change(self.hidden);
        let kv = self.kv.into_iter().map(|kv| kv.map(change)).collect();
        Self { hidden, kv, ..self }
    }
}

/// The drafts of all chunks and the reasoning about them.
#[derive(Clone, Debug)]
pub struct Drafts {
    /// `[batch, chunks · chunk, dim]`.
    pub draft: Tensor<3>,
    /// `[batch, chunks · chunk, dim]`.
    pub reasoning: Tensor<3>,
    /// Positions that are read out; the rest fills the last chunk.
    length: usize,
    /// Where the readout sees K tokens: those before the first position and, as far as they
    /// are known, before the others, `[batch, K − 1 + known positions]`.
    known: Option<Tensor<2, Int>>,
}

impl State for Drafts {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        Self { draft: change(self.draft), reasoning: change(self.reasoning), ..self }
    }

    fn answer(&self) -> &Tensor<3> {
        &self.draft
    }
}

/// Added to a score that is masked: its weight becomes zero.
const MASKED: f32 = -1e30;

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
            preceding: (spec.readout_context > 0)
                .then(|| PrecedingTokens::new(dim, spec.readout_context, init)),
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
        }
    }

    /// Tokens in a chunk.
    fn size(&self) -> usize {
        self.draft_queries.dims()[0]
    }

    /// Draft positions of `chunks` chunks, the first of which begins at position
    /// `first` of its row.
    fn positions(&self, first: usize, chunks: usize, mask: Option<Tensor<4>>) -> DraftPositions {
        let size = self.size();
        let [_, _, half] = self.rope.dims();
        let rope = self.rope.clone().narrow(1, first, chunks * size);
        let rope = rope.reshape([2, chunks, size, half]);
        // Reasoning has the positions of its draft.
        let rope = Tensor::cat(vec![rope.clone(), rope], 2);
        DraftPositions { groups: chunks, rope: rope.reshape([2, chunks * 2 * size, half]), mask }
    }

    /// Draft positions of all chunks of a row of `seq` tokens.
    fn row_positions(&self, seq: usize) -> DraftPositions {
        let chunks = seq.div_ceil(self.size());
        let mask = self.mask.clone().narrow(1, 0, chunks).narrow(3, 0, seq);
        self.positions(1, chunks, Some(mask))
    }

    /// Drafts of `length` positions before the first cycle, where `last` `[batch,
    /// chunks, dim]` is the last context position of each chunk, and `known` are the tokens
    /// that the readout sees.
    fn initial(&self, last: Tensor<3>, length: usize, known: Option<Tensor<2, Int>>) -> Drafts {
        let [batch, chunks, dim] = last.dims();
        let dims = [batch, chunks * self.size(), dim];
        let zeros = Tensor::zeros(dims, &last.device());
        let draft = if self.starts_at_queries {
            zeros.clone()
        } else {
            let last: Tensor<4> = last.unsqueeze_dim(2);
            last.expand([batch, chunks, self.size(), dim]).reshape(dims)
        };
        Drafts { draft, reasoning: zeros, length, known }
    }

    /// Logits of states that are ready to be read out, `[batch, seq, vocab]`.
    fn logits(&self, draft: Tensor<3>) -> Tensor<3> {
        match &self.lm_head {
            Some(head) => head.forward(draft),
            None => self.embed_tokens.compare(draft),
        }
    }

    /// The states of a draft `[batch, positions, dim]` together with the tokens before
    /// each. Where these are not known, they are the most probable ones.
    fn informed(
        &self,
        layer: &PrecedingTokens,
        draft: Tensor<3>,
        known: &Tensor<2, Int>,
    ) -> Tensor<3> {
        let [batch, positions, _] = draft.dims();
        let mut known = known.clone();
        loop {
            let [_, tokens] = known.dims();
            let next = tokens + 1 - layer.count();
            if next >= positions {
                return layer.forward(draft, self.embed_tokens.forward(known));
            }
            let tokens = known.clone().narrow(1, next - 1, layer.count());
            let one = draft.clone().narrow(1, next - 1, 1);
            let one = layer.forward(one, self.embed_tokens.forward(tokens));
            let best = self.logits(one).argmax(2).reshape([batch, 1]);
            known = Tensor::cat(vec![known, best], 1);
        }
    }

    /// The input of f at the draft positions, `[batch, chunks · 2 · chunk, dim]`: of
    /// each chunk first the draft, then the reasoning.
    fn network_input(&self, state: &Drafts) -> Tensor<3> {
        let size = self.size();
        let [batch, positions, dim] = state.draft.dims();
        let marked = |part: &Tensor<3>, marks: &Param<Tensor<2>>| {
            part.clone().reshape([batch, positions / size, size, dim])
                + marks.val().unsqueeze::<4>()
        };
        let draft = marked(&state.draft, &self.draft_queries);
        let reasoning = marked(&state.reasoning, &self.reasoning_queries);
        Tensor::cat(vec![draft, reasoning], 2).reshape([batch, 2 * positions, dim])
    }

    /// f at the draft positions; `part` 0 returns the drafts, 1 the reasoning. The
    /// last block computes only that part.
    fn network(
        &self,
        state: &Drafts,
        positions: &DraftPositions,
        kv: &[KeyValues],
        part: usize,
    ) -> Tensor<3> {
        let (size, last) = (self.size(), self.blocks.len() - 1);
        let blocks = self.blocks.iter().zip(kv).enumerate();
        blocks.fold(self.network_input(state), |h, (i, (block, kv))| {
            let queries = if i == last { part * size..(part + 1) * size } else { 0..2 * size };
            block.forward_drafts(h, positions, kv, &queries)
        })
    }

    /// One cycle of draft positions that attend to `kv`.
    fn refine(&self, mut state: Drafts, positions: &DraftPositions, kv: &[KeyValues]) -> Drafts {
        for _ in 0..self.l_cycles {
            state.reasoning = self.network(&state, positions, kv, 1);
        }
        state.draft = self.network(&state, positions, kv, 0);
        state
    }
}

/// Chunk j attends to the context up to position `j·c`.
fn mask(block: usize, size: usize, device: &Device) -> Tensor<4> {
    let chunks = block / size;
    let row = |chunk: usize| {
        (0..block).map(move |position| if position <= chunk * size { 0.0 } else { MASKED })
    };
    let values: Vec<f32> = (0..chunks).flat_map(row).collect();
    Tensor::from_data(TensorData::new(values, [1, chunks, 1, block]), device)
}

impl Recursive for ChunkLm {
    /// Tokens, `[batch, seq]`.
    type Input = Tensor<2, Int>;
    type Context = ChunkContext;
    type State = Drafts;

    fn encode(&self, tokens: &Self::Input) -> ChunkContext {
        let mut hidden = self.dropout.forward(self.embed_tokens.forward(tokens.clone()));
        let mut kv = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (next, block_kv) = block.forward_context(hidden, &self.rope);
            hidden = next;
            kv.push(block_kv);
        }
        ChunkContext { hidden, kv, tokens: tokens.clone() }
    }

    fn start(&self, context: &ChunkContext) -> Drafts {
        let [_, seq, _] = context.hidden.dims();
        let firsts: Vec<i32> = (0..seq).step_by(self.size()).map(|at| at as i32).collect();
        let chunks = firsts.len();
        let data = TensorData::new(firsts, [chunks]);
        let firsts = Tensor::from_data(data, &context.hidden.device());
        let known = self.preceding.as_ref().map(|layer| layer.before(context.tokens.clone()));
        self.initial(context.hidden.clone().select(1, firsts), seq, known)
    }

    fn cycle(&self, context: &ChunkContext, state: Drafts) -> Drafts {
        let [_, seq, _] = context.hidden.dims();
        self.refine(state, &self.row_positions(seq), &context.kv)
    }

    fn read(&self, state: &Drafts) -> Readout {
        let draft = state.draft.clone().narrow(1, 0, state.length);
        let draft = match (&self.preceding, &state.known) {
            (Some(layer), Some(known)) => self.informed(layer, draft, known),
            _ => draft,
        };
        Readout { logits: self.logits(draft), halt: None }
    }

    /// Of the first reasoning step: the weights of the reasoning on the context.
    fn attend(&self, context: &ChunkContext, state: &Drafts) -> Vec<Tensor<4>> {
        let [_, seq, _] = context.hidden.dims();
        let (positions, size) = (self.row_positions(seq), self.size());
        let mut h = self.network_input(state);
        let mut weights = Vec::with_capacity(self.blocks.len());
        for (block, kv) in self.blocks.iter().zip(&context.kv) {
            let reasoning = size..2 * size;
            let all = block.self_attn.context_weights(h.clone(), &positions, kv, &reasoning);
            weights.push(all.narrow(2, 0, state.length));
            h = block.forward_drafts(h, &positions, kv, &(0..2 * size));
        }
        weights
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

    /// That of the last chunk of a row.
    fn context_size(&self) -> usize {
        self.block_size() - self.size() + 1
    }

    fn cache(&self, depth: usize) -> ModelCache {
        ModelCache::new(depth, 1, self.blocks.len(), self.context_size())
    }

    fn extend(
        &self,
        tokens: Tensor<2, Int>,
        cache: &mut ModelCache,
        on_cycle: &mut dyn FnMut(usize, &Drafts),
    ) -> Drafts {
        let mut h = self.embed_tokens.forward(tokens.clone());
        let mut kv = Vec::with_capacity(self.blocks.len());
        for pass in cache.all_passes_mut() {
            for (block, cache) in self.blocks.iter().zip(pass) {
                h = block.extend(h, &self.rope, cache);
                let (keys, values) = cache.get().expect("the block has read something");
                kv.push(KeyValues { keys, values });
            }
        }
        let [_, new, _] = h.dims();
        let positions = self.positions(cache.len(), 1, None);
        // Of the predicted positions only the first follows tokens that are known.
        let known = self.preceding.as_ref().map(|layer| layer.before_last(tokens));
        let mut state = self.initial(h.narrow(1, new - 1, 1), self.size(), known);
        for cycle in 1..=cache.depth() {
            state = self.refine(state, &positions, &kv);
            on_cycle(cycle, &state);
        }
        state
    }

    fn drawn_together(&self) -> usize {
        if self.preceding.is_some() { 1 } else { self.ahead() }
    }

    fn read_next(&self, state: &Drafts, row: &[u32], drawn: usize) -> Tensor<3> {
        let Some(layer) = &self.preceding else {
            return self.read(state).logits;
        };
        let last = &row[row.len().saturating_sub(layer.count())..];
        let last: Vec<i32> = last.iter().map(|&token| token as i32).collect();
        let last = TensorData::new(last.clone(), [1, last.len()]);
        let known = layer.before_last(Tensor::from_data(last, &self.device()));
        let draft = state.draft.clone().narrow(1, drawn, 1);
        self.logits(layer.forward(draft, self.embed_tokens.forward(known)))
    }
}

impl LeakDemo for ChunkLm {
    fn leaking_start(&self, context: &ChunkContext, targets: Tensor<2, Int>) -> Drafts {
        let start = self.start(context);
        let [batch, positions, dim] = start.draft.dims();
        let mut draft = self.embed_tokens.forward(targets);
        let [_, length, _] = draft.dims();
        if positions > length {
            let rest = Tensor::zeros([batch, positions - length, dim], &draft.device());
            draft = Tensor::cat(vec![draft, rest], 1);
        }
        Drafts { draft, ..start }
    }
}
