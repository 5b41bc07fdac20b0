//! `--help` and arguments of the commands that use a trained model: `generate`,
//! `eval`, `trace`, `solve`, `classify` and `ask`.

use std::path::PathBuf;

use clap::{Arg, Command, value_parser};
use trm_data::puzzles::sudoku::Grade;
use trm_spec::ImageSplit;
use trm_train::{Choice, Weights};

use super::common::{
    as_text, at_least_one, base, checkpoint, decoder, depth, device, file, flag, from_zero, json,
    not_negative, number, one_is_needed, one_of, option, probability, seed, up_to,
};
use crate::args::{copies, depths};

/// `generate` and its arguments.
pub fn generate() -> Command {
    Command::new("generate")
        .about("Generate text with a language model (streaming)")
        .after_help(GENERATE_HELP)
        .arg(checkpoint())
        .arg(option("prompt", "TEXT", "Text to continue [default: a line break]"))
        .arg(depth())
        .arg(
            option(
                "draft-depth",
                "N",
                "Speculative decoding: draft tokens with the first N cycles and verify several at once with the others. The text has the same distribution, at temperature 0 it is the same text",
            )
            .value_parser(at_least_one),
        )
        .arg(
            number(
                "temperature",
                "0.8",
                "Sampling temperature; 0 always takes the most probable token",
            )
            .value_parser(not_negative),
        )
        .arg(
            number("top-k", "0", "Sample from the K most probable tokens only; 0 means all")
                .value_parser(from_zero),
        )
        .arg(
            number("seed", "1337", "Random seed of the first sample; sample i uses seed + i")
                .value_parser(seed),
        )
        .arg(number("num-samples", "1", "Number of samples to generate").value_parser(at_least_one))
        .arg(
            number("max-new-tokens", "500", "Tokens to generate per sample")
                .value_parser(at_least_one),
        )
        .arg(device())
}

const GENERATE_HELP: &str = "\
Examples:
  trm-native generate runs/tiny --prompt \"ROMEO:\"
  trm-native generate runs/tiny --prompt \"ROMEO:\" --depth 8 --temperature 0
  trm-native generate runs/tiny --depth 8 --draft-depth 1";

/// `eval` and its arguments.
pub fn eval() -> Command {
    Command::new("eval")
        .about("Measure the validation loss at several depths; for puzzle, image and question models also the accuracy")
        .after_help(EVAL_HELP)
        .arg(checkpoint())
        .arg(file("data", "The data that the model was trained on, if it was your own: a text, token file, puzzles, images or questions"))
        .arg(
            file("test", "Score all of this text, token file or file of questions instead of what the run holds out")
                .conflicts_with_all(["data", "weights", "grade"]),
        )
        .arg(as_text())
        .arg(
            option(
                "stride",
                "N",
                "Tokens scored per window; the rest of the window is context. 1 (chunk models: the chunk size) gives every token the longest context and is slowest [default: windows that do not overlap]",
            )
            .value_parser(at_least_one),
        )
        .arg(
            option(
                "depths",
                "DEPTHS",
                "Depths to evaluate: a range that includes both ends (1..8) or a list (1,2,4) [default: 1..8; puzzle models: every supervision step; image models: outer steps up to twice the trained number; question models: supervision steps up to four beyond the trained number]",
            )
            .value_parser(depths::parse_from_zero),
        )
        .arg(
            option(
                "weights",
                "WHICH",
                "Of a run's folder: the raw weights after the last step, or their moving average (ema_decay) [default: the best checkpoint]",
            )
            .value_parser(one_of(&[("raw", Weights::Raw), ("average", Weights::Average)])),
        )
        .arg(
            option(
                "grade",
                "GRADE",
                "Evaluate a Sudoku model on new Sudokus of this difficulty: a backtracking solver needs no guesses (easy), up to 5 (medium), 15 (hard), 40 (harder) or more (hardest) [default: the run's validation puzzles]",
            )
            .conflicts_with_all(["data", "weights"])
            .value_parser(one_of(&[
                ("easy", Grade::Easy),
                ("medium", Grade::Medium),
                ("hard", Grade::Hard),
                ("harder", Grade::Harder),
                ("hardest", Grade::Hardest),
            ])),
        )
        .arg(
            option(
                "puzzles",
                "N",
                "Evaluate a Sudoku or maze model on N new puzzles [default: the run's validation puzzles; with --grade as many as these]",
            )
            .conflicts_with_all(["data", "weights", "test"])
            .value_parser(up_to::<1_000_000>),
        )
        .args(copies::arguments())
        .arg(
            option(
                "halt-threshold",
                "P",
                "With several copies: halting probability above which a copy counts as halted [default: 0.5]",
            )
            .value_parser(probability),
        )
        .arg(
            option(
                "split",
                "SPLIT",
                "Images: split to evaluate: train, val (for model selection) or test (for final results only) [default: val]",
            )
            .value_parser(one_of(&[
                ("train", ImageSplit::Train),
                ("val", ImageSplit::Val),
                ("test", ImageSplit::Test),
            ])),
        )
        .arg(inner_steps())
        .arg(flag(
            "baselines",
            "Also train and evaluate baselines with the settings of the run. Images: a linear probe, an MLP probe, the head without recursion and a plain ViT of equal size. Questions: adapters with a soft prompt, one step, no window, and the frozen model alone",
        ))
        .arg(base())
        .arg(json())
        .arg(device())
}

