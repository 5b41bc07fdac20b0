//! Numbers recorded from the original programs, and from references of them: every folder of
//! fixtures of a form is converted and reproduced. `TRM_FIXTURES` may name another place.

mod chat_trm;
mod gguf;
mod llama;
mod llama_files;
mod llm_trm;
mod llm_trm_fixture;
mod lora;
mod numbers;
mod trm;
mod trm_vit;
mod vit;
