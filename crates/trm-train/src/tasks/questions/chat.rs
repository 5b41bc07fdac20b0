//! Plain text from the frozen language model alone: a chat in the form that it was tuned on.

use async_trait::async_trait;
use trm_core::Recursive;
use trm_core::models::llama::Llama;
use trm_spec::{ChatOptions, ChatRole, Failure, FailureKind, GenerateOptions, Generated};

use super::base::FrozenLlm;
use super::chat_memory::ChatMemory;
use crate::checks::check_temperature;
use crate::run::TextStream;
use crate::tasks::language::{Generation, Overflow};

/// What SmolLM2's template puts before a chat without a message of the system.
const SYSTEM: &str = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

/// An answer that leaves what it has read to the next turn.
struct ChatStream {
    generation: Option<Generation<Llama>>,
    memory: ChatMemory,
}

#[async_trait(?Send)]
impl TextStream for ChatStream {
    async fn pull(&mut self, n: usize, trace: bool) -> Result<Generated, Failure> {
        self.generation.as_mut().expect("until it is dropped").pull(n, trace).await
    }
}

impl Drop for ChatStream {
    fn drop(&mut self) {
        if let Some(read) = self.generation.take().and_then(Generation::into_read) {
            self.memory.keep(read);
        }
    }
}

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
        check_temperature(options.temperature)?;
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
            draft_depth: 0,
            temperature: options.temperature,
            top_k: options.top_k,
            seed: options.seed,
            max_new_tokens: options.max_new_tokens.min(room),
        };
        let model = self.decoder.llama().clone();
        debug_assert!(!model.device().is_autodiff());
        let decoder = self.decoder();
        let known = self.chat.of(&tokens);
        let mut generation =
            Generation::with_decoder(model, decoder, tokens, &generate, Overflow::Half)
                .until(self.end());
        if let Some(cache) = known {
            generation = generation.after(cache);
        }
        Ok(Box::new(ChatStream { generation: Some(generation), memory: self.chat.clone() }))
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
