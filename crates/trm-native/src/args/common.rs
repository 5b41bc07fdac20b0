//! Arguments that several commands share, and parsers of their values.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgGroup, value_parser};

use crate::args::depths;
use crate::machine::device::DeviceChoice;

/// The positional CHECKPOINT.
pub fn checkpoint() -> Arg {
    Arg::new("checkpoint")
        .value_name("CHECKPOINT")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("A .safetensors checkpoint, or the folder of a run (its best checkpoint is used)")
}

/// `--base FILE` of a command for question models only.
pub fn decoder() -> Arg {
    file(
        "base",
        "The frozen decoder of the model: a checkpoint, the folder of a run, or a GGUF file [default: the file that the model names, in its folder or up to two folders above]",
    )
}

/// `--base FILE`.
pub fn base() -> Arg {
    file(
        "base",
        "The frozen model: the checkpoint of a ViT for image models; a decoder for question models, as a checkpoint or a GGUF file [default: the file that the model names, in its folder or up to two folders above]",
    )
}

/// `--depth N`.
pub fn depth() -> Arg {
    Arg::new("depth")
        .long("depth")
        .value_name("N")
        .allow_negative_numbers(true)
        .value_parser(depths::parse_one)
        .help("Recursion depth: cycles for each token or chunk; for puzzle models, supervision steps [default: as trained]")
}

/// `--device D`.
pub fn device() -> Arg {
    Arg::new("device")
        .long("device")
        .value_name("D")
        .default_value("auto")
        .value_parser(value_parser!(DeviceChoice))
        .help("auto (a hardware GPU if there is one, else the CPU), cpu, gpu or gpu:N (`trm-native devices` lists them)")
}

/// `--as-text`.
pub fn as_text() -> Arg {
    flag(
        "as-text",
        "Read the file as one text, even if it looks like JSON, a web page or something else that is not text",
    )
}

/// A whole number that is not 0.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.trim().parse::<usize>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("must be a whole number from 1".into()),
    }
}

/// A whole number, which may be 0.
pub fn from_zero(text: &str) -> Result<usize, String> {
    text.trim().parse::<usize>().map_err(|_| "must be a whole number from 0".into())
}

/// A whole number from 1 to `MOST`.
pub fn up_to<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.trim().parse::<usize>() {
        Ok(number @ 1..) if number <= MOST => Ok(number),
        _ => Err(format!("must be a whole number from 1 to {MOST}")),
    }
}

/// The seed of a sample.
pub fn seed(text: &str) -> Result<u32, String> {
    text.trim().parse::<u32>().map_err(|_| format!("must be a whole number from 0 to {}", u32::MAX))
}

/// `--json`.
pub fn json() -> Arg {
    flag(
        "json",
        "Print one JSON document on standard output; everything else goes to standard error",
    )
}

/// A flag without a value.
pub fn flag(name: &'static str, help: &'static str) -> Arg {
    with_snake_case(Arg::new(name).action(ArgAction::SetTrue).help(help), name)
}

/// A flag with a value named `value_name`. A negative number is a value too, so that the parser
/// of the flag says what is wrong with it.
pub fn option(name: &'static str, value_name: &'static str, help: &'static str) -> Arg {
    let argument = Arg::new(name).value_name(value_name).help(help).allow_negative_numbers(true);
    with_snake_case(argument, name)
}

/// A flag with a file path.
pub fn file(name: &'static str, help: &'static str) -> Arg {
    option(name, "FILE", help).value_parser(value_parser!(PathBuf))
}

/// A flag with the path of a folder.
pub fn folder(name: &'static str, help: &'static str) -> Arg {
    file(name, help).value_name("DIR")
}

/// A flag with a number and its default.
pub fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    option(name, "N", help).default_value(default)
}

/// A group called `name` of two arguments, one of which is needed: the message that both are
/// missing names both, as `required_unless_present` would not. That they exclude each other is
/// said by the arguments themselves.
pub fn one_is_needed(name: &'static str, either: [&'static str; 2]) -> ArgGroup {
    ArgGroup::new(name).args(either).multiple(true).required(true)
}

/// Accepts one of a few words, each of which stands for a value.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    words: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words.iter().map(|(word, _)| *word)).map(move |typed| {
        let known = words.iter().find(|(word, _)| *word == typed);
        known.map(|(_, value)| *value).expect("clap lets only these words through")
    })
}

/// A probability from 0 to 1.
pub fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("must be a probability from 0 to 1".into()),
    }
}

/// A finite number that is not negative.
pub fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("must be a number from 0".into()),
    }
}

/// `--max-steps` is accepted as `--max_steps` too, as nanoGPT spells its flags.
fn with_snake_case(argument: Arg, name: &'static str) -> Arg {
    let argument = argument.long(name);
    let snake = name.replace('-', "_");
    if snake == name { argument } else { argument.alias(snake) }
}
