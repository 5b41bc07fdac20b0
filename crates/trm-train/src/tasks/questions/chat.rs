//! Plain text from the frozen language model alone: a chat in the form that it was tuned on.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use trm_core::models::llama::Llama;
use trm_core::{ModelCache, Recursive};
use trm_spec::{ChatOptions, ChatRole, Failure, FailureKind, GenerateOptions, Generated};

use super::base::FrozenLlm;
use crate::run::TextStream;
use crate::tasks::language::{Generation, Overflow};

/// What SmolLM2's template puts before a chat without a message of the system.
const SYSTEM: &str = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

/// What the last chat has read, so that its next turn does not read it again.
#[derive(Clone, Debug, Default)]
pub struct ChatMemory(Rc<RefCell<Option<(Vec<u32>, ModelCache)>>>);

impl ChatMemory {
    /// The keys and values of the tokens that `tokens` begins with, as far as they are known;
    /// the last token is left to be read.
    fn of(&self, tokens: &[u32]) -> Option<ModelCache> {
        let (read, mut cache) = self.0.take()?;
        let same = read.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        cache.truncate(same.min(tokens.len().saturating_sub(1)));
        (!cache.is_empty()).then_some(cache)
    }
}

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
            self.memory.0.replace(Some(read));
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;

    #[test]
    fn what_two_chats_begin_with_alike_is_not_read_again() {
        let read = |tokens: &[u32]| {
            let mut cache = ModelCache::new(1, 1, 1, 8);
            for blocks in cache.passes_mut() {
                let kv = Tensor::zeros([1, 1, tokens.len(), 2], &Device::flex());
                blocks[0].append(kv.clone(), kv);
            }
            ChatMemory(Rc::new(RefCell::new(Some((tokens.to_vec(), cache)))))
        };
        let known = |before: &[u32], now: &[u32]| read(before).of(now).map(|cache| cache.len());
        assert_eq!(known(&[1, 2, 3], &[1, 2, 3, 4, 5]), Some(3));
        assert_eq!(known(&[1, 2, 3], &[1, 2, 7, 4]), Some(2));
        // The last token is read again, for what follows it.
        assert_eq!(known(&[1, 2, 3], &[1, 2, 3]), Some(2));
        assert_eq!(known(&[1, 2, 3], &[1]), None);
        assert_eq!(known(&[1, 2, 3], &[4, 2, 3]), None);
        // An answer takes it; a second one at the same time begins anew.
        let memory = read(&[1, 2]);
        assert!(memory.of(&[1, 2, 3]).is_some() && memory.of(&[1, 2, 3]).is_none());
    }
}
