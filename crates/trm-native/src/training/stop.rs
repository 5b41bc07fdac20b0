//! When a run stops before its last step: on a signal, or at its time limit.

use std::time::{Duration, Instant};

use crate::machine::interrupt::Interrupt;

/// The conditions under which a run stops early.
pub struct StopConditions {
    interrupt: Interrupt,
    deadline: Option<Instant>,
}

/// Why a run stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Ctrl-C or another signal.
    Interrupted,
    /// The time limit was reached.
    TimeLimit,
}

impl StopConditions {
    /// The time limit counts from now.
    pub fn new(interrupt: Interrupt, time_limit: Option<Duration>) -> Self {
        let deadline = time_limit.and_then(|time| Instant::now().checked_add(time));
        Self { interrupt, deadline }
    }

    /// Why the run must stop now, or `None` if it may continue.
    pub fn reached(&self) -> Option<StopReason> {
        if self.interrupt.requested() {
            return Some(StopReason::Interrupted);
        }
        self.time_left().is_some_and(|left| left.is_zero()).then_some(StopReason::TimeLimit)
    }

    /// Time until the time limit, if there is one.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_with_a_time_limit_runs_out_of_time() {
        let stop = |seconds: Option<u64>| {
            StopConditions::new(Interrupt::default(), seconds.map(Duration::from_secs))
        };
        assert_eq!(stop(None).reached(), None);
        assert_eq!(stop(Some(1000)).reached(), None);
        assert_eq!(stop(Some(0)).reached(), Some(StopReason::TimeLimit));
        // A limit beyond the range of the clock is no limit.
        assert_eq!(stop(Some(u64::MAX)).time_left(), None);
    }
}
