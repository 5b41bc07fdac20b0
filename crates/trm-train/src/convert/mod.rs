//! Checkpoints of the published systems as ours, and back.

mod chat_trm;
#[cfg(feature = "llm")]
mod gguf;
mod hf_vit;
mod hf_vit_config;
#[cfg(feature = "llm")]
mod llama;
#[cfg(feature = "llm")]
mod peft;
mod positions;
mod samsung_trm;
mod tensors;
mod trm_vit;

use trm_data::checkpoint::{described, project as project_of};
use trm_spec::{Failure, FailureKind};

pub use chat_trm::chat_trm;
#[cfg(feature = "llm")]
pub use gguf::llama_gguf;
pub use hf_vit::{HfVit, hf_vit, to_hf_vit};
pub use hf_vit_config::HfVitOptions;
#[cfg(feature = "llm")]
pub use llama::hf_llama;
#[cfg(feature = "llm")]
pub use peft::{Peft, merge_lora, to_peft};
pub use samsung_trm::{samsung_trm, to_samsung_trm};
pub use trm_vit::trm_vit;

/// A failure of the result: what to do about it is not to convert it.
fn of_original(failure: Failure) -> Failure {
    let hint = "Check that --from names the program that wrote the weights, and that the configuration belongs to them.";
    match failure.hint.contains("convert") || failure.hint.contains("damaged") {
        true => Failure { hint: hint.into(), ..failure },
        false => failure,
    }
}

/// Refuses tensors that are known to be of another project than that of the format `own`.
fn expect_project<'a>(names: impl Iterator<Item = &'a str>, own: &str) -> Result<(), Failure> {
    let names: Vec<&str> = names.collect();
    let Some((project, format)) = project_of(&names) else { return Ok(()) };
    if format == Some(own) {
        return Ok(());
    }
    let message = format!("these are not weights of `{own}`: {}", described(&names));
    let hint = match format {
        Some(format) => format!("Say so: --from {format}."),
        None => {
            format!("Weights of {project} are not read; `trm-native convert --help` lists what is.")
        }
    };
    Err(Failure::new(FailureKind::Checkpoint, message, hint))
}

fn refused(message: String) -> Failure {
    Failure::new(
        FailureKind::Checkpoint,
        message,
        "Give the weights as safetensors and the original's configuration as JSON.",
    )
}
