//! What the trainer promises, on real data and on tiny models. One program, since each further
//! one would take as long to compile.

mod checkpoint;
mod dual_state;
mod images;
mod language;
mod memory;
mod optim;
mod parity;
mod puzzles;
mod questions;
mod shipped;
mod support;
mod traces;
