//! Data-parallel training across processes and machines, by MPI. Every process (rank) holds the
//! whole run. Rank 0 plans, prints, evaluates and writes; the others follow its orders.
//!
//! [`transport`] moves bytes, [`link`] waits for other ranks and notices when one is gone,
//! [`exchange`] shares gradients, [`begin`] makes all ranks start equal, and [`leader`] and
//! [`follower`] are the two sides of a run.

mod begin;
mod exchange;
mod failure;
mod follower;
mod leader;
mod link;
mod peer;
mod transport;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use trm_spec::{Failure, FailureKind};

use self::failure::lost;
use self::link::Link;
use crate::args;
use crate::machine::interrupt::Interrupt;
use crate::terminal::report::{self, usage};

/// The longest time that a rank waits for the batches of another.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How long rank 0 leaves to the others to hear that it failed.
const TIME_TO_TELL: Duration = Duration::from_millis(100);

/// How long a rank that failed leaves it to a lower one to say so and end all.
const TIME_TO_END: Duration = Duration::from_secs(3);

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
    let follows = link.rank() > 0;
    report::silence(follows);
    let work = || match follows {
        true => follower::follow(typed, &link),
        false => leader::train(typed, &link),
    };
    let ended = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(panicked(panic.as_ref()).into()));
    let Err(error) = ended else {
        link.close();
        return Ok(());
    };
    let code = report::code(&error);
    if follows {
        if link.leave(&as_failure(&error), TIME_TO_END) {
            report::silence(false);
            report::failure(&error.context(link.name(link.rank())));
        }
    } else {
        report::failure(&error);
        link.leave(&as_failure(&error), TIME_TO_TELL);
    }
    link.abort(code)
}

/// `error` in a form that can be sent.
fn as_failure(error: &anyhow::Error) -> Failure {
    let usage = report::code(error) == 2;
    let kind = if usage { FailureKind::Config } else { FailureKind::Device };
    Failure::new(kind, format!("{error:#}"), report::hint(error).unwrap_or_default())
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    lost(format!("stopped: {text}"))
}
