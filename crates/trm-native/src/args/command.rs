//! The commands and their arguments, as `--help` shows them.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, Command, value_parser};
use trm_data::puzzles::sudoku::Grade;
use trm_train::Weights;
use trm_train::checkpoint::Precision;

use super::training::{overfit, sweep, train};
use super::{BenchPart, Origin};
use crate::depths;
use crate::device::Choice;

pub fn command() -> Command {
    Command::new("trm-native")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Train, evaluate and question Tiny Recursive Models.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            train(),
            sweep(),
            overfit(),
            generate(),
            eval(),
            trace(),
            solve(),
            convert(),
            data(),
            devices(),
            bench(),
        ])
}

fn generate() -> Command {
    Command::new("generate")
        .about("Write text, as it comes")
        .arg(checkpoint())
        .arg(
            Arg::new("prompt")
                .long("prompt")
                .value_name("TEXT")
                .help("How the text begins [default: a new line]"),
        )
        .arg(depth())
        .arg(
            number("temperature", "0.8", "0 takes the most probable token; higher is wilder")
                .value_parser(temperature),
        )
        .arg(
            number("top-k", "0", "Only the K most probable tokens; 0 means all")
                .value_parser(value_parser!(usize)),
        )
        .arg(
            number("seed", "1337", "Seed of the first sample; each further one adds 1")
                .value_parser(value_parser!(u32)),
        )
        .arg(number("num-samples", "1", "How many texts").value_parser(value_parser!(usize)))
        .arg(number("max-new-tokens", "500", "Length of a text").value_parser(value_parser!(usize)))
        .arg(device_arg())
}

fn eval() -> Command {
    Command::new("eval")
        .about("Loss over the whole validation part, at several depths; of puzzles also how many are solved")
        .after_help(EVAL_HELP)
        .arg(checkpoint())
        .arg(file("data", "The text or token file, where it is your own"))
        .arg(
            file("test", "Score this text or token file instead, the whole of it")
                .conflicts_with_all(["data", "weights", "grade"]),
        )
        .arg(
            Arg::new("stride")
                .long("stride")
                .value_name("N")
                .value_parser(value_parser!(usize))
                .help("Score N tokens at a time and give each as much context as there is room for: 1, or a chunk, for the whole context [default: windows that do not overlap]"),
        )
        .arg(
            Arg::new("depths")
                .long("depths")
                .value_name("DEPTHS")
                .value_parser(depths::parse)
                .help("Depths: a range with both ends (1..8) or a list (1,2,4) [default: 1..8, or all supervision steps of a puzzle solver]"),
        )
        .arg(
            Arg::new("weights")
                .long("weights")
                .value_name("WHICH")
                .value_parser(one_of(&[("raw", Weights::Raw), ("average", Weights::Average)]))
                .help("Of a run's folder: the weights as trained last, or their moving average (ema_decay) [default: its best checkpoint]"),
        )
        .arg(
            Arg::new("grade")
                .long("grade")
                .value_name("GRADE")
                .conflicts_with_all(["data", "weights"])
                .value_parser(one_of(&[
                    ("easy", Grade::Easy),
                    ("medium", Grade::Medium),
                    ("hard", Grade::Hard),
                    ("harder", Grade::Harder),
                    ("hardest", Grade::Hardest),
                ]))
                .help("Sudokus for which a plain solver guesses never, up to 5, 15, 40 times, or more often [default: those of the run]"),
        )
        .arg(json())
        .arg(device_arg())
}

const EVAL_HELP: &str = "\
Every token but the first is scored once, left to right. Bits per byte and perplexity per word do
not depend on how a model cuts text into tokens; a word is a stretch without white space.";

fn trace() -> Command {
    Command::new("trace")
        .about("What the model answers after every cycle")
        .arg(checkpoint())
        .arg(Arg::new("prompt").long("prompt").value_name("TEXT").help("The text to read"))
        .arg(
            file("tokens", "Token rows: {\"inputs\": [[…], …]}, and where rows are padded {\"lengths\": […]}")
                .conflicts_with("prompt")
                .required_unless_present("prompt"),
        )
        .arg(depth())
        .arg(
            Arg::new("draft")
                .long("draft")
                .action(ArgAction::SetTrue)
                .requires("prompt")
                .conflicts_with("attention")
                .help("What comes after the prompt: a chunk model's next chunk, refinement by refinement, or the next token"),
        )
        .arg(
            Arg::new("logits")
                .long("logits")
                .action(ArgAction::SetTrue)
                .requires("json")
                .help("All logits too (with --json)"),
        )
        .arg(
            Arg::new("attention")
                .long("attention")
                .value_name("POSITION")
                .requires("json")
                .value_parser(value_parser!(usize))
                .help("What every head looks at from this position, counted from 0 (with --json)"),
        )
        .arg(json())
        .arg(device_arg())
}

