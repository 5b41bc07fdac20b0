//! What was typed. Nothing is looked up or opened here; `plan` does that.

mod command;
mod settings;
mod training;

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use serde_json::Value;
use trm_data::puzzles::sudoku::Grade;
use trm_spec::{Setting, Tokenizer};
use trm_train::Weights;
use trm_train::checkpoint::Precision;

use crate::device::Choice;
use crate::sweep::Equal;

/// A command and its arguments.
pub enum Invocation {
    Train(Train),
    Sweep(Sweep),
    Overfit(Overfit),
    Generate(Generate),
    Eval(Eval),
    Trace(Trace),
    Solve(Solve),
    Convert(Convert),
    Data(Data),
    Devices { json: bool },
    Bench(Bench),
}

#[derive(Default)]
pub struct Train {
    pub preset: Option<String>,
    pub config: Option<PathBuf>,
    /// Settings given as flags, in the order of the table.
    pub settings: Vec<(&'static Setting, Value)>,
    pub data: Option<PathBuf>,
    pub out: Option<PathBuf>,
    pub resume: Option<PathBuf>,
    pub init: Option<PathBuf>,
    /// Go on in the run's folder where there is a run, else begin it.
    pub auto_resume: bool,
    /// Longest time for this process.
    pub max_time: Option<Duration>,
    pub device: Choice,
}

pub struct Sweep {
    /// What all members share; its depth and seed are not its own.
    pub train: Train,
    pub depths: Vec<usize>,
    /// None typed: the seed of the settings.
    pub seeds: Vec<u64>,
    pub equal: Vec<Equal>,
    pub json: bool,
}

pub struct Overfit {
    /// Its preset, settings and device; nothing else of it is typed.
    pub train: Train,
    /// None typed: a line of Shakespeare's.
    pub text: Option<String>,
    pub target: f64,
    pub json: bool,
}

pub struct Generate {
    pub checkpoint: PathBuf,
    pub prompt: Option<String>,
    pub depth: Option<usize>,
    pub temperature: f64,
    pub top_k: usize,
    pub seed: u32,
    pub num_samples: usize,
    pub max_new_tokens: usize,
    pub device: Choice,
}

pub struct Eval {
    pub checkpoint: PathBuf,
    pub data: Option<PathBuf>,
    /// A text that is scored whole, in place of the validation part.
    pub test: Option<PathBuf>,
    /// Tokens scored in a window; 0 means all of it.
    pub stride: usize,
    /// 1 to 8, or a puzzle solver's steps, where nothing is said.
    pub depths: Option<Vec<usize>>,
    pub json: bool,
    pub device: Choice,
    /// Which weights of a run's folder; the best checkpoint where nothing is said.
    pub weights: Option<Weights>,
    /// Of puzzles made for the purpose, those that are this hard.
    pub grade: Option<Grade>,
}

pub struct Trace {
    pub checkpoint: PathBuf,
    pub prompt: Option<String>,
    pub tokens: Option<PathBuf>,
    pub depth: Option<usize>,
    pub logits: bool,
    pub attention: Option<usize>,
    /// What comes after the prompt, in place of what comes after each token.
    pub draft: bool,
    pub json: bool,
    pub device: Choice,
}

pub struct Solve {
    pub checkpoint: PathBuf,
    /// `-` is standard input.
    pub puzzles: PathBuf,
    pub halt_threshold: Option<f64>,
    pub max_steps: Option<usize>,
    pub json: bool,
    pub device: Choice,
}

/// Whose weights `convert` is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    ChatTrm,
    /// The official TRM.
    SamsungTrm,
    /// This project's own.
    Trm,
}

pub struct Convert {
    pub input: PathBuf,
    pub from: Origin,
    pub precision: Option<Precision>,
    pub out: PathBuf,
    /// Whose weights are written; this project's own where nothing is said.
    pub to_format: Option<Origin>,
    pub config: Option<PathBuf>,
    pub dataset: Option<String>,
    pub data: Option<PathBuf>,
}

pub enum Data {
    List { places: Vec<PathBuf>, verify: bool, json: bool },
    Prepare(Prepare),
    Export { name: String, file: PathBuf },
}

pub struct Prepare {
    /// `shakespeare`, or text files and folders.
    pub texts: Vec<PathBuf>,
    pub tokenizer: Tokenizer,
    /// Of JSON lines, the field with the text.
    pub field: String,
    pub name: Option<String>,
    pub out: PathBuf,
    pub json: bool,
}

pub struct Bench {
    pub threads: Option<usize>,
    pub runs: usize,
    /// None typed: both.
    pub part: Option<BenchPart>,
    pub memory: bool,
    /// Settings whose peak memory this process is to print.
    pub peak_of: Option<String>,
    pub json: bool,
    pub device: Choice,
}

/// What `bench` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchPart {
    /// Language models, and how fast they write.
    Texts,
    /// Puzzle solvers.
    Puzzles,
}

