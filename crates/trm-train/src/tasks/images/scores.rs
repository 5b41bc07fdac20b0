//! Scores of an image classifier on a split.

use burn::tensor::Tensor;
use trm_core::{Engine, Recursive};
use trm_data::images::ImageDataset;
use trm_spec::{Failure, FailureKind, ImageScores, ImageStepScore, Mistake};

use super::model::ImageModel;
use crate::checks::check_depth;
use crate::run::{ImageScoring, OnProgress};
use crate::transfer::host;

/// Images that are classified at once.
const BATCH: usize = 64;

/// Classes that count as found in the top-5 accuracy.
const TOP: usize = 5;

/// Scores after each outer step. `features` gives the inputs of the images with these
/// numbers. Where not all images are scored, they are spread over the split, which may be in
/// the order of its classes. `model` has autodiff off.
///
/// # Errors
/// If the split holds no image, or so many steps cannot be run.
pub(super) async fn evaluate<M: ImageModel>(
    model: &M,
    data: &ImageDataset,
    scoring: &ImageScoring,
    features: &dyn Fn(Vec<usize>) -> Result<Tensor<3>, Failure>,
    on_progress: OnProgress<'_>,
) -> Result<ImageScores, Failure> {
    let steps = check_depth(scoring.outer_steps)?;
    let set = data.set(scoring.split);
    if set.is_empty() {
        return Err(Failure::new(
            FailureKind::Data,
            "this split holds no images",
            "Start the run with val_fraction above 0, or choose another split.",
        ));
    }
    let images = if scoring.images == 0 { set.len() } else { scoring.images.min(set.len()) };
    let classes = data.classes.len();
    let mut sums = vec![Sums::default(); steps];
    let mut confusion = vec![vec![0; classes]; classes];
    let mut mistakes = Vec::new();
    for first in (0..images).step_by(BATCH) {
        let end = (first + BATCH).min(images);
        let numbers = first..end;
        let rows: Vec<usize> = numbers.map(|number| number * set.len() / images).collect();
        let features = features(rows.clone())?;
        let logits = host(Tensor::cat(readouts(model, &features, steps), 1)).await?;
        for (index, row) in rows.into_iter().zip(logits.chunks_exact(steps * classes)) {
            let label = set.label(index);
            for (sum, logits) in sums.iter_mut().zip(row.chunks_exact(classes)) {
                sum.add(logits, label as usize);
            }
            let predicted = best(&row[(steps - 1) * classes..]);
            confusion[label as usize][predicted] += 1;
            if predicted != label as usize {
                mistakes.push(Mistake { index, label, predicted: predicted as u32 });
            }
        }
        on_progress(end, images);
    }
    let steps = sums.iter().enumerate().map(|(i, sum)| sum.score(i + 1, images)).collect();
    Ok(ImageScores { split: scoring.split, images, steps, confusion, mistakes })
}

/// The logits after each outer step, `[images, 1, classes]` each.
pub(super) fn readouts<M: Recursive<Input = Tensor<3>>>(
    model: &M,
    features: &Tensor<3>,
    steps: usize,
) -> Vec<Tensor<3>> {
    let context = model.encode(features);
    let mut logits = Vec::with_capacity(steps);
    Engine::new(steps).run(model, &context, model.start(&context), |_, state| {
        logits.push(model.read(state).logits);
    });
    logits
}

/// The index of the largest of some numbers; the first of equal ones.
pub(super) fn best(values: &[f32]) -> usize {
    (0..values.len()).reduce(|a, b| if values[b] > values[a] { b } else { a }).unwrap_or(0)
}

#[derive(Clone, Copy, Default)]
struct Sums {
    loss: f64,
    top1: usize,
    top5: usize,
}

impl Sums {
    fn add(&mut self, logits: &[f32], label: usize) {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|x| f64::from(x - largest).exp()).sum();
        self.loss += sum.ln() - f64::from(logits[label] - largest);
        // Of equal logits the first counts as larger, as in `best`, and so does NaN: right is
        // only what is known to be.
        let behind =
            |i: usize| logits[i] < logits[label] || (logits[i] == logits[label] && i >= label);
        let rank = (0..logits.len()).filter(|&i| !behind(i)).count();
        let known = !logits[label].is_nan();
        self.top1 += usize::from(known && rank == 0);
        self.top5 += usize::from(known && rank < TOP);
    }

    fn score(&self, step: usize, images: usize) -> ImageStepScore {
        let share = |count: usize| count as f64 / images as f64;
        ImageStepScore {
            step,
            loss: self.loss / images as f64,
            top1: share(self.top1),
            top5: share(self.top5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(logits: &[f32], label: usize) -> [usize; 2] {
        let mut sums = Sums::default();
        sums.add(logits, label);
        [sums.top1, sums.top5]
    }

    #[test]
    fn logits_that_are_no_numbers_are_not_right() {
        assert_eq!(found(&[f32::NAN; 10], 3), [0, 0]);
        assert_eq!(found(&[0.0, f32::NAN, 1.0], 1), [0, 0]);
        assert_eq!(found(&[0.0, f32::NAN, 1.0], 2), [0, 1], "the other one may be larger");
        assert_eq!(found(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 6), [1, 1]);
        assert_eq!(found(&[1.0; 7], 0), [1, 1]);
        assert_eq!(found(&[1.0; 7], 1), [0, 1]);
        assert_eq!(found(&[1.0; 7], 5), [0, 0]);
    }
}
