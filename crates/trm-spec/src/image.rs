//! What the page asks of image classifiers, and what they answer.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ImageInput {
    /// An image of the run's data.
    Stored {
        /// The split that holds it.
        split: ImageSplit,
        /// Its number there, from 0.
        index: usize,
    },
    /// A picture as a canvas gives it. Its shorter side becomes `image_size`, its centre
    /// is cut out, and it becomes grey where the model has one channel.
    Picture {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Red, green, blue and opacity of each pixel, row by row.
        #[serde(with = "serde_bytes")]
        #[ts(type = "Uint8Array")]
        rgba: Vec<u8>,
    },
    /// A drawing, reduced as the images of `digits` were: the ink of 4×4 blocks of a
    /// 32×32 bitmap is counted.
    Drawing {
        /// 1,024 pixels row by row; other than 0 is ink.
        #[serde(with = "serde_bytes")]
        #[ts(type = "Uint8Array")]
        bitmap: Vec<u8>,
    },
}

/// A split of a set of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ImageSplit {
    /// The images that a model is trained on.
    Train,
    /// Held out to choose settings and checkpoints by.
    Val,
    /// Held out for the final figures; chooses nothing.
    Test,
}

impl ImageSplit {
    /// All of them, in the order in which files have them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The name in settings and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

/// An image as a model sees it, before normalisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ShownImage {
    /// Height and width in pixels.
    pub size: usize,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Pixels of each channel, row by row, from 0 to 255.
    #[serde(with = "serde_bytes")]
    #[ts(type = "Uint8Array")]
    pub pixels: Vec<u8>,
    /// Its class, where it is known.
    pub label: Option<u32>,
}

/// A classification, after every outer step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Classification {
    /// What was classified.
    pub image: ShownImage,
    /// One entry for each outer step; of a plain ViT one.
    pub steps: Vec<ClassStep>,
}

/// The answer after one outer step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ClassStep {
    /// From 1.
    pub step: usize,
    /// The most probable class.
    pub argmax: u32,
    /// Probability of each class.
    pub prob: Vec<f32>,
    /// Logit of each class.
    pub logits: Vec<f32>,
    /// Of each patch, row by row: root mean square of the change of its answer state in
    /// this step. Empty for models without recursion.
    pub moved: Vec<f32>,
    /// Of each patch: attention from the class token at the start of the step, mean over
    /// blocks and heads. Empty for models that mix positions otherwise.
    pub attention: Vec<f32>,
}

/// Scores of an image classifier on one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ImageScores {
    /// The split.
    pub split: ImageSplit,
    /// Images that were scored.
    pub images: usize,
    /// Scores after each outer step.
    pub steps: Vec<ImageStepScore>,
    /// After the last of them: images by class (row) and prediction (column).
    pub confusion: Vec<Vec<usize>>,
    /// The images that were classified wrongly after the last step.
    pub mistakes: Vec<Mistake>,
}

/// Scores after one outer step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ImageStepScore {
    /// From 1.
    pub step: usize,
    /// Mean cross entropy, in nats.
    pub loss: f64,
    /// Fraction of images whose most probable class is the right one.
    pub top1: f64,
    /// Fraction of images with the right class among the five most probable.
    pub top5: f64,
}

/// An image that was classified wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Mistake {
    /// Number of the image in its split.
    pub index: usize,
    /// Its class.
    pub label: u32,
    /// The predicted class.
    pub predicted: u32,
}
