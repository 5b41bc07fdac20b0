//! The mathematics of Tiny Recursive Models.
//!
//! A model implements [`Recursive`]: how an input is encoded, where the state
//! starts, what one cycle does, and how an answer is read out of a state. The
//! [`Engine`] runs the cycles. Observers, per-cycle losses and traces alike, get
//! every state through `on_cycle` and cannot change what the model does.
//!
//! Not in here: files, clocks, targets, optimizers, command lines.

mod autoregressive;
mod init;
mod kv_cache;
pub mod layers;
pub mod models;
mod recursion;
pub mod sample;

pub use autoregressive::{Autoregressive, LeakDemo};
pub use init::Init;
pub use kv_cache::{KvCache, ModelCache};
pub use recursion::{Context, Embedded, Engine, Readout, Recursive, State, Tape};
