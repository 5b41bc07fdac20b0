//! Speculative decoding: one model drafts with its first cycles and verifies with the rest.
//!
//! Drafted tokens are drawn one at a time from the states after a few cycles. The other
//! cycles then run for all of them at once, which reads the weights once instead of once for
//! every token. A drafted token is kept or replaced so that the text follows the distribution
//! of plain generation exactly (Leviathan et al. 2023), and is the same text where the most
//! probable token is taken.

use trm_core::{Autoregressive, State};
use trm_spec::Failure;

use super::generate::{Generation, last_positions};
use crate::logits::host_logits;

/// Tokens that are drafted before they are verified. With the token before them they are four
/// positions, which the matrix products for few rows take in one go.
const DRAFTED: usize = 3;

impl<M: Autoregressive> Generation<M> {
    /// Tokens to draft now where `room` positions of the block are left.
    pub(super) fn to_draft(&self, room: usize) -> usize {
        if self.draft_depth == 0 { 0 } else { DRAFTED.min(room).min(self.left.saturating_sub(1)) }
    }

    /// Drafts `count` tokens, verifies them, and keeps those up to the first that was wrong,
    /// which the verification replaces.
    pub(super) async fn draw_verified(&mut self, count: usize) -> Result<(), Failure> {
        let before = self.cache.len();
        let mut row = self.context[self.context.len() - self.pending..].to_vec();
        let mut offered = Vec::with_capacity(count);
        let first = self.first_cycles(&row);
        let mut others: Vec<M::State> = Vec::with_capacity(count);
        while others.len() < count {
            let last = last_positions(others.last().unwrap_or(&first).clone(), 1);
            let logits = host_logits(self.model.read(&last).logits).await?;
            let probabilities = self.sampler.probabilities(&logits);
            row.push(self.sampler.draw(&probabilities));
            offered.push(probabilities);
            let state = self.first_cycles(&row[row.len() - 1..]);
            others.push(state);
        }
        let context = self.model.encode(&self.input(&row));
        let state = State::cat(first, &others);
        let cycles = self.draft_depth..self.cache.depth();
        let cache = &mut self.cache;
        let state = self.model.extend_cycles(&context, state, cache, cycles, &mut |_, _| ());
        let logits = self.model.read(&last_positions(state, count + 1)).logits;
        let [_, _, vocab] = logits.dims();
        let logits = host_logits(logits).await?;
        let drafted = row.split_off(row.len() - count);
        let mut accepted = 0;
        for (at, logits) in logits.chunks_exact(vocab).enumerate() {
            let Some(&token) = drafted.get(at) else {
                let token = self.sampler.next(logits);
                self.push(token, None);
                break;
            };
            let wanted = self.sampler.probabilities(logits);
            let verified = self.sampler.verify(token, &offered[at], &wanted);
            self.push(verified, None);
            if verified != token {
                break;
            }
            accepted += 1;
        }
        // The last token has not been read, as after plain generation.
        self.cache.truncate(before + row.len() + accepted);
        self.pending = 1;
        self.drafted.0 += count;
        self.drafted.1 += accepted;
        Ok(())
    }

    /// The states of further tokens after the cycles of a draft.
    fn first_cycles(&mut self, tokens: &[u32]) -> M::State {
        let context = self.model.encode(&self.input(tokens));
        let start = self.model.start(&context);
        let cycles = 0..self.draft_depth;
        self.model.extend_cycles(&context, start, &mut self.cache, cycles, &mut |_, _| ())
    }
}
