//! Ctrl-C, SIGTERM and SIGHUP: the first signal stops the run after the current
//! step, a second one ends the process immediately (no file is ever half written).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context;

use crate::report::say;

/// The exit code that shells report for a process ended by Ctrl-C.
const ENDED_BY_INTERRUPT: i32 = 130;

/// Whether the process was asked to stop.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Installs the signal handler, unless it is there: what is listened for is one for
    /// the whole process.
    ///
    /// # Errors
    /// If the handler cannot be installed.
    pub fn listen() -> anyhow::Result<Self> {
        static LISTENING: OnceLock<Interrupt> = OnceLock::new();
        if let Some(interrupt) = LISTENING.get() {
            return Ok(interrupt.clone());
        }
        let interrupt = Self::default();
        let flag = interrupt.clone();
        ctrlc::set_handler(move || {
            if flag.0.swap(true, Ordering::Relaxed) {
                std::process::exit(ENDED_BY_INTERRUPT);
            }
            say!("\nstopping after the current step and saving; press Ctrl-C again to quit immediately");
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(LISTENING.get_or_init(|| interrupt).clone())
    }

    /// As if a signal had arrived.
    #[cfg(feature = "mpi")]
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a signal has arrived.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