fn solve() -> Command {
    Command::new("solve")
        .about("Answer puzzles")
        .arg(checkpoint())
        .arg(
            Arg::new("puzzles")
                .value_name("PUZZLES")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("A file of the model's kind of puzzle: Sudokus, one a line, blanks as dots or zeros; mazes as rows of # (wall), space or dot, S and G, with empty lines between them; - reads standard input. For ARC the JSON of tasks that the model was trained on, or a folder of them: all guises of a test vote for two attempts"),
        )
        .arg(
            Arg::new("halt-threshold")
                .long("halt-threshold")
                .alias("halt_threshold")
                .value_name("P")
                .value_parser(probability)
                .help("Stop where the model's probability of being done exceeds P [default: run all steps]"),
        )
        .arg(
            Arg::new("max-steps")
                .long("max-steps")
                .alias("max_steps")
                .value_name("N")
                .value_parser(depths::parse_one)
                .help("Most supervision steps [default: as trained]"),
        )
        .arg(json())
        .arg(device_arg())
}

fn convert() -> Command {
    Command::new("convert")
        .about("Turn another project's weights into a checkpoint, or store one more compactly")
        .arg(
            Arg::new("input")
                .value_name("IN")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("Its weights, as safetensors or as PyTorch saved them; of this program also a run's folder"),
        )
        .arg(
            Arg::new("from")
                .long("from")
                .value_name("FORMAT")
                .required(true)
                .value_parser(one_of(&[
                    ("chat-trm", Origin::ChatTrm),
                    ("samsung-trm", Origin::SamsungTrm),
                    ("trm", Origin::Trm),
                ]))
                .help("Whose weights they are; trm is this program itself"),
        )
        .arg(
            Arg::new("dtype")
                .long("dtype")
                .value_name("TYPE")
                .value_parser(one_of(&[("f32", Precision::F32), ("f16", Precision::F16)]))
                .help("How the numbers are stored; f16 halves the file [default: as they are]"),
        )
        .arg(file("to", "The checkpoint to write").required(true))
        .arg(
            Arg::new("to-format")
                .long("to-format")
                .alias("to_format")
                .value_name("FORMAT")
                .value_parser(one_of(&[
                    ("samsung-trm", Origin::SamsungTrm),
                    ("trm", Origin::Trm),
                ]))
                .help("Whose names it is written under; samsung-trm also writes a config.json beside it [default: trm]"),
        )
        .arg(file("config", "Its config.json [default: beside IN]"))
        .arg(
            Arg::new("dataset")
                .long("dataset")
                .value_name("NAME")
                .help("Take the characters of its tokens from this text (shakespeare)"),
        )
        .arg(file("data", "Take the characters from your own text").conflicts_with("dataset"))
}

fn data() -> Command {
    let places = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .value_name("PATH")
            .num_args(1..)
            .value_parser(value_parser!(PathBuf))
            .help(help)
    };
    let list = Command::new("list")
        .about("List the texts that come with the program, and token files")
        .arg(places("places", "Token files, or folders of them [default: this folder]"))
        .arg(
            Arg::new("verify")
                .long("verify")
                .action(ArgAction::SetTrue)
                .help("Read each file whole and check that it is what was written"),
        )
        .arg(json());
    let prepare = Command::new("prepare")
        .about("Turn texts into a token file, which trains without being loaded into memory")
        .after_help(PREPARE_HELP)
        .arg(
            places("texts", "`shakespeare`, text files, files of JSON lines (.jsonl, .ndjson), or folders of them (also .txt, .md and other UTF-8 text, in the order of their names), or one folder with the files of WikiText")
                .required(true),
        )
        .arg(
            Arg::new("tokenizer")
                .long("tokenizer")
                .value_name("T")
                .default_value("char")
                .value_parser(["char", "byte", "gpt2"])
                .hide_possible_values(true)
                .help("char: the characters that occur; byte: the 256 bytes of UTF-8; gpt2: GPT-2's 50,257 byte pairs"),
        )
        .arg(
            Arg::new("field")
                .long("field")
                .value_name("NAME")
                .default_value(trm_data::TEXT_FIELD)
                .help("Of JSON lines, the field that holds the text"),
        )
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .help("What the file says it is called [default: the name of the first text or folder]"),
        )
        .arg(file("out", "The token file to write").required(true))
        .arg(json());
    let export = Command::new("export")
        .about("Write a text to a file: one that comes with the program, or a token file's")
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .required(true)
                .help("`shakespeare`, or a token file, which is turned back into text"),
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The text to write"),
        );
    Command::new("data")
        .about("List, prepare and export texts")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([list, prepare, export])
}

