//! What is typed wrongly is refused with code 2 and a way out, before anything is made.

mod common;

use std::fs;

use common::{Place, QUICK, says, shipped};

#[test]
fn unknown_words_come_with_the_nearest_known_one() {
    let place = Place::new();
    says(&place.refused(2, &["trian"]), &["train"]);
    says(&place.refused(2, &["train", "--recursion-step", "3"]), &["--recursion-steps"]);
    says(&place.refused(2, &["train", "shakespeare-cha"]), &["shakespeare-char"]);
    says(&place.refused(2, &["train", "--device", "tpu"]), &["auto, cpu, gpu or gpu:N"]);
    says(&place.refused(2, &["convert", "x", "--from", "chat-tmr", "--to", "y"]), &["chat-trm"]);
    assert!(!place.path("runs").exists(), "nothing was made");
}

#[test]
fn every_setting_is_a_flag_in_both_spellings() {
    let place = Place::new();
    let mut missing: Vec<&str> = trm_spec::SETTINGS.iter().map(|setting| setting.key).collect();
    for model in trm_spec::MODELS {
        let help = place.done(&["train", "--variant", model.name, "--help"]).stdout;
        says(&help, &["Model settings", "Training settings", "Advanced training settings"]);
        missing.retain(|key| !help.contains(&format!("--{} ", key.replace('_', "-"))));
    }
    assert!(missing.is_empty(), "in no help: {missing:?}");
    says(&place.done(&["train", "--help"]).stdout, &["shakespeare-elastic", "PRESET --help"]);
    // nanoGPT's spelling reaches the same check.
    for flag in ["--num-heads=5", "--num_heads=5"] {
        says(&place.refused(2, &["train", "tiny", "--device", "cpu", flag]), &["does not divide"]);
    }
}

#[test]
fn impossible_values_name_their_setting() {
    let place = Place::new();
    for (flags, words) in [
        (["--num-heads", "5"], ["num_heads", "does not divide hidden_size 32"]),
        (["--recursion-steps", "0"], ["recursion_steps", "at least 1"]),
        (["--block-size", "-1"], ["block-size", "whole number"]),
        (["--learning-rate", "fast"], ["learning-rate", "a number"]),
        (["--learning-rate", "-1"], ["learning_rate", "between 0 and 10"]),
        (["--objective", "first-cycle"], ["objective", "last_cycle, every_cycle"]),
        (["--dataset", "wikitext"], ["wikitext", "--data FILE"]),
    ] {
        let error = place.refused(2, &[&["train", "tiny", "--device", "cpu"], &flags[..]].concat());
        says(&error, &words);
    }
    for (flags, word) in [("4..1", "backwards"), ("many", "1..8")] {
        says(&place.refused(2, &["eval", "x", "--depths", flags]), &[word]);
    }
    says(&place.refused(2, &["generate", "x", "--depth", "0"]), &["smallest is 1"]);
    assert!(!place.path("runs").exists(), "nothing was made");
}

#[test]
fn configuration_files_are_checked_as_flags_are() {
    let place = Place::new();
    let refused = |text: &str| {
        place.write("my.toml", text);
        place.refused(2, &["train", "--config", "my.toml", "--device", "cpu"])
    };
    says(&refused("[train]\nlearning_rat = 1"), &["my.toml", "did you mean `learning_rate`?"]);
    says(&refused("[train]\nhidden_size = 32"), &["belongs in [model], not in [train]"]);
    says(&refused("[model]\nhidden_size = \"wide\""), &["my.toml", "hidden_size"]);
    says(&refused("[trian]\nseed = 1"), &["unknown setting `[trian]`; did you mean `train`?"]);
    says(&refused("[model\n"), &["my.toml is not valid TOML"]);
    says(&place.refused(1, &["train", "--config", "no.toml"]), &["cannot read no.toml"]);
    says(&place.refused(2, &["train", "tiny", "--config", "my.toml"]), &["cannot be used with"]);
}

