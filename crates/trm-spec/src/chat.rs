//! What is said to a pretrained language model, and what it is.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who wrote a message of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChatRole {
    /// What the chat is about, said before it begins.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

impl ChatRole {
    /// The name in prompts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A message of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ChatMessage {
    /// Who wrote it.
    pub role: ChatRole,
    /// What it says.
    pub text: String,
}

/// How a chat goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatOptions {
    /// The messages so far, the oldest first.
    pub messages: Vec<ChatMessage>,
    /// 0 takes the most probable token.
    pub temperature: f64,
    /// Only the k most probable tokens; 0 means all.
    pub top_k: usize,
    /// Seed of the sampling.
    pub seed: u32,
    /// Most tokens of the answer.
    pub max_new_tokens: usize,
}

/// A pretrained language model that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BaseSummary {
    /// The file's name.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Numbers in the model.
    pub parameters: usize,
    /// Layers.
    pub layers: usize,
    /// Tokens that it knows.
    pub tokens: usize,
    /// Tokens that it reads at most.
    pub context: usize,
    /// Whether it knows the form of a chat (ChatML).
    pub chats: bool,
}