const PREPARE_HELP: &str = "\
A single text gives the tokens that `train --data TEXT` would make of it. Where one text ends and
another begins stands a new line, or GPT-2's <|endoftext|>. Each JSON line is a text of its own.

A folder with wiki.train, wiki.valid and wiki.test, all .raw or all .tokens, keeps its parts: the
token file says where validation begins, and what is to be scored goes into a second file beside
it, with .test before the extension.

Examples:
  trm-native data prepare books/ --tokenizer gpt2 --out books.safetensors
  trm-native train tiny --data books.safetensors
  trm-native data prepare stories.jsonl --field story --out stories.safetensors
  trm-native data prepare wikitext-2-raw/ --tokenizer gpt2 --out wiki.safetensors";

fn devices() -> Command {
    Command::new("devices")
        .about("List what can compute, and what `auto` takes and why")
        .arg(json())
}

fn bench() -> Command {
    Command::new("bench")
        .about("Time training steps and generation on this machine")
        .arg(
            Arg::new("threads")
                .long("threads")
                .value_name("N")
                .value_parser(value_parser!(usize))
                .help("Threads of the CPU [default: all]"),
        )
        .arg(
            number("runs", "5", "Repetitions; their median counts")
                .value_parser(value_parser!(usize)),
        )
        .arg(
            Arg::new("part")
                .long("part")
                .value_name("PART")
                .value_parser(one_of(&[
                    ("texts", BenchPart::Texts),
                    ("puzzles", BenchPart::Puzzles),
                ]))
                .help("Only language models, or only puzzle solvers"),
        )
        .arg(
            Arg::new("memory")
                .long("memory")
                .action(ArgAction::SetTrue)
                .help("Also how a step's memory grows with batch and depth, on the CPU"),
        )
        // What a process that measures memory is asked for.
        .arg(Arg::new("peak-of").long("peak-of").value_name("SETTINGS").hide(true))
        .arg(json())
        .arg(device_arg())
}

fn checkpoint() -> Arg {
    Arg::new("checkpoint")
        .value_name("CHECKPOINT")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("A .safetensors checkpoint, or a run's folder (its best one)")
}

fn depth() -> Arg {
    Arg::new("depth")
        .long("depth")
        .value_name("N")
        .value_parser(depths::parse_one)
        .help("Cycles of the recursion [default: as trained]")
}

pub fn device_arg() -> Arg {
    Arg::new("device")
        .long("device")
        .value_name("D")
        .default_value("auto")
        .value_parser(value_parser!(Choice))
        .help("auto (a real GPU if there is one, else the CPU), cpu or gpu[:N]")
}

pub fn json() -> Arg {
    Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("One JSON document on standard output")
}

pub fn file(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
}

pub fn folder(name: &'static str, help: &'static str) -> Arg {
    file(name, help).value_name("DIR")
}

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    let argument = Arg::new(name)
        .long(name)
        .value_name("N")
        .default_value(default)
        .allow_negative_numbers(true)
        .help(help);
    let snake = name.replace('-', "_");
    if snake == name { argument } else { argument.alias(snake) }
}

/// Takes one of a few words, each for a value.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    words: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words.iter().map(|(word, _)| *word)).map(move |typed| {
        let known = words.iter().find(|(word, _)| *word == typed);
        known.map(|(_, value)| *value).expect("clap lets only these words through")
    })
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("must be a probability from 0 to 1".into()),
    }
}

fn temperature(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("must be a number from 0".into()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