#[test]
fn flags_come_over_the_file_and_the_file_over_the_defaults() {
    let place = Place::new();
    place.write(
        "small.toml",
        "[model]\nhidden_size = 16\nnum_heads = 2\nn_layers = 1\nblock_size = 16\n\
         [train]\nbatch_size = 4\nmax_iters = 9\neval_iters = 1\n",
    );
    let ended = place.done(&[
        "train",
        "--config",
        "small.toml",
        "--max_iters",
        "2",
        "--device",
        "cpu",
        "--seed",
        "7",
    ]);
    says(&ended.stderr, &["small.toml", "hidden_size 16", "to 2, batches of 4 × 16", "seed 7"]);
    let config = fs::read_to_string(place.path("runs/small/config.toml")).expect("the plan");
    says(&config, &["hidden_size = 16", "max_iters = 2", "seed = 7", "weight_decay = 0.1"]);
}

#[test]
fn a_folder_with_a_run_is_never_overwritten() {
    let place = Place::new();
    place.quick_model(&[]);
    let before = common::bytes(&place.path("run/last.safetensors"));
    let error = place.refused(2, &[QUICK, &["--out", "run"]].concat());
    says(&error, &["run already contains a run", "--resume run"]);
    assert_eq!(common::bytes(&place.path("run/last.safetensors")), before);
}

#[test]
fn runs_without_a_folder_are_numbered() {
    let place = Place::new();
    for folder in ["runs/tiny", "runs/tiny-2"] {
        place.done(QUICK);
        assert!(place.path(folder).join("last.safetensors").exists(), "{folder}");
    }
}

#[test]
fn a_run_that_goes_on_keeps_its_settings() {
    let place = Place::new();
    place.quick_model(&[]);
    let error = place.refused(2, &["train", "--resume", "run", "--hidden-size", "64"]);
    says(&error, &["keeps its hidden_size", "--init"]);
    says(&place.refused(2, &["train", "--resume", "nowhere"]), &["no run to resume"]);
    says(&place.refused(2, &["train", "tiny", "--resume", "run"]), &["cannot be used with"]);
}

/// A flag that the model does not read would change nothing, without a word.
#[test]
fn settings_of_other_models_are_refused() {
    let place = Place::new();
    for arguments in [
        vec!["train", "sudoku-4x4", "--val-fraction", "0.5"],
        vec!["train", "tiny", "--num-val-puzzles", "9"],
        vec!["train", "digits", "--tokenizer", "gpt2"],
        vec!["train", "sudoku-4x4", "--objective", "every_cycle"],
        vec!["overfit", "tiny", "--num-puzzles", "3"],
        vec!["sweep", "digits", "--vary", "num_puzzles=10,20"],
    ] {
        let error = place.refused(2, &[&arguments[..], &["--device", "cpu"]].concat());
        says(&error, &["does not belong to a"]);
    }
    assert!(!place.path("runs").exists(), "nothing was made");
}

/// A preset or an older run states all settings; a flag is typed to change something.
#[test]
fn settings_that_another_one_switches_off_are_refused() {
    let place = Place::new();
    for (arguments, words) in [
        (["tiny", "--cycle-weights", "1,9"], ["--cycle-weights", "--objective every_cycle"]),
        (["tiny", "--min-depth", "1"], ["--min-depth", "--depth-sampling uniform"]),
        (
            ["sudoku-4x4", "--cycle-weights", "1,1,1,1,1,1,1,1"],
            ["--cycle-weights", "--supervision unrolled"],
        ),
    ] {
        let typed = [&["train"], &arguments[..], &["--device", "cpu"]].concat();
        says(&place.refused(2, &typed), &words);
    }
    let both = ["--cycle-weights", "1,9", "--objective", "every_cycle", "--max-iters", "1"];
    place.done(&[&["train", "tiny", "--device", "cpu"], &both[..]].concat());
}

