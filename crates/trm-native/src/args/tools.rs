//! `--help` and arguments of the commands that prepare, convert and measure:
//! `convert`, `data`, `devices` and `bench`.

use std::path::PathBuf;

use clap::{Arg, Command, value_parser};
use trm_train::checkpoint::Precision;

use super::common::{
    as_text, at_least_one, base, device, file, flag, from_zero, json, number, one_of, option,
};
use super::types::{BenchPart, CheckpointFormat};

/// `convert` and its arguments.
pub fn convert() -> Command {
    Command::new("convert")
        .about("Convert checkpoints from and to other projects, or to another precision")
        .after_help(CONVERT_HELP)
        .arg(
            Arg::new("input")
                .value_name("IN")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The weights to convert: safetensors or a PyTorch file; with --from trm also the folder of a run, with hf-llama the folder of a model, with peft that of an adapter, which is merged into --base"),
        )
        .arg(
            option("from", "FORMAT", "Format of IN; trm is this program's own")
                .required(true)
                .value_parser(one_of(&[
                    ("chat-trm", CheckpointFormat::ChatTrm),
                    ("samsung-trm", CheckpointFormat::SamsungTrm),
                    ("hf-vit", CheckpointFormat::HfVit),
                    ("trm-vit", CheckpointFormat::TrmVit),
                    ("hf-llama", CheckpointFormat::HfLlama),
                    ("gguf", CheckpointFormat::Gguf),
                    ("peft", CheckpointFormat::Peft),
                    ("trm", CheckpointFormat::Trm),
                ])),
        )
        .arg(file("to", "The checkpoint to write; its folder is created if it is missing").required(true))
        .arg(
            option("dtype", "TYPE", "Number type of the weights; f16 halves the file [default: unchanged]")
                .value_parser(one_of(&[("f32", Precision::F32), ("f16", Precision::F16)])),
        )
        .arg(
            option(
                "to-format",
                "FORMAT",
                "Format to write; samsung-trm, hf-vit and peft (the adapters of a question model) also write a configuration beside the weights [default: trm]",
            )
            .value_parser(one_of(&[
                ("samsung-trm", CheckpointFormat::SamsungTrm),
                ("hf-vit", CheckpointFormat::HfVit),
                ("peft", CheckpointFormat::Peft),
                ("trm", CheckpointFormat::Trm),
            ])),
        )
        .arg(file("config", "config.json of the original model [default: the one beside IN]"))
        .arg(option(
            "dataset",
            "NAME",
            "Built-in text (shakespeare) that defines the characters of the vocabulary",
        ))
        .arg(
            file("data", "Your own text that defines the characters of the vocabulary")
                .conflicts_with("dataset"),
        )
        .arg(base())
        .arg(
            option(
                "image-size",
                "N",
                "--from hf-vit: another image size; position embeddings are interpolated",
            )
            .value_parser(at_least_one),
        )
        .arg(
            option("vit-depth", "N", "--from hf-vit: keep the first N blocks only")
                .value_parser(from_zero),
        )
}

const CONVERT_HELP: &str = "\
Chat-TRM's checkpoints do not store their vocabulary: name the text that it
was made from with --dataset or --data, or the model reads and writes token
numbers only.

Examples:
  trm-native convert chat.safetensors --from chat-trm \\
      --dataset shakespeare --to out.safetensors
  trm-native convert step_100 --from samsung-trm --to sudoku.safetensors
  trm-native convert runs/tiny --from trm --dtype f16 --to tiny-f16.safetensors
  trm-native convert vit-base --from hf-vit --to vit.safetensors
  trm-native convert smollm2.gguf --from gguf --to smollm2.safetensors
  trm-native convert adapter --from peft --base smollm2.safetensors \\
      --to merged.safetensors
  trm-native convert runs/cups --from trm --to-format peft \\
      --to adapter/adapter_model.safetensors";

