//! One file per published system.

pub mod causal;
pub mod chunk;
pub mod dual;
pub mod last_token;
