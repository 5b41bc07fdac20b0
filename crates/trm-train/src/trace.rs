//! Traces: a model's readout after every cycle or supervision step.

use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_core::sample::{argmax, entropy, softmax};
use trm_core::{Recursive, State};
use trm_spec::{Candidate, Failure, FailureKind, Trace, TraceStep};

use crate::logits::host_logits;
use crate::run::TraceRequest;
use crate::transfer::{host, tokens};

/// Called with the number of a cycle and the state after it.
pub(crate) type OnCycle<'a, S> = &'a mut dyn FnMut(usize, &S);

/// The trace that `request` asks for, of a model without autodiff whose states have `prefix`
/// positions before those of the tokens. `input` makes the model's input of tokens `[rows,
/// longest]`; `run` runs the cycles. Shorter rows are padded on the right, where no other
/// position sees the padding; only language models may be given any.
///
/// # Errors
/// If a row is empty, there is no such position for attention, or the logits are not finite.
pub(crate) async fn trace<M: Recursive>(
    model: &M,
    variant: &str,
    request: &TraceRequest,
    prefix: usize,
    input: impl FnOnce(Tensor<2, Int>) -> M::Input,
    run: impl FnOnce(&M::Context, M::State, OnCycle<'_, M::State>),
) -> Result<Trace, Failure> {
    let lengths: Vec<usize> = request.tokens.iter().map(Vec::len).collect();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let shortest = lengths.iter().copied().min().unwrap_or(0);
    if shortest == 0 {
        return Err(empty_row());
    }
    if let Some(position) = request.attention.filter(|position| *position >= shortest) {
        return Err(Failure::new(
            FailureKind::Prompt,
            format!("there is no position {position} among {shortest} tokens"),
            format!("Positions count from 0 to {}.", shortest - 1),
        ));
    }
    let mut rows = request.tokens.clone();
    rows.iter_mut().for_each(|row| row.resize(longest, 0));
    let input = input(tokens(&rows.concat(), longest, &model.device()));
    let context = model.encode(&input);
    let start = model.start(&context);
    let [_, positions, _] = start.answer().dims();
    let real: Vec<usize> = lengths.iter().map(|length| prefix + length).collect();
    let real = Real::new(&real, positions, &model.device());
    let mut recorder = Recorder::new(model, start.clone(), real);
    run(&context, start, &mut |_, state| {
        recorder.record(state, |before| match request.attention {
            Some(position) => from_position(model.attend(&context, before), prefix, position),
            None => Vec::new(),
        });
    });
    recorder.finish(variant, request, &lengths).await
}

/// There is nothing to trace.
pub(crate) fn empty_row() -> Failure {
    Failure::new(
        FailureKind::Prompt,
        "a row of tokens is empty",
        "Give at least one token in each row.",
    )
}

/// Records the states of a recursion, as `on_cycle` gets them.
pub(crate) struct Recorder<'a, M: Recursive> {
    model: &'a M,
    before: M::State,
    /// The positions that count, where not all do.
    real: Option<Real>,
    cycles: Vec<Recorded>,
}

impl<'a, M: Recursive> Recorder<'a, M> {
    /// Records a model that starts at the state `before`, whose positions all count unless
    /// `real` says which do.
    pub fn new(model: &'a M, before: M::State, real: Option<Real>) -> Self {
        Self { model, before, real, cycles: Vec::new() }
    }

    /// Records the next state; `attention` gives the attention weights of the cycle
    /// that made it, from the state before.
    pub fn record(
        &mut self,
        state: &M::State,
        attention: impl FnOnce(&M::State) -> Vec<Tensor<3>>,
    ) {
        let readout = self.model.read(state);
        let answer = state.answer().clone();
        let change = answer.clone() - self.before.answer().clone();
        let mean_square = |state: Tensor<3>| match &self.real {
            Some(real) => real.mean_square(state),
            None => mean_square(state),
        };
        self.cycles.push(Recorded {
            logits: readout.logits,
            halt: readout.halt,
            rms: mean_square(answer),
            change: mean_square(change),
            attention: attention(&self.before),
        });
        self.before = state.clone();
    }

    /// The trace of what was recorded, with as many positions of each row as `lengths`
    /// says.
    ///
    /// # Errors
    /// If the device is lost, or the logits are not finite.
    pub async fn finish(
        self,
        variant: &str,
        request: &TraceRequest,
        lengths: &[usize],
    ) -> Result<Trace, Failure> {
        let mut steps = Vec::with_capacity(self.cycles.len());
        for (i, recorded) in self.cycles.into_iter().enumerate() {
            steps.push(recorded.read(i + 1, lengths, request).await?);
        }
        Ok(Trace {
            variant: variant.into(),
            depth: request.depth,
            tokens: request.tokens.clone(),
            steps,
        })
    }
}

