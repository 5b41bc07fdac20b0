//! The fused operations against Burn's own. One program, since each further one would take as
//! long to compile.

#![cfg(feature = "cpu")]

mod autocast;
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
mod large;
mod sizes;
mod subnormal;
mod support;
