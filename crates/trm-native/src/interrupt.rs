//! Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop after its step,
//! the second ends the process at once (files are whole at any moment).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use crate::report::say;

/// What a shell gives for a process that Ctrl-C ended.
const ENDED_BY_INTERRUPT: i32 = 130;

/// Whether someone asked to stop.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for signals from now on. Once per process.
    pub fn listen() -> anyhow::Result<Self> {
        let interrupt = Self::default();
        let flag = interrupt.clone();
        ctrlc::set_handler(move || {
            if flag.0.swap(true, Ordering::Relaxed) {
                std::process::exit(ENDED_BY_INTERRUPT);
            }
            say!("\nstopping after this step; once more ends at once");
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(interrupt)
    }

    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
