//! Flags that do not go with a format are refused before anything is read.

use crate::args::{self, CheckpointFormat};
use crate::terminal::report::usage;

/// Refuses flags that `--from` has no use for.
///
/// # Errors
/// Usage errors.
pub fn check(typed: &args::Convert) -> anyhow::Result<()> {
    use CheckpointFormat::{ChatTrm, Gguf, HfLlama, HfVit, Peft, SamsungTrm, Trm, TrmVit};
    if typed.dataset.is_some() || typed.data.is_some() {
        match typed.from {
            // Its files do not hold the characters.
            ChatTrm => {}
            SamsungTrm | HfVit | TrmVit => {
                return Err(usage!(
                    "--dataset and --data are for language models, but this format holds other models"
                ));
            }
            HfLlama | Gguf | Peft | Trm => {
                return Err(usage!(
                    "--dataset and --data are for models without a tokenizer of their own"
                ));
            }
        }
    }
    if typed.base.is_some() && !matches!(typed.from, TrmVit | Peft | Trm) {
        return Err(usage!("--base is for models on a frozen base: --from trm-vit, peft or trm"));
    }
    if typed.base.is_none() && typed.from == Peft {
        return Err(usage!(
            "--from peft merges an adapter into a decoder; give it with --base FILE"
        ));
    }
    if typed.config.is_some() && matches!(typed.from, Gguf | Trm) {
        return Err(usage!(
            "--config is for formats with a configuration beside the weights; a file of --from gguf or trm holds its own"
        ));
    }
    if typed.from != HfVit && (typed.image_size.is_some() || typed.vit_depth.is_some()) {
        return Err(usage!("--image-size and --vit-depth are for --from hf-vit"));
    }
    Ok(())
}
