//! The command line: reads what was typed into an [`Invocation`]. Nothing is
//! looked up or opened here; `plan` does that.

mod common;
mod copies;
mod depths;
mod inference;
mod refusal;
mod settings;
mod tools;
mod training;
mod types;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgMatches, Command};
use trm_spec::Tokenizer;

use self::settings::Described;
pub use self::settings::unread_by_overfit;
pub use self::types::{
    Ask, Bench, BenchPart, CheckpointFormat, Classify, Convert, Data, Eval, Generate, Invocation,
    Overfit, Prepare, Solve, Sweep, Trace, Train,
};
use crate::machine::device::DeviceChoice;

/// The whole command line. `arguments` are read only for the model that they name,
/// whose settings `--help` lists.
fn command(arguments: &[OsString]) -> Command {
    let described = Described::by(arguments);
    Command::new("trm-native")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(AFTER_HELP)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            training::train(&described),
            inference::generate(),
            inference::eval(),
            inference::trace(),
            inference::solve(),
            inference::classify(),
            inference::ask(),
            training::sweep(&described),
            training::overfit(&described),
            tools::data(),
            tools::convert(),
            tools::devices(),
            tools::bench(),
        ])
}

const ABOUT: &str = "\
Train and run Tiny Recursive Models (TRMs): small networks that apply the same
layers several times and refine their answer each time. They predict text,
solve Sudokus, mazes and ARC tasks, classify images, or answer questions.";

const AFTER_HELP: &str = "\
First steps:
  trm-native train tiny               train a small language model (seconds)
  trm-native generate runs/tiny --prompt \"ROMEO:\"      let it write
  trm-native train sudoku-4x4         train a puzzle model (minutes)
  trm-native train digits             train an image classifier (a minute)
  trm-native COMMAND --help           arguments and examples of a command

Results go to standard output, progress and errors to standard error.
Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// Reads the command line; wrong usage ends the process with code 2.
pub fn parse() -> Invocation {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let matches = match command(&arguments).try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => refusal::end(error, &arguments),
    };
    if let Some(("eval" | "solve", m)) = matches.subcommand()
        && let Err(failure) = copies::of(m).check()
    {
        let kind = clap::error::ErrorKind::ValueValidation;
        refusal::end(command(&arguments).error(kind, failure), &arguments);
    }
    match matches.subcommand() {
        Some(("train", m)) => Invocation::Train(Train {
            resume: path(m, "resume"),
            init: path(m, "init"),
            auto_resume: m.get_flag("auto-resume"),
            devices: m.get_one("devices").cloned(),
            rank_timeout: m.get_one("rank-timeout").copied(),
            ..train(m)
        }),
        Some(("sweep", m)) => Invocation::Sweep(Sweep {
            depths: m.get_one("depths").cloned().unwrap_or_default(),
            vary: m.get_many("vary").into_iter().flatten().cloned().collect(),
            seeds: m.get_one("seeds").cloned().unwrap_or_default(),
            equal: m.get_one("equal").copied(),
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
            draft_depth: m.get_one("draft-depth").copied(),
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
            as_text: m.get_flag("as-text"),
            stride: m.get_one("stride").copied(),
            weights: m.get_one("weights").copied(),
            grade: m.get_one("grade").copied(),
            puzzles: m.get_one("puzzles").copied(),
            copies: copies::of(m),
            halt_threshold: m.get_one("halt-threshold").copied(),
            split: m.get_one("split").copied(),
            inner_steps: m.get_one("inner-steps").copied(),
            baselines: m.get_flag("baselines"),
            base: path(m, "base"),
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
            copies: copies::of(m),
            json: m.get_flag("json"),
            device: device(m),
        }),
        Some(("ask", m)) => Invocation::Ask(Ask {
            checkpoint: required(m, "checkpoint"),
            question: required(m, "question"),
            depths: m.get_one("depth").cloned(),
            halt_threshold: m.get_one("halt-threshold").copied(),
            max_new_tokens: required(m, "max-new-tokens"),
            base: path(m, "base"),
            json: m.get_flag("json"),
            device: device(m),
        }),
        Some(("classify", m)) => Invocation::Classify(Classify {
            checkpoint: required(m, "checkpoint"),
            images: many(m, "images"),
            tensors: path(m, "tensors"),
            inner_steps: m.get_one("inner-steps").copied(),
            outer_steps: m.get_one("outer-steps").copied(),
            top: required(m, "top"),
            base: path(m, "base"),
            logits: m.get_flag("logits"),
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
            base: path(m, "base"),
            image_size: m.get_one("image-size").copied(),
            vit_depth: m.get_one("vit-depth").copied(),
        }),
        Some(("data", m)) => Invocation::Data(data(m)),
        Some(("devices", m)) => Invocation::Devices { json: m.get_flag("json") },
        Some(("bench", m)) => Invocation::Bench(Bench {
            threads: m.get_one("threads").copied(),
            runs: required(m, "runs"),
            part: m.get_one("part").copied(),
            memory: m.get_flag("memory"),
            base: path(m, "base"),
            peak_of: text(m, "peak-of"),
            json: m.get_flag("json"),
            device: device(m),
        }),
        _ => unreachable!("clap requires one of the commands"),
    }
}

/// The arguments that `train` and `sweep` share.
fn train(m: &ArgMatches) -> Train {
    Train {
        preset: text(m, "preset"),
        config: path(m, "config"),
        settings: settings::given(m),
        varied: settings::varied(m),
        data: path(m, "data"),
        as_text: m.get_flag("as-text"),
        out: path(m, "out"),
        resume: None,
        init: None,
        auto_resume: false,
        base: path(m, "base"),
        max_time: m.get_one("max-minutes").copied(),
        device: device(m),
        devices: None,
        rank_timeout: None,
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
            as_text: m.get_flag("as-text"),
            name: text(m, "name"),
            out: required(m, "out"),
            json: m.get_flag("json"),
            image_size: m.get_one("image-size").copied(),
            num_channels: m.get_one("num-channels").copied().unwrap_or(3),
            preprocessor: path(m, "preprocessor"),
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

fn device(matches: &ArgMatches) -> DeviceChoice {
    required(matches, "device")
}

fn required<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> T {
    matches.get_one::<T>(name).expect("clap requires it or gives its default").clone()
}

#[cfg(test)]
mod tests;
