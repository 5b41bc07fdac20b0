//! What the page asks of a session.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[cfg(feature = "llm")]
use crate::ChatOptions;
#[cfg(feature = "puzzles")]
use crate::{ArcPrediction, ArcTask, PuzzleInput};
use crate::{DataSource, RunConfig};
#[cfg(feature = "images")]
use crate::{ImageInput, ImageSplit};

/// How text is generated. The same seed at another depth draws the same random
/// numbers, so that only the model differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct GenerateOptions {
    /// The text before the generated one.
    pub prompt: String,
    /// Cycles of the recursion.
    pub depth: usize,
    /// Speculative decoding: tokens are drafted with this many cycles, and the others verify
    /// several at once, so that the text has the distribution of `depth`. 0 is none.
    #[serde(default)]
    pub draft_depth: usize,
    /// 0 takes the most probable token.
    pub temperature: f64,
    /// Only the k most probable tokens; 0 means all.
    pub top_k: usize,
    /// Seed of the sampling.
    pub seed: u32,
    /// Tokens to generate.
    pub max_new_tokens: usize,
}

/// What the page asks. Byte arrays cross as `Uint8Array`. What concerns puzzles,
/// images or questions is left out of modules that hold none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Command {
    /// Start a new run. Answered by `ready`.
    Create {
        /// The whole configuration.
        config: RunConfig,
        /// Where the data comes from.
        data: DataSource,
    },
    /// Load a saved model. Without `optimizer` the moments start from zero; without
    /// `data` the model can be used but not trained. Answered by `ready`.
    Load {
        /// The model file, safetensors.
        #[serde(with = "serde_bytes")]
        #[ts(type = "Uint8Array")]
        checkpoint: Vec<u8>,
        /// The optimizer file, safetensors.
        #[serde(default, with = "serde_bytes")]
        #[ts(type = "Uint8Array | null")]
        optimizer: Option<Vec<u8>>,
        /// Where the data comes from.
        data: Option<DataSource>,
        /// The frozen base that the model names, safetensors.
        #[cfg(feature = "images")]
        #[serde(default, with = "serde_bytes")]
        #[ts(type = "Uint8Array | null")]
        base: Option<Vec<u8>>,
    },
    /// Give the loaded model its data, so that it can be trained. Answered by `ready`.
    Attach {
        /// Where the data comes from.
        data: DataSource,
    },
    /// Share the batches of every further update with the other sessions of a group, which
    /// this one is connected with; every batch is cut into `parts`. Alone (`size` 1) it
    /// shares them no longer. Any command that changes or replaces the run ends it too.
    /// Answered by `ready`.
    Join {
        /// The number of this session, from 0.
        rank: usize,
        /// Sessions in the group.
        size: usize,
        /// Parts of every batch.
        parts: usize,
    },
    /// Train `n` steps; fewer if another session of the group stops. Answered by `stepped`.
    Step {
        /// Steps.
        n: usize,
    },
    /// Validation loss at each depth, over at most `max_tokens` tokens of the
    /// split (0: all of it). Answered by `evaluated`.
    Evaluate {
        /// Cycles of each evaluation.
        depths: Vec<usize>,
        /// Tokens of the split that are scored; 0 means all.
        max_tokens: usize,
    },
    /// Open a stream of text from the weights as they are now. Several streams
    /// may be open. Answered by `generating`.
    Generate {
        /// Prompt, depth and sampling.
        options: GenerateOptions,
    },
    /// Pull up to `n` tokens out of a stream; with `trace`, also the cycles that made
    /// them. Answered by `generated`.
    Pull {
        /// Number of the stream.
        stream: u32,
        /// Tokens at most.
        n: usize,
        /// Whether to return the cycles too.
        #[serde(default)]
        trace: bool,
    },
    /// Drop a stream before its end. Answered by `closed`.
    Close {
        /// Number of the stream.
        stream: u32,
    },
    /// The model's readout after every cycle, with the `top` most probable
    /// tokens of each position and, of the position `attention`, what every head
    /// looked at. Answered by `traced`.
    Trace {
        /// The text before the generated one.
        prompt: String,
        /// Cycles.
        depth: usize,
        /// Tokens listed for each position.
        top: usize,
        /// Position whose attention is returned.
        attention: Option<usize>,
    },
    /// What a model makes of the tokens after `prompt`, after every cycle: a chunk,
    /// or one token, with the `top` most probable ones. Answered by `drafted`.
    Draft {
        /// The text before the generated one.
        prompt: String,
        /// Cycles.
        depth: usize,
        /// Tokens listed for each position.
        top: usize,
    },
    /// A puzzle of a kind (`sudoku-9x9`, `maze-10x10`), with what the rules say of
    /// it. Needs no model. Answered by `puzzle_checked`.
    #[cfg(feature = "puzzles")]
    CheckPuzzle {
        /// The kind of puzzle, as `dataset` names it.
        kind: String,
        /// Where the puzzle comes from.
        input: PuzzleInput,
    },
    /// How the model answers a puzzle after each of `steps` supervision steps,
    /// with the `top` most probable tokens of each cell, and what the rules say of
    /// every answer. It can be asked an augmented copy of the puzzle (other digits, rows and
    /// columns, or turned and mirrored), whose answers are turned back. Answered by
    /// `puzzle_solved`.
    #[cfg(feature = "puzzles")]
    SolvePuzzle {
        /// The kind of puzzle, as `dataset` names it.
        kind: String,
        /// The token of each cell.
        puzzle: Vec<u32>,
        /// Supervision steps.
        steps: usize,
        /// Tokens listed for each position.
        top: usize,
        /// Number of the augmented copy; 0, the default, is the puzzle itself.
        #[serde(default, alias = "form")]
        copy: usize,
    },
    /// The tasks of a JSON file of ARC's. Needs no model. Answered by `tasks`.
    #[cfg(feature = "puzzles")]
    ReadTasks {
        /// Name of the file, for messages.
        name: String,
        /// Content of the file.
        text: String,
    },
    /// The model's answers after each of `steps` supervision steps to a test of a
    /// task that it knows, under one augmentation. Test and augmentation count from
    /// 0; augmentation 0 is the test as it is. Answered by `arc_predicted`.
    #[cfg(feature = "puzzles")]
    PredictArc {
        /// The task.
        task: ArcTask,
        /// Index of the test.
        test: usize,
        /// Index of the augmentation; 0 is none.
        augmentation: usize,
        /// Supervision steps.
        steps: usize,
    },
    /// The majority vote over predictions, the best first; the first two are ARC's
    /// attempts. Needs no model. Answered by `voted`.
    #[cfg(feature = "puzzles")]
    Vote {
        /// One prediction for each augmentation.
        predictions: Vec<ArcPrediction>,
    },
    /// Scores on the first `puzzles` (0: all) held-out puzzles after each of
    /// `steps` supervision steps, and with halting. Answered by `puzzles_evaluated`.
    #[cfg(feature = "puzzles")]
    EvaluatePuzzles {
        /// Supervision steps.
        steps: usize,
        /// Puzzles that are scored; 0 means all.
        puzzles: usize,
    },
    /// The class of an image after each of `outer_steps` outer steps of `inner_steps`
    /// inner steps (0: as trained). Answered by `classified`.
    #[cfg(feature = "images")]
    Classify {
        /// The image.
        input: ImageInput,
        /// Inner steps, N; 0 takes the model's.
        inner_steps: usize,
        /// Outer steps, T; 0 takes the model's.
        outer_steps: usize,
    },
    /// Scores on the first `images` (0: all) images of a split after each of
    /// `outer_steps` outer steps. Answered by `images_evaluated`.
    #[cfg(feature = "images")]
    EvaluateImages {
        /// The split.
        split: ImageSplit,
        /// Images that are scored; 0 means all.
        images: usize,
        /// Inner steps, N; 0 takes the model's.
        inner_steps: usize,
        /// Outer steps, T; 0 takes the model's.
        outer_steps: usize,
    },
    /// Images of a split, for display. Answered by `images`.
    #[cfg(feature = "images")]
    ShowImages {
        /// The split.
        split: ImageSplit,
        /// Their numbers.
        indexes: Vec<usize>,
    },
    /// Open a pretrained language model, a GGUF file or a checkpoint, in place of the one
    /// before. Answered by `base_open`.
    #[cfg(feature = "llm")]
    OpenBase {
        /// The file's name, for messages.
        name: String,
        /// The file.
        #[serde(with = "serde_bytes")]
        #[ts(type = "Uint8Array")]
        bytes: Vec<u8>,
    },
    /// Open a stream with the pretrained model's answer in a chat. Answered by `generating`.
    #[cfg(feature = "llm")]
    Chat {
        /// Messages and sampling.
        options: ChatOptions,
    },
    /// Load a model that answers questions, on the pretrained model that is open. Answered
    /// by `ready`.
    #[cfg(feature = "llm")]
    LoadOnBase {
        /// The model file, safetensors.
        #[serde(with = "serde_bytes")]
        #[ts(type = "Uint8Array")]
        checkpoint: Vec<u8>,
    },
    /// Think about a question for as many supervision steps as the deepest of `depths`, and
    /// open a stream with the answer at each of them. Answered by `considered`.
    #[cfg(feature = "llm")]
    Ask {
        /// The question, without the form of a prompt.
        question: String,
        /// Supervision steps of each answer; 0 is the model without its recursion.
        depths: Vec<usize>,
        /// First tokens of the answer that are listed.
        top: usize,
        /// Most tokens of an answer.
        max_new_tokens: usize,
    },
    /// Go on with this configuration, in which only live settings may differ from
    /// the run's own. Answered by `ready`.
    Configure {
        /// The whole configuration.
        config: RunConfig,
    },
    /// Everything needed to go on later. Answered by `saved`.
    Save,
    /// The weights that answers and scores come from, averaged where the run averages them,
    /// as a checkpoint that stands alone. Answered by `exported`.
    Export,
    /// Time `steps` training steps of a configuration on generated data, beside
    /// the run and without touching it. Answered by `benchmarked`.
    Benchmark {
        /// The whole configuration.
        config: RunConfig,
        /// Steps that are timed.
        steps: usize,
    },
    /// What the session holds of the machine's memory. Answered by `memory`.
    MeasureMemory,
}
