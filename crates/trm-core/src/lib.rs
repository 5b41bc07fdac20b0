//! The mathematics of Tiny Recursive Models.
//!
//! A variant implements [`Recursive`]: how an input is embedded, where the
//! state starts, what one cycle does, and how an answer is read out of a state.
//! The [`Engine`] runs the cycles. Everything that wants to watch, per-cycle
//! losses and traces alike, is a probe and cannot change what the model does.
//!
//! Not in here: files, clocks, targets, optimisers, command lines.

pub mod cache;
mod init;
pub mod layers;
pub mod models;
mod recursion;
pub mod sample;

pub use init::Init;
pub use recursion::{Engine, Readout, Recursive, State, Tape};
