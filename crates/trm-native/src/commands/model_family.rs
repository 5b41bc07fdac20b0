//! Which command a checkpoint is for.

use std::path::Path;

use trm_spec::Family;
use trm_train::checkpoint::Header;

use crate::terminal::report::usage;

/// Refuses the checkpoint at `path` unless its family is one of `wanted`, and names the command
/// for it. Checked before the model is opened, since opening may ask for a frozen base.
///
/// # Errors
/// If it is of another family.
pub fn expect(
    path: &Path,
    header: &Header,
    command: &str,
    wanted: &[Family],
) -> anyhow::Result<()> {
    let family = header.config.model.family();
    if wanted.contains(&family) {
        return Ok(());
    }
    let needs: Vec<_> = wanted.iter().map(|family| called(*family)).collect();
    let other = match family {
        Family::Language => "generate",
        Family::Puzzles => "solve",
        Family::Images => "classify",
        Family::Questions => "ask",
    };
    Err(usage!(
        "{} is {}; use `{other}`. `{command}` needs {}",
        path.display(),
        called(family),
        needs.join(" or ")
    ))
}

fn called(family: Family) -> &'static str {
    match family {
        Family::Language => "a language model",
        Family::Puzzles => "a puzzle model",
        Family::Images => "an image classifier",
        Family::Questions => "a question model",
    }
}
