//! `--help` and arguments of the commands that train: `train`, `sweep` and
//! `overfit`.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};
use trm_spec::Setting;

use super::common::{
    as_text, base, device, file, flag, folder, json, one_is_needed, one_of, option,
};
use super::depths;
use super::settings::{self, Described};
use crate::machine::device::DeviceList;
use crate::presets;
use crate::sweep::Equal;
use crate::sweep::vary::Varied;

/// The purpose and the examples come before the long list of settings.
const TEMPLATE: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// `train` and its arguments. `described` selects the settings that its help lists.
pub fn train(described: &Described) -> Command {
    shared(Command::new("train"), described, &[])
        .about("Train a model, or continue a run")
        .before_help(TRAIN_HELP)
        .help_template(TEMPLATE)
        .arg(folder("out", "Folder of the run [default: runs/NAME: the preset, the name of the --config file, or the model that --variant names in their place; with a number if it exists]"))
        .arg(
            folder("resume", "Continue the run in this folder exactly where it stopped")
                .conflicts_with_all(["preset", "config", "out", "init"]),
        )
        .arg(
            flag(
                "auto-resume",
                "Continue the run in --out if there is one, else start it (with --init: from those weights): the same command works after every interruption",
            )
            .requires("out")
            .conflicts_with("resume"),
        )
        .arg(file("init", "Start a new run at step 0 from the weights of this checkpoint"))
        .arg(
            option(
                "devices",
                "N|LIST",
                "Train on several devices, which share the gradient_accumulation_steps batches of every update: a number, or cpu,cpu or gpu:0,gpu:1. The result does not depend on how many there are",
            )
            .value_parser(clap::value_parser!(DeviceList))
            .conflicts_with("device"),
        )
        .arg(
            option(
                "rank-timeout",
                "SECONDS",
                "Under mpirun: stop when another process has sent nothing for this long [default: 300]",
            )
            .value_parser(seconds),
        )
}

const TRAIN_HELP: &str = "\
Examples:
  trm-native train tiny                           a first model, in seconds
  trm-native train sudoku-4x4                     a puzzle model, in minutes
  trm-native train digits                         images, in a minute
  trm-native train tiny --data my.txt             your own text
  trm-native train --resume runs/tiny --max-iters 500
                                                  continue a run

A run's folder holds the best and the last checkpoint, the configuration,
metrics and TensorBoard events. Ctrl-C saves the run and prints the command
that continues it.";

/// `sweep` and its arguments.
pub fn sweep(described: &Described) -> Command {
    shared(Command::new("sweep"), described, &["recursion_steps"])
        .about("Train a model at several depths, or with several values of any settings, and compare")
        .before_help(SWEEP_HELP)
        .help_template(TEMPLATE)
        .arg(
            option(
                "recursion-steps",
                "DEPTHS",
                "Language models: depths to train, a list (1,2,3) or a range that includes both ends (1..3); this or --vary is needed",
            )
            .id("depths")
            .value_parser(depths::parse),
        )
        .arg(
            option(
                "vary",
                "SETTING=V,V",
                "Any setting but `variant` and `seed` (use --seeds) with the values to compare, in place of depths; given several times, every combination is trained",
            )
            .action(ArgAction::Append)
            .conflicts_with("depths")
            .value_parser(Varied::parse),
        )
        .group(one_is_needed("compared", ["depths", "vary"]))
        .arg(
            option("seeds", "S,S,…", "Random seeds; every depth is trained once per seed [default: seed of the settings]")
                .value_parser(seeds)
                .conflicts_with("seed"),
        )
        .arg(
            option(
                "equal",
                "WHAT",
                "What all depths share: settings (the same number of steps) or compute (the same training FLOPs as the deepest) [default: both]",
            )
            .value_parser(one_of::<&[Equal]>(&[
                ("settings", &[Equal::Settings]),
                ("compute", &[Equal::Compute]),
                ("both", &[Equal::Settings, Equal::Compute]),
            ])),
        )
        .arg(folder(
            "out",
            "Folder of the sweep; the same command continues it [default: runs/sweep-PRESET]",
        ))
        .arg(json())
}