/// A model on a base computes with the sizes of the base.
#[test]
fn sizes_of_a_base_are_not_typed() {
    let place = Place::new();
    let base = shipped("vit-mnist.safetensors");
    let typed = ["train", "trm-vit-mnist", "--base", &base, "--image-size", "16"];
    let error = place.refused(2, &[&typed[..], &["--device", "cpu"]].concat());
    says(&error, &["--image-size", "vit-mnist.safetensors decides", "leave it out"]);
}

#[test]
fn options_that_a_command_does_not_read_are_refused() {
    let place = Place::new();
    let solver = shipped("sudoku-4x4.safetensors");
    let convert = |more: &[&str]| {
        let start = ["convert", &solver, "--from", "trm", "--to", "x.safetensors"];
        place.refused(2, &[&start[..], more].concat())
    };
    says(&convert(&["--dataset", "shakespeare"]), &["--dataset and --data"]);
    let gguf = ["convert", "x.gguf", "--from", "gguf", "--to", "y", "--base", &solver];
    fs::write(place.path("x.gguf"), "GGUF").unwrap();
    says(&place.refused(2, &gguf), &["--base is for models on a frozen base"]);
    let config = ["--config", "config.json"];
    says(&convert(&config), &["--config is for formats with a configuration"]);
    let gguf = [&gguf[..6], &config].concat();
    says(&place.refused(2, &gguf), &["--config is for formats with a configuration"]);
    // One answer leaves nothing to choose, and the answers to an ARC test vote.
    let arc = shipped("arc-sample.safetensors");
    for solver in [&solver, &arc] {
        let solve = ["solve", solver, "x.json", "--choose", "first", "--device", "cpu"];
        says(&place.refused(2, &solve), &["--choose first", "--halt-threshold"]);
        let halting = [&solve[..], &["--halt-threshold", "0.9"]].concat();
        says(&place.refused(2, &halting), &["--choose first", "several copies"]);
    }
    fs::create_dir(place.path("photos")).unwrap();
    for more in [["--tokenizer", "gpt2"], ["--field", "x"], ["--name", "birds"]] {
        let start = ["data", "prepare", "photos", "--image-size", "8", "--out", "o.safetensors"];
        says(&place.refused(2, &[&start[..], &more].concat()), &["--image-size", more[0]]);
    }
    let vit = shipped("vit-mnist.safetensors");
    let classify = ["classify", &vit, "x.png", "--inner-steps", "5", "--device", "cpu"];
    place.write("x.png", PIXEL);
    says(&place.refused(2, &classify), &["has no recursion"]);
}

/// It is about a file, and only language models read texts.
#[test]
fn a_file_is_a_text_only_where_texts_are_read() {
    let place = Place::new();
    place.write("a.txt", "1.3.3.1..1.3.3.1\n");
    let [writer, digits, cups] = ["shakespeare-elastic", "digits", "cups-5"]
        .map(|name| shipped(&format!("{name}.safetensors")));
    for (arguments, word) in [
        (vec!["train", "tiny"], "none is given"),
        (vec!["train", "sudoku-4x4", "--data", "a.txt"], "reads no texts"),
        (vec!["sweep", "tiny", "--vary", "batch_size=1,2"], "none is given"),
        (vec!["eval", &writer], "none is given"),
        (vec!["eval", &digits, "--data", "a.txt"], "reads no texts"),
        (vec!["eval", &cups, "--test", "a.txt"], "reads no texts"),
    ] {
        let typed = [&arguments[..], &["--as-text", "--device", "cpu"]].concat();
        says(&place.refused(2, &typed), &["--as-text", word, "hint:"]);
    }
    assert!(!place.path("runs").exists(), "nothing was made");
}

