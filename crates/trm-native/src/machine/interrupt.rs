//! Ctrl-C, SIGTERM and SIGHUP: the first signal stops the run after the current step, a second
//! one ends the process immediately (no file is ever half written). While a run is prepared the
//! first one ends the process. Work that saves nothing ends at its next [`check`].

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context;

use crate::terminal::report::say;

/// The exit code that shells report for a process ended by Ctrl-C.
const ENDED_BY_INTERRUPT: i32 = 130;

/// What is listened for in this process, if anything is.
static LISTENING: OnceLock<Interrupt> = OnceLock::new();

/// Ends work that saves nothing. Where nobody listens, a signal ends the process by itself.
///
/// # Errors
/// If a signal has arrived.
pub fn check() -> anyhow::Result<()> {
    anyhow::ensure!(!LISTENING.get().is_some_and(Interrupt::requested), "interrupted");
    Ok(())
}

/// Whether a run is prepared, of which nothing is to be saved yet.
static PREPARING: AtomicBool = AtomicBool::new(false);

/// From now on the first signal ends the process: data may take minutes to generate, and nobody
/// looks for signals meanwhile. What another run has saved is whole.
pub fn prepares() {
    PREPARING.store(true, Ordering::Relaxed);
}

/// The run begins: from now on a signal stops it after the current step.
pub fn begins() {
    PREPARING.store(false, Ordering::Relaxed);
}

/// While this exists, a part of the preparation looks for signals itself, and cleans up.
pub struct Polled(bool);

/// Begins such a part.
pub fn polled() -> Polled {
    Polled(PREPARING.swap(false, Ordering::Relaxed))
}

impl Drop for Polled {
    fn drop(&mut self) {
        PREPARING.store(self.0, Ordering::Relaxed);
    }
}

/// Whether the process was asked to stop.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Asked>);

#[derive(Default)]
struct Asked {
    by_signal: AtomicBool,
    /// By another process of the run, which may have had the same Ctrl-C.
    by_other: AtomicBool,
    /// The last step that all processes of the run have; 0 where there is none or one process.
    step: AtomicUsize,
}

impl Interrupt {
    /// Installs the signal handler, unless it is there: what is listened for is one for
    /// the whole process.
    ///
    /// # Errors
    /// If the handler cannot be installed.
    pub fn listen() -> anyhow::Result<Self> {
        if let Some(interrupt) = LISTENING.get() {
            return Ok(interrupt.clone());
        }
        let interrupt = Self::default();
        let flag = interrupt.clone();
        ctrlc::set_handler(move || {
            if flag.0.by_signal.swap(true, Ordering::Relaxed) {
                std::process::exit(ENDED_BY_INTERRUPT);
            }
            if PREPARING.load(Ordering::Relaxed) {
                say!("\ninterrupted before the first step");
                std::process::exit(ENDED_BY_INTERRUPT);
            }
            say!("\nstopping after the current step; press Ctrl-C again to quit immediately");
            // A launcher also ends all processes when one of them died. MPI may not even return
            // before this one is killed.
            let step = flag.0.step.load(Ordering::Relaxed);
            if step > 0 {
                say!("step {step} is the last that all ranks have");
            }
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(LISTENING.get_or_init(|| interrupt).clone())
    }

    /// Another process was asked to stop. A signal that comes now is still the first.
    #[cfg(any(feature = "mpi", test))]
    pub fn pass_on(&self) {
        self.0.by_other.store(true, Ordering::Relaxed);
    }

    /// All processes of the run have this step.
    #[cfg(feature = "mpi")]
    pub fn reached(&self, step: usize) {
        self.0.step.store(step, Ordering::Relaxed);
    }

    /// Whether a signal has arrived, here or at another process.
    pub fn requested(&self) -> bool {
        let Asked { by_signal, by_other, .. } = self.0.as_ref();
        by_signal.load(Ordering::Relaxed) || by_other.load(Ordering::Relaxed)
    }
}
