//! Validation loss of language models, at several depths in one pass.

use burn::tensor::Tensor;
use trm_core::{Autoregressive, Engine};
use trm_data::{IGNORED, Measure, Split, TextDataset, Window};
use trm_spec::{DepthLoss, Failure, FailureKind};

use super::lm_batch::LmBatch;
use super::objective::LanguageTask;
use crate::run::{Evaluation, OnProgress, Scoring};
use crate::transfer::host;

/// Tokens in one evaluation batch; bounds memory, not results.
const BATCH_TOKENS: usize = 4096;

/// Mean losses over the validation split, left to right: every token but the first
/// counts once.
///
/// # Errors
/// If the stride does not fit the model, or the text cannot be read.
pub(crate) async fn evaluate<M: Autoregressive>(
    task: &LanguageTask<M>,
    model: &M,
    corpus: &TextDataset,
    scoring: &Scoring,
    on_progress: OnProgress<'_>,
) -> Result<Evaluation, Failure> {
    let block = model.block_size();
    let stride = check_stride(scoring.stride, block, model.ahead())?;
    let windows = corpus.windows(Split::Val, block, stride).collect();
    let windows = spread(windows, stride, scoring.max_tokens);
    let (mut done, all) = (0, windows.iter().map(|window| window.scored).sum());
    let depths = &scoring.depths;
    let deepest = depths.iter().copied().max().unwrap_or(0);
    let mut measure = Measure::new(corpus.vocab());
    let mut sums: Vec<Vec<Tensor<1>>> = vec![Vec::new(); depths.len()];
    let mut leaking = sums.clone();
    for windows in batches(&windows, block) {
        let batch = corpus.gather(Split::Val, windows)?;
        let rows = batch.inputs.chunks_exact(batch.block_size);
        for (inputs, targets) in rows.zip(batch.targets.chunks_exact(batch.block_size)) {
            let first = targets.iter().position(|&target| target != IGNORED).unwrap_or(0);
            measure.add(Some(inputs[first]), &targets[first..]);
        }
        let batch = LmBatch::new(&batch, &model.device());
        let context = model.encode(&batch.inputs);
        let score = |start, sums: &mut [Vec<Tensor<1>>]| {
            Engine::new(deepest).run(model, &context, start, |cycle, state| {
                for (i, _) in depths.iter().enumerate().filter(|(_, depth)| **depth == cycle) {
                    sums[i].push(batch.losses(model, state).sum());
                }
            });
        };
        score(model.start(&context), &mut sums);
        if let Some(start) = task.leaking_start(model, &context, &batch) {
            score(start, &mut leaking);
        }
        // A GPU may still compute what is counted here.
        done += windows.iter().map(|window| window.scored).sum::<usize>();
        on_progress(done, all);
    }
    let scored = measure.extent;
    let mut losses = Vec::with_capacity(depths.len());
    for ((&depth, sums), leaking) in depths.iter().zip(sums).zip(leaking) {
        let total = summed(sums).await?;
        let leaking = if leaking.is_empty() { None } else { Some(summed(leaking).await?) };
        let per = |count: usize| total / count.max(1) as f64;
        let bits = |count| per(count) / std::f64::consts::LN_2;
        losses.push(DepthLoss {
            depth,
            loss: per(scored.tokens),
            perplexity: per(scored.tokens).exp(),
            bits_per_char: Some(bits(scored.characters)),
            bits_per_byte: Some(bits(scored.bytes)),
            word_perplexity: Some(per(scored.words).exp()),
            leaking_loss: leaking.map(|total| total / scored.tokens.max(1) as f64),
        });
    }
    Ok(Evaluation { depths: losses, scored })
}

async fn summed(sums: Vec<Tensor<1>>) -> Result<f64, Failure> {
    Ok(host(Tensor::cat(sums, 0)).await?.into_iter().map(f64::from).sum())
}

fn check_stride(stride: usize, block: usize, chunk: usize) -> Result<usize, Failure> {
    let stride = if stride == 0 { block } else { stride };
    if stride <= block && stride.is_multiple_of(chunk) {
        return Ok(stride);
    }
    let chunks =
        if chunk > 1 { format!(", in steps of {chunk} (chunk_size)") } else { String::new() };
    Err(Failure::new(
        FailureKind::Config,
        format!("a stride of {stride} tokens cannot be used with a block of {block}"),
        format!("Choose one from {chunk} to {block}{chunks}."),
    ))
}

/// As many windows as `max_tokens` allows, at even distances.
fn spread(windows: Vec<Window>, stride: usize, max_tokens: usize) -> Vec<Window> {
    let wanted = max_tokens.div_ceil(stride);
    if max_tokens == 0 || wanted >= windows.len() {
        return windows;
    }
    (0..wanted).map(|i| windows[i * windows.len() / wanted]).collect()
}

/// Windows of equal length together, a shorter last one by itself.
fn batches(windows: &[Window], block_size: usize) -> impl Iterator<Item = &[Window]> {
    let whole = windows.iter().take_while(|w| w.length == block_size).count();
    let (whole, rest) = windows.split_at(whole);
    whole.chunks((BATCH_TOKENS / block_size).max(1)).chain(rest.chunks(1))
}
