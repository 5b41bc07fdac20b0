//! `convert`: another project's weights as a checkpoint of ours.

use anyhow::Context;
use burn::tensor::Device;
use trm_data::Corpus;
use trm_spec::Vocab;
use trm_train::checkpoint::read_header;

use super::print;
use crate::args;
use crate::header;
use crate::plan::Text;
use crate::report::usage;
use crate::run_dir;

pub fn run(typed: &args::Convert) -> anyhow::Result<()> {
    let weights = run_dir::read(&typed.input)?;
    let config = config_file(typed)?;
    let mut bytes = trm_train::chat_trm(&weights, &config, &Device::flex())
        .with_context(|| typed.input.display().to_string())?;
    if let Some(vocab) = characters(typed)? {
        let (found, wanted) = (vocab.size(), read_header(&bytes)?.vocab.size());
        if found != wanted {
            return Err(usage!(
                "the text has {found} different characters, but the model was trained on {wanted}; give the text it was trained on"
            ));
        }
        bytes = header::with_vocab(&bytes, &vocab)?;
    }
    run_dir::write(&typed.out, &bytes)?;
    print(&typed.out.display().to_string())
}

/// The sizes of the original.
fn config_file(typed: &args::Convert) -> anyhow::Result<String> {
    let path = typed.config.clone().unwrap_or_else(|| typed.input.with_file_name("config.json"));
    std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; name it with --config", path.display()))
}

/// The vocabulary that the original kept elsewhere: the characters of its text.
fn characters(typed: &args::Convert) -> anyhow::Result<Option<Vocab>> {
    if typed.dataset.is_none() && typed.data.is_none() {
        return Ok(None);
    }
    let name = typed.dataset.as_deref().unwrap_or("the text");
    let text = Text::choose(name, typed.data.as_deref())?;
    Ok(Some(Corpus::from_text(&text.name, &text.content, 0.0)?.vocab().clone()))
}
