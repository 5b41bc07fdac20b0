//! A loaded dataset: the same from the command line and from the page.

use crate::images::ImageDataset;
use crate::puzzles::PuzzleDataset;
#[cfg(feature = "llm")]
use crate::questions::QuestionDataset;
use crate::text::TextDataset;

/// What a model is trained on and evaluated by.
#[allow(
    clippy::large_enum_variant,
    reason = "made once for a run, moved once; on 32 bits they are nearly alike"
)]
#[derive(Clone, Debug)]
pub enum Dataset {
    /// Tokens of a text, for language models.
    Text(TextDataset),
    /// Puzzles with their answers, for puzzle solvers.
    Puzzles(PuzzleDataset),
    /// Images with their classes, for image classifiers.
    Images(ImageDataset),
    /// Questions with their answers, for models that answer them.
    #[cfg(feature = "llm")]
    Questions(QuestionDataset),
}

impl From<TextDataset> for Dataset {
    fn from(text: TextDataset) -> Self {
        Self::Text(text)
    }
}

impl From<PuzzleDataset> for Dataset {
    fn from(puzzles: PuzzleDataset) -> Self {
        Self::Puzzles(puzzles)
    }
}

impl From<ImageDataset> for Dataset {
    fn from(images: ImageDataset) -> Self {
        Self::Images(images)
    }
}

#[cfg(feature = "llm")]
impl From<QuestionDataset> for Dataset {
    fn from(questions: QuestionDataset) -> Self {
        Self::Questions(questions)
    }
}
