//! What a recursive model on a frozen language model is compared with: the frozen model
//! alone, and models without recursion that are trained in the same way.

use burn::tensor::{Int, Tensor, TensorData};
use trm_data::questions::Question;
use trm_spec::{Failure, FailureKind, LlmTrmSpec, ModelSpec};

use super::base::FrozenLlm;
use super::rows::{prompt, start_of};
use crate::transfer::host;

/// The trained baselines of `spec`: their names in tables, and their sizes.
pub fn baselines(spec: &LlmTrmSpec) -> Vec<(&'static str, LlmTrmSpec)> {
    let alone = without_recursion(spec);
    let mut all = vec![
        (
            "adapters and soft prompt only, whole question, equal parameters",
            LlmTrmSpec { window: spec.base_block_size, ..alone.clone() },
        ),
        ("adapters and soft prompt only, same window", alone),
        (
            "one step, n = T = 1",
            LlmTrmSpec { h_cycles: 1, l_cycles: 1, supervision_steps: 1, ..spec.clone() },
        ),
        ("window 0", LlmTrmSpec { window: 0, ..spec.clone() }),
    ];
    // A model whose answer sees the latents only is no baseline of itself.
    all.retain(|(_, other)| other != spec);
    all
}

/// No supervision step, so that compressor and network are not trained; adapters of a rank
/// that has as many weights instead, and the soft states are a trained prompt. Where the
/// adapters of `spec` are switched off (`lora_alpha` 0), these have the usual scale.
fn without_recursion(spec: &LlmTrmSpec) -> LlmTrmSpec {
    let scale = |spec: &LlmTrmSpec| spec.lora_alpha / spec.lora_rank as f64;
    let scale = if scale(spec) > 0.0 { scale(spec) } else { scale(&LlmTrmSpec::default()) };
    let with_rank = |lora_rank: usize| LlmTrmSpec {
        lora_rank,
        lora_alpha: scale * lora_rank as f64,
        supervision_steps: 0,
        ..spec.clone()
    };
    // Weights of the adapters grow with the rank; everything else stays.
    let all = spec.parameters(0);
    let of_rank = with_rank(spec.lora_rank + 1).parameters(0) - all;
    let adapters = of_rank * spec.lora_rank;
    let slots = spec.num_latents * spec.base_hidden_size;
    with_rank((all.saturating_sub(slots) / of_rank.max(1)).max(adapters / of_rank.max(1)))
}

/// Share of `questions` that the frozen model alone answers exactly, after `examples` with
/// their answers in the same form, as many as its context has room for.
///
/// # Errors
/// If the device is lost, or a question alone does not fit into the context.
pub async fn few_shot(
    base: &FrozenLlm,
    examples: &[Question],
    questions: &[Question],
) -> Result<f64, Failure> {
    let form =
        |question: &Question| format!("{} {}\n\n", prompt(&question.question), question.answer);
    let device = base.device();
    let mut exact = 0;
    for question in questions {
        // The empty line after an answer ends it.
        let answer = base.encode(&format!(" {}\n", question.answer))?;
        let asked = |shown: usize| {
            let start: String = examples[..shown].iter().map(form).collect();
            base.encode(&format!("{start}{}", prompt(&question.question)))
        };
        let mut shown = examples.len();
        let mut tokens = asked(shown)?;
        while tokens.len() + answer.len() - 1 > base.context() {
            if shown == 0 {
                return Err(too_long(question, base.context()));
            }
            shown -= 1;
            tokens = asked(shown)?;
        }
        let all: Vec<i32> = tokens.iter().chain(&answer).map(|&token| token as i32).collect();
        let count = all.len() - 1;
        let data = TensorData::new(all[..count].to_vec(), [1, count]);
        let logits = base.decoder.predict(Tensor::<2, Int>::from_data(data, &device), answer.len());
        let [_, _, classes] = logits.dims();
        let best = logits.reshape([answer.len(), classes]).argmax(1).reshape([answer.len()]);
        let best = host(best.float()).await?;
        exact += usize::from(best.iter().zip(&answer).all(|(a, b)| *a == *b as f32));
    }
    Ok(exact as f64 / questions.len().max(1) as f64)
}

fn too_long(question: &Question, context: usize) -> Failure {
    let start = start_of(question);
    Failure::new(
        FailureKind::Prompt,
        format!(
            "the question \"{start}…\" is longer than the {context} tokens of the frozen model"
        ),
        "Shorten or leave out this question.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_that_are_switched_off_are_on_in_the_models_without_recursion() {
        let off = LlmTrmSpec { lora_rank: 1, lora_alpha: 0.0, ..LlmTrmSpec::default() };
        let scale = |spec: &LlmTrmSpec| spec.lora_alpha / spec.lora_rank as f64;
        let all = baselines(&off);
        let (adapters, recursive) = all.split_at(2);
        assert!(adapters.iter().all(|(_, spec)| scale(spec) == scale(&LlmTrmSpec::default())));
        assert!(recursive.iter().all(|(_, spec)| spec.lora_alpha == 0.0));
    }

    #[test]
    fn a_long_question_of_several_lines_is_named_in_one() {
        let question = format!("one\r\ntwo\n{}", "x".repeat(99));
        let question = Question { question, answer: "a".into(), difficulty: 0 };
        let message = too_long(&question, 8).message;
        let start = format!(r#"the question "one\r\ntwo\n{}…" is longer"#, "x".repeat(51));
        assert!(message.starts_with(&start), "{message}");
    }

    #[test]
    fn the_model_itself_is_not_among_its_baselines() {
        let hidden = LlmTrmSpec { window: 0, ..LlmTrmSpec::default() };
        assert!(baselines(&hidden).iter().all(|(_, spec)| *spec != hidden));
        assert_eq!(baselines(&hidden).len(), 3);
        assert_eq!(baselines(&LlmTrmSpec { window: 4, ..hidden }).len(), 4);
    }

    #[test]
    fn one_model_without_recursion_sees_the_whole_question_with_as_many_weights() {
        let spec = LlmTrmSpec { window: 4, ..LlmTrmSpec::default() };
        let all = baselines(&spec);
        let (_, whole) = &all[0];
        assert_eq!((whole.window, whole.supervision_steps), (spec.base_block_size, 0));
        assert!(all[1..].iter().all(|(_, other)| other.window <= spec.window));
        // Equal to within the weights of one rank.
        let trained = |spec: &LlmTrmSpec| {
            let adapters = LlmTrmSpec { lora_rank: 0, ..spec.clone() }.parameters(0);
            spec.parameters(0) - adapters + spec.num_latents * spec.base_hidden_size
        };
        let rank = LlmTrmSpec { lora_rank: 1, ..spec.clone() }.parameters(0)
            - LlmTrmSpec { lora_rank: 0, ..spec.clone() }.parameters(0);
        let (ours, theirs) = (spec.parameters(0), trained(whole));
        assert!(ours.abs_diff(theirs) <= rank, "{ours} and {theirs}");
    }
}
