//! What was typed, as plain data: one struct per command.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use trm_data::puzzles::sudoku::Grade;
use trm_spec::{ImageSplit, Setting, Tokenizer};
use trm_train::checkpoint::Precision;
use trm_train::{Copies, Weights};

use crate::machine::device::{DeviceChoice, DeviceList};
use crate::sweep::Equal;
use crate::sweep::vary::Varied;

/// A command and its arguments.
pub enum Invocation {
    Train(Train),
    Sweep(Sweep),
    Overfit(Overfit),
    Generate(Generate),
    Eval(Eval),
    Trace(Trace),
    Solve(Solve),
    Classify(Classify),
    Ask(Ask),
    Convert(Convert),
    Data(Data),
    Devices { json: bool },
    Bench(Bench),
}

/// Arguments of `train`; `sweep` and `overfit` share most of them.
#[derive(Default)]
pub struct Train {
    pub preset: Option<String>,
    pub config: Option<PathBuf>,
    /// Settings given as flags, in the order of the settings table.
    pub settings: Vec<(&'static Setting, Value)>,
    /// Names of the settings that a sweep compares values of.
    pub varied: Vec<&'static str>,
    pub data: Option<PathBuf>,
    /// Whatever the file looks like, it is a text.
    pub as_text: bool,
    pub out: Option<PathBuf>,
    /// Folder of a run to continue.
    pub resume: Option<PathBuf>,
    /// Checkpoint whose weights start a new run.
    pub init: Option<PathBuf>,
    /// Continue the run in `out` if there is one, else start it.
    pub auto_resume: bool,
    /// Checkpoint of the frozen ViT that an image model reads features of.
    pub base: Option<PathBuf>,
    /// Time limit for this process.
    pub max_time: Option<Duration>,
    pub device: DeviceChoice,
    /// Devices that share the batches of every update, in place of `device`.
    pub devices: Option<DeviceList>,
    /// The longest time that a process waits for the others; `None` means the default.
    #[cfg_attr(not(feature = "mpi"), expect(dead_code, reason = "accepted by every build"))]
    pub rank_timeout: Option<Duration>,
}

/// Arguments of `sweep`.
pub struct Sweep {
    /// Settings that all runs share; depth and seed come from the two lists below.
    pub train: Train,
    pub depths: Vec<usize>,
    /// Settings with the values that are compared; empty in a sweep over depths.
    pub vary: Vec<Varied>,
    /// Empty: the seed of the settings.
    pub seeds: Vec<u64>,
    /// What depths share; none was typed: both.
    pub equal: Option<&'static [Equal]>,
    pub json: bool,
}

/// Arguments of `overfit`.
pub struct Overfit {
    /// Only its preset, settings and device are used.
    pub train: Train,
    /// The sentence; `None` means a built-in one.
    pub text: Option<String>,
    /// Loss below which the check passes, in nats per token.
    pub target: f64,
    pub json: bool,
}

/// Arguments of `generate`.
pub struct Generate {
    pub checkpoint: PathBuf,
    pub prompt: Option<String>,
    pub depth: Option<usize>,
    pub draft_depth: Option<usize>,
    pub temperature: f64,
    pub top_k: usize,
    pub seed: u32,
    pub num_samples: usize,
    pub max_new_tokens: usize,
    pub device: DeviceChoice,
}

/// Arguments of `eval`.
pub struct Eval {
    pub checkpoint: PathBuf,
    pub data: Option<PathBuf>,
    /// A text that is scored in full instead of the validation split.
    pub test: Option<PathBuf>,
    /// Whatever the file looks like, it is a text.
    pub as_text: bool,
    /// Tokens scored in each window; `None` means all of them.
    pub stride: Option<usize>,
    /// `None`: 1 to 8 for language models, all supervision steps for puzzle models.
    pub depths: Option<Vec<usize>>,
    pub json: bool,
    pub device: DeviceChoice,
    /// Which weights of a run's folder; `None` means its best checkpoint.
    pub weights: Option<Weights>,
    /// Difficulty of the Sudokus that are generated for the evaluation.
    pub grade: Option<Grade>,
    /// Sudokus that are generated for it; `None` means as many as the run holds out.
    pub puzzles: Option<usize>,
    /// Puzzles: score the choice among several copies.
    pub copies: Copies,
    /// Puzzles: halting probability above which a copy counts as halted; `None` means 0.5.
    pub halt_threshold: Option<f64>,
    /// Images: the split that is scored.
    pub split: Option<ImageSplit>,
    /// Images: inner steps; `None` means as trained.
    pub inner_steps: Option<usize>,
    /// Images: also train and score the baselines.
    pub baselines: bool,
    pub base: Option<PathBuf>,
}

/// Arguments of `trace`.
pub struct Trace {
    pub checkpoint: PathBuf,
    pub prompt: Option<String>,
    /// A JSON file of token rows.
    pub tokens: Option<PathBuf>,
    pub depth: Option<usize>,
    pub logits: bool,
    /// Position whose attention weights are wanted.
    pub attention: Option<usize>,
    /// Trace the tokens that follow the prompt instead of those after each token.
    pub draft: bool,
    pub json: bool,
    pub device: DeviceChoice,
}

/// Arguments of `solve`.
pub struct Solve {
    pub checkpoint: PathBuf,
    /// `-` is standard input.
    pub puzzles: PathBuf,
    pub halt_threshold: Option<f64>,
    pub max_steps: Option<usize>,
    /// Copies of each puzzle that are tried.
    pub copies: Copies,
    pub json: bool,
    pub device: DeviceChoice,
}

/// Arguments of `ask`.
pub struct Ask {
    pub checkpoint: PathBuf,
    pub question: String,
    /// Supervision steps of each answer; none takes the trained number.
    pub depths: Option<Vec<usize>>,
    pub halt_threshold: Option<f64>,
    pub max_new_tokens: usize,
    pub base: Option<PathBuf>,
    pub json: bool,
    pub device: DeviceChoice,
}

/// Arguments of `classify`.
pub struct Classify {
    pub checkpoint: PathBuf,
    pub images: Vec<PathBuf>,
    /// A file of `pixel_values` or `vit_hidden` in place of images.
    pub tensors: Option<PathBuf>,
    pub inner_steps: Option<usize>,
    pub outer_steps: Option<usize>,
    /// Classes that are listed after each step.
    pub top: usize,
    pub base: Option<PathBuf>,
    pub logits: bool,
    pub json: bool,
    pub device: DeviceChoice,
}

/// A checkpoint format that `convert` reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointFormat {
    /// Chat-TRM's published code.
    ChatTrm,
    /// The official TRM code.
    SamsungTrm,
    /// A ViT of Hugging Face's `transformers`.
    HfVit,
    /// TRM-ViT's published code.
    TrmVit,
    /// A Llama decoder of Hugging Face's `transformers`: a folder.
    HfLlama,
    /// A Llama decoder as a GGUF file.
    Gguf,
    /// A LoRA adapter of Hugging Face's `peft`: a folder.
    Peft,
    /// This program's own.
    Trm,
}

