//! Data-parallel training across processes and machines, by MPI. Every process (rank) holds the
//! whole run. Rank 0 plans, prints, evaluates and writes; the others execute its commands.
//!
//! [`transport`] moves bytes, [`link`] waits for other ranks and detects when one has died,
//! [`exchange`] reduces gradients, [`begin`] makes all ranks start equal, and [`leader`] and
//! [`follower`] are the two sides of a run.

mod begin;
mod exchange;
mod failure;
mod follower;
mod leader;
mod link;
mod peer;
mod transport;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use trm_spec::{Failure, FailureKind};

use self::failure::rank_failure;
use self::link::Link;
use crate::args;
use crate::machine::interrupt::Interrupt;
use crate::ranks::panics::panic_message;
use crate::terminal::report::{self, usage};

/// The longest time that a rank waits for the batches of another.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Time for the failure of rank 0 to arrive at the others before it ends all.
const TIME_TO_SEND: Duration = Duration::from_millis(100);

/// Time in which a lower rank may print the failure of a rank and end all, before that rank does
/// so itself.
const TIME_FOR_LOWER_RANK: Duration = Duration::from_secs(3);

/// Trains as one of `processes`.
///
/// # Errors
/// If the ranks cannot be joined. All later errors end the processes from here.
pub fn train(typed: &args::Train, processes: usize) -> anyhow::Result<()> {
    if typed.devices.is_some() {
        return Err(usage!(
            "--devices shares a run inside one process, but {processes} processes were started; give each of them one --device"
        ));
    }
    let limit = typed.rank_timeout.unwrap_or(TIMEOUT);
    let link = Rc::new(Link::open(processes, limit, Interrupt::listen()?)?);
    let is_follower = link.rank() > 0;
    report::silence(is_follower);
    let work = || match is_follower {
        true => follower::train(typed, &link),
        false => leader::train(typed, &link),
    };
    let ended = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic_message(panic.as_ref());
        Err(rank_failure(format!("stopped: {message}")).into())
    });
    let Err(error) = ended else {
        link.close();
        return Ok(());
    };
    let code = report::code(&error);
    if is_follower {
        if link.broadcast_failure(&as_failure(&error), TIME_FOR_LOWER_RANK) {
            report::silence(false);
            report::failure(&error.context(link.name(link.rank())));
        }
    } else {
        report::failure(&error);
        link.broadcast_failure(&as_failure(&error), TIME_TO_SEND);
    }
    link.abort(code)
}

/// `error` in a form that can be sent.
fn as_failure(error: &anyhow::Error) -> Failure {
    let usage = report::code(error) == 2;
    let kind = if usage { FailureKind::Config } else { FailureKind::Device };
    Failure::new(kind, format!("{error:#}"), report::hint(error).unwrap_or_default())
}