/// `data` and its subcommands.
pub fn data() -> Command {
    let places = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .value_name("PATH")
            .num_args(1..)
            .value_parser(value_parser!(PathBuf))
            .help(help)
    };
    let list = Command::new("list")
        .about("List the built-in texts, and the files of tokens and of images in a folder")
        .arg(places("places", "Files of `data prepare`, of tokens or of images, or folders that contain them [default: this folder]"))
        .arg(flag("verify", "Read every file completely and compare it with its checksum"))
        .arg(json());
    let prepare = Command::new("prepare")
        .about("Tokenize texts, or resize images, into one file that training reads from disk, not into memory")
        .after_help(PREPARE_HELP)
        .arg(
            places(
                "texts",
                "`shakespeare`, text files (UTF-8), JSON lines (.jsonl, .ndjson), folders of these, or one WikiText folder; files in a folder are read in alphabetical order",
            )
            .required(true),
        )
        .arg(file("out", "The file to write: tokens, or images with --image-size").required(true))
        .arg(
            option(
                "tokenizer",
                "T",
                "char: the characters that occur; byte: the 256 bytes of UTF-8; gpt2: GPT-2's byte-pair encoding (50,257 tokens)",
            )
            .default_value("char")
            .value_parser(["char", "byte", "gpt2"])
            .hide_possible_values(true)
            .conflicts_with("image-size"),
        )
        .arg(
            option("field", "NAME", "Field of each JSON line that holds the text")
                .default_value(trm_data::TEXT_FIELD)
                .conflicts_with("image-size"),
        )
        .arg(as_text().conflicts_with("image-size"))
        .arg(
            option(
                "name",
                "NAME",
                "Name stored in the token file and used in results [default: the first text or folder]",
            )
            .conflicts_with("image-size"),
        )
        .arg(
            option(
                "image-size",
                "N",
                "Prepare a folder of images instead of texts: height and width of each, in pixels",
            )
            .value_parser(at_least_one),
        )
        .arg(
            option("num-channels", "N", "Images: 1 for grey, 3 for colour [default: 3]")
                .value_parser(one_of(&[("1", 1_usize), ("3", 3)]))
                .requires("image-size"),
        )
        .arg(
            file(
                "preprocessor",
                "Images: preprocessor_config.json of a model, for size, crop and filter [default: the shorter side is resized and the centre cut out]",
            )
            .requires("image-size"),
        )
        .arg(json());
    let export = Command::new("export")
        .about("Write a built-in text, or the decoded text of a token file")
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .required(true)
                .help("`shakespeare`, or the path of a token file"),
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The text file to write"),
        );
    Command::new("data")
        .about("List and prepare texts and images for training; export texts")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([list, prepare, export])
}

const PREPARE_HELP: &str = "\
A single text gives the same tokens as `train --data TEXT`. Several texts are
joined with a line break, or with <|endoftext|> for GPT-2's tokenizer. Each
JSON line is one text.

A WikiText folder (wiki.train, wiki.valid and wiki.test, all .raw or all
.tokens) keeps its splits: the token file stores where validation begins; the
test split becomes a second file with .test before the extension, for
`eval --test`.

Examples:
  trm-native data prepare books/ --tokenizer gpt2 --out books.safetensors
  trm-native train tiny --data books.safetensors
  trm-native data prepare stories.jsonl --field story --out stories.safetensors
  trm-native data prepare wikitext-2-raw/ --tokenizer gpt2 \\
      --out wiki.safetensors
  trm-native data prepare photos/ --image-size 224 --out photos.safetensors";

/// `devices` and its arguments.
pub fn devices() -> Command {
    Command::new("devices")
        .about("List the CPU and GPUs, and which one `--device auto` uses")
        .arg(json())
}

/// `bench` and its arguments.
pub fn bench() -> Command {
    Command::new("bench")
        .about("Time training steps and text generation on this machine")
        .after_help(BENCH_HELP)
        .arg(
            option("threads", "N", "CPU threads [default: all]").value_parser(at_least_one),
        )
        .arg(
            number("runs", "5", "Repetitions; the median is reported").value_parser(at_least_one),
        )
        .arg(
            option(
                "part",
                "PART",
                "texts: language models and generation; puzzles: puzzle models; images: the head of TRM-ViT and the features of a ViT; questions: LLM-TRM and its decoder, with --base [default: the first three]",
            )
            .hide_possible_values(true)
            .value_parser(one_of(&[
                ("texts", BenchPart::Texts),
                ("puzzles", BenchPart::Puzzles),
                ("images", BenchPart::Images),
                ("questions", BenchPart::Questions),
            ])),
        )
        .arg(file("base", "A pretrained decoder: a GGUF file, or a checkpoint of `convert`; times questions"))
        .arg(flag(
            "memory",
            "Also measure how a step's peak memory grows with batch size and depth (CPU)",
        ))
        // `bench --memory` starts this program again with this flag.
        .arg(Arg::new("peak-of").long("peak-of").value_name("SETTINGS").hide(true))
        .arg(json())
        .arg(device())
}

const BENCH_HELP: &str = "\
Run it on an otherwise idle machine; times on a busy one vary by a factor of
two and more.";
