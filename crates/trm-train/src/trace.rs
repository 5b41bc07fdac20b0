//! Watching a model think: its readout after every cycle or supervision step.

use burn::tensor::{Int, Tensor};
use trm_core::sample::{argmax, entropy, softmax};
use trm_core::{Recursive, State};
use trm_spec::{Candidate, Failure, FailureKind, Trace, TraceStep};

use crate::TraceRequest;
use crate::checkpoint::host;
use crate::task::tokens;

/// What is told of every state, and of how many steps lie before it.
pub(crate) type Probe<'a, S> = &'a mut dyn FnMut(usize, &S);

/// Answers `request` with a model without autodiff. `input` makes of the tokens
/// what it is asked, and `run` refines its states and shows them to the probe.
pub(crate) async fn trace<M: Recursive>(
    model: &M,
    variant: &str,
    request: &TraceRequest,
    input: impl FnOnce(Tensor<2, Int>) -> M::Input,
    run: impl FnOnce(&Tensor<3>, M::State, Probe<'_, M::State>),
) -> Result<Trace, Failure> {
    let length = request.tokens.first().map_or(0, Vec::len);
    if length == 0 || request.tokens.iter().any(|row| row.len() != length) {
        return Err(Failure::new(
            FailureKind::Prompt,
            "the rows of tokens are empty or of different lengths",
            "Give at least one token in each row, and as many in every row.",
        ));
    }
    if let Some(position) = request.attention.filter(|position| *position >= length) {
        return Err(Failure::new(
            FailureKind::Prompt,
            format!("there is no position {position} among {length} tokens"),
            format!("Positions count from 0 to {}.", length - 1),
        ));
    }
    let input = input(tokens(&request.tokens.concat(), length, &model.device()));
    let x = model.encode(&input);
    let start = model.start(&x);
    let mut before = start.clone();
    let mut seen: Vec<Seen> = Vec::with_capacity(request.depth);
    run(&x, start, &mut |_, state| {
        let readout = model.read(state);
        let answer = state.answer().clone();
        let change = answer.clone() - before.answer().clone();
        let attention = match request.attention {
            Some(position) => look(model.attend(&x, &before), position),
            None => Vec::new(),
        };
        seen.push(Seen {
            logits: readout.logits,
            halt: readout.halt,
            rms: mean_square(answer.clone()),
            change: mean_square(change),
            attention,
        });
        before = state.clone();
    });
    let mut steps = Vec::with_capacity(seen.len());
    for (i, seen) in seen.into_iter().enumerate() {
        steps.push(seen.read(i + 1, length, request).await?);
    }
    Ok(Trace {
        variant: variant.into(),
        depth: request.depth,
        tokens: request.tokens.clone(),
        steps,
    })
}

/// Of every block's shares, what `position` takes: `[batch, heads, seq]` each.
fn look(shares: Vec<Tensor<4>>, position: usize) -> Vec<Tensor<3>> {
    shares
        .into_iter()
        .map(|shares| shares.slice_dim(2, position..position + 1).squeeze_dim(2))
        .collect()
}

fn mean_square(state: Tensor<3>) -> Tensor<1> {
    state.square().mean()
}

/// One cycle, still on the device.
struct Seen {
    logits: Tensor<3>,
    halt: Option<Tensor<1>>,
    rms: Tensor<1>,
    change: Tensor<1>,
    /// Of every block, `[batch, heads, seq]`.
    attention: Vec<Tensor<3>>,
}

impl Seen {
    async fn read(
        self,
        step: usize,
        length: usize,
        request: &TraceRequest,
    ) -> Result<TraceStep, Failure> {
        let [_, _, vocab] = self.logits.dims();
        let values = host(self.logits).await?;
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
        for row in values.chunks_exact(length * vocab) {
            let positions = row.chunks_exact(vocab);
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

fn candidates(probs: &[f64], n: usize) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..probs.len()).collect();
    order.sort_by(|&a, &b| probs[b].total_cmp(&probs[a]).then(a.cmp(&b)));
    order
        .into_iter()
        .take(n)
        .map(|i| Candidate { token: i as u32, prob: probs[i] as f32 })
        .collect()
}
