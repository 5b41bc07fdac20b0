//! The browser's session: open a device, then answer commands. Everything else
//! is in the crates that the native program uses too.
//!
//! Built once for each page, for the CPU (`cpu`) with one family of models, and once for
//! WebGPU (`gpu`), so that a page downloads no code that it does not use.

mod device;
mod exchange;
#[cfg(feature = "images")]
mod images;
#[cfg(feature = "puzzles")]
mod puzzles;
#[cfg(feature = "questions")]
mod questions;
mod session;

use trm_spec::{Command, Event};
use wasm_bindgen::prelude::*;

pub use crate::exchange::Exchange;
use crate::session::SessionState;

/// A device and the run on it.
#[wasm_bindgen]
pub struct Session {
    state: SessionState,
}

#[wasm_bindgen]
impl Session {
    /// Opens this module's device. Rejects with a `Failure` when there is none.
    ///
    /// # Errors
    /// If the device cannot be opened.
    pub async fn open() -> Result<Session, JsValue> {
        console_error_panic_hook::set_once();
        match device::open().await {
            Ok(opened) => Ok(Session { state: SessionState::new(opened) }),
            Err(failure) => Err(to_js(&failure)),
        }
    }

    /// The `DeviceInfo` of this session.
    pub fn device(&self) -> JsValue {
        to_js(self.state.device())
    }

    /// Takes what connects this session with the others of its group, before it joins them.
    pub fn connect(&mut self, exchange: Exchange) {
        self.state.connect(exchange);
    }

    /// Answers one `Command` with one `Event`. Commands are answered one at a
    /// time: wait for an answer before asking again.
    pub async fn handle(&mut self, command: JsValue) -> JsValue {
        let read = serde_wasm_bindgen::from_value::<Command>(command.clone());
        #[cfg(feature = "questions")]
        questions::let_go(&command);
        drop(command);
        let event = match read {
            Ok(command) => self.state.answer(command).await,
            Err(error) => session::unreadable_command(&error),
        };
        to_js::<Event>(&event)
    }
}

/// Plain objects, `null` for what is absent, `Uint8Array` for bytes: exactly
/// what the generated TypeScript says.
fn to_js<T: serde::Serialize>(value: &T) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::new()
        .serialize_missing_as_null(true)
        .serialize_maps_as_objects(true);
    value.serialize(&serializer).unwrap_or_else(|error| JsValue::from_str(&error.to_string()))
}
