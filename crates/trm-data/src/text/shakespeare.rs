//! Tiny Shakespeare: 1,115,394 bytes of plays, the text that nanoGPT learns.

/// SHA-256 of the text, in hexadecimal; the build stops at any other.
pub const SHAKESPEARE_SHA256: &str = env!("SHAKESPEARE_SHA256");

/// The whole text.
pub fn shakespeare() -> &'static str {
    include_str!(concat!(env!("OUT_DIR"), "/shakespeare.txt"))
}
