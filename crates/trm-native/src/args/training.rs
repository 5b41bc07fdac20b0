//! The commands that train, and their arguments.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};
use trm_spec::Setting;

use super::command::{device_arg, file, folder, json, one_of};
use super::settings;
use crate::sweep::Equal;
use crate::{depths, presets};

/// `train` and its arguments.
pub fn train() -> Command {
    shared(Command::new("train"), |_| true)
        .about("Train a model; without a preset, one that suits this machine")
        .arg(folder("out", "Folder of the run [default: runs/PRESET, numbered if it is taken]"))
        .arg(
            folder("resume", "Go on with the run in this folder, exactly where it stopped")
                .conflicts_with_all(["preset", "config", "out", "init"]),
        )
        .arg(
            Arg::new("auto-resume")
                .long("auto-resume")
                .alias("auto_resume")
                .action(ArgAction::SetTrue)
                .requires("out")
                .conflicts_with_all(["resume", "init"])
                .help("Go on with the run in --out where there is one, else begin it: the same command, however often it is interrupted"),
        )
        .arg(file("init", "Start a new run from the weights of this checkpoint"))
}

/// `sweep` and its arguments.
pub fn sweep() -> Command {
    shared(Command::new("sweep"), |setting| setting.key != "recursion_steps")
        .about("Train at several depths, under equal settings and equal compute, and compare")
        .arg(
            Arg::new("depths")
                .long("recursion-steps")
                .alias("recursion_steps")
                .value_name("DEPTHS")
                .required(true)
                .value_parser(depths::parse)
                .help("Depths: a list (1,2,3) or a range with both ends (1..3)"),
        )
        .arg(
            Arg::new("seeds")
                .long("seeds")
                .value_name("S,S,…")
                .value_parser(seeds)
                .conflicts_with("seed")
                .help("Seeds, each a run of its own [default: the seed of the settings]"),
        )
        .arg(
            Arg::new("equal")
                .long("equal")
                .value_name("WHAT")
                .default_value("both")
                .value_parser(one_of::<&[Equal]>(&[
                    ("settings", &[Equal::Settings]),
                    ("compute", &[Equal::Compute]),
                    ("both", &[Equal::Settings, Equal::Compute]),
                ]))
                .help("The same steps at every depth, or as many as cost what the deepest's cost"),
        )
        .arg(folder(
            "out",
            "Folder of the sweep; the same command goes on in it [default: runs/sweep-PRESET]",
        ))
        .arg(json())
}

/// `overfit` and its arguments.
pub fn overfit() -> Command {
    Command::new("overfit")
        .about("Learn one sentence, or one puzzle, by heart: seconds, and proof that a model can learn at all")
        .after_help("Without a preset, one small model of every variant. Fails unless the loss falls below --target within --max-iters steps.")
        .arg(preset("A named configuration (`train --help` lists them) [default: one of every variant]"))
        .arg(
            Arg::new("text")
                .long("text")
                .value_name("TEXT")
                .help("The sentence [default: a line of Hamlet's]"),
        )
        .arg(
            Arg::new("target")
                .long("target")
                .value_name("LOSS")
                .default_value("0.01")
                .value_parser(clap::value_parser!(f64))
                .help("Loss that counts as learned, in nats per token"),
        )
        .arg(json())
        .arg(device_arg())
        .args(settings::arguments(|setting| setting.key != "variant"))
}

fn preset(help: &'static str) -> Arg {
    Arg::new("preset")
        .value_name("PRESET")
        .value_parser(PossibleValuesParser::new(presets::names()))
        .hide_possible_values(true)
        .help(help)
}

/// What commands that train take: a preset, a text, and the settings that are `wanted`.
fn shared(command: Command, wanted: fn(&Setting) -> bool) -> Command {
    let mut presets_help = String::from("Presets:\n");
    for (name, description) in presets::describe() {
        presets_help.push_str(&format!("  {name:<21} {description}\n"));
    }
    command
        // The last one counts, as in most programs.
        .args_override_self(true)
        .after_help(presets_help)
        .arg(preset("A named configuration (listed below); flags change its settings one by one"))
        .arg(
            file("config", "A TOML file of settings, in place of a preset")
                .conflicts_with("preset"),
        )
        .arg(file("data", "Your own text (UTF-8), JSON lines with a text in `text` (.jsonl), or a token file of `data prepare`, in place of Tiny Shakespeare"))
        .arg(max_minutes())
        .arg(device_arg())
        .args(settings::arguments(wanted))
}

fn seeds(text: &str) -> Result<Vec<u64>, String> {
    text.split(',')
        .map(|part| {
            let seed = part.trim().parse();
            seed.map_err(|_| format!("`{part}` is not a seed; write 1,2,3"))
        })
        .collect()
}

fn max_minutes() -> Arg {
    Arg::new("max-minutes")
        .long("max-minutes")
        .alias("max_minutes")
        .value_name("M")
        .allow_negative_numbers(true)
        .value_parser(minutes)
        .help("Stop cleanly after M minutes, saved and ready to go on")
}

fn minutes(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().map(|minutes| minutes * 60.0);
    seconds
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "must be a number of minutes above 0".into())
}
