//! What the help texts say, and that all is documented.

use trm_spec::{MODELS, SETTINGS, Tier, settings_of};

use super::*;
use crate::presets;

/// The help that these words print.
fn help(words: &[&str]) -> String {
    let words: Vec<OsString> =
        ["trm-native"].iter().chain(words).map(|word| OsString::from(*word)).collect();
    command(&words).try_get_matches_from(&words).expect_err("help").to_string()
}

/// Where a help lists the flag of a setting.
fn flag_in(help: &str, key: &str) -> Option<usize> {
    help.find(&format!("  --{} <", key.replace('_', "-")))
}

#[test]
fn the_command_line_is_well_formed() {
    command(&[]).debug_assert();
}

#[test]
fn every_command_has_a_help_text() {
    for subcommand in command(&[]).get_subcommands() {
        let text = help(&[subcommand.get_name(), "--help"]);
        assert!(text.contains("Usage: trm-native"), "{text}");
    }
}

#[test]
fn help_lists_the_settings_of_the_named_model_only_everyday_ones_first() {
    for model in MODELS {
        let text = help(&["train", "--variant", model.name, "--help"]);
        let of_model = settings_of(model.name);
        let last_everyday = of_model
            .iter()
            .filter(|setting| setting.tier == Tier::Everyday)
            .filter_map(|setting| flag_in(&text, setting.key))
            .max();
        for setting in SETTINGS.iter() {
            let at = flag_in(&text, setting.key);
            assert_eq!(at.is_some(), of_model.contains(&setting), "{} {text}", setting.key);
            if setting.tier == Tier::Advanced && at.is_some() {
                assert!(at > last_everyday, "{} of {}", setting.key, model.name);
            }
        }
    }
}

#[test]
fn help_finds_the_model_in_presets_and_earlier_names() {
    for words in [
        &["train", "sudoku-4x4", "--help"][..],
        &["train", "--help", "--variant=trm"],
        &["train", "tiny", "--variant", "dual", "--help"],
    ] {
        let text = help(words);
        assert!(flag_in(&text, "halt_max_steps").is_some(), "{text}");
        assert!(flag_in(&text, "block_size").is_none(), "{text}");
    }
    // Defaults are those of the preset.
    let text = help(&["train", "tiny", "--help"]);
    assert!(text.contains("[default: 32]"), "{text}");
}

#[test]
fn help_without_a_model_has_the_everyday_settings_and_says_how_to_see_all() {
    let text = help(&["train", "--help"]);
    let default = settings_of(trm_spec::RunConfig::default().model.name());
    for setting in SETTINGS.iter() {
        let expected = default.contains(&setting) && setting.tier == Tier::Everyday;
        assert_eq!(flag_in(&text, setting.key).is_some(), expected, "{} {text}", setting.key);
    }
    assert!(text.contains("trm-native train PRESET --help"), "{text}");
    for name in presets::names().chain(MODELS.iter().map(|model| model.name)) {
        assert!(text.contains(&format!("  {name} ")), "{name}: {text}");
    }
}

/// The section of docs/cli.md about a command.
fn section<'a>(document: &'a str, command: &str) -> &'a str {
    let start = document.split(&format!("\n## {command}\n")).nth(1);
    let rest = start.unwrap_or_else(|| panic!("docs/cli.md has no section `{command}`"));
    rest.split("\n## ").next().unwrap_or(rest)
}

#[test]
fn the_documentation_names_every_command_and_flag() {
    let document = include_str!("../../../../docs/cli.md");
    for command in command(&[]).get_subcommands() {
        let section = section(document, command.get_name());
        let subcommands = command.get_subcommands().flat_map(Command::get_arguments);
        for argument in command.get_arguments().chain(subcommands) {
            let setting = SETTINGS.iter().any(|setting| argument.get_id() == setting.key);
            let Some(flag) = argument.get_long().filter(|flag| *flag != "help") else {
                continue;
            };
            if !setting && !argument.is_hide_set() {
                let named = section.contains(&format!("--{flag}"));
                assert!(named, "`{}`: --{flag} is missing", command.get_name());
            }
        }
    }
}

/// clap breaks longer lines where a terminal of 80 columns ends: examples inside, and columns.
#[test]
fn help_texts_fit_into_80_columns() {
    let command = command(&[]);
    let commands = command.get_subcommands();
    let commands = commands.flat_map(|one| std::iter::once(one).chain(one.get_subcommands()));
    for one in std::iter::once(&command).chain(commands) {
        let texts = [one.get_before_help(), one.get_after_help(), one.get_about()];
        // A description of one line is wrapped as a whole.
        let texts = texts.into_iter().flatten().map(ToString::to_string);
        for text in texts.filter(|text| text.contains('\n')) {
            for line in text.lines() {
                assert!(line.chars().count() < 80, "{}: {line}", one.get_name());
            }
        }
    }
}

/// Both kinds of files are listed and prepared.
#[test]
fn the_help_of_data_names_images_too() {
    let list = ["data", "list", "--help"];
    for words in [&["--help"][..], &["data", "--help"], &list, &["data", "prepare", "--help"]] {
        assert!(help(words).contains("images"), "{words:?}: {}", help(words));
    }
    // A question model needs a decoder.
    assert!(!help(&["ask", "--help"]).contains("ViT"));
}
