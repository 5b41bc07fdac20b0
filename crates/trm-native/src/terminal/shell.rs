//! Commands in a form that can be pasted into a shell.

use std::path::Path;

/// The command that started this program.
pub fn program() -> String {
    // Cargo sets this variable for the programs that it runs.
    if std::env::var_os("CARGO").is_some() {
        return "cargo run --release -p trm-native --".into();
    }
    std::env::args().next().map_or_else(|| "trm-native".into(), |name| quoted(Path::new(&name)))
}

/// A path, quoted for a shell if necessary.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,=\\".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted(Path::new("runs/tiny-2")), "runs/tiny-2");
        assert_eq!(quoted(Path::new("my runs/it's")), r"'my runs/it'\''s'");
    }
}