const EVAL_HELP: &str = "\
Every token of the validation split except the first is scored exactly once,
from left to right. Losses are in nats per token. Bits per byte and perplexity
per word do not depend on the tokenizer, so they compare models with different
tokenizers; a word is a run of characters without white space.

Examples:
  trm-native eval runs/tiny --depths 1..8
  trm-native eval runs/tiny --test other.txt --stride 1
  trm-native eval runs/sudoku-9x9 --grade hard
  trm-native eval runs/sudoku-9x9 --augmentations 8 --depths 16,64
  trm-native eval runs/maze-10x10 --puzzles 1000 --augmentations 8
  trm-native eval runs/digits --split test --baselines";

/// `--inner-steps N`.
fn inner_steps() -> Arg {
    option("inner-steps", "N", "Images: inner steps of the recursion [default: as trained]")
        .value_parser(depths::parse_one)
}

/// `classify` and its arguments.
pub fn classify() -> Command {
    Command::new("classify")
        .about("Classify images and show the classes after every outer step of the recursion")
        // clap would write the images before the checkpoint.
        .override_usage("trm-native classify [OPTIONS] <CHECKPOINT> <IMAGE...|--tensors <FILE>>")
        .after_help(CLASSIFY_HELP)
        .arg(checkpoint())
        .arg(
            Arg::new("images")
                .value_name("IMAGE")
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("PNG, JPEG or WebP files; each is resized and cropped to the model's size. Images or --tensors are needed"),
        )
        .arg(
            file(
                "tensors",
                "A safetensors file in place of images: `pixel_values` [B,C,H,W], normalised, or `vit_hidden` [B,P,D], with optional initial states `y0` and `z0`",
            )
            .conflicts_with("images"),
        )
        .group(one_is_needed("classified", ["images", "tensors"]))
        .arg(inner_steps())
        .arg(
            option("outer-steps", "N", "Outer steps of the recursion [default: as trained]")
                .value_parser(depths::parse_one),
        )
        .arg(
            number("top", "3", "Classes to list after each step").value_parser(at_least_one),
        )
        .arg(base())
        .arg(flag("logits", "Include all logits (needs --json)").requires("json"))
        .arg(json().conflicts_with("top"))
        .arg(device())
}

const CLASSIFY_HELP: &str = "\
With --json each image has `steps`: step, argmax, prob and, with --logits,
logits of all classes.

Examples:
  trm-native classify runs/digits digit.png
  trm-native classify runs/digits digit.png --outer-steps 8 --json";

/// `ask` and its arguments.
pub fn ask() -> Command {
    Command::new("ask")
        .about("Ask a question; the model refines latent vectors recursively before it answers")
        .after_help(ASK_HELP)
        .arg(checkpoint())
        .arg(Arg::new("question").value_name("QUESTION").required(true).help("The question"))
        .arg(
            option(
                "depth",
                "DEPTHS",
                "Supervision steps before the answer: a number, a list (1,2,4) or a range (0..4); 0 answers without recursion [default: as trained]",
            )
            .value_parser(depths::parse_from_zero),
        )
        .arg(
            option(
                "halt-threshold",
                "P",
                "Stop the recursion as soon as the model's halting probability exceeds P [default: run all steps]",
            )
            .value_parser(probability),
        )
        .arg(
            number("max-new-tokens", "64", "Tokens of an answer at most")
                .value_parser(at_least_one),
        )
        .arg(decoder())
        .arg(json())
        .arg(device())
}

