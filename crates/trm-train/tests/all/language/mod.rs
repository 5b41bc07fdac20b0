//! Models that write text.

mod generation;
mod guards;
mod models;
mod objective;
mod runs;
