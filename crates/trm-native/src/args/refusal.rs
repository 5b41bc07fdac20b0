//! What is said of a command line that cannot be used.

use std::ffi::OsString;
use std::path::Path;

use crate::terminal::report::say;
use crate::terminal::shell::quoted;

/// Prints what clap says of a wrong command line, or the help that was asked for, and
/// ends the process.
pub fn end(mut error: clap::Error, arguments: &[OsString]) -> ! {
    let hint = match error.use_stderr() {
        true => hyphen_hint(arguments),
        false => None,
    };
    if hint.is_some() {
        // clap proposes `-- -x`, which is no value of the flag.
        let _ = error.remove(clap::error::ContextKind::Suggested);
    }
    let _ = error.print();
    if let Some(hint) = hint {
        say!("hint: {hint}");
    }
    std::process::exit(error.exit_code())
}

/// How to give a text that begins with a hyphen, where one was given without `=`.
fn hyphen_hint(arguments: &[OsString]) -> Option<String> {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let pair = words.windows(2).find(|pair| {
        let known = ["--prompt", "--text", "--name", "--field"].contains(&pair[0].as_ref());
        // Another flag of the program may have been meant as such.
        known && pair[1].starts_with('-') && !pair[1].starts_with("--")
    })?;
    Some(format!(
        "A value that begins with a hyphen is joined to its flag: {}={}.",
        pair[0],
        quoted(Path::new(pair[1].as_ref()))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_a_hyphen_is_told_how_to_be_given() {
        let hint =
            |words: &[&str]| hyphen_hint(&words.iter().map(OsString::from).collect::<Vec<_>>());
        let said = hint(&["trm-native", "generate", "runs/tiny", "--prompt", "-x"]);
        assert!(said.is_some_and(|said| said.contains("--prompt=-x")));
        assert_eq!(hint(&["trm-native", "generate", "runs/tiny", "--prompt", "--depth"]), None);
        assert_eq!(hint(&["trm-native", "generate", "-x"]), None);
    }
}