/// A message that names one of two would hide the other.
#[test]
fn both_of_two_arguments_are_named_where_one_is_needed() {
    let place = Place::new();
    for (arguments, words) in [
        (["trace", "x"], ["--prompt <TEXT>", "--tokens <FILE>"]),
        (["classify", "x"], ["IMAGE", "--tensors <FILE>"]),
        (["sweep", "tiny"], ["--recursion-steps <DEPTHS>", "--vary <SETTING=V,V>"]),
    ] {
        let error = place.refused(2, &arguments);
        says(&error, &["required"]);
        says(&error, &words);
    }
    let order = "Usage: trm-native classify [OPTIONS] <CHECKPOINT> <IMAGE";
    says(&place.refused(2, &["classify", "x"]), &[order]);
    let both = ["trace", "x", "--prompt", "a", "--tokens", "b"];
    says(&place.refused(2, &both), &["cannot be used with"]);
}

/// It is the command line that has to change, whatever the command.
#[test]
fn values_that_a_model_cannot_take_are_wrong_usage() {
    let place = Place::new();
    let (writer, solver) =
        (shipped("shakespeare-elastic.safetensors"), shipped("sudoku-4x4.safetensors"));
    for (arguments, words) in [
        (&["trace", &writer, "--prompt", "ab", "--attention", "2", "--json"][..], ["2", "0 to 1"]),
        (&["trace", &solver, "--prompt", "ab"], ["--prompt", "--tokens FILE"]),
        (&["generate", &writer, "--draft-depth", "99"], ["draft depth 99", "hint:"]),
        (&["eval", &writer, "--stride", "1000"], ["stride of 1000", "hint:"]),
    ] {
        says(&place.refused(2, &[arguments, &["--device", "cpu"]].concat()), &words);
    }
}

/// Far from any folder where the base may lie.
#[test]
fn a_missing_base_is_told_with_its_flag_and_where_it_is_from() {
    let place = Place::new();
    fs::create_dir_all(place.path("a/b/c")).unwrap();
    let cups = "a/b/c/cups-5.safetensors";
    fs::copy(shipped("cups-5.safetensors"), place.path(cups)).unwrap();
    let error = place.refused(2, &["ask", cups, "Which cup?", "--device", "cpu"]);
    says(&error, &[cups, "needs its frozen base, smollm2.safetensors", "--base FILE (SHA-256 "]);
    says(&error, &["`node scripts/datasets.mjs smollm2`"]);
}

/// Before the model is opened, which would ask for its frozen base.
#[test]
fn models_of_other_families_are_refused_with_their_own_command() {
    let place = Place::new();
    let (cups, digits) = (shipped("cups-5.safetensors"), shipped("digits.safetensors"));
    for (arguments, words) in [
        (vec!["trace", &cups, "--prompt", "hi"], ["is a question model; use `ask`", "`trace`"]),
        (vec!["trace", &digits, "--prompt", "hi"], ["is an image classifier", "use `classify`"]),
        (vec!["classify", &cups, "x.png"], ["is a question model; use `ask`", "`classify`"]),
    ] {
        says(&place.refused(2, &arguments), &words);
    }
}

#[test]
fn presets_that_cannot_be_overfitted_are_refused_with_those_that_can() {
    let place = Place::new();
    for (preset, reason) in [
        ("vit-mnist", "its dataset `mnist` does not come with the program"),
        ("arc", "its dataset `arc` does not come with the program"),
        ("trm-vit-mnist", "needs a frozen base"),
        ("cups", "needs a frozen base"),
    ] {
        let error = place.refused(2, &["overfit", preset, "--device", "cpu"]);
        says(&error, &[preset, reason, "can be overfitted: tiny, digits, sudoku-4x4, maze-10x10"]);
        // `overfit` has neither.
        assert!(!error.contains("--data") && !error.contains("--base"), "{error}");
    }
}

/// Its help lists what it can train, and the settings that it starts from.
#[test]
fn the_help_of_overfit_is_its_own() {
    let place = Place::new();
    let general = place.done(&["overfit", "--help"]).stdout;
    says(&general, &["trm-native overfit PRESET --help", "\n  tiny ", "\n  sudoku-4x4 "]);
    for other in ["--variant", "\n  cups ", "\n  vit-mnist "] {
        assert!(!general.contains(other), "{other}: {general}");
    }
    let tiny = place.done(&["overfit", "tiny", "--help"]).stdout;
    says(&tiny, &["Training steps [default: 1000]", "[default: constant]"]);
    assert!(!tiny.contains("--block-size"), "set by itself: {tiny}");
}

