//! What the page asks of image classifiers.

use trm_data::Dataset;
use trm_data::images::ImageDataset;
use trm_spec::{Event, Failure, ImageInput, ImageSplit, RunConfig};
use trm_train::{BaseFile, ImageScoring, Run};

/// The frozen base that came with a model. An empty file is none.
pub fn base_file(bytes: Option<&[u8]>) -> Option<BaseFile<'_>> {
    bytes.filter(|bytes| !bytes.is_empty()).map(|bytes| BaseFile { name: "the base", bytes })
}

/// The class of an image after every outer step.
pub async fn classify(
    run: &dyn Run,
    input: &ImageInput,
    inner_steps: usize,
    outer_steps: usize,
) -> Result<Event, Failure> {
    let step = run.summary().step;
    let classification = run.classifier()?.classify(input, inner_steps, outer_steps).await?;
    Ok(Event::Classified { step, classification })
}

/// Scores on a split.
pub async fn evaluate(run: &dyn Run, scoring: &ImageScoring) -> Result<Event, Failure> {
    let step = run.summary().step;
    Ok(Event::ImagesEvaluated {
        step,
        scores: run.classifier()?.evaluate_images(scoring, &mut |_, _| ()).await?,
    })
}

/// Images of a split.
pub fn show(run: &dyn Run, split: ImageSplit, indexes: &[usize]) -> Result<Event, Failure> {
    let classifier = run.classifier()?;
    let images = indexes.iter().map(|&index| classifier.image(split, index));
    Ok(Event::Images { images: images.collect::<Result<_, _>>()? })
}

/// Images of the size that `config` is trained on, for timing.
pub fn generated(config: &RunConfig) -> Result<Dataset, Failure> {
    let preprocessing = trm_data::image_preprocessing(config)?;
    Ok(ImageDataset::generated(preprocessing, 10, 38)?.into())
}
