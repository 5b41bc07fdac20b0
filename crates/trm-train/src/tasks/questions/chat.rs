//! Plain text from the frozen language model alone: a chat in the form that it was tuned on.

use trm_core::Recursive;
use trm_spec::{ChatOptions, ChatRole, Failure, FailureKind, GenerateOptions};

use super::base::FrozenLlm;
use crate::run::TextStream;
use crate::tasks::language::{Generation, Overflow};

/// What SmolLM2's template puts before a chat without a message of the system.
const SYSTEM: &str = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

impl FrozenLlm {
    /// The answer to a chat: in the form of ChatML where the model has its tokens, otherwise
    /// what follows the messages.
    ///
    /// # Errors
    /// If there is no message, the sampling cannot be used, or the chat does not fit into the
    /// context.
    pub fn chat(&self, options: &ChatOptions) -> Result<Box<dyn TextStream>, Failure> {
        if options.messages.iter().all(|message| message.text.trim().is_empty()) {
            return Err(Failure::new(
                FailureKind::Prompt,
                "there is no message to answer",
                "Write something.",
            ));
        }
        if !options.temperature.is_finite() || options.temperature < 0.0 {
            return Err(Failure::new(
                FailureKind::Config,
                format!("temperature {} cannot be used", options.temperature),
                "Choose 0 for the most probable text, or a number up to about 2.",
            ));
        }
        let tokens = self.encode(&self.prompt(options))?;
        let context = self.sizes().block_size;
        // The last token is written, but not read.
        let room = (context + 1).saturating_sub(tokens.len());
        if tokens.is_empty() || room < 2 {
            return Err(Failure::new(
                FailureKind::Prompt,
                format!(
                    "the chat has {} tokens, and this model reads {context} at most",
                    tokens.len()
                ),
                "Shorten the message, or start a new chat.",
            ));
        }
        let generate = GenerateOptions {
            prompt: String::new(),
            depth: 1,
            temperature: options.temperature,
            top_k: options.top_k,
            seed: options.seed,
            max_new_tokens: options.max_new_tokens.min(room),
        };
        let model = self.decoder.llama().clone();
        debug_assert!(!model.device().is_autodiff());
        let decoder = self.decoder();
        let generation =
            Generation::with_decoder(model, decoder, tokens, &generate, Overflow::Half);
        Ok(Box::new(generation.until(self.end())))
    }

    fn prompt(&self, options: &ChatOptions) -> String {
        let messages = &options.messages;
        if self.turn().is_none() {
            return messages.iter().map(|message| message.text.as_str()).collect();
        }
        let turn = |role: &str, text: &str| format!("<|im_start|>{role}\n{text}<|im_end|>\n");
        let mut prompt = String::new();
        if !messages.iter().any(|message| message.role == ChatRole::System) {
            prompt += &turn(ChatRole::System.name(), SYSTEM);
        }
        for message in messages {
            prompt += &turn(message.role.name(), &message.text);
        }
        prompt + "<|im_start|>" + ChatRole::Assistant.name() + "\n"
    }
}
