//! What every part of the program asks of a model.

use crate::{DataSpec, Family, Setting, SettingError, TrainSpec};

/// Images as a classifier takes them: square, and cut into square patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// Height and width, in pixels.
    pub size: usize,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Height and width of a patch, in pixels.
    pub patch_size: usize,
    /// Blocks of a frozen ViT that turn patches into features; 0 means that the pixels
    /// of a patch are its features.
    pub vit_depth: usize,
    /// Positions and features that the model reads: of the patches, or of the frozen
    /// ViT.
    pub input: [usize; 2],
}

impl ImageShape {
    /// Patches of an image.
    pub fn patches(&self) -> usize {
        (self.size / self.patch_size).pow(2)
    }

    /// Numbers in a patch.
    pub fn patch_features(&self) -> usize {
        self.channels * self.patch_size * self.patch_size
    }
}

/// Sizes by the names of their settings.
pub type Sizes = Vec<(&'static str, usize)>;

/// One model, as data: what every part of the program asks of it.
pub trait ModelSpec: Clone + Default {
    /// The name in configurations and checkpoints.
    const NAME: &'static str;
    /// The name that people read.
    const TITLE: &'static str;
    /// What the model is, in one line.
    const ABOUT: &'static str;
    /// The kind of task it is made for.
    const FAMILY: Family;
    /// The setting that holds [`depth`](Self::depth); none where it is always 1.
    const DEPTH_KEY: Option<&'static str>;
    /// Whether it is a pretrained decoder. Such a model is too large to train in a browser: of
    /// the pages only Questions opens it, as the frozen base of its models.
    const PRETRAINED: bool = false;
    /// Most numbers that a model may have, so that a typing error is an error message and
    /// not an exhausted machine.
    const MAX_PARAMETERS: u64 = 1 << 30;
    /// [`length`](Self::length), as an arithmetic expression over the settings of
    /// `model`; the page evaluates it.
    const LENGTH: &'static str;
    /// How often the blocks are applied to one token in a forward pass, as an
    /// arithmetic expression over the settings of `model`; the page evaluates it.
    const CALLS: &'static str;
    /// The settings of `[model]`, everyday ones first.
    const SETTINGS: &'static [Setting];

    /// The data and training settings that a run of this model starts from, as
    /// published.
    fn defaults() -> (DataSpec, TrainSpec) {
        Default::default()
    }

    /// Readouts of one forward pass in training: the cycles of a language model, the
    /// supervision steps of a puzzle model, the outer steps of an image model.
    fn depth(&self) -> usize;

    /// Sets [`depth`](Self::depth).
    fn set_depth(&mut self, depth: usize);

    /// Takes over what the data decided when a model of these sizes was made: `trained` has
    /// the sizes of the model that was saved.
    fn take_decided(&mut self, _trained: &Self) {}

    /// Tokens in a whole row: the context length, the cells of a puzzle, or the
    /// positions of an image.
    fn length(&self) -> usize;

    /// The images that it takes, of an image classifier.
    fn image(&self) -> Option<ImageShape> {
        None
    }

    /// Tokens that are predicted at once.
    fn chunk_size(&self) -> usize {
        1
    }

    /// Probability of dropping an activation in training.
    fn dropout(&self) -> f64 {
        0.0
    }

    /// Numbers in a model of `vocab_size` tokens, including those that no gradient
    /// trains. Saturates at the largest `usize`.
    fn parameters(&self, vocab_size: usize) -> usize;

    /// Floating-point operations that training spends on one token, forward and
    /// backward, on average over the depths that `train` draws.
    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64;

    /// Bytes that training holds whatever the batch is, beside the parameters with what the
    /// optimizer has of them.
    fn held_bytes(&self, _vocab_size: usize) -> f64 {
        0.0
    }

    /// Bytes of the tables that are computed from the sizes and not stored, such as those of
    /// rotary positions and masks: no tensor of a file says how large they may be. Tables that
    /// are no larger than a stored tensor are left out. Saturates.
    fn table_bytes(&self) -> u64 {
        0
    }

    /// Bytes that training keeps of one row of a batch until its backward pass is done, on
    /// the CPU. Unless a model knows better, nearly as many as the operations of its
    /// training divided by the width.
    fn kept_bytes(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        let sizes = self.sizes();
        let width = sizes.iter().find(|(key, _)| *key == "hidden_size").map_or(1, |size| size.1);
        let operations = self.training_flops_per_token(train, vocab_size) * self.length() as f64;
        operations / width.max(1) as f64
    }

    /// Checks how the sizes go together, and the training settings that not every model
    /// allows. [`VariantSpec::validate`](crate::VariantSpec::validate) has checked the ranges
    /// of [`SETTINGS`](Self::SETTINGS) before.
    ///
    /// # Errors
    /// Names the first setting that cannot be used.
    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError>;

    /// Checks that training reaches every parameter. Apart from [`validate`](Self::validate),
    /// which saved models pass too: those that were trained otherwise still open and go on.
    ///
    /// # Errors
    /// Names the setting that keeps a parameter from being trained.
    fn validate_training(&self, _train: &TrainSpec) -> Result<(), SettingError> {
        Ok(())
    }

    /// The sizes that a summary of a run shows.
    fn shown(&self) -> Sizes;

    /// The sizes that decide the shapes of the weights: weights of one model fit
    /// another where all of these are equal.
    fn sizes(&self) -> Sizes;
}