const SWEEP_HELP: &str = "\
Examples:
  trm-native sweep tiny --recursion-steps 1,2,3 --seeds 1,2,3
  trm-native sweep digits --vary inner_steps=2,6 --vary outer_steps=1,4

Writes sweep.json (the table) and sweep.svg (a chart) to the folder of the
sweep. Runs that are complete are not trained again.";

/// `overfit` and its arguments.
pub fn overfit(described: &Described) -> Command {
    let described = &described.overfitted();
    Command::new("overfit")
        .about("Overfit one sentence, one puzzle or eight images (sanity check, takes seconds)")
        .before_help(OVERFIT_HELP)
        .help_template(TEMPLATE)
        .arg(preset(
            "A named configuration (`trm-native train --help` lists them) [default: tiny, page-chunk, shakespeare-trm-lm and sudoku-4x4]",
        ))
        .arg(option("text", "TEXT", "The sentence [default: a line from Hamlet]"))
        .arg(
            option("target", "LOSS", "Training loss to reach, in nats per token")
                .default_value("0.01")
                .value_parser(loss),
        )
        .arg(json())
        .arg(device())
        .args(settings::arguments(described, &["variant"]))
        // They are refused with the reason, and not as unknown.
        .mut_args(|arg| {
            let setting = Setting::find(arg.get_id().as_str());
            let hidden = setting.is_ok_and(|setting| described.unread_by_overfit(setting));
            if hidden { arg.hide(true) } else { arg }
        })
        .after_help(settings::notes(described, "overfit"))
}

const OVERFIT_HELP: &str = "\
A model that cannot overfit a single example has a defect in its gradients or
its optimizer. Without a preset, four small models are checked: three language
models and a puzzle model. The exit code is 1 unless the training loss falls
below --target within --max-iters steps. Settings that overfit sets itself are
refused.";

fn preset(help: &'static str) -> Arg {
    Arg::new("preset")
        .value_name("PRESET")
        .value_parser(PossibleValuesParser::new(presets::names()))
        .hide_possible_values(true)
        .help(help)
}

/// What `train` and `sweep` share: a preset, a text, and all settings but those in `without`.
fn shared(command: Command, described: &Described, without: &[&str]) -> Command {
    let name = command.get_name().to_owned();
    command
        // The last one counts, as in most programs.
        .args_override_self(true)
        .arg(preset("A named configuration (listed below) [default: one that suits this machine]"))
        .arg(file("config", "A TOML file of settings instead of a preset").conflicts_with("preset"))
        .arg(file(
            "data",
            "Your own data instead of the built-in: a text (UTF-8), JSON lines with a field `text` (.jsonl), a token file of `data prepare`, nanoGPT's train.bin or its folder; for puzzle models a puzzle file or data folder; for image models a folder of images or a file of `data prepare`; for question models JSON lines or a JSON array of questions with answers",
        ))
        .arg(as_text())
        .arg(base())
        .arg(
            option("max-minutes", "M", "Time limit: save and stop after M minutes")
                .value_parser(minutes),
        )
        .arg(device())
        .args(settings::arguments(described, without))
        .after_help(settings::notes(described, &name))
}

fn seeds(text: &str) -> Result<Vec<u64>, String> {
    text.split(',')
        .map(|part| {
            let seed = part.trim().parse();
            seed.map_err(|_| format!("`{part}` is not a seed; write 1,2,3"))
        })
        .collect()
}

fn loss(text: &str) -> Result<f64, String> {
    let loss = text.trim().parse().ok().filter(|loss: &f64| loss.is_finite() && *loss > 0.0);
    loss.ok_or_else(|| "must be a number above 0".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "must be a number of seconds above 0".into())
}

fn minutes(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().map(|minutes| minutes * 60.0);
    seconds
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "must be a number of minutes above 0".into())
}
