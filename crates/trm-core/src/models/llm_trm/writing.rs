//! Writes answers token by token, with the keys and values of what was read before. One
//! question at a time, without gradient.

use burn::tensor::{Int, Tensor};

use super::{LatentState, LlmTrm, QuestionRows, QuestionStates};
use crate::Readout;
use crate::layers::{KeyValues, Placement};

/// Keys and values of a question and `<think>` in the trunk.
#[derive(Clone, Debug)]
pub struct TrunkCache {
    past: Vec<KeyValues>,
    /// Tokens read, `<think>` among them.
    length: usize,
}

/// Keys and values of a question, its soft states and the answer so far.
#[derive(Clone, Debug)]
pub struct AnswerCache {
    trunk: TrunkCache,
    upper: Vec<KeyValues>,
    /// Position of the next token in the upper layers.
    position: usize,
    /// Hidden keys at the beginning of the upper layers' cache.
    hidden: usize,
}

impl LlmTrm {
    /// The trunk's states of one question `[1, question]` and `<think>`, and what it takes to
    /// go on.
    pub fn read_question(&self, question: Tensor<2, Int>) -> (QuestionStates, TrunkCache) {
        let [_, length] = question.dims();
        let rows = QuestionRows::new(vec![length], vec![0]);
        let (states, past) = self.base.trunk_with_cache(self.layers, question, None, &rows);
        (states, TrunkCache { past, length: length + 1 })
    }

    /// The readout of `state` at `<think>`, and what it takes to write the answer.
    pub fn begin_answer(&self, state: &LatentState, trunk: &TrunkCache) -> (Readout, AnswerCache) {
        let (readout, own) = self.read_with_cache(state);
        let prefix = &state.prefix;
        let upper: Vec<_> = prefix.past.iter().zip(own).map(|(old, new)| old.append(new)).collect();
        let [_, count, _] = state.y.dims();
        let cache = AnswerCache {
            trunk: trunk.clone(),
            upper,
            position: trunk.length + count,
            hidden: usize::from(self.window == 0),
        };
        (readout, cache)
    }

    /// Reads the answer's next token; logits of the one that follows, `[1, 1, vocab + 1]`.
    pub fn extend_answer(&self, token: Tensor<2, Int>, cache: &mut AnswerCache) -> Tensor<3> {
        let base = &self.base.llama;
        let place = |position: usize, keys: usize, hidden: usize| {
            let device = base.rope().device();
            let position = Tensor::from_data([[position as i32]], &device);
            let mask = (0..keys).map(|key| if key < hidden { f32::NEG_INFINITY } else { 0.0 });
            let mask: Tensor<1> = Tensor::from_floats(mask.collect::<Vec<_>>().as_slice(), &device);
            Placement::new(base.rope(), position, mask.reshape([1, 1, 1, keys]))
        };
        let TrunkCache { past, length } = &mut cache.trunk;
        let placement = place(*length, *length + 1, 0);
        let x = base.embed(token);
        let (x, own) = base.run_layers(0..self.layers.cut, x, &placement, Some(past), None);
        *past = past.iter().zip(own).map(|(old, new)| old.append(new)).collect();
        *length += 1;
        let keys = cache.upper[0].keys.dims()[2] + 1;
        let placement = place(cache.position, keys, cache.hidden);
        let (x, own) = self.upper(x, &placement, Some(&cache.upper));
        cache.upper = cache.upper.iter().zip(own).map(|(old, new)| old.append(new)).collect();
        cache.position += 1;
        self.logits(x)
    }

    /// [`read`](crate::Recursive::read), and the keys and values of the positions that it runs.
    pub(super) fn read_with_cache(&self, state: &LatentState) -> (Readout, Vec<KeyValues>) {
        let [_, count, _] = state.y.dims();
        let prefix = state.prefix.as_ref();
        let soft = self.soft(state.y.clone());
        let x = Tensor::cat(vec![soft, prefix.rest.clone()], 1);
        let (x, own) = self.upper(x, &prefix.placement, Some(&prefix.past));
        let [_, answer, _] = prefix.rest.dims();
        let logits = self.logits(x.narrow(1, count, answer));
        let readout = Readout { logits, halt: Some(self.halting(state)) };
        (readout, own)
    }
}
