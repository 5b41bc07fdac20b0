//! One file per published system.

pub mod causal;
pub mod dual;
