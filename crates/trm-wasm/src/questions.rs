//! What the page asks of a pretrained language model, and of models that answer questions
//! on top of it.

use std::rc::Rc;

use js_sys::{Function, Reflect, Uint8Array};
use trm_spec::{ChatOptions, Considered, Event, Failure, FailureKind};
use trm_train::{BaseFile, ConsiderRequest, FrozenLlm, Run, TextStream, Thought};
use wasm_bindgen::{JsCast, JsValue};

use crate::device::Opened;

/// The pretrained model of the session, if there is one.
#[derive(Default)]
pub struct OpenBase(Option<Rc<FrozenLlm>>);

impl OpenBase {
    /// Opens a file in place of the one before, whose memory is free before the new one's is
    /// needed.
    pub fn open(&mut self, name: &str, bytes: &[u8], on: &Opened) -> Result<Event, Failure> {
        self.0 = None;
        let file = BaseFile { name, bytes };
        let base = trm_train::open_decoder(file, &on.device, on.largest_buffer)?;
        let summary = base.summary();
        self.0 = Some(Rc::new(base));
        Ok(Event::BaseOpen { base: summary })
    }

    /// The answer to a chat.
    pub fn chat(&self, options: &ChatOptions) -> Result<Box<dyn TextStream>, Failure> {
        self.get()?.chat(options)
    }

    /// A model that answers questions on it.
    pub async fn load(&self, checkpoint: &[u8], on: &Opened) -> Result<Box<dyn Run>, Failure> {
        trm_train::load_on_decoder(checkpoint, self.get()?, &on.device).await
    }

    fn get(&self) -> Result<&Rc<FrozenLlm>, Failure> {
        self.0.as_ref().ok_or_else(|| {
            Failure::new(
                FailureKind::Base,
                "no base model is open",
                "Get the base model first, or choose its file.",
            )
        })
    }
}

/// Thinks about a question: what the answer would be, and the streams that write it.
pub async fn ask(
    run: &dyn Run,
    request: &ConsiderRequest,
) -> Result<(Considered, Vec<Box<dyn TextStream>>), Failure> {
    let Thought { considered, answers } = run.answerer()?.consider(request).await?;
    Ok((considered, answers))
}

/// Frees the browser's copy of a file that a command brought, now that this module has its
/// own: otherwise both are there while the largest model of the page is opened. A browser
/// that cannot (`ArrayBuffer.transfer` is of 2024) frees it later by itself.
pub fn let_go(command: &JsValue) {
    let get = |object: &JsValue, key: &str| Reflect::get(object, &key.into()).ok();
    let Some(bytes) = get(command, "bytes").and_then(|bytes| bytes.dyn_into::<Uint8Array>().ok())
    else {
        return;
    };
    let buffer: JsValue = bytes.buffer().into();
    let transfer = get(&buffer, "transfer").and_then(|found| found.dyn_into::<Function>().ok());
    if let Some(transfer) = transfer {
        // What cannot be moved stays where it is.
        let _ = transfer.call1(&buffer, &0.into());
    }
}
