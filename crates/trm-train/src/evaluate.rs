//! Validation loss of language models, at several depths in one pass.

use burn::tensor::{Int, Tensor};
use trm_core::{Engine, Recursive};
use trm_data::{Corpus, Split, Window, count_characters};
use trm_spec::{DepthLoss, Failure};

use crate::checkpoint::host;
use crate::task::tokens;

/// Tokens in one evaluation batch; bounds memory, not results.
const BATCH_TOKENS: usize = 4096;

/// Mean loss at each of `depths` over at most `max_tokens` tokens (0: all),
/// in non-overlapping windows, so that every token counts once. A smaller
/// number takes windows at even distances.
pub(crate) async fn evaluate<M: Recursive<Input = Tensor<2, Int>>>(
    model: &M,
    corpus: &Corpus,
    block_size: usize,
    depths: &[usize],
    max_tokens: usize,
) -> Result<Vec<DepthLoss>, Failure> {
    let windows = spread(corpus.windows(Split::Val, block_size).collect(), block_size, max_tokens);
    let deepest = depths.iter().copied().max().unwrap_or(0);
    let mut sums: Vec<Vec<Tensor<1>>> = vec![Vec::new(); depths.len()];
    let (mut count, mut characters) = (0, 0);
    for batch in batches(&windows, block_size) {
        let batch = corpus.gather(Split::Val, batch)?;
        let inputs = tokens(&batch.inputs, batch.block_size, &model.device());
        let targets = tokens(&batch.targets, batch.block_size, &model.device());
        let rows = batch.targets.len();
        let targets = targets.reshape([rows]);
        count += rows;
        characters += count_characters(corpus.vocab(), &batch.targets);
        let x = model.encode(&inputs);
        let start = model.start(&x);
        Engine::new(deepest).think(model, &x, start, |step, state| {
            for (i, _) in depths.iter().enumerate().filter(|(_, depth)| **depth == step) {
                let logits = model.read(state).logits;
                let [_, _, vocab] = logits.dims();
                let loss =
                    trm_kernels::cross_entropy(logits.reshape([rows, vocab]), targets.clone());
                sums[i].push(loss.sum());
            }
        });
    }
    let mut losses = Vec::with_capacity(depths.len());
    for (&depth, sums) in depths.iter().zip(sums) {
        let total: f64 = host(Tensor::cat(sums, 0)).await?.into_iter().map(f64::from).sum();
        let loss = total / count as f64;
        losses.push(DepthLoss {
            depth,
            loss,
            perplexity: loss.exp(),
            bits_per_char: total / std::f64::consts::LN_2 / characters.max(1) as f64,
        });
    }
    Ok(losses)
}

/// As many windows as `max_tokens` allows, at even distances.
fn spread(windows: Vec<Window>, block_size: usize, max_tokens: usize) -> Vec<Window> {
    let wanted = max_tokens.div_ceil(block_size);
    if max_tokens == 0 || wanted >= windows.len() {
        return windows;
    }
    (0..wanted).map(|i| windows[i * windows.len() / wanted]).collect()
}

/// Windows of equal length together, the shorter last one by itself.
fn batches(windows: &[Window], block_size: usize) -> impl Iterator<Item = &[Window]> {
    let whole = windows.iter().take_while(|w| w.length == block_size).count();
    let (whole, rest) = windows.split_at(whole);
    whole.chunks((BATCH_TOKENS / block_size).max(1)).chain(rest.chunks(1))
}