/// Reads the command line; wrong usage ends the process with code 2.
pub fn parse() -> Invocation {
    let matches = command::command().get_matches();
    match matches.subcommand() {
        Some(("train", m)) => Invocation::Train(Train {
            resume: path(m, "resume"),
            init: path(m, "init"),
            auto_resume: m.get_flag("auto-resume"),
            ..train(m)
        }),
        Some(("sweep", m)) => Invocation::Sweep(Sweep {
            depths: required(m, "depths"),
            seeds: m.get_one("seeds").cloned().unwrap_or_default(),
            equal: required::<&[Equal]>(m, "equal").to_vec(),
            json: m.get_flag("json"),
            train: train(m),
        }),
        Some(("overfit", m)) => Invocation::Overfit(Overfit {
            train: Train {
                preset: text(m, "preset"),
                settings: settings::given(m),
                device: device(m),
                ..Train::default()
            },
            text: text(m, "text"),
            target: required(m, "target"),
            json: m.get_flag("json"),
        }),
        Some(("generate", m)) => Invocation::Generate(Generate {
            checkpoint: required(m, "checkpoint"),
            prompt: text(m, "prompt"),
            depth: m.get_one("depth").copied(),
            temperature: required(m, "temperature"),
            top_k: required(m, "top-k"),
            seed: required(m, "seed"),
            num_samples: required(m, "num-samples"),
            max_new_tokens: required(m, "max-new-tokens"),
            device: device(m),
        }),
        Some(("eval", m)) => Invocation::Eval(Eval {
            checkpoint: required(m, "checkpoint"),
            data: path(m, "data"),
            test: path(m, "test"),
            stride: m.get_one("stride").copied().unwrap_or(0),
            weights: m.get_one("weights").copied(),
            grade: m.get_one("grade").copied(),
            depths: m.get_one("depths").cloned(),
            json: m.get_flag("json"),
            device: device(m),
        }),
        Some(("trace", m)) => Invocation::Trace(Trace {
            checkpoint: required(m, "checkpoint"),
            prompt: text(m, "prompt"),
            tokens: path(m, "tokens"),
            depth: m.get_one("depth").copied(),
            logits: m.get_flag("logits"),
            attention: m.get_one("attention").copied(),
            draft: m.get_flag("draft"),
            json: m.get_flag("json"),
            device: device(m),
        }),
        Some(("solve", m)) => Invocation::Solve(Solve {
            checkpoint: required(m, "checkpoint"),
            puzzles: required(m, "puzzles"),
            halt_threshold: m.get_one("halt-threshold").copied(),
            max_steps: m.get_one("max-steps").copied(),
            json: m.get_flag("json"),
            device: device(m),
        }),
        Some(("convert", m)) => Invocation::Convert(Convert {
            input: required(m, "input"),
            from: required(m, "from"),
            precision: m.get_one("dtype").copied(),
            out: required(m, "to"),
            to_format: m.get_one("to-format").copied(),
            config: path(m, "config"),
            dataset: text(m, "dataset"),
            data: path(m, "data"),
        }),
        Some(("data", m)) => Invocation::Data(data(m)),
        Some(("devices", m)) => Invocation::Devices { json: m.get_flag("json") },
        Some(("bench", m)) => Invocation::Bench(Bench {
            threads: m.get_one("threads").copied(),
            runs: required(m, "runs"),
            part: m.get_one("part").copied(),
            memory: m.get_flag("memory"),
            peak_of: text(m, "peak-of"),
            json: m.get_flag("json"),
            device: device(m),
        }),
        _ => unreachable!("clap requires one of the commands"),
    }
}

/// What `train` and `sweep` share.
fn train(m: &ArgMatches) -> Train {
    Train {
        preset: text(m, "preset"),
        config: path(m, "config"),
        settings: settings::given(m),
        data: path(m, "data"),
        out: path(m, "out"),
        resume: None,
        init: None,
        auto_resume: false,
        max_time: m.get_one("max-minutes").copied(),
        device: device(m),
    }
}

fn data(matches: &ArgMatches) -> Data {
    match matches.subcommand() {
        Some(("list", m)) => Data::List {
            places: many(m, "places"),
            verify: m.get_flag("verify"),
            json: m.get_flag("json"),
        },
        Some(("prepare", m)) => Data::Prepare(Prepare {
            texts: many(m, "texts"),
            tokenizer: match required::<String>(m, "tokenizer").as_str() {
                "byte" => Tokenizer::Byte,
                "gpt2" => Tokenizer::Gpt2,
                _ => Tokenizer::Char,
            },
            field: required(m, "field"),
            name: text(m, "name"),
            out: required(m, "out"),
            json: m.get_flag("json"),
        }),
        Some(("export", m)) => {
            Data::Export { name: required(m, "name"), file: required(m, "file") }
        }
        _ => unreachable!("clap requires one of the commands"),
    }
}

fn many(matches: &ArgMatches, name: &str) -> Vec<PathBuf> {
    matches.get_many(name).into_iter().flatten().cloned().collect()
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one(name).cloned()
}

fn path(matches: &ArgMatches, name: &str) -> Option<PathBuf> {
    matches.get_one(name).cloned()
}

fn device(matches: &ArgMatches) -> Choice {
    required(matches, "device")
}

fn required<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> T {
    matches.get_one::<T>(name).expect("clap requires it or gives its default").clone()
}