/// They would be overridden, or read by nothing.
#[test]
fn flags_without_an_effect_on_overfit_are_refused() {
    let place = Place::new();
    let refused = |arguments: &[&str]| {
        place.refused(2, &[&["overfit"], arguments, &["--device", "cpu"]].concat())
    };
    for (preset, flag, value) in [
        ("tiny", "--block-size", "32"),
        ("tiny", "--dataset", "shakespeare"),
        ("tiny", "--val-fraction", "0.5"),
        ("sudoku-4x4", "--num-puzzles", "5"),
        ("sudoku-4x4", "--num-val-puzzles", "5"),
        ("sudoku-4x4", "--augment", "true"),
        ("digits", "--batch-size", "4"),
        ("digits", "--random-crop", "1"),
        ("digits", "--flip", "true"),
        ("digits", "--val-fraction", "0.2"),
    ] {
        says(&refused(&[preset, flag, value]), &[flag, "is set by `overfit` itself"]);
    }
    for flag in ["--eval-interval", "--save-interval", "--log-interval"] {
        says(&refused(&["tiny", flag, "5"]), &[flag, "has no effect"]);
    }
    // Of the default presets the last reads this one; none is trained before it is refused.
    says(&refused(&["--num-puzzles", "5"]), &["preset sudoku-4x4: --num-puzzles"]);
}

/// A JSON document lists all classes.
#[test]
fn a_number_of_classes_does_not_go_with_json() {
    let both = ["classify", "x", "y.png", "--top", "2", "--json"];
    says(&Place::new().refused(2, &both), &["--json", "--top"]);
}

/// A PNG of one grey pixel.
const PIXEL: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\x0aIDATx\x9cch\x00\x00\x00\x82\x00\x81w\xcdr\xb6\x00\x00\x00\x00IEND\xaeB`\x82";

/// A run's folder holds files of its own names.
#[test]
fn no_input_is_overwritten_by_a_run() {
    let place = Place::new();
    fs::create_dir(place.path("exp")).unwrap();
    let puzzles = "1.34341221434321\n12343412214343..\n";
    place.write("exp/data.json", puzzles);
    let config = "# my settings\n[model]\nvariant = \"chat_trm\"\n";
    place.write("exp/config.toml", config);
    let own = ["train", "sudoku-4x4", "--data", "exp/data.json", "--out", "exp"];
    let settings = ["train", "--config", "exp/config.toml", "--out", "exp", "--max-iters", "1"];
    for (arguments, name) in [(&own[..], "data.json"), (&settings, "config.toml")] {
        let error = place.refused(2, &[arguments, &["--device", "cpu"]].concat());
        says(&error, &[name, "would be overwritten", "--out"]);
    }
    assert_eq!(fs::read_to_string(place.path("exp/data.json")).unwrap(), puzzles);
    assert_eq!(fs::read_to_string(place.path("exp/config.toml")).unwrap(), config);
}

/// Only what the failed start of a run has left is replaced.
#[test]
fn files_of_others_are_not_overwritten_by_a_run() {
    let place = Place::new();
    fs::create_dir(place.path("site")).unwrap();
    for (name, text) in [
        ("config.toml", "[server]\nport = 80\n"),
        ("results.json", "{\"tests\": 3}"),
        ("metrics.jsonl", "{\"cpu\": 0.5}\n"),
        ("data.json", "[1, 2, 3]"),
    ] {
        let file = format!("site/{name}");
        let path = place.write(&file, text);
        let error = place.refused(2, &[QUICK, &["--out", "site"]].concat());
        says(&error, &[&file, "was not written by this program", "choose another --out"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::read_dir(place.path("site")).unwrap().count(), 1, "nothing was made");
        fs::remove_file(path).unwrap();
    }
    place.done(&[QUICK, &["--out", "site"]].concat());
}
