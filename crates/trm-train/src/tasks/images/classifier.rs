//! What a run of an image classifier can do beside training.

use async_trait::async_trait;
use burn::tensor::{Tensor, TensorData};
use trm_core::State;
use trm_data::images::{BITMAP, DIGITS, Preprocessing, draw_to_digit, from_rgba};
use trm_spec::{
    ClassStep, Classification, Failure, FailureKind, ImageInput, ImageScores, ImageSplit,
    ShownImage,
};

use super::batch::unreadable;
use super::classify::classify;
use super::model::ImageModel;
use super::task::ImageTask;
use crate::checks::check_depth;
use crate::run::{Classifier, ClassifyRequest, ImageScoring, OnProgress};
use crate::train_run::TrainRun;

#[async_trait(?Send)]
impl<M: ImageModel> Classifier for TrainRun<M, ImageTask<M>> {
    async fn classify(
        &self,
        input: &ImageInput,
        inner_steps: usize,
        outer_steps: usize,
    ) -> Result<Classification, Failure> {
        let (image, pixels) = self.pixels_of(input)?;
        let request = ClassifyRequest::Pixels { values: pixels, images: 1 };
        let mut found = self.classified(&request, inner_steps, outer_steps, true).await?;
        Ok(Classification { image, steps: found.remove(0) })
    }

    async fn classify_all(
        &self,
        request: &ClassifyRequest,
        inner_steps: usize,
        outer_steps: usize,
    ) -> Result<Vec<Vec<ClassStep>>, Failure> {
        self.classified(request, inner_steps, outer_steps, false).await
    }

    async fn evaluate_images(
        &self,
        scoring: &ImageScoring,
        on_progress: OnProgress<'_>,
    ) -> Result<ImageScores, Failure> {
        let (model, outer_steps) = self.with_steps(scoring.inner_steps, scoring.outer_steps)?;
        let scoring = ImageScoring { outer_steps, ..scoring.clone() };
        self.task.scores(&model, self.data()?, &scoring, on_progress).await
    }

    fn image(&self, split: ImageSplit, index: usize) -> Result<ShownImage, Failure> {
        let data = self.data()?;
        let set = data.set(split);
        if index >= set.len() {
            return Err(Failure::new(
                FailureKind::Image,
                format!("there is no image {index} among {}", set.len()),
                match set.len().checked_sub(1) {
                    Some(last) => format!("Images count from 0 to {last}."),
                    None => "Choose another split: this one holds no images.".into(),
                },
            ));
        }
        Ok(shown(set.image(index), set.levels(), self.task.shape.size, Some(set.label(index))))
    }
}

impl<M: ImageModel> TrainRun<M, ImageTask<M>> {
    /// The class of images after every outer step, by image, with attention weights or not.
    async fn classified(
        &self,
        request: &ClassifyRequest,
        inner_steps: usize,
        outer_steps: usize,
        attention: bool,
    ) -> Result<Vec<Vec<ClassStep>>, Failure> {
        let (model, steps) = self.with_steps(inner_steps, outer_steps)?;
        let inputs = self.task.inputs(&model);
        let (features, start) = match request {
            ClassifyRequest::Pixels { values, images } => {
                (inputs.of_pixels(values, *images)?, None)
            }
            ClassifyRequest::Features { values, dims, start } => {
                let features = inputs.of_features(values.clone(), *dims)?;
                let start = match start {
                    None => None,
                    Some([y, z]) => {
                        let own = model.start(&model.encode(&features));
                        let dims = own.answer().dims();
                        let state = |values: &Vec<f32>| {
                            let fits = values.len() == dims.iter().product::<usize>();
                            let data = TensorData::new(values.clone(), dims);
                            fits.then(|| Tensor::<3>::from_data(data, &inputs.device))
                                .ok_or_else(|| unreadable(format!("y0 and z0 must be {dims:?}")))
                        };
                        Some(model.state_of(state(y)?, state(z)?).ok_or_else(stateless)?)
                    }
                };
                (features, start)
            }
        };
        classify(&model, &features, steps, start, attention).await
    }

    /// The model for inference with `inner` inner steps, and the outer steps to run; 0
    /// takes the model's own.
    fn with_steps(&self, inner: usize, outer: usize) -> Result<(M, usize), Failure> {
        let mut model = self.optimization.inference_model();
        if inner > 0 {
            model = model.with_inner_steps(check_depth(inner)?);
        }
        let own = self.config.model.depth();
        let most = if self.config.model.depth_key().is_some() { usize::MAX } else { own };
        let outer = if outer == 0 { own } else { check_depth(outer)? };
        Ok((model, outer.min(most)))
    }

    /// An image for display, and its normalised pixels.
    fn pixels_of(&self, input: &ImageInput) -> Result<(ShownImage, Vec<f32>), Failure> {
        let shape = self.task.shape;
        let preprocessing = self.preprocessing()?;
        match input {
            ImageInput::Stored { split, index } => {
                let image = self.image(*split, *index)?;
                Ok((image, self.data()?.set(*split).normalised(*index, &preprocessing)))
            }
            ImageInput::Drawing { bitmap } => {
                let ink: Vec<bool> = bitmap.iter().map(|&pixel| pixel != 0).collect();
                let ink: Option<&[bool; BITMAP * BITMAP]> = ink.as_slice().try_into().ok();
                let Some(ink) = ink.filter(|_| (shape.size, shape.channels) == (8, 1)) else {
                    return Err(Failure::new(
                        FailureKind::Image,
                        format!(
                            "a drawing has {BITMAP}×{BITMAP} pixels and is for models of 8×8 grey images"
                        ),
                        format!(
                            "Give a picture to this model of {DIGITS} or other images instead."
                        ),
                    ));
                };
                let pixels = draw_to_digit(ink);
                let normalised = preprocessing.normalised(&pixels, DRAWN_LEVELS);
                Ok((shown(&pixels, DRAWN_LEVELS, shape.size, None), normalised))
            }
            ImageInput::Picture { width, height, rgba } => {
                let pixels = from_rgba(rgba, *height, *width, &preprocessing.for_any_size())?;
                let normalised = preprocessing.normalised(&pixels, u8::MAX);
                Ok((shown(&pixels, u8::MAX, shape.size, None), normalised))
            }
        }
    }

    /// How images become inputs of this model.
    fn preprocessing(&self) -> Result<Preprocessing, Failure> {
        match &self.data {
            Some(data) => Ok(data.preprocessing.clone()),
            None => trm_data::image_preprocessing(&self.config),
        }
    }
}

/// The count of a 4×4 block that is all ink.
const DRAWN_LEVELS: u8 = 16;

/// Bytes from 0 to `levels` as bytes from 0 to 255.
fn shown(bytes: &[u8], levels: u8, size: usize, label: Option<u32>) -> ShownImage {
    let levels = u32::from(levels);
    let brightness = |&byte: &u8| ((u32::from(byte) * 255 + levels / 2) / levels) as u8;
    ShownImage {
        size,
        channels: bytes.len() / (size * size),
        pixels: bytes.iter().map(brightness).collect(),
        label,
    }
}

fn stateless() -> Failure {
    Failure::new(
        FailureKind::Image,
        "this model has no states to start from",
        "Leave out y0 and z0, or choose a TRM-ViT.",
    )
}