const ASK_HELP: &str = "\
The answer is written as it is computed, once for each depth. With --json the
document has `think` (the probability that the model generates <think>, which
starts the recursion), `halt` (the halting probability after each step) and
`answers` with depth, steps, text, tokens and their probabilities.

Examples:
  trm-native ask runs/cups --depth 0..4 \\
      \"The ball is under cup A. Swap A and B. Which cup?\"
  trm-native ask runs/cups \"…\" --halt-threshold 0.5 --json";

/// `trace` and its arguments.
pub fn trace() -> Command {
    Command::new("trace")
        .about("Show the model's predictions after every cycle of the recursion")
        .after_help(TRACE_HELP)
        .arg(checkpoint())
        .arg(option("prompt", "TEXT", "The text to read; this or --tokens is needed"))
        .arg(
            file(
                "tokens",
                "Token rows as JSON, in place of a prompt: {\"inputs\": [[…], …]}; \"lengths\": […] if rows are padded, \"puzzle_identifiers\": […] for models with puzzle embeddings",
            )
            .conflicts_with("prompt"),
        )
        .group(one_is_needed("traced", ["prompt", "tokens"]))
        .arg(depth())
        .arg(
            flag(
                "draft",
                "Trace the tokens that follow the prompt: the next chunk of a chunk model, or the next token",
            )
            .requires("prompt")
            .conflicts_with("attention"),
        )
        .arg(flag("logits", "Include all logits (needs --json)").requires("json"))
        .arg(
            option(
                "attention",
                "POSITION",
                "Include the attention weights of every head at this position, counted from 0 (needs --json)",
            )
            .requires("json")
            .value_parser(from_zero),
        )
        .arg(json())
        .arg(device())
}

const TRACE_HELP: &str = "\
The table has one line per cycle: the mean probability of the predicted tokens,
their mean entropy (nats), the size of the latent state (RMS) and how much the
cycle changed it, and the predictions.

Examples:
  trm-native trace runs/tiny --prompt \"To be, or not\" --depth 4
  trm-native trace runs/tiny --prompt \"ROMEO:\" --draft
  trm-native trace runs/tiny --prompt \"ROMEO:\" --logits --json";

/// `solve` and its arguments.
pub fn solve() -> Command {
    Command::new("solve")
        .about("Solve puzzles with a puzzle model and check the answers")
        .after_help(SOLVE_HELP)
        .arg(checkpoint())
        .arg(
            Arg::new("puzzles")
                .value_name("PUZZLES")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("A file with puzzles of the model's kind, or - for standard input; for ARC a JSON file of tasks (on standard input each with its name), or a folder of them"),
        )
        .arg(
            option(
                "halt-threshold",
                "P",
                "Stop a puzzle as soon as the model's halting probability exceeds P [default: run all steps]",
            )
            .value_parser(probability),
        )
        .arg(
            option("max-steps", "N", "Supervision steps per puzzle at most [default: as trained]")
                .value_parser(depths::parse_one),
        )
        .args(copies::arguments())
        .arg(
            option(
                "choose",
                "HOW",
                "Which copy's answer to keep: the one with the highest halting probability (halting), the first to halt, which needs --halt-threshold (first), or the first that obeys the rules (rules) [default: halting]",
            )
            .value_parser(one_of(&[
                ("halting", Choice::Halting),
                ("first", Choice::FirstToHalt),
                ("rules", Choice::Rules),
            ])),
        )
        .arg(json())
        .arg(device())
}

const SOLVE_HELP: &str = "\
Puzzle files:
  Sudoku  one puzzle per line, alone or in a table (CSV), or drawn row by row,
          with or without borders; blanks are dots or zeros, or * - _ x ? or
          spaces throughout
  Maze    rows of # (wall), space or dot (free), S (start), G (goal), an empty
          line between two; or a square maze per line, alone or in a table
  ARC     the tasks that the model was trained on; each test is solved under
          all augmentations, and the answers vote for two attempts

Examples:
  trm-native solve runs/sudoku-4x4 puzzles.txt
  echo 1.3.3.1..1.3.3.1 | trm-native solve runs/sudoku-4x4 - --json
  trm-native solve runs/sudoku-9x9 hard.txt --augmentations 8 \\
      --choose first --halt-threshold 0.9";