/// Arguments of `convert`.
pub struct Convert {
    pub input: PathBuf,
    pub from: CheckpointFormat,
    /// `None` keeps the number type of the input.
    pub precision: Option<Precision>,
    pub out: PathBuf,
    /// `None` means this program's own format.
    pub to_format: Option<CheckpointFormat>,
    pub config: Option<PathBuf>,
    pub dataset: Option<String>,
    pub data: Option<PathBuf>,
    /// Of a published TRM-ViT head: the ViT that made its features.
    pub base: Option<PathBuf>,
    /// Of a ViT: another image size than the original's.
    pub image_size: Option<usize>,
    /// Of a ViT: blocks that are kept.
    pub vit_depth: Option<usize>,
}

/// Arguments of `data`'s subcommands.
pub enum Data {
    List { places: Vec<PathBuf>, verify: bool, json: bool },
    Prepare(Prepare),
    Export { name: String, file: PathBuf },
}

/// Arguments of `data prepare`.
pub struct Prepare {
    /// `shakespeare`, or text files and folders.
    pub texts: Vec<PathBuf>,
    pub tokenizer: Tokenizer,
    /// Field of each JSON line that holds the text.
    pub field: String,
    /// Whatever the files look like, they are texts.
    pub as_text: bool,
    pub name: Option<String>,
    pub out: PathBuf,
    pub json: bool,
    /// Images instead of texts: their height and width.
    pub image_size: Option<usize>,
    pub num_channels: usize,
    /// A `preprocessor_config.json`.
    pub preprocessor: Option<PathBuf>,
}

/// Arguments of `bench`.
pub struct Bench {
    pub threads: Option<usize>,
    pub runs: usize,
    /// `None` means all that need no file.
    pub part: Option<BenchPart>,
    /// The decoder that questions are timed on.
    pub base: Option<PathBuf>,
    pub memory: bool,
    /// Settings (JSON) whose peak memory this process measures and prints.
    pub peak_of: Option<String>,
    pub json: bool,
    pub device: DeviceChoice,
}

/// What `bench` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchPart {
    /// Training steps of language models, and generation.
    Texts,
    /// Training steps of puzzle models.
    Puzzles,
    /// Training steps of image classifiers, and features of a ViT.
    Images,
    /// Training steps of question models on a pretrained decoder, and its reading and
    /// writing.
    Questions,
}
