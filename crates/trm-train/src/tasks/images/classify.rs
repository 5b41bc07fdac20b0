//! The class of images after every outer step, and what changed in each.

use burn::tensor::Tensor;
use trm_core::sample::softmax;
use trm_core::{Engine, State};
use trm_spec::{ClassStep, Failure};

use super::model::ImageModel;
use super::scores::best;
use crate::logits::host_logits;
use crate::transfer::host;

/// The readout after each of `steps` outer steps, by image. `start` replaces the
/// model's own initial state. Attention weights are recorded where `attention` asks for
/// them, since they can take as long as the step itself. `model` has autodiff off.
///
/// # Errors
/// If the device is lost, or a logit is not finite.
pub(super) async fn classify<M: ImageModel>(
    model: &M,
    features: &Tensor<3>,
    steps: usize,
    start: Option<M::State>,
    attention: bool,
) -> Result<Vec<Vec<ClassStep>>, Failure> {
    let context = model.encode(features);
    let images = features.dims()[0];
    let mut before = start.unwrap_or_else(|| model.start(&context));
    let mut recorded = Vec::with_capacity(steps);
    Engine::new(steps).run(model, &context, before.clone(), |_, state| {
        let attention = attention.then(|| from_class_token(model.attend(&context, &before)));
        // Root mean square over the features of every position, `[images, positions]`.
        let change = state.answer().clone() - before.answer().clone();
        let moved: Tensor<2> = change.square().mean_dim(2).sqrt().squeeze_dim(2);
        recorded.push((model.read(state).logits, moved, attention.flatten()));
        before = state.clone();
    });
    let mut found = vec![Vec::with_capacity(steps); images];
    for (i, (logits, moved, attention)) in recorded.into_iter().enumerate() {
        let [_, positions] = moved.dims();
        let classes = logits.dims()[2];
        let logits = host_logits(logits).await?;
        let moved = host(moved).await?;
        let attention = match attention {
            Some(attention) => host(attention).await?,
            None => Vec::new(),
        };
        for (image, steps_of) in found.iter_mut().enumerate() {
            let logits = logits[image * classes..][..classes].to_vec();
            let patches = |values: &[f32]| {
                // The class token is not part of the picture.
                values.get(image * positions + 1..(image + 1) * positions).unwrap_or(&[]).to_vec()
            };
            steps_of.push(ClassStep {
                step: i + 1,
                argmax: best(&logits) as u32,
                prob: softmax(&logits).into_iter().map(|p| p as f32).collect(),
                logits,
                moved: patches(&moved),
                attention: patches(&attention),
            });
        }
    }
    Ok(found)
}

/// Attention from the class token, mean over blocks and heads, `[images, positions]`.
fn from_class_token(blocks: Vec<Tensor<4>>) -> Option<Tensor<2>> {
    let count = blocks.len() as f64;
    blocks
        .into_iter()
        .map(|weights| {
            let [images, _, _, positions] = weights.dims();
            weights.slice_dim(2, 0..1).mean_dim(1).reshape([images, positions])
        })
        .reduce(|sum, next| sum + next)
        .map(|sum| sum.div_scalar(count))
}