/// The attention weights of every block from the position of one token to those of the tokens,
/// which stand behind `prefix` others: `[batch, heads, seq]` each.
fn from_position(weights: Vec<Tensor<4>>, prefix: usize, position: usize) -> Vec<Tensor<3>> {
    let one = |weights: Tensor<4>| {
        let [_, _, _, seen] = weights.dims();
        let row = weights.narrow(2, prefix + position, 1).narrow(3, prefix, seen - prefix);
        row.squeeze_dim::<3>(2)
    };
    weights.into_iter().map(one).collect()
}

/// The positions of padded rows that are no padding.
pub(crate) struct Real {
    /// 1 at these positions, 0 at the others, `[rows, positions, 1]`.
    mask: Tensor<3>,
    count: usize,
}

impl Real {
    /// The first positions of each row, as many as `lengths` says; none where these are all
    /// `positions` of all rows.
    fn new(lengths: &[usize], positions: usize, device: &Device) -> Option<Self> {
        if lengths.iter().all(|length| *length >= positions) {
            return None;
        }
        let row = |length: &usize| {
            let length = *length;
            (0..positions).map(move |position| f32::from(u8::from(position < length)))
        };
        let mask: Vec<f32> = lengths.iter().flat_map(row).collect();
        let data = TensorData::new(mask, [lengths.len(), positions, 1]);
        let count = lengths.iter().map(|length| (*length).min(positions)).sum();
        Some(Self { mask: Tensor::from_data(data, device), count })
    }

    /// [`mean_square`] over these positions of a state `[rows, positions, dim]`.
    fn mean_square(&self, state: Tensor<3>) -> Tensor<1> {
        let [_, _, dim] = state.dims();
        (state.square() * self.mask.clone()).sum().div_scalar((self.count * dim) as f64)
    }
}

/// Mean of the squares, `[1]`.
pub(crate) fn mean_square(state: Tensor<3>) -> Tensor<1> {
    state.square().mean()
}

/// One cycle, still on the device.
struct Recorded {
    logits: Tensor<3>,
    halt: Option<Tensor<1>>,
    rms: Tensor<1>,
    change: Tensor<1>,
    /// Of every block, `[batch, heads, seq]`.
    attention: Vec<Tensor<3>>,
}

impl Recorded {
    async fn read(
        self,
        step: usize,
        lengths: &[usize],
        request: &TraceRequest,
    ) -> Result<TraceStep, Failure> {
        let [_, longest, vocab] = self.logits.dims();
        let values = host_logits(self.logits).await?;
        let mut out = TraceStep {
            step,
            argmax: Vec::new(),
            prob: Vec::new(),
            entropy: Vec::new(),
            top: Vec::new(),
            halt: match self.halt {
                Some(halt) => {
                    Some(host(halt).await?.into_iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect())
                }
                None => None,
            },
            state_rms: host(self.rms).await?[0].sqrt(),
            state_change: host(self.change).await?[0].sqrt(),
            attention: by_row(self.attention).await?,
            logits: request.logits.then(Vec::new),
        };
        for (row, &length) in values.chunks_exact(longest * vocab).zip(lengths) {
            let positions = row[..length * vocab].chunks_exact(vocab);
            let probs: Vec<Vec<f64>> = positions.clone().map(softmax).collect();
            let best: Vec<u32> = positions.clone().map(argmax).collect();
            out.prob.push(best.iter().zip(&probs).map(|(&b, p)| p[b as usize] as f32).collect());
            out.entropy.push(probs.iter().map(|p| entropy(p) as f32).collect());
            out.argmax.push(best);
            if request.top > 0 {
                out.top.push(probs.iter().map(|p| candidates(p, request.top)).collect());
            }
            if let Some(logits) = &mut out.logits {
                logits.push(positions.map(<[f32]>::to_vec).collect());
            }
        }
        Ok(out)
    }
}

/// Blocks of `[batch, heads, seq]` as row, block, head, position.
async fn by_row(blocks: Vec<Tensor<3>>) -> Result<Vec<Vec<Vec<Vec<f32>>>>, Failure> {
    let mut rows = Vec::new();
    for block in blocks {
        let [batch, heads, seq] = block.dims();
        rows.resize(batch, Vec::new());
        let values = host(block).await?;
        for (row, values) in rows.iter_mut().zip(values.chunks_exact(heads * seq)) {
            row.push(values.chunks_exact(seq).map(<[f32]>::to_vec).collect());
        }
    }
    Ok(rows)
}

/// The `n` most probable tokens, best first.
pub(crate) fn candidates(probs: &[f64], n: usize) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..probs.len()).collect();
    order.sort_by(|&a, &b| probs[b].total_cmp(&probs[a]).then(a.cmp(&b)));
    order
        .into_iter()
        .take(n)
        .map(|i| Candidate { token: i as u32, prob: probs[i] as f32 })
        .collect()
}
